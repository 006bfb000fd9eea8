"""Pictures of records on a terminal: a stream of text with colours, row by row.

A task has a view of its own in ``views/NAME.py``, or else ``views/table.py`` draws it.
"""

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TextIO

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from tfcli.core.characters import visible
from tfcli.core.record import Columns
from tfcli.core.task import Record

View = Callable[[Iterable[Any], Columns, Console], Iterator[str]]
"""Takes records; the view of a task that streams takes its pieces, too (``Piece``)."""


def view_of(name: str) -> View:
    """The view of that name, a task's or a report's; else the table."""
    from tfcli.views.table import view as table

    module = f"{__name__}.{name.replace('-', '_')}"
    view: View = getattr(import_module(module), "view", table) if find_spec(module) else table
    return view


def page_of(task: str) -> Callable[[Iterable[Record], Columns], Iterator[str]]:
    """What makes a page of a task's records, for a browser."""
    page: Callable[[Iterable[Record], Columns], Iterator[str]]
    page = import_module(f"{__name__}.{task}.page").page
    return page


def console_for(out: TextIO, color: str) -> Console:
    """A console for ``--color``; with ``auto``, NO_COLOR and FORCE_COLOR are heard.

    With ``never`` there is no escape code at all: bold is one, too.
    """
    if color == "always":
        return Console(
            file=out,
            force_terminal=True,
            color_system="standard",
            no_color=False,
            highlight=False,
        )
    return Console(file=out, color_system=None if color == "never" else "auto", highlight=False)


def rendered(console: Console, *parts: Text | str) -> str:
    """One line of a view, as text with escape codes if the console has colours."""
    with console.capture() as captured:
        console.print(Text.assemble(*parts), no_wrap=True, overflow="crop", crop=True)
    return captured.get()


def cut(text: str, width: int) -> str:
    """Text on one line of exactly ``width`` cells (a Chinese character has two), cut with ``…``."""
    shown = visible(text)
    if cell_len(shown) > width:
        shown = set_cell_size(shown, max(0, width - 1)).rstrip() + "…"
    sized = set_cell_size(shown, width)
    return sized + " " * (width - cell_len(sized))  # a joiner at the end swallows a space


def whole(console: Console, *parts: Text | str) -> str:
    """A line that nothing is cut off from, to be copied: the terminal breaks it."""
    with console.capture() as captured:
        console.print(Text.assemble(*parts), soft_wrap=True)
    return captured.get()


def bar(score: float, width: int, color: str) -> list[Text]:
    """A score from 0 to 1 as a bar and as a number; without the bar where ``width`` is 0."""
    filled = round(min(1.0, max(0.0, score)) * width)
    return [
        Text("█" * filled, style=color),
        Text("░" * (width - filled), style="dim"),
        Text(f"  {score:.4f}  " if not 0 < score < 5e-5 else f"  {score:6.0e}  "),
    ]


def error_lines(console: Console, indent: str, record: Record) -> str:
    """What went wrong, below the text; it goes on in the next line where it is too long."""
    said = Text.assemble(indent, Text("error  ", style="bold red"), error_text(record))
    with console.capture() as captured:
        console.print(said, overflow="fold", crop=False)
    return captured.get()


def error_text(record: Record) -> Text:
    """What went wrong with an example, and where."""
    error = record["error"]
    place = f"{error['file']}:{error['line']}: " if error["file"] is not None else ""
    return Text(visible(f"{place}{error['message']}"), style="red")
