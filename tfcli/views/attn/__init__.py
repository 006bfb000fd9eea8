"""Attention on a terminal: one head as a map, many as small pictures, numbers as tables."""

from collections.abc import Iterable, Iterator
from typing import Any

from rich.cells import cell_len
from rich.console import Console

from tfcli.core.places import each
from tfcli.core.record import Columns, to_text
from tfcli.core.task import Record
from tfcli.views import cut, error_lines
from tfcli.views.attn.head_tables import UNITS, patterns, table
from tfcli.views.attn.heatmap import heatmap
from tfcli.views.attn.labels import place
from tfcli.views.attn.links import links
from tfcli.views.attn.multiples import multiples
from tfcli.views.attn.neurons import neurons
from tfcli.views.pen import Pen

INDENT = "  "
TEXTS = ("text", "pair", "target")
COUNTS = ("texts", "tokens")
SHORTEST = 20
"""Cells of the text, below which what is shown goes to a line of its own."""


def view(records: Iterable[Record], columns: Columns, console: Console) -> Iterator[str]:
    """The text and which heads are shown, then what was asked about them; a blank line between."""
    pen = Pen(console)
    kept = [name for name in columns.inputs if name not in ("index", *TEXTS)]
    for record in records:
        values = "".join(f"{_value(name, record.get(name))}  " for name in kept)
        title = values + " · ".join(record[name] for name in TEXTS if record.get(name))
        title = " ".join(title.split())
        if "error" in record:
            yield pen(cut(title, pen.width).rstrip(), "bold") + "\n"
            yield error_lines(console, INDENT, record)
            continue
        listed = {**record, "layers": each(record["layers"]), "heads": each(record["heads"])}
        yield from _title(pen, title, _about(listed))
        yield from _picture(pen, listed)
        yield "\n"


def _value(name: str, value: Any) -> str:
    """A kept column as it is; of means over a corpus, how large it was."""
    return f"{value:,} {name}" if name in COUNTS else to_text(value)


def _title(pen: Pen, title: str, about: str) -> Iterator[str]:
    """What is shown stands behind the text, or below it where there is no room."""
    beside = pen.width - cell_len(about) - len(INDENT)
    shown = cut(title, beside if beside >= SHORTEST else pen.width).rstrip()
    between = INDENT if beside >= SHORTEST else "\n"
    yield f"{pen(shown, 'bold')}{between}{pen(cut(about, pen.width).rstrip(), 'dim')}\n"


def _about(record: Record) -> str:
    """Which heads are shown; links and neurons have a heading for each."""
    each = "links" in record or "query" in record
    heads = "" if each else f"{place(record['layers'], record['heads'])} · "
    return f"{heads}{record['kind']}{' · truncated' if record.get('truncated') else ''}"


def _picture(pen: Pen, record: Record) -> Iterator[str]:
    layers, heads = record["layers"], record["heads"]
    if "query" in record:
        yield from neurons(pen, record)
    elif "links" in record:
        yield from links(
            pen, record["links"], record["queries"], record["keys"], record["segments"]
        )
    elif "attention" not in record:
        for name in UNITS:
            if name in record:
                yield from table(pen, name, record[name], layers, heads)
        if "patterns" in record:
            yield from patterns(pen, record["patterns"], layers, heads)
    elif record["attention"].shape[:2] == (1, 1):
        weights = record["attention"][0, 0]
        yield from heatmap(pen, weights, record["queries"], record["keys"], record["segments"])
    else:
        yield from multiples(pen, record["attention"], layers, heads)
