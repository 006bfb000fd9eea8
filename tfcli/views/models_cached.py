"""The cached models on a terminal: a line each."""

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.text import Text

from tfcli.core.record import Columns
from tfcli.core.task import Record
from tfcli.views import rendered
from tfcli.views.listing import Column, heading, line, size

SHOWN = (Column("size", 9), Column("last used", 10), Column("commit", 7), Column("model", 0))


def view(records: Iterable[Record], columns: Columns, console: Console) -> Iterator[str]:
    """A heading, a line a revision, and what they take together."""
    yield heading(SHOWN, console)
    total = count = 0
    for record in records:
        total, count = total + record["bytes"], count + 1
        refs = f" ({', '.join(record['refs'])})" if record["refs"] else ""
        partial = "" if record["whole"] else "  not whole"
        cells = [
            Text(size(record["bytes"])),
            Text(record["last_used"][:10]),
            Text(record["revision"][:7]),
            Text(record["model"] + refs + partial, style="yellow" if partial else "bold"),
        ]
        yield line(SHOWN, cells, console, copied=True)
    yield rendered(console, Text(f"{count} in all, {size(total)}", style="dim"))
