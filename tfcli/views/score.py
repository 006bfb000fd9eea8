"""Likelihood on a terminal: the text, the brighter where it surprises, and its numbers below."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rich.console import Console
from rich.style import Style
from rich.text import Text

from tfcli.core.characters import visible_lines
from tfcli.core.record import Columns, to_text
from tfcli.core.task import Record
from tfcli.views import cut, error_lines, rendered
from tfcli.views.interlinear import Cell, interlinear
from tfcli.views.pen import Pen
from tfcli.views.scale import LEVELS, heat_style

TOP = 10.0
"""Nats from which on a token is brightest: it had one chance in 22,000."""
INDENT = "  "


class Stretch(NamedTuple):
    """A part of a text that has one surprisal."""

    label: str
    start: int | None
    end: int | None
    nats: float | None


def view(records: Iterable[Record], columns: Columns, console: Console) -> Iterator[str]:
    """What the colours mean, then each text and its numbers; without colours a number a token."""
    kept = [name for name in columns.inputs if name not in ("index", "text")]
    pen = Pen(console)
    few = console.color_system in ("standard", "windows")
    styles = [heat_style(level, few) for level in range(LEVELS + 1)]
    if pen.coloured:
        yield from pen.legend("surprisal: 0", pen.heat_bar(), f"{TOP:g} nats and more")
        yield "\n"
    for record in records:
        if kept:
            values = "  ".join(to_text(record.get(name)) for name in kept)
            yield rendered(console, Text(cut(values, console.width).rstrip(), style="bold"))
        if "error" in record:
            yield rendered(console, Text(cut(record["text"] or "", console.width).rstrip()))
            yield error_lines(console, INDENT, record)
            continue
        if pen.coloured:
            yield _wrapped(console, _coloured(record["text"], record["tokens"], styles))
        else:
            yield from interlinear(map(_cell, record["tokens"]), console)
        yield _wrapped(console, Text(_said(record), style="dim"))
        yield "\n"


def _said(record: Record) -> str:
    kind = "pseudo-perplexity" if record["objective"] == "masked" else "perplexity"
    tokens = f"{record['scored']:,} token{'' if record['scored'] == 1 else 's'}"
    return (
        f"{kind} {record['perplexity']:,.2f} · {record['bits_per_byte']:.3f} bits per byte · "
        f"{record['surprisal']:.2f} nats in {tokens}"
    )


def _cell(token: Record) -> Cell:
    nats = token["surprisal"]
    return Cell(token["token"], "·" if nats is None else f"{nats:.2f}")


def _coloured(text: str, tokens: Iterable[Record], styles: Sequence[Style]) -> Text:
    """The text on a background for each token; what is no text stands where it was read."""
    shown, place = Text(), 0
    for label, start, end, nats in _stretches(tokens):
        style = styles[_level(nats)]
        if start is None:
            shown.append(visible_lines(label), style=style)
            continue
        shown.append(visible_lines(text[place:start]))
        shown.append(visible_lines(text[start:end]), style=style)
        place = end or 0
    shown.append(visible_lines(text[place:]))
    return shown


def _stretches(tokens: Iterable[Record]) -> Iterator[Stretch]:
    """Tokens in turn; those that share a character are one, with the sum of their surprisals."""
    held: Stretch | None = None
    for token in tokens:
        one = Stretch(token["token"], token["start"], token["end"], token["surprisal"])
        if held is None:
            held = one
        elif held.end is not None and one.start is not None and one.start < held.end:
            both = [nats for nats in (held.nats, one.nats) if nats is not None]
            end = max(held.end, one.end or 0)
            held = held._replace(end=end, nats=sum(both) if both else None)
        else:
            yield held
            held = one
    if held is not None:
        yield held


def _level(nats: float | None) -> int:
    return 0 if nats is None else min(LEVELS, max(1, math.ceil(nats / TOP * LEVELS)))


def _wrapped(console: Console, text: Text) -> str:
    with console.capture() as captured:
        console.print(text, overflow="fold", crop=False)
    return captured.get()
