"""Lines of cells under a heading: columns of fixed widths, the last one as wide as is left."""

from collections.abc import Sequence
from typing import NamedTuple

from rich.console import Console
from rich.text import Text

from tfcli.core.characters import visible
from tfcli.views import cut, rendered, whole


class Column(NamedTuple):
    """A heading and a width in cells; 0 is all that is left."""

    title: str
    width: int


def heading(columns: Sequence[Column], console: Console) -> str:
    """The titles of the columns."""
    return line(columns, [Text(column.title, style="bold") for column in columns], console)


def line(
    columns: Sequence[Column], cells: Sequence[Text], console: Console, copied: bool = False
) -> str:
    """One line: each cell cut to its column; not the last one if it is there to be ``copied``."""
    taken = sum(column.width + 2 for column in columns if column.width)
    rest = max(8, console.width - taken)
    widths = [column.width or rest for column in columns]
    shown = [
        Text(cut(cell.plain, width), style=cell.style)
        for cell, width in zip(cells, widths, strict=True)
    ]
    if copied:
        shown[-1] = Text(visible(cells[-1].plain), style=cells[-1].style)
    shown[-1].rstrip()
    return (whole if copied else rendered)(console, Text("  ").join(shown))


def size(count: int) -> str:
    """Bytes in words: ``14.0 MB``."""
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count} bytes"
