"""The model families on a terminal: a line each, those that are gone in grey."""

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.text import Text

from tfcli.core.record import Columns
from tfcli.core.task import Record
from tfcli.views import rendered
from tfcli.views.listing import Column, heading, line

WIDE = 110
"""From so many columns on there is room for the objectives."""
COLORS = {"encoder": "green", "decoder": "yellow", "encoder-decoder": "cyan"}


def view(records: Iterable[Record], columns: Columns, console: Console) -> Iterator[str]:
    """A heading, a line for each family, and how to see more of one."""
    shown = [Column("family", 19), Column("year", 4), Column("creator", 13)]
    shown += [Column("architecture", 15), Column("tasks", 0)]
    if console.width >= WIDE:
        shown.insert(4, Column("objectives", 22))
    yield heading(shown, console)
    count = 0
    for record in records:
        count += 1
        yield line(shown, _cells(record, len(shown) == 6), console)
    told = "No such family. All of them: tfcli models list"
    if count:
        said = "1 family" if count == 1 else f"{count} families"
        told = f"{said}. One of them: tfcli models show NAME"
    yield rendered(console, Text(told, style="dim"))


def _cells(record: Record, wide: bool) -> list[Text]:
    gone = record["status"] == "removed"
    style = "dim" if gone else ""
    architecture = record["architecture"] or ""
    cells = [
        Text(record["slug"], style=style or "bold"),
        Text(str(record["year"] or ""), style=style),
        Text(record["creator"] or "", style=style),
        Text(architecture, style=style or COLORS.get(architecture, "")),
    ]
    if wide:
        cells.append(Text(", ".join(record["objectives"]), style=style))
    return [*cells, Text(_tasks(record), style=style)]


def _tasks(record: Record) -> str:
    if record["status"] == "removed":
        instead = record["instead"]
        return f"gone, see {instead}" if instead else f"gone since {record['removed_in']}"
    return " ".join(record["tasks"])
