"""Sentiment on a terminal: label, bar, score, and as much of the text as fits the line."""

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.text import Text

from tfcli.core.record import Columns
from tfcli.core.task import Record
from tfcli.views import cut, error_text, rendered

LABEL_WIDTH = 12
BAR_WIDTH = 10
COLORS = {"POSITIVE": "green", "NEGATIVE": "red", "NEUTRAL": "yellow"}


def view(records: Iterable[Record], columns: Columns, console: Console) -> Iterator[str]:
    """A line a record, and a line for each further score."""
    room = max(10, console.width - LABEL_WIDTH - BAR_WIDTH - 12)
    for record in records:
        text = Text(cut(record["text"] or "", room).rstrip())
        if "error" in record:
            label = Text(cut("error", LABEL_WIDTH), style="bold red")
            yield rendered(console, label, "  ", error_text(record), "  ", text)
            continue
        yield rendered(console, *_scored(record["label"], record["score"]), text)
        for other in record.get("scores", ())[1:]:
            yield rendered(console, *_scored(other["label"], other["score"]))


def _scored(label: str | None, score: float) -> list[Text]:
    color = COLORS.get((label or "").upper(), "cyan")
    filled = round(min(1.0, max(0.0, score)) * BAR_WIDTH)
    return [
        Text(cut(label or "—", LABEL_WIDTH), style=f"bold {color}"),
        Text("  "),
        Text("█" * filled, style=color),
        Text("░" * (BAR_WIDTH - filled), style="dim"),
        Text(f"  {score:.4f}  "),
    ]
