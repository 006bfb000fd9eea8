"""Labels on a terminal: the text, then a bar for each label."""

from collections.abc import Iterable, Iterator

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from tfcli.core.characters import visible
from tfcli.core.record import Columns, to_text
from tfcli.core.task import Record
from tfcli.views import bar, cut, error_lines, rendered

BAR_WIDTH, LABEL_WIDTH = 20, 24
NARROW = 60
"""Below this many columns the bars make room for the labels."""
INDENT = "  "


def view(records: Iterable[Record], columns: Columns, console: Console) -> Iterator[str]:
    """The beginning of the text, and a line for each label by falling score."""
    kept = [name for name in columns.inputs if name not in ("index", "text")]
    bar_width = BAR_WIDTH if console.width >= NARROW else 0
    for record in records:
        values = "".join(f"{to_text(record.get(name))}  " for name in kept)
        line = " ".join((values + (record["text"] or "")).split())
        yield rendered(console, Text(cut(line, max(10, console.width - 2)).rstrip(), style="bold"))
        if "error" in record:
            yield error_lines(console, INDENT, record)
            continue
        scored = record["scores"] or [{"label": "—", "score": record["score"]}]
        width = min(LABEL_WIDTH, max(cell_len(visible(one["label"])) for one in scored))
        for one in scored:
            color = "green" if one["label"] == record["label"] else "cyan"
            name = Text(cut(one["label"], width), style=f"bold {color}")
            yield rendered(console, INDENT, name, "  ", *bar(one["score"], bar_width, color))
        yield "\n"
