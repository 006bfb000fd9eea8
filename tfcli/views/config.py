"""The settings on a terminal: name, where the value comes from, and the value, never cut."""

import os
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.text import Text

from tfcli.core.record import Columns, to_text
from tfcli.core.task import Record
from tfcli.views.listing import Column, heading, line

SHOWN = (Column("setting", 18), Column("from", 22), Column("value", 0))

CONFIG_FILE = "config file"
"""The setting that says where the choices of models are kept."""


def view(records: Iterable[Record], columns: Columns, console: Console) -> Iterator[str]:
    """A heading, then a line a setting."""
    yield heading(SHOWN, console)
    config = None
    for record in records:
        key, value, origin = record["key"], to_text(record["value"]), record["origin"]
        if key == CONFIG_FILE:
            config = value
        elif origin == config:
            origin = CONFIG_FILE
        elif os.sep in origin:
            value, origin = f"{value}, in {origin}", "file"
        shown = Text(value or "—", style="bold" if value else "dim")
        yield line(SHOWN, [Text(key), Text(origin, style="dim"), shown], console, copied=True)
