"""Texts longer than a model: parts that fit it, cut where that harms the sense least."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

from tfcli.models.sentences import sentences, trim

FILL = 0.8
"""How full parts are made: as their lengths in tokens are guessed from those in characters."""

LEEWAY = 0.2
"""How far from its place a cut may be, as a share of a part, to fall on a better border."""

_BREAK = r"[\n\r\v\f\x85\u2028\u2029]"
_PARAGRAPH = rf"{_BREAK}\s*{_BREAK}\s*"
_LINE = rf"{_BREAK}\s*"
_CLAUSE = r"[,;:،؛–—]\s+|[，、；：]\s*"
_SPACE = r"\s+"
_CHARACTER = r"\X"

Span = tuple[int, int]


class Part(NamedTuple):
    """A part of a text, as half-open offsets, and its tokens."""

    begin: int
    end: int
    ids: list[int]


def fitting(
    texts: Sequence[str],
    spans: Sequence[Sequence[Span]],
    tokenize: Callable[[list[str]], Sequence[list[int]]],
    room: int,
) -> list[list[Part]]:
    """The spans of each text in order, those that are too long cut; between them is white space.

    A cut falls, near where it should, on the end of a paragraph, a line, a sentence or a clause,
    between words, between characters: on the first of these that is there.

    Args:
        texts: any number of texts.
        spans: for each what is to be read of it.
        tokenize: gives the tokens of texts; called once, and again while something is too long.
        room: the most tokens of a part.
    """
    found: list[list[Part]] = [[] for _ in texts]
    waiting = [(i, begin, end) for i, own in enumerate(spans) for begin, end in own]
    while waiting:
        encoded = tokenize([texts[i][begin:end] for i, begin, end in waiting])
        again = []
        for (i, begin, end), ids in zip(waiting, encoded, strict=True):
            if len(ids) <= room or end - begin == 1:
                found[i].append(Part(begin, end, ids))
            else:
                count = max(2, -(-len(ids) // max(1, round(FILL * room))))
                again += [(i, *span) for span in _cut(texts[i], begin, end, count)]
        waiting = again
    return [sorted(parts) for parts in found]


def _cut(text: str, begin: int, end: int, count: int) -> list[Span]:
    """About ``count`` parts of like size, two at least."""
    count = min(count, end - begin)
    size = (end - begin) / count
    ends = [begin + stop for _, stop in sentences(text[begin:end])]
    borders = [begin]
    for number in range(1, count):
        place = begin + round(number * size)
        near = max(borders[-1] + 1, round(place - LEEWAY * size))
        far = min(end - 1, round(place + LEEWAY * size))
        borders.append(max(near, min(_border(text, ends, near, place, far), end - 1)))
    pairs = zip(borders, [*borders[1:], end], strict=True)
    spans = [trim(text, *pair) for pair in pairs if pair[0] < pair[1]]
    return [(first, last) for first, last in spans if first < last]


def _border(text: str, ends: Sequence[int], near: int, place: int, far: int) -> int:
    """The best border from ``near`` to ``far``; the nearest to ``place`` of its kind."""
    paragraph, line, *lesser = _patterns()
    own = ends[bisect_left(ends, near) : bisect_left(ends, far + 1)]
    for found in (
        *(_ends(pattern, text, near, far) for pattern in (paragraph, line)),
        own,
        *(_ends(pattern, text, near, far) for pattern in lesser),
    ):
        if found:
            return min(found, key=lambda border: abs(border - place))
    return place


def _ends(pattern: Any, text: str, near: int, far: int) -> list[int]:
    return [found.end() for found in pattern.finditer(text, near, far)]


@cache
def _patterns() -> tuple[Any, ...]:
    import regex

    kinds = (_PARAGRAPH, _LINE, _CLAUSE, _SPACE, _CHARACTER)
    return tuple(regex.compile(kind) for kind in kinds)
