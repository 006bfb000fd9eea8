"""Matches on a terminal: the text, then a bar for each candidate that is like it."""

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.text import Text

from tfcli.core.record import Columns, to_text
from tfcli.core.task import Record
from tfcli.views import bar, cut, error_lines, rendered

BAR_WIDTH = 20
NARROW = 50
"""Below this many columns the bar makes room for the match."""
INDENT = "  "


def view(records: Iterable[Record], columns: Columns, console: Console) -> Iterator[str]:
    """A line for the text, and one for each match, the best first; below 0 a bar is empty."""
    kept = [name for name in columns.inputs if name not in ("index", "text", "among")]
    width = BAR_WIDTH if console.width >= NARROW else 0
    room = max(10, console.width - width - 14)
    for record in records:
        values = "".join(f"{to_text(record.get(name))}  " for name in kept)
        asked = _one_line(values + (record["text"] or ""), max(10, console.width - 1))
        yield rendered(console, Text(asked, style="bold"))
        if "error" in record:
            yield error_lines(console, INDENT, record)
            continue
        for match in record.get("matches") or [{**record, "text": record["match"]}]:
            line = Text(f"{match['line']}: " if "line" in match else "", style="dim")
            said = _one_line(match["text"], max(10, room - len(line)))
            yield rendered(console, INDENT, *bar(match["score"], width, "green"), line, said)


def _one_line(text: str, width: int) -> str:
    return cut(" ".join(text.split()), width).rstrip()
