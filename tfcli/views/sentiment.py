"""Sentiment on a terminal: label, bar, score, and as much of the text as fits the line."""

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.text import Text

from tfcli.core.record import Columns, to_text
from tfcli.core.task import Record
from tfcli.views import bar, cut, error_text, rendered

LABEL_WIDTH = 12
BAR_WIDTH = 10
KEPT_WIDTH = 10
NARROW = 50
"""Below this many columns the bar makes room for the text."""
COLORS = {"POSITIVE": "green", "NEGATIVE": "red", "NEUTRAL": "yellow"}


def view(records: Iterable[Record], columns: Columns, console: Console) -> Iterator[str]:
    """A line a record, and a line for each further score; kept columns stand before the text."""
    bar_width = BAR_WIDTH if console.width >= NARROW else 0
    kept = [name for name in columns.inputs if name not in ("index", "text")]
    taken = LABEL_WIDTH + bar_width + 12 + len(kept) * (KEPT_WIDTH + 2)
    room = max(10, console.width - taken)
    for record in records:
        values = [cut(to_text(record.get(name)), KEPT_WIDTH) + "  " for name in kept]
        given = Text("".join(values), style="dim"), Text(cut(record["text"] or "", room).rstrip())
        if "error" in record:
            label = Text(cut("error", LABEL_WIDTH), style="bold red")
            yield rendered(console, label, "  ", error_text(record), "  ", *given)
            continue
        yield rendered(console, *_scored(record["label"], record["score"], bar_width), *given)
        for other in record.get("scores", ())[1:]:
            yield rendered(console, *_scored(other["label"], other["score"], bar_width))


def _scored(label: str | None, score: float, bar_width: int) -> list[Text]:
    color = COLORS.get((label or "").upper(), "cyan")
    name = Text(cut(label or "—", LABEL_WIDTH), style=f"bold {color}")
    return [name, Text("  "), *bar(score, bar_width, color)]
