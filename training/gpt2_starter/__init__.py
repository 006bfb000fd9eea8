"""The parts of the program that makes the GPT-2 starter; `training/gpt2.py` puts them together."""
