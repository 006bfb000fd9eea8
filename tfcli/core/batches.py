"""A stream of examples to windows; a window's rows to batches."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from queue import Queue

from tfcli.core.task import Example, Row

Window = list[Example]
"""Examples that are tokenized together and whose rows are batched together."""

WINDOW = 512
"""Examples in a window: with more, sorting gains little and the first record comes later."""


def windows(examples: Iterable[Example], size: int = WINDOW) -> Iterator[Window]:
    """Cut a stream into windows of ``size``, so that a batch depends on its window alone."""
    stream = iter(examples)
    while window := list(islice(stream, size)):
        yield window


def arriving(examples: Iterable[Example], size: int = WINDOW) -> Iterator[Window]:
    """Cut a live stream into windows of whatever has arrived, never waiting for more.

    A thread reads ahead by up to ``size`` examples, so that a slow writer and a slow model overlap.
    """
    # An item is one example, or None at the end, or what went wrong in the thread.
    queue: Queue[Example | BaseException | None] = Queue(maxsize=size)

    def feed() -> None:
        try:
            for example in examples:
                queue.put(example)
            queue.put(None)
        except BaseException as exc:  # to be raised where the examples are used
            queue.put(exc)

    threading.Thread(target=feed, daemon=True).start()
    while True:
        item = queue.get()
        window: Window = []
        while isinstance(item, Example):
            window.append(item)
            if len(window) == size or queue.empty():
                break
            item = queue.get()
        else:
            if window:
                yield window
            if item is not None:
                raise item
            return
        yield window


def batches(rows: Sequence[Row], budget: int) -> Iterator[list[int]]:
    """Group rows, as indices, into batches of at most ``budget`` tokens, padding counted.

    The longest rows come first, and rows of like length together, so that little is padded and a
    batch that does not fit the memory shows at once. A row longer than the budget stands alone.
    """
    order = sorted(range(len(rows)), key=lambda i: -rows[i].length)
    start = 0
    while start < len(order):
        size = max(1, budget // max(1, rows[order[start]].length))
        yield order[start : start + size]
        start += size
