"""What was fetched, on a terminal: where it lies, and what uses it now."""

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.text import Text

from tfcli.core.characters import visible
from tfcli.core.record import Columns
from tfcli.core.task import Record
from tfcli.views import whole
from tfcli.views.listing import size


def view(records: Iterable[Record], columns: Columns, console: Console) -> Iterator[str]:
    """Two lines a model, or three."""
    for record in records:
        made = ", converted from pickles" if record["converted"] else ""
        commit = f", commit {record['revision'][:7]}" if record["revision"] else ""
        yield whole(console, Text(visible(record["model"]), style="bold"))
        yield whole(console, f"  {size(record['bytes'])}{made}{commit}")
        if task := record["default_for"]:
            yield whole(
                console,
                f"  {task} uses it from now on; back again: ",
                Text(f"tfcli models use {task} --reset", style="cyan"),
            )
