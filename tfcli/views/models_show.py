"""A family or a model on a terminal: its facts as a card, then what to type."""

from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Console

from tfcli.core.record import Columns
from tfcli.core.task import Record
from tfcli.views.card import card, commands
from tfcli.views.listing import size

_HIDDEN = {"index", "slug", "name", "commands", "classes", "cached", "files"}


def view(records: Iterable[Record], columns: Columns, console: Console) -> Iterator[str]:
    """A card for each."""
    for record in records:
        yield from card(record["name"], _facts(record), console)
        yield from commands(record["commands"], console)


def _facts(record: Record) -> dict[str, Any]:
    facts = {key.replace("_", " "): v for key, v in record.items() if key not in _HIDDEN}
    if record.get("year"):
        facts["year"] = str(record["year"])  # no thousands
    if "bytes" in facts:
        facts["files"] = f"{len(record['files'])}, {size(facts.pop('bytes'))}"
    if record.get("cached") is False:
        facts["on this machine"] = "not yet; tfcli models pull fetches it"
    if "classes" in record:
        own = dict.fromkeys(name for names in record["classes"].values() for name in names)
        facts["classes"] = list(own)
    return facts
