"""Checked models on a terminal: a mark and a line each."""

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.text import Text

from tfcli.core.characters import visible
from tfcli.core.record import Columns
from tfcli.core.task import Record
from tfcli.views import whole

MARKS = {
    "ok": ("✓", "green"),
    "partial": ("○", "yellow"),
    "damaged": ("✗", "red"),
    "refused": ("✗", "red"),
}


def view(records: Iterable[Record], columns: Columns, console: Console) -> Iterator[str]:
    """What each model is, and why it is not sound."""
    for record in records:
        mark, color = MARKS[record["status"]]
        commit = f"@{record['revision'][:7]}" if record["revision"] else ""
        said = f"  {record['status']}: {visible(record['message'])}" if record["message"] else ""
        name = Text(visible(record["model"] + commit), style="bold")
        yield whole(console, Text(f"{mark} ", style=color), name, Text(said, style=color))
