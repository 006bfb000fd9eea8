"""This machine on a terminal: a card to be pasted into a bug report."""

from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Console

from tfcli.core.record import Columns, to_text
from tfcli.core.task import Record
from tfcli.views.card import card
from tfcli.views.listing import size


def view(records: Iterable[Record], columns: Columns, console: Console) -> Iterator[str]:
    """The one card."""
    for record in records:
        yield from card(f"tfcli {record['tfcli']}", _facts(record), console)


def _facts(record: Record) -> dict[str, Any]:
    chip, build, cache = record["processor"], record["torch"], record["cache"]
    free = record["memory"]["available"]
    threads = f"{build['threads']} threads, {build['capability']}"
    held = "1 model" if cache["models"] == 1 else f"{cache['models']} models"
    devices = [_device(one) for one in record["accelerators"]]
    return {
        "python": record["python"],
        "platform": record["platform"],
        "packages": {name: [text] for name, text in record["packages"].items()},
        "processor": f"{chip['name']}, {chip['usable_cores']:g} of {chip['cores']} cores, "
        f"{' '.join(chip['instructions'])}",
        "memory": f"{size(free)} free" if free is not None else None,
        "torch": f"{threads}, CUDA {build['cuda'] or 'none'}, ROCm {build['rocm'] or 'none'}",
        "accelerators": devices or ["none"],
        "device": f"{record['device']}: {record['because']}",
        "cache": f"{cache['folder']}: {held}, {size(cache['free'])} free",
        "settings": {
            key: [f"{to_text(value)} ({origin})"]
            for key, (value, origin) in record["settings"].items()
            if value is not None
        },
    }


def _device(one: dict[str, Any]) -> str:
    memory = f" ({size(one['free'])} of {size(one['memory'])} free)" if one["memory"] else ""
    return f"{one['device']} {one['name']}{memory}"
