"""Labels of the rows and columns of a map: tokens of any script, in cells of a terminal."""

import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len

from tfcli.core.characters import visible
from tfcli.views import cut
from tfcli.views.pen import Pen

Names = Sequence[int | str]
"""Of layers or heads."""

LONGEST = 12
"""The most cells of a label."""
TALLEST = 10
"""The most lines of a label that stands upright."""
SECOND = "cyan"
"""The colour of tokens of the second text of a pair."""
_EVERY = (1, 2, 5, 10, 20, 50, 100)


def place(layers: Names, heads: Names) -> str:
    """Which heads: ``layer 4 · head 3``, ``12 layers · mean of heads``, ``rollout``."""
    if list(layers) == list(heads) == ["rollout"]:
        return "rollout"
    return f"{_named('layer', layers)} · {_named('head', heads)}"


class Rows(NamedTuple):
    """What stands at the left of each row: its index and its label, all of one width."""

    lines: list[str]
    width: int


def shown(label: str) -> str:
    """A label as it can be seen: its spaces, its ends of lines, and what has no width at all."""
    seen = visible(label.replace(" ", "␣").replace("\n", "⏎"))
    joined = seen.strip("\u200d")  # a joiner would join it to its neighbour
    return joined if cell_len(joined) else "".join(f"<U+{ord(one):04X}>" for one in seen)


def short(label: str, width: int = LONGEST) -> str:
    """A label of no more than so many cells."""
    return cut(shown(label), width).rstrip(" ")


def rows(pen: Pen, labels: Sequence[str], segments: Sequence[int]) -> Rows:
    """Index and label of each row; in a narrow terminal there is less of the label."""
    digits = len(str(len(labels) - 1))
    texts = [short(label, min(LONGEST, pen.width // 4)) for label in labels]
    width = max(map(cell_len, texts))
    lines = [
        f"{pen(f'{index:{digits}}', 'dim')} {pen(cut(text, width), _style(segment))} "
        for index, (text, segment) in enumerate(zip(texts, segments, strict=True))
    ]
    return Rows(lines, digits + width + 2)


def upright(pen: Pen, labels: Sequence[str], segments: Sequence[int], width: int) -> Iterator[str]:
    """Labels of columns from top to bottom, each standing on the map."""
    stacks = [_stack(label) for label in labels]
    height = max(map(len, stacks))
    # Where letters stand close together every other column is dim.
    styles = [
        f"{'dim ' if width < 3 and index % 2 else ''}{_style(segment)}"
        for index, segment in enumerate(segments)
    ]
    for line in range(height):
        pieces = [stack[line - height] if line >= height - len(stack) else "" for stack in stacks]
        placed = (centred(piece, width) for piece in pieces)
        yield "".join(map(pen, placed, styles)).rstrip(" ")


def flat(pen: Pen, labels: Sequence[str], segments: Sequence[int], width: int) -> Iterator[str]:
    """Labels of columns in one line, cut where they are too long."""
    placed = (centred(short(label, width - 1), width) for label in labels)
    yield "".join(map(pen, placed, map(_style, segments)))


def centred(text: str, width: int) -> str:
    """Text in the middle of so many cells, in the left of two middles."""
    return cut(" " * ((width - cell_len(text)) // 2) + text, width)


def number(text: str, width: int) -> str:
    """A number of up to three digits in a cell, its last digit below those of others."""
    return text.rjust(width - (width - 2) // 2).ljust(width)


def ticks(first: int, count: int, width: int, step: int = 1) -> str:
    """Numbers over columns: over each, or from the left edge of as many as there is room for."""
    names = [str(step * (first + place)) for place in range(count)]
    every = next(every for every in _EVERY if every * width > len(names[-1]))
    if every == 1:
        return "".join(number(name, width) for name in names)
    line = ""
    for place in range(-first % every, count, every):
        if place * width + len(names[place]) <= count * width:
            line = line.ljust(place * width) + names[place]
    return line


def pages(count: int, most: int) -> list[tuple[int, int]]:
    """Begin and end of parts of about one size, none with more than ``most``."""
    number = -(-count // most)
    return [(page * count // number, (page + 1) * count // number) for page in range(number)]


def is_wide(label: str) -> bool:
    """Whether a label has a character of two cells."""
    return any(cell_len(piece) > 1 for piece in _stack(label))


def _stack(label: str) -> list[str]:
    """The characters of a label one above the other, marks on what they belong to."""
    pieces: list[str] = []
    for one in shown(label):
        if cell_len(one):
            pieces.append(one)
        elif unicodedata.category(one) != "Cf" and not "\ufe00" <= one <= "\ufe0f":
            pieces[-1:] = [(pieces[-1] if pieces else "◌") + one]
    return pieces if len(pieces) <= TALLEST else [*pieces[: TALLEST - 1], "…"]


def _style(segment: int) -> str:
    return SECOND if segment else ""


def _named(noun: str, names: Names) -> str:
    if len(names) > 1:
        return f"{len(names)} {noun}s"
    (name,) = names
    return f"{noun} {name}" if isinstance(name, int) else f"{name} of {noun}s"
