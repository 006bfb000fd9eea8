"""The strongest links of each query: ``it → street 0.41  animal 0.22``."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
from rich.cells import cell_len

from tfcli.views.attn.labels import place, rows, short
from tfcli.views.pen import Pen
from tfcli.views.scale import levels

ARROW, GAP, MORE = "→ ", "  ", " …"
_LOW = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def links(
    pen: Pen,
    found: Sequence[dict[str, Any]],
    queries: Sequence[str],
    keys: Sequence[str],
    segments: dict[str, list[int]],
) -> Iterator[str]:
    """A heading for each head, then a line for each query with as many keys as fit it."""
    left = rows(pen, queries, segments["queries"])
    names = _names(keys)
    room = pen.width - left.width - len(ARROW)
    for (layer, head), group in groupby(found, itemgetter("layer", "head")):
        yield pen(place([layer], [head]), "bold") + "\n"
        some = list(group)
        weights = np.array([link["weight"] for link in some])
        steps = levels(weights, weights.max()).tolist()
        for query, line in groupby(zip(some, steps, strict=True), lambda pair: pair[0]["query"]):
            parts = [(names[link["key"]], link["weight"], step) for link, step in line]
            yield left.lines[query] + ARROW + _line(pen, parts, room) + "\n"


def _names(keys: Sequence[str]) -> list[str]:
    """Labels, with their index where several keys have the same one."""
    texts = [short(key) for key in keys]
    often = Counter(texts)
    return [
        text if often[text] == 1 else text + str(index).translate(_LOW)
        for index, text in enumerate(texts)
    ]


def _line(pen: Pen, parts: Sequence[tuple[str, float, int]], room: int) -> str:
    line, used = "", 0
    for number, (name, weight, step) in enumerate(parts, 1):
        gap = GAP if line else ""
        used += cell_len(f"{gap}{name} {weight:.2f}")
        if used > room - (len(MORE) if number < len(parts) else 0):
            return line + MORE
        line += f"{gap}{name} {pen.cells([f'{weight:.2f}'], [step])}"
    return line
