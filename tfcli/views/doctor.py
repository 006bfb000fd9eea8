"""Findings on a terminal: a mark, what was found, and the command that mends it."""

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.text import Text

from tfcli.core.characters import visible
from tfcli.core.record import Columns
from tfcli.core.task import Record
from tfcli.views import whole

MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "problem": ("✗", "red")}


def view(records: Iterable[Record], columns: Columns, console: Console) -> Iterator[str]:
    """A line a finding, and one for the command."""
    for record in records:
        mark, color = MARKS[record["status"]]
        name = Text(f"{record['check']:<9}", style="bold")
        yield whole(console, Text(f"{mark} ", style=color), name, visible(record["message"]))
        if record["fix"] and record["status"] != "ok":
            yield whole(console, " " * 11, Text(visible(record["fix"]), style="cyan"))
