"""Translations on a terminal: each line of a text with its translation under it, or beside it."""

from collections.abc import Iterable, Iterator
from itertools import zip_longest

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from tfcli.core.characters import visible
from tfcli.core.record import Columns, to_text
from tfcli.core.task import Record
from tfcli.views import error_lines, rendered

WIDE = 100
"""From this many columns on a translation stands beside its text."""
BETWEEN = 3
"""Columns between the two."""
INDENT = "  "
GIVEN, NEW, KEPT, END = "dim", "bold", "cyan", "dim italic"


def view(records: Iterable[Record], columns: Columns, console: Console) -> Iterator[str]:
    """The text dim, the translation bright, both wrapped; a blank line between records."""
    kept = [name for name in columns.inputs if name not in ("index", "text")]
    for number, record in enumerate(records):
        if number:
            yield "\n"
        if kept:
            values = "  ".join(to_text(record.get(name)) for name in kept)
            yield from _wrapped(console, values, KEPT, console.width)
        text = record["text"] or ""
        if "error" in record:
            if given := " ".join(text.split()):
                yield from _wrapped(console, given, GIVEN, console.width)
            yield error_lines(console, INDENT, record)
            continue
        yield from _pairs(console, text, record["translation"])
        if record["finish_reason"] == "length":
            told = "(length: a sentence ended at the most tokens)"
            yield from _wrapped(console, told, END, console.width)


def _pairs(console: Console, text: str, translation: str) -> Iterator[str]:
    """Line by line: a translation has the lines of its text."""
    pairs = list(zip_longest(text.splitlines(), translation.splitlines(), fillvalue=""))
    side = (console.width - BETWEEN) // 2
    for given, new in pairs:
        if console.width < WIDE:
            yield from _wrapped(console, given, GIVEN, console.width)
            if given.strip() or new.strip():
                yield from _wrapped(console, new, NEW, console.width)
            continue
        lines = (_lines(console, given, GIVEN, side), _lines(console, new, NEW, side))
        for left, right in zip_longest(*lines, fillvalue=Text()):
            gap = " " * (side - cell_len(left.plain) + BETWEEN)
            yield rendered(console, left, *((gap, right) if right.plain else ()))


def _wrapped(console: Console, text: str, style: str, width: int) -> Iterator[str]:
    for line in _lines(console, text, style, width):
        yield rendered(console, line)


def _lines(console: Console, text: str, style: str, width: int) -> list[Text]:
    """A line as lines of at most a width."""
    wrapped = Text(visible(text), style).wrap(console, max(2, width), overflow="fold")
    for line in wrapped:
        line.rstrip()
    return list(wrapped) or [Text()]
