"""Run in this process."""

from collections.abc import Iterable, Iterator

from tfcli.core.batches import Window
from tfcli.core.job import Job
from tfcli.core.record import Event


def run(job: Job, windows: Iterable[Window]) -> Iterator[Event]:
    """Load the model, then stream."""
    from tfcli.worker import Worker

    worker = Worker(job)
    for window in windows:
        yield from worker(window)
