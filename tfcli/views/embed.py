"""Vectors on a terminal: the text, its vector's size and length, and its first numbers."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text

from tfcli.core.record import Columns, to_text
from tfcli.core.task import Record
from tfcli.views import cut, error_lines, rendered

INDENT = "  "
STEPS = "▁▂▃▄▅▆▇█"
CURVE_WIDTH = 32
"""The most numbers that are drawn."""
NUMBER_WIDTH = 9


def view(records: Iterable[Record], columns: Columns, console: Console) -> Iterator[str]:
    """Two lines a record; the curve is of the first numbers, on the scale of all."""
    kept = [name for name in columns.inputs if name not in ("index", "text")]
    room = max(10, console.width - 1)
    for record in records:
        values = "".join(f"{to_text(record.get(name))}  " for name in kept)
        text = " ".join((values + (record["text"] or "")).split())
        yield rendered(console, Text(cut(text, room).rstrip(), style="bold"))
        if "error" in record:
            yield error_lines(console, INDENT, record)
            continue
        yield rendered(console, *_line(record["embedding"], console.width))


def _line(vector: Any, width: int) -> Iterator[Text]:
    about = f"{INDENT}{len(vector):,} numbers, length {np.linalg.norm(vector.astype(float)):.4f}  "
    yield Text(about, style="dim")
    room = max(0, width - len(about))
    curve = _curve(vector, min(CURVE_WIDTH, room // 2, len(vector)))
    yield Text(curve + "  ", style="cyan")
    shown = max(0, (room - len(curve) - 4) // NUMBER_WIDTH)
    numbers = "".join(f"{number:{NUMBER_WIDTH}.4f}" for number in vector[:shown])
    yield Text(numbers + (" …" if shown < len(vector) else ""))


def _curve(vector: Any, count: int) -> str:
    """The first numbers as bars."""
    low, high = float(np.min(vector)), float(np.max(vector))
    span = (high - low) or 1.0
    return "".join(
        STEPS[min(len(STEPS) - 1, int((number - low) / span * len(STEPS)))]
        for number in vector[:count]
    )
