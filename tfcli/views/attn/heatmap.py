"""One head: queries down, keys across, each weight as a colour and, where it fits, a number."""

from collections.abc import Iterator, Sequence

import numpy as np
from rich.cells import cell_len

from tfcli.views.attn.labels import flat, is_wide, number, pages, rows, short, ticks, upright
from tfcli.views.pen import Pen
from tfcli.views.scale import LEVELS, Array, levels, shade

WIDEST = 4
"""Cells of a weight below an upright label."""


def heatmap(
    pen: Pen,
    weights: Array,  # (query, key)
    queries: Sequence[str],
    keys: Sequence[str],
    segments: dict[str, list[int]],
) -> Iterator[str]:
    """The map in as many pages of keys as it takes, then the scale of its colours."""
    left = rows(pen, queries, segments["queries"])
    room = pen.width - left.width
    width = max(WIDEST, *(cell_len(short(key)) + 1 for key in keys))
    header, parts = flat, [(0, len(keys))]
    if len(keys) * width > room:
        header, parts = upright, pages(len(keys), room // (2 if any(map(is_wide, keys)) else 1))
        width = min(WIDEST, room // max(stop - start for start, stop in parts))
    top = float(weights.max())
    steps = levels(weights, top)
    numbers = width >= (3 if pen.coloured else 4)  # without colours nothing else parts 1 from 100
    texts = _percents(weights, width) if numbers else _shades(pen, steps, width)
    for start, stop in parts:
        if len(parts) > 1:
            yield pen(f"keys {start}–{stop - 1} of {len(keys)}", "bold") + "\n"
        for line in header(pen, keys[start:stop], segments["keys"][start:stop], width):
            yield (" " * left.width + line).rstrip(" ") + "\n"
        yield " " * left.width + pen(ticks(start, stop - start, width).rstrip(" "), "dim") + "\n"
        # Of a causal model the first queries see nothing of the later pages.
        seen = np.append(steps[:, start:stop].any(axis=1), True)
        first = int(seen.argmax()) if start else 0
        if first:
            yield from pen.note(f"queries 0–{first - 1}: exactly 0")
        for query in range(first, len(queries)):
            cells = pen.cells(texts[query][start:stop], steps[query, start:stop].tolist())
            yield (left.lines[query] + cells).rstrip(" ") + "\n"
    yield from _scale(pen, top, numbers, zeros=not steps.all())


def _percents(weights: Array, width: int) -> list[list[str]]:
    """Weights as percent: a dot below one half, nothing at all for what is exactly 0."""
    names = [number(text, width) for text in ("·", *map(str, range(1, 101)), "")]
    percents = np.where(weights > 0, np.rint(weights * 100), 101).astype(int)
    return [[names[percent] for percent in row] for row in percents.tolist()]


def _shades(pen: Pen, steps: Array, width: int) -> list[list[str]]:
    """Cells without numbers: the colour says it all, or else a character."""
    names = [width * (" " if pen.coloured else shade(level)) for level in range(LEVELS + 1)]
    return [[names[level] for level in row] for row in steps.tolist()]


def _scale(pen: Pen, top: float, numbers: bool, zeros: bool) -> Iterator[str]:
    end = "; empty: exactly 0" if zeros else ""
    if numbers and not pen.coloured:
        yield from pen.note(f"numbers in percent, the highest weight is {top:.2g}{end}")
    else:
        how = "; numbers in percent" if numbers else ""
        about = f"{top:.2g} highest weight here{how}{end}"
        yield from pen.legend("0", pen.heat_bar(), about)
