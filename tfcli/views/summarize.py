"""Summaries on a terminal: wrapped, with what they are made of below."""

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.text import Text

from tfcli.core.characters import visible, visible_lines
from tfcli.core.record import Columns, to_text
from tfcli.core.task import Record
from tfcli.views import error_lines, rendered

LINE = 88
"""Columns of a line: longer ones are hard to read."""
INDENT = "  "


def view(records: Iterable[Record], columns: Columns, console: Console) -> Iterator[str]:
    """The summary, then its parts if there are several; a blank line between records."""
    kept = [name for name in columns.inputs if name not in ("index", "text")]
    width = max(2, min(LINE, console.width))
    for number, record in enumerate(records):
        if number:
            yield "\n"
        if kept:
            values = "  ".join(visible(to_text(record.get(name))) for name in kept)
            yield from _wrapped(console, Text(values, "cyan"), width)
        if "error" in record:
            yield error_lines(console, INDENT, record)
            continue
        yield from _wrapped(console, Text(visible_lines(record["summary"])), width)
        if told := _told(record):
            yield from _wrapped(console, Text(told, "dim italic"), width)


def _told(record: Record) -> str:
    parts = [f"of {record['parts']:,} parts"] if record["parts"] > 1 else []
    ended = ["length: it ended at the most tokens"] if record["finish_reason"] == "length" else []
    return f"({'; '.join([*parts, *ended])})" if parts or ended else ""


def _wrapped(console: Console, text: Text, width: int) -> Iterator[str]:
    for line in text.wrap(console, width, overflow="fold"):
        line.rstrip()
        yield rendered(console, line)
