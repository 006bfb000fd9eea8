"""Tokens side by side, each with a number below it, in as many lines as they take."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from tfcli.core.characters import visible
from tfcli.views import cut, rendered

LONGEST = 40
"""Cells of a token; what is longer is cut."""


class Cell(NamedTuple):
    """A token and what stands below it."""

    token: str
    below: str
    style: str = ""


def interlinear(cells: Iterable[Cell], console: Console) -> Iterator[str]:
    """Lines of tokens, and of what stands below them; a blank line between two such pairs."""
    line: list[tuple[Cell, int]] = []
    taken, between = 0, ""
    for cell in cells:
        width = min(console.width, LONGEST, max(cell_len(shown(cell.token)), len(cell.below)))
        if line and taken + width > console.width:
            yield between + _pair(line, console)
            line, taken, between = [], 0, "\n"
        line.append((cell, width))
        taken += width + 1
    if line:
        yield between + _pair(line, console)


def shown(token: str) -> str:
    """A token on one line, its spaces and newlines to be seen."""
    return visible(token.replace(" ", "␣").replace("\n", "⏎"))


def _pair(line: list[tuple[Cell, int]], console: Console) -> str:
    above, below = Text(), Text(style="dim")
    for cell, width in line:
        token = cut(shown(cell.token), width)
        above.append(token.rstrip(" "), style=cell.style)
        above.append(token[len(token.rstrip(" ")) :] + " ")
        below.append(cut(cell.below, width) + " ")
    above.rstrip()
    below.rstrip()
    return rendered(console, above) + rendered(console, below)
