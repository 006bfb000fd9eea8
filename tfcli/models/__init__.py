"""Which weights a task uses, where they lie, and how they are loaded."""
