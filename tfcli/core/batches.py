"""A stream of examples to windows; a window's rows to batches."""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from queue import Queue
from typing import Any

from tfcli.core.task import Example, Row, Task

Window = list[Example]
"""Examples that are tokenized together and whose rows are batched together."""

WINDOW = 512
"""Examples in a window: with more, sorting gains little and the first record comes later."""

WINDOW_CHARACTERS = 1 << 18
"""Text in a window, give or take its last example: memory stays flat for long documents, too."""


def window_of(task: Task, options: Any) -> int:
    """How many examples a task takes at a time."""
    return int(task.window(options)) if hasattr(task, "window") else WINDOW


def shared_fields(task: Task) -> frozenset[str]:
    """The fields of a task that it reads once where examples have the same text."""
    return frozenset(field.name for field in task.fields if field.many)


def windows(
    examples: Iterable[Example], size: int = WINDOW, shared: frozenset[str] = frozenset()
) -> Iterator[Window]:
    """Cut a stream into windows of ``size``, so that a batch depends on its window alone.

    What follows itself in one of the fields ``shared`` takes no room a second time.
    """
    window: Window = []
    characters = 0
    before: Mapping[str, str] = {}
    for example in examples:
        window.append(example)
        fresh = (
            text
            for name, text in example.fields.items()
            if not (name in shared and text is before.get(name))
        )
        characters += sum(map(len, fresh))
        before = example.fields
        if len(window) == size or characters >= WINDOW_CHARACTERS:
            yield window
            window, characters = [], 0
    if window:
        yield window


def arriving(
    examples: Iterable[Example], size: int = WINDOW, shared: frozenset[str] = frozenset()
) -> Iterator[Window]:
    """Cut a live stream into windows of whatever has arrived, never waiting for more.

    A thread reads ahead by up to ``size`` examples, from now on: reading overlaps with the loading
    of the model, and a slow writer with a slow model.
    """
    # An item is an example; the last one is None, or what went wrong in the thread.
    queue: Queue[Example | BaseException | None] = Queue(maxsize=size)

    def feed() -> None:
        try:
            for example in examples:
                queue.put(example)
            queue.put(None)
        except BaseException as exc:  # to be raised where the examples are used
            queue.put(exc)

    threading.Thread(target=feed, daemon=True).start()
    return _arrived(queue, size, shared)


def _arrived(
    queue: "Queue[Example | BaseException | None]", size: int, shared: frozenset[str]
) -> Iterator[Window]:
    while True:
        items = [queue.get()]
        while len(items) < size and not queue.empty():
            items.append(queue.get())
        arrived = (item for item in items if isinstance(item, Example))
        yield from windows(arrived, size, shared)
        last = items[-1]
        if isinstance(last, BaseException):
            raise last
        if last is None:
            return


def longest_first(rows: Sequence[Row]) -> list[int]:
    """The rows, as indices, by falling length: rows of like length stand together.

    So little is padded, and what does not fit the memory shows at once.
    """
    return sorted(range(len(rows)), key=lambda i: -rows[i].length)


def batch_size(length: int, budget: int) -> int:
    """How many rows of a length make a batch of at most ``budget`` tokens; one at least."""
    return max(1, budget // max(1, length))
