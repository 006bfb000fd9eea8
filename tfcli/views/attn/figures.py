"""Figures of attention for a paper or a slide: a map, a grid of maps, panels; png, svg or pdf."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from math import ceil
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tfcli.core.task import Record
from tfcli.errors import TfcliError, UsageError
from tfcli.views import error_text

try:
    from matplotlib import style
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_pdf import PdfPages
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize
    from matplotlib.figure import Figure

    from tfcli.views.attn.fonts import LARGEST, fitting, hundredths, label, tenths, write
except ModuleNotFoundError as exc:
    raise UsageError("Figures need matplotlib.", hint='pip install "tfcli[plot]"') from exc

Array = NDArray[Any]
Written = Callable[[float], str]
"""What stands in a cell."""

PAGE = 7.2, 9.0
"""Inches for cells: both columns of a paper, labels not counted."""
CELL, MAP, GAP = 0.3, 2.0, 0.1
"""Inches of a cell, of a map among others, where there is room; and between two things."""
DPI = 200
"""Pixels of an inch: of a png, and at least of images in any format: viewers blur coarse ones."""

METADATA: dict[str, dict[str, Any]] = {  # no date: the same bytes for the same record
    "png": {"Software": "tfcli"},
    "svg": {"Creator": "tfcli", "Date": None},
    "pdf": {"Creator": "tfcli", "CreationDate": None},
}
SETTINGS: dict[str, Any] = {
    "savefig.dpi": DPI,
    "savefig.bbox": "tight",
    "savefig.pad_inches": GAP,
    "font.size": LARGEST,
    "axes.titlesize": LARGEST + 1,
    "axes.titlelocation": "left",
    **{f"axes.spines.{side}": False for side in ("left", "right", "top", "bottom")},
    **{f"{axis}tick.major.size": 2 for axis in "xy"},
    **{f"{axis}tick.major.width": 0.5 for axis in "xy"},
    "image.interpolation": "none",  # a cell is a square with sharp edges
    "text.parse_math": False,  # a dollar in a token is a dollar
    "svg.fonttype": "path",  # looks the same where these fonts are not installed
    "svg.hashsalt": "tfcli",
    "pdf.fonttype": 42,  # conferences refuse Type 3 fonts
}


class Theme(NamedTuple):
    """Colours: the paper and the ink; from weight 0 upwards; from negative to positive.

    Weight 0 differs from the paper, so that what a mask forbids is seen to be absent. The stops
    are evenly spaced in lightness.
    """

    paper: str
    ink: str
    weights: Colormap
    signed: Colormap

    def settings(self) -> dict[str, Any]:
        """What matplotlib is told."""
        inks = ("text.color", "axes.labelcolor", "xtick.color", "ytick.color")
        papers = ("figure.facecolor", "axes.facecolor", "savefig.facecolor")
        return SETTINGS | dict.fromkeys(inks, self.ink) | dict.fromkeys(papers, self.paper)


def _stops(colors: str) -> Colormap:
    return LinearSegmentedColormap.from_list("", colors.split())


THEMES = {
    "light": Theme(
        *("#ffffff", "#1a1a1a"),
        weights=_stops("#e6eef6 #85b7d9 #2570b0 #08306b"),
        signed=_stops("#8c3b00 #f0923c #f4f2ef #4a94cf #08407f"),
    ),
    "dark": Theme(
        *("#111418", "#e6e6e6"),
        weights=_stops("#1d2733 #22669f #6ab3e6 #f2f9ff"),
        signed=_stops("#ffc48a #d06a10 #23272d #2f7fc4 #a8d6ff"),
    ),
}


def draw_all(records: Iterable[Record], out: BinaryIO, format: str, theme: str) -> None:
    """Draw a record as "png", "svg" or "pdf", "light" or "dark"; in a pdf each has its page.

    Raises:
        TfcliError: there is no record, one that cannot be drawn, or one too many.
    """
    coming = iter(records)
    first = next(coming, None)
    if first is None:
        raise TfcliError("There is nothing to draw.")
    if format != "pdf" and next(coming, None) is not None:
        raise TfcliError(
            f"A .{format} file shows one text, and there are more.",
            hint="--limit 1 takes the first; a .pdf takes a page for each.",
        )
    look, metadata = THEMES[theme], METADATA[format]
    with style.context(["default", look.settings()]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a symbol that no font has is a box
        if format != "pdf":
            _figure(first, look).savefig(out, format=format, metadata=metadata)
            return
        with PdfPages(out, metadata=metadata) as pages:
            for record in chain([first], coming):
                pages.savefig(_figure(record, look))


def _figure(record: Record, theme: Theme) -> Figure:
    if "error" in record:
        raise TfcliError(error_text(record).plain)
    if "links" in record:
        raise UsageError("Links are no figure: leave --top-k out.")
    figure = Figure((1, 1))  # so that places are inches; saving cuts the page to what is drawn
    if "product" in record:
        _neurons(figure, record, theme)
    elif "attention" not in record:
        _panels(figure, record, theme)
    elif record["attention"].shape[:2] == (1, 1):
        _map(figure, record, theme)
    else:
        _grid(figure, record, theme)
    return figure


def _map(figure: Figure, record: Record, theme: Theme) -> None:
    """One head: a cell for each query and key."""
    weights = record["attention"][0, 0]
    width, height = _size(weights.shape, *PAGE)
    axes = figure.add_axes((0, -height, width, height))
    cells = _heat(axes, _unmasked(weights), theme.weights, Normalize(0, _top(weights)), hundredths)
    label(axes.yaxis, "query", record["queries"], height)
    label(axes.xaxis, "key", record["keys"], width)
    axes.set_title(_title(record, *_head(record)))
    bar = figure.add_axes((width + GAP, -max(height, 1.2), GAP, max(height, 1.2)))
    figure.colorbar(cells, bar, label="attention weight").outline.set_visible(False)


def _grid(figure: Figure, record: Record, theme: Theme) -> None:
    """Heads side by side, a row for each layer."""
    maps = record["attention"]
    layers, heads, *shape = maps.shape
    width, height = _size(shape, min(MAP, PAGE[0] / heads), min(MAP, PAGE[1] / layers))
    axes = figure.add_axes((0, -layers * height, heads * width, layers * height))
    image = _side_by_side(maps, width, height)
    axes.imshow(image, theme.weights, aspect="auto", extent=(0, heads, layers, 0), vmin=0, vmax=1)
    axes.set_title(_title(record))
    label(axes.yaxis, "layer", record["layers"], layers * height, first=(1 - GAP) / 2)
    label(axes.xaxis, "head", record["heads"], heads * width, first=(1 - GAP) / 2)
    figure.text(0, -layers * height - GAP, "Each map is scaled to its own maximum.", va="top")


def _panels(figure: Figure, record: Record, theme: Theme) -> None:
    """Measures of the heads: a panel for each, in it a cell for each layer and head."""
    panels = [
        (f"{name} ({unit})", record[name], _top(record[name]), tenths)
        for name, unit in (("entropy", "nats"), ("distance", "tokens"))
        if name in record
    ]
    for name, weights in record.get("patterns", {}).items():
        token = name if name == "separator" else f"{name} token"
        panels.append((f"{token} (mean weight)", weights, 1.0, hundredths))
    columns = ceil(len(panels) ** 0.5)
    for place, (title, values, top, written) in enumerate(panels):
        row, column = divmod(place, columns)
        width, height = _size(values.shape, PAGE[0] / columns - 0.6, PAGE[1] / columns - 0.8)
        left, bottom = column * max(width + 0.6, 2.0), -row * (height + 0.8)
        axes = figure.add_axes((left, bottom, width, height))
        cells = _heat(axes, values, theme.weights, Normalize(0, top), written)
        label(axes.xaxis, "head", record["heads"], width)
        label(axes.yaxis, "layer", record["layers"], height)
        if column:
            axes.set(ylabel="", yticks=[])  # as in the first
        axes.set_title(_title(record, title))
        bar = figure.add_axes((left + width + GAP, bottom, GAP, height))
        figure.colorbar(cells, bar).outline.set_visible(False)


def _neurons(figure: Figure, record: Record, theme: Theme) -> None:
    """How a head comes from a query to its weights: a row for each key."""
    if record["product"].shape[:2] != (1, 1):
        raise UsageError("Neurons are drawn of one head.", hint="Add --layer 4 --head 3.")
    query, key, product, score, weights = (
        record[name][0, 0] for name in ("query", "key", "product", "score", "attention")
    )
    count, dimensions = key.shape
    wide, narrow, high = min(2.6, CELL * dimensions), 0.45, min(0.2, PAGE[1] / count) * count
    both = max(_top(abs(query)), _top(abs(key)))
    figure.text(0, high + 0.95, _title(record, *_head(record)), size=LARGEST + 1)
    axes = figure.add_axes((0, high + 0.5, wide, 0.2))
    _heat(axes, query[None], theme.signed, Normalize(-both, both))
    axes.set(title=f"query ({dimensions} dimensions)", xticks=[])
    label(axes.yaxis, "", record["queries"], 0.2)
    left = 0.0
    for title, values, width, top, written in (
        ("key", key, wide, both, None),
        ("query × key", product, wide, _top(abs(product)), None),
        ("score", score[:, None], narrow, _top(abs(score)), tenths),
        ("softmax", _unmasked(weights).T, narrow, _top(weights), hundredths),
    ):
        colors, low = (theme.weights, 0.0) if title == "softmax" else (theme.signed, -top)
        axes = figure.add_axes((left, 0, width, high))
        cells = _heat(axes, values, colors, Normalize(low, top), written)
        axes.set(title=title, xticks=[], yticks=[])
        if title == "key":
            label(axes.yaxis, "", record["keys"], high)
        bar = figure.add_axes((left, -2 * GAP, width, GAP))
        scale = figure.colorbar(cells, bar, orientation="horizontal", ticks=[low, top])
        scale.ax.set_xticklabels([f"{low:.3g}".replace("-", "−"), f"{top:.3g}"])
        scale.outline.set_visible(False)
        left += width + 4 * GAP


def _heat(
    axes: Axes, values: Array, cmap: Colormap, norm: Normalize, written: Written | None = None
) -> ScalarMappable:
    """Cells, the first row on top; squares with numbers where there is room for these."""
    rows, columns = values.shape
    place = axes.get_position()
    numbers = [written(value) for value in values.flat] if written else []
    size = fitting(numbers, place.width / columns, place.height / rows)
    if not size:
        image = _enlarged(values, place.width, place.height)
        extent = (-0.5, columns - 0.5, rows - 0.5, -0.5)
        return axes.imshow(image, cmap, aspect="auto", extent=extent, norm=norm)
    edges = np.arange(columns + 1) - 0.5, np.arange(rows + 1) - 0.5
    cells = axes.pcolormesh(*edges, values, cmap=cmap, norm=norm, linewidth=0.5)
    cells.set_edgecolor(axes.get_facecolor())
    axes.invert_yaxis()
    write(axes, numbers, size, cells.to_rgba(values))
    return cells


def _side_by_side(maps: Array, width: float, height: float) -> Array:
    """An image of all maps, each from 0 to 1, in fields of so many inches."""
    maps = np.nan_to_num(maps)
    for axis, inches in ((2, height), (3, width)):  # where pixels are few, the strongest is seen
        length, pixels = maps.shape[axis], (1 - GAP) * inches * DPI
        maps = np.maximum.reduceat(maps, range(0, length, ceil(length / pixels)), axis)
    tops = maps.max((2, 3), keepdims=True)
    maps = _enlarged(maps / np.where(tops, tops, 1), width, height)
    maps = np.pad(maps, [(0, 0), (0, 0), *((0, pixels // 9) for pixels in maps.shape[2:])])
    return _unmasked(np.block([list(row) for row in maps]))


def _enlarged(values: Array, width: float, height: float) -> Array:
    """Cells of many pixels, for an image of so many inches."""
    rows, columns = values.shape[-2:]
    return values.repeat(ceil(height * DPI / rows), -2).repeat(ceil(width * DPI / columns), -1)


def _size(shape: Sequence[int], wide: float, high: float) -> tuple[float, float]:
    """Inches of a map: its cells are squares, unless it were a mere line then."""
    rows, columns = shape
    across, down = min(CELL, wide / columns), min(CELL, high / rows)
    if max(across, down) < 4 * min(across, down):
        across = down = min(across, down)
    return across * columns, down * rows


def _head(record: Record) -> list[str]:
    if record["layers"] == "rollout":
        return ["attention rollout"]
    return [
        f"{chosen} of {name}s" if isinstance(chosen, str) else f"{name} {chosen[0]}"
        for name, chosen in (("layer", record["layers"]), ("head", record["heads"]))
    ]


def _title(record: Record, *parts: str) -> str:
    kind = {"self": "", "cross": "cross-attention"}.get(record["kind"], record["kind"])
    return ", ".join(filter(None, (kind, *parts)))


def _top(values: Array) -> float:
    return float(np.nan_to_num(values).max(initial=0)) or 1.0


def _unmasked(weights: Array) -> Array:
    """A weight of exactly 0 is what a mask forbids; such cells are not drawn."""
    return np.where(weights == 0, np.nan, weights)
