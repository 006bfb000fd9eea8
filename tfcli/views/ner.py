"""Entities on a terminal: the text, all of it, with each entity in colour and its label behind."""

from collections.abc import Iterable, Iterator
from zlib import crc32

from rich.console import Console
from rich.text import Text

from tfcli.core.characters import visible, visible_lines
from tfcli.core.record import Columns, to_text
from tfcli.core.task import Record
from tfcli.views import error_lines

COLORS = {"PER": "green", "LOC": "cyan", "ORG": "yellow", "MISC": "magenta"}
"""The colours of the labels of CoNLL 2003; others have one that depends on their name alone."""
PALETTE = ("green", "cyan", "yellow", "magenta", "blue", "red")
INDENT = "  "


def view(records: Iterable[Record], columns: Columns, console: Console) -> Iterator[str]:
    """A paragraph a record; the lines of a text stay lines, and are wrapped at words."""
    kept = [name for name in columns.inputs if name not in ("index", "text")]
    for record in records:
        values = "".join(f"{to_text(record.get(name))}  " for name in kept)
        shown = Text(visible(values), style="dim")
        if "error" in record:
            yield _wrapped(console, shown, Text(visible_lines(record["text"] or "")))
            yield error_lines(console, INDENT, record)
            continue
        yield _wrapped(console, shown, _marked(record["text"], record["entities"]))


def _marked(text: str, entities: Iterable[Record]) -> Text:
    """The text with its entities marked; of two that overlap, the one that begins first."""
    marked = Text()
    place = 0
    for one in entities:
        start, end = one["start"], one["end"]
        if start < place:
            continue
        color = _color(one["entity"])
        marked.append(visible_lines(text[place:start]))
        marked.append(visible_lines(text[start:end]), style=f"bold underline {color}")
        marked.append(f"[{visible(one['entity'])}]", style=color)
        place = end
    marked.append(visible_lines(text[place:]))
    return marked


def _color(label: str) -> str:
    """What a label is shown in; that a token begins or goes on with it makes no difference."""
    name = label[2:] if label[:2] in ("B-", "I-") else label
    return COLORS.get(name) or PALETTE[crc32(name.encode()) % len(PALETTE)]


def _wrapped(console: Console, *parts: Text) -> str:
    with console.capture() as captured:
        console.print(Text.assemble(*parts), overflow="fold", crop=False)
    return captured.get()
