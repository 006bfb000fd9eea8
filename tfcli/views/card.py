"""A record as a card: a name beside each value, wrapped; what is null is not shown."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tfcli.core.characters import visible
from tfcli.core.record import Columns, to_text
from tfcli.core.task import Record
from tfcli.views import whole


def view(records: Iterable[Record], columns: Columns, console: Console) -> Iterator[str]:
    """A card for each record: the first of the columns is its title."""
    title, *names = columns.results
    for record in records:
        facts = {name.replace("_", " "): record[name] for name in names}
        yield from card(to_text(record[title]), facts, console)


def card(title: str, facts: Mapping[str, Any], console: Console) -> Iterator[str]:
    """A title, then a line or more for each fact that is known."""
    yield _printed(console, Text(visible(title), style="bold"))
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for name, value in facts.items():
        if value not in (None, "", [], {}):
            grid.add_row(Text(visible(name)), Text("\n".join(map(visible, lines(value)))))
    yield _printed(console, Padding(grid, (0, 0, 0, 2)))


def commands(typed: list[str], console: Console) -> Iterator[str]:
    """What to type next, whole lines to be copied."""
    for index, command in enumerate(typed):
        lead = "  try  " if index == 0 else "       "
        yield whole(console, Text(lead, style="dim"), Text(visible(command), style="cyan"))


def lines(value: Any) -> list[str]:
    """A value as lines: a list in one, a mapping with a line for each key."""
    if isinstance(value, Mapping):
        return [f"{key}: {', '.join(lines(one))}" for key, one in value.items()]
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    if isinstance(value, int):
        return [f"{value:,}"]
    if isinstance(value, (list, tuple)):
        return [", ".join(to_text(one) for one in value if one is not None)]
    return [to_text(value)]


def _printed(console: Console, shown: Any) -> str:
    with console.capture() as captured:
        console.print(shown)
    return "".join(f"{line.rstrip(' ')}\n" for line in captured.get().splitlines())
