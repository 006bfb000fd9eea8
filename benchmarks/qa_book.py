"""A question about a book, against one window at a time: python benchmarks/qa_book.py [ROUNDS].

The book is the help of Python itself (`pydoc_data.topics`), which every Python brings along. What
is timed is the work, not the loading of the model.
"""

import resource
import sys
from collections.abc import Callable
from pydoc_data.topics import topics
from typing import Any

from interleaved import medians, report, rounds_from

from tfcli.core.job import Job, ModelRef
from tfcli.core.task import Example
from tfcli.tasks.qa import QaOptions
from tfcli.worker import Worker

LENGTH = 120_000
QUESTION = "What does the yield expression do?"


def asking(dtype: str, budget: int | None = None) -> Callable[[], Any]:
    """Ask the bundled model; ``budget`` is the number of tokens in a batch."""
    worker = Worker(Job("qa", ModelRef("bert-starter", dtype=dtype), QaOptions()))
    worker.budget = budget or worker.budget
    book = "\n".join(topics.values())[:LENGTH]
    return lambda: list(worker([Example(0, {"question": QUESTION, "context": book})]))


def main() -> None:
    """Measure, and say how much memory it took at most."""
    reference = "one window at a time, float32"
    ways = {
        reference: asking("float32", budget=1),
        "tfcli, float32": asking("float32"),
        "tfcli, bfloat16": asking("bfloat16"),
    }
    results = medians(ways, rounds_from(sys.argv, 3))
    report(f"a book of {LENGTH:,} characters", results, reference)
    print(f"memory at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")


if __name__ == "__main__":
    main()
