"""What comes next on a terminal: the text, then a bar for each token."""

from collections.abc import Iterable, Iterator

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from tfcli.core.record import Columns, to_text
from tfcli.core.task import Record
from tfcli.views import bar, cut, error_lines, rendered

BAR_WIDTH, TOKEN_WIDTH = 20, 16
INDENT = "  "


def view(records: Iterable[Record], columns: Columns, console: Console) -> Iterator[str]:
    """The end of the text, a line for each token by falling probability, the continuations."""
    kept = [name for name in columns.inputs if name not in ("index", "text")]
    for record in records:
        values = "".join(f"{to_text(record.get(name))}  " for name in kept)
        shown = _end(values + (record["text"] or ""), max(10, console.width - 2))
        yield rendered(console, Text(shown, style="bold"))
        if "error" in record:
            yield error_lines(console, INDENT, record)
            continue
        for likely in record["next"]:
            yield _line(console, likely["text"], likely["probability"], "green")
        for asked in record.get("of", ()):
            yield _line(console, asked["text"], asked["probability"], "cyan")
        yield rendered(console, INDENT, Text(f"entropy {record['entropy']:.2f} nats", style="dim"))
        yield "\n"


def _line(console: Console, text: str, probability: float, color: str) -> str:
    name = Text(cut(text.replace(" ", "␣").replace("\n", "⏎"), TOKEN_WIDTH))
    return rendered(console, INDENT, name, "  ", *bar(probability, BAR_WIDTH, color))


def _end(text: str, width: int) -> str:
    """The last cells of a text on one line: what comes next depends on them most."""
    text = " ".join(text.split())
    if cell_len(text) <= width:
        return cut(text, width).rstrip()
    while cell_len(text) > width - 1:
        text = text[max(1, (cell_len(text) - width) // 2) :]
    return "…" + cut(text, width - 1).rstrip()
