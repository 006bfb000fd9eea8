"""The default view: a line a record, in columns whose widths do not wait for the data."""

from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Console
from rich.text import Text

from tfcli.core.record import Columns, to_text
from tfcli.core.task import Record
from tfcli.views import cut, error_text, rendered

NUMBER_WIDTH = 8
WORD_WIDTH = 14


def view(records: Iterable[Record], columns: Columns, console: Console) -> Iterator[str]:
    """A header, then the inputs in the room that the results leave."""
    inputs = [name for name in columns.inputs if name != "index"]
    room = console.width - sum(WORD_WIDTH + 2 for _ in columns.results) - NUMBER_WIDTH
    input_width = max(WORD_WIDTH, room // max(1, len(inputs)) - 2)
    widths = {"index": NUMBER_WIDTH - 2, **dict.fromkeys(inputs, input_width)}
    names = ["index", *inputs, *columns.results]
    header = "  ".join(cut(name, widths.get(name, WORD_WIDTH)) for name in names)
    yield rendered(console, Text(header.rstrip(), style="bold"))
    for record in records:
        shown = names if "error" not in record else ["index", *inputs]
        cells = "  ".join(cut(_cell(record[name]), widths.get(name, WORD_WIDTH)) for name in shown)
        error = [Text("  "), error_text(record)] if "error" in record else []
        yield rendered(console, Text(cells), *error)


def _cell(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else to_text(value)
