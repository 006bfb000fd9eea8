"""One number for each head: entropy and distance as tables, patterns as lists of the best heads."""

from collections.abc import Iterator, Mapping

import numpy as np

from tfcli.views.attn.labels import Names, pages
from tfcli.views.pen import Pen
from tfcli.views.scale import Array, levels

UNITS = {"entropy": ("entropy in nats", ".2f"), "distance": ("mean distance in tokens", ".1f")}
WIDEST = 8
"""Cells of a number."""
BEST = 5
"""Heads of a pattern that are named."""


def table(pen: Pen, name: str, values: Array, layers: Names, heads: Names) -> Iterator[str]:
    """A number for each layer and head, in bands of heads if they do not fit, and the scale."""
    title, form = UNITS[name]
    yield from pen.heading(title, "layers down, heads across")
    texts = [[format(value, form) for value in row] for row in values.tolist()]
    left = max(len(str(layer)) for layer in layers)
    least = 2 + max(len(text) for row in [*texts, list(map(str, heads))] for text in row)
    bands = pages(len(heads), (pen.width - left) // least)
    room = (pen.width - left) // max(stop - start for start, stop in bands)
    width = max(least, min(WIDEST, room)) - 1
    top = float(values.max())
    steps = levels(values, top).tolist()
    for start, stop in bands:
        names = "".join(f"{head:>{width}} " for head in heads[start:stop])
        yield (" " * left + names).rstrip(" ") + "\n"
        for layer, row, colors in zip(layers, texts, steps, strict=True):
            cells = [f"{text:>{width}} " for text in row[start:stop]]
            yield (f"{layer:>{left}}" + pen.cells(cells, colors[start:stop])).rstrip(" ") + "\n"
    if pen.coloured:
        yield from pen.legend("0", pen.heat_bar(), f"{top:{form}} the highest value here")


def patterns(pen: Pen, found: Mapping[str, Array], layers: Names, heads: Names) -> Iterator[str]:
    """A line for each pattern: the heads that put the most weight there."""
    yield from pen.heading("patterns", f"layer.head and its mean weight, the {BEST} strongest")
    left = max(map(len, found))
    for name, values in found.items():
        line, used = f"{name:{left}}", left
        for place in np.argsort(-values, axis=None, kind="stable")[:BEST].tolist():
            layer, head = divmod(place, len(heads))
            weight = values[layer, head]
            part = f"  {layers[layer]}.{heads[head]} "
            used += len(part) + 4
            if used > pen.width:
                break
            line += part + pen.cells([f"{weight:.2f}"], levels(weight[None], 1).tolist())
        yield line + "\n"
