"""Tokens on a terminal: pieces on two colours in turn, their numbers below them."""

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.text import Text

from tfcli.core.record import Columns, to_text
from tfcli.core.task import Record
from tfcli.views import cut, error_lines, rendered
from tfcli.views.interlinear import Cell, interlinear

COLORS = ("black on bright_cyan", "black on bright_yellow")
SPECIAL = "dim"
INDENT = "  "


def view(records: Iterable[Record], columns: Columns, console: Console) -> Iterator[str]:
    """Kept columns, the tokens with their ids, how many they are; a blank line between records."""
    kept = [name for name in columns.inputs if name not in ("index", "text", "pair")]
    for record in records:
        if kept:
            values = "  ".join(to_text(record.get(name)) for name in kept)
            yield rendered(console, Text(cut(values, console.width).rstrip(), style="bold"))
        if "error" in record:
            yield rendered(console, Text(cut(record["text"] or "", console.width).rstrip()))
            yield error_lines(console, INDENT, record)
            continue
        yield from interlinear(_cells(record), console)
        yield rendered(console, Text(_count(record), style="dim"))
        yield "\n"


def _cells(record: Record) -> Iterator[Cell]:
    turn = 0
    for token, id, special in zip(record["tokens"], record["ids"], record["special"], strict=True):
        turn += not special
        yield Cell(token, str(id), SPECIAL if special else COLORS[turn % len(COLORS)])


def _count(record: Record) -> str:
    special = sum(record["special"])
    count = len(record["tokens"])
    said = f"{count:,} token{'' if count == 1 else 's'}"
    return f"{said}, {special:,} of them special" if special else said
