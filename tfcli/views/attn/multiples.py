"""Many heads: a small picture of each, a row of them for each layer."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tfcli.views.attn.labels import Names, centred, pages
from tfcli.views.pen import Pen
from tfcli.views.scale import Array, levels, pooled, shade

SMALLEST = 5
"""The least pixels across a picture: with a gap, 12 of them fit a line of 80 cells."""
ROOMY = 16
"""The same where there is only one row of pictures."""
TALLEST = 120
"""Lines that all rows of pictures take together, as long as pictures can be made smaller."""


class Grid(NamedTuple):
    """How the pictures stand."""

    names: tuple[Names, Names]
    """Of the rows and of the columns of pictures."""
    left: int
    """Cells of the names of rows."""
    bands: list[tuple[int, int]]
    cell: int
    """Cells of the name of a column."""
    size: tuple[int, int]
    """Pixels of a picture, height and width; without colours a pixel is a whole cell."""


def multiples(pen: Pen, attention: Array, layers: Names, heads: Names) -> Iterator[str]:
    """The pictures, in bands if they do not fit side by side, then what their colours say."""
    turned = len(heads) == 1  # nothing stands side by side: let the layers
    maps = attention.swapaxes(0, 1) if turned else attention  # (down, across, query, key)
    grid = _grid(pen, maps.shape, (heads, layers) if turned else (layers, heads))
    down, across = grid.names
    yield pen("heads down, layers across" if turned else "layers down, heads across", "dim") + "\n"
    for start, stop in grid.bands:
        names = " ".join(centred(str(name), grid.cell) for name in across[start:stop])
        yield (" " * grid.left + names).rstrip(" ") + "\n"
        for name, row in zip(down, maps, strict=True):
            pictures = [_picture(pen, one, *grid.size) for one in row[start:stop]]
            for number, lines in enumerate(zip(*pictures, strict=True)):
                label = str(name) if number == (len(pictures[0]) - 1) // 2 else ""
                gap = " " * (grid.cell - grid.size[1] + 1)
                yield (f"{label:{grid.left}}" + gap.join(lines)).rstrip(" ") + "\n"
    yield from _about(pen, grid.size != maps.shape[2:], layers, heads)


def _grid(pen: Pen, shape: Sequence[int], names: tuple[Names, Names]) -> Grid:
    """Pictures as large as they can be, up to a pixel for a token."""
    down, across, queries, keys = shape
    left, least = (max(len(str(name)) for name in some) for some in names)
    room = pen.width - left  # every picture has a gap to its left
    least = max(least, min(keys, SMALLEST if down > 1 else ROOMY))
    bands = pages(across, room // (least + 1))
    cell = room // max(stop - start for start, stop in bands) - 1
    side = max(least, min(cell, 2 * TALLEST // (down * len(bands))))
    # Half a line stays free between a picture and the one below it.
    height, width = min(queries, side - 1 + side % 2), min(keys, side)
    size = height if pen.coloured else (height + 1) // 2, width
    return Grid(names, left + 1, bands, max(least, width), size)


def _picture(pen: Pen, weights: Array, height: int, width: int) -> list[str]:
    """The lines of a picture and of the gap below it."""
    small = pooled(weights, height, width)
    steps = levels(small, small.max()).tolist()
    gap = " " * width
    if not pen.coloured:
        return [*("".join(map(shade, row)) for row in steps), gap]
    return [*pen.picture(steps), *([] if height % 2 else [gap])]


def _about(pen: Pen, smaller: bool, layers: Names, heads: Names) -> Iterator[str]:
    block = "a block of tokens by its highest weight; " if smaller else ""
    note = f"the highest weight of each picture; {block}empty: exactly 0"
    yield from pen.legend("0", pen.heat_bar(), note)
    layer, head = layers[len(layers) // 2], heads[len(heads) // 2]
    if isinstance(layer, int) and isinstance(head, int):
        yield from pen.note(f"one head: --layer {layer} --head {head}")
