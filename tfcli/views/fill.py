"""Filled blanks on a terminal: the text, and a bar for each word that may stand at a mask."""

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.text import Text

from tfcli.core.characters import visible
from tfcli.core.record import Columns, to_text
from tfcli.core.task import Record
from tfcli.views import bar, cut, error_lines, rendered

BAR_WIDTH, TOKEN_WIDTH = 20, 16
NARROW = 50
"""Below this many columns a bar is shorter."""
INDENT = "  "


def view(records: Iterable[Record], columns: Columns, console: Console) -> Iterator[str]:
    """The text as it was filled, then the candidates for each mask by falling probability."""
    kept = [name for name in columns.inputs if name not in ("index", "text")]
    bar_width = BAR_WIDTH if console.width >= NARROW else BAR_WIDTH // 4
    for record in records:
        values = "".join(f"{to_text(record.get(name))}  " for name in kept)
        text = record["text"] if "error" in record else record["filled"]
        yield _wrapped(console, " ".join(f"{values}{text or ''}".split()))
        if "error" in record:
            yield error_lines(console, INDENT, record)
            continue
        for number, candidates in enumerate(record["masks"], 1):
            if len(record["masks"]) > 1:
                heading = f"mask {number} of {len(record['masks'])}"
                yield rendered(console, INDENT, Text(heading, style="dim"))
            for one in candidates:
                name = Text(cut(one["token"].replace(" ", "␣"), TOKEN_WIDTH))
                yield rendered(console, INDENT, name, "  ", *bar(one["score"], bar_width, "green"))
        yield "\n"


def _wrapped(console: Console, text: str) -> str:
    with console.capture() as captured:
        console.print(Text(visible(text), style="bold"), overflow="fold", crop=False)
    return captured.get()
