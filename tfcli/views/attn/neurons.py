"""How one query meets each key: the products of their dimensions, and the score they add up to."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tfcli.views import cut
from tfcli.views.attn.labels import place, rows, shown, ticks
from tfcli.views.pen import Pen
from tfcli.views.scale import Array, levels, signed_levels

WEIGHT, SCORE = 6, 8
"""Cells of the columns."""
HIDDEN = "–"
"""Weight and score of a key that the mask hides from the query."""


def neurons(pen: Pen, record: Mapping[str, Any]) -> Iterator[str]:
    """For each head the query as a strip of its dimensions, then one of products for each key."""
    for row, layer in enumerate(record["layers"]):
        for column, head in enumerate(record["heads"]):
            yield pen(place([layer], [head]), "bold") + "\n"
            names = ("query", "product", "score", "attention")
            yield from _head(pen, record, *(record[name][row, column] for name in names))


def _head(
    pen: Pen, record: Mapping[str, Any], query: Array, product: Array, score: Array, weight: Array
) -> Iterator[str]:
    left = rows(pen, record["keys"], record["segments"]["keys"])
    before = left.width + WEIGHT + SCORE
    room, least = pen.width - before - 1, 1 if pen.coloured else 2
    joined = -(-len(query) // (room // least))
    begins = np.arange(0, len(query), joined)
    width = max(least, min(2, room // len(begins)))
    query, product = (np.add.reduceat(values, begins, axis=-1) for values in (query, product))
    seen = ~np.isnan(score)
    tops = np.abs(query).max(), np.abs(product[seen]).max(initial=0)
    numbers = ticks(0, len(begins), width, joined)
    yield (
        pen(f"{'weight':>{left.width + WEIGHT}}{'score':>{SCORE}} {numbers}".rstrip(), "dim") + "\n"
    )
    name = cut(f"query {record['token']} {shown(record['queries'][0])}", before - 1)
    yield f"{name}  {pen.signed(signed_levels(query, tops[0]).tolist(), width)}".rstrip() + "\n"
    colors = levels(weight[0], weight.max()).tolist()
    strips = signed_levels(product, tops[1]).tolist()
    for key, line in enumerate(left.lines):
        if not seen[key]:
            yield line + pen(f"{HIDDEN:>{WEIGHT - 2}}{HIDDEN:>{SCORE}}", "dim") + "\n"
            continue
        cells = pen.cells([f" {weight[0, key]:.2f} "], [colors[key]])
        yield f"{line}{cells}{_number(score[key])} {pen.signed(strips[key], width)}".rstrip() + "\n"
    yield from _about(pen, joined, *tops)


def _number(score: float) -> str:
    text = f"{score:.2f}"
    return f"{text if len(text) < SCORE else format(score, '.1e'):>{SCORE}}"


def _about(pen: Pen, joined: int, query: float, product: float) -> Iterator[str]:
    cell = f"; a cell is the sum of {joined} dimensions" if joined > 1 else ""
    note = f"to {product:.2g} for query × key, {query:.2g} for the query{cell}"
    yield from pen.legend("", pen.signed_bar(), note)
