"""The pairs of each step, which the seed and the step's number alone decide."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from marian_starter.pieces import END_ID
from marian_starter.spelling import WAYS, Speller

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from marian_starter.corpus import Corpus

JOINED = 0.1  # pairs that are read with the one before: long texts are not strange to the model
BARE = 0.06  # pairs that lose their last mark, as people forget it
LOWERED = 0.04  # sources that lose their capitals
MARKS = (".", "!", "?")
PART = 6144  # places in the grids of source and target that are computed at once

Ids = list[int]


@dataclass(frozen=True)
class Rows:
    """Rows of tokens, one behind the other, with nothing to fill up the shorter ones.

    Attributes:
        ids: of the pieces, (token,).
        columns: the position of each in its row, (token,).
        places: of each in a grid with a line for every row, counted through, (token,).
        count: how many rows there are.
        longest: the tokens of the longest, which is the width of the grid.
    """

    ids: Tensor
    columns: Tensor
    places: Tensor
    count: int
    longest: int


class Part(NamedTuple):
    """Pairs of about one length.

    Attributes:
        source: what is read, each row with its end.
        target: what is written up to each token, each row from the start token on.
        wanted: the ids of the tokens that come next, (token,).
    """

    source: Rows
    target: Rows
    wanted: Tensor


class Batches:
    """An endless sequence of steps; each pass over the pairs is in another order."""

    def __init__(self, corpus: Corpus, pairs: int, positions: int, seed: int) -> None:
        self.corpus, self.pairs, self.positions, self.seed = corpus, pairs, positions, seed
        self.speller = Speller(corpus.tokenizer, corpus.words)
        self.start = corpus.tokenizer.get_vocab_size() - 1
        self.marks = {n for n, word in enumerate(corpus.words) if word in MARKS}
        self.steps = len(corpus.source) // pairs  # in a pass
        if self.steps < 1:
            raise ValueError(f"too few pairs for a step of {pairs}")
        self.ordered_pass = -1

    def parts(self, step: int, both: bool) -> list[Part]:
        """Return the pairs of a step.

        Args:
            step: its number.
            both: whether targets are spelt in changing ways, too, as sources always are.
        """
        draw = random.Random(f"{self.seed} {step}")
        rows: list[tuple[Ids, Ids]] = []
        for place in self.places(step):
            source, target = self.changed(int(place), draw)
            row = self.spelt(source, draw), self.spelt(target, draw if both else None)
            together = [[*a, *b] for a, b in zip(rows[-1], row, strict=True)] if rows else []
            if together and draw.random() < JOINED and max(map(len, together)) < self.positions:
                rows[-1] = together[0], together[1]
            elif max(map(len, row)) < self.positions:
                rows.append(row)
        return list(parts([([*s, END_ID], [*t, END_ID]) for s, t in rows], self.start))

    def places(self, step: int) -> Sequence[int]:
        """Return which pairs a step reads."""
        passed, place = divmod(step, self.steps)
        if passed != self.ordered_pass:
            self.order = np.random.default_rng([self.seed, passed]).permutation(
                len(self.corpus.source)
            )
            self.ordered_pass = passed
        found: list[int] = self.order[place * self.pairs : (place + 1) * self.pairs].tolist()
        return found

    def changed(self, place: int, draw: random.Random) -> tuple[list[int], list[int]]:
        """Return the words of a pair, now and then as a hasty person would write them."""
        source, target = (side.sentence(place) for side in (self.corpus.source, self.corpus.target))
        marked = source[-1] == target[-1] and source[-1] in self.marks
        if marked and draw.random() < BARE and min(len(source), len(target)) > 1:
            source, target = source[:-1], target[:-1]
        if draw.random() < LOWERED:
            source = [self.corpus.lowered[word] for word in source]
        return source, target

    def spelt(self, words: Sequence[int], draw: random.Random | None) -> Ids:
        """Return the pieces of some words."""
        ways = draw.choices(range(WAYS), k=len(words)) if draw else [0] * len(words)
        return [
            piece
            for word, way in zip(words, ways, strict=True)
            for piece in self.speller.spell(word, way)
        ]


def watched_parts(corpus: Corpus) -> list[Part]:
    """Return the sentences that are looked at during training, spelt in the usual way."""
    start = corpus.tokenizer.get_vocab_size() - 1

    def ids(text: str) -> Ids:
        found: Ids = corpus.tokenizer.encode(text).ids
        return found

    rows = [(ids(one.source), ids(one.targets[0])) for one in corpus.watched]
    return list(parts(rows, start))


def parts(pairs: Sequence[tuple[Ids, Ids]], start: int) -> Iterator[Part]:
    """Put pairs of about one length together.

    Args:
        pairs: ids of source and target, each with its end.
        start: the id that the writing of a target begins with.
    """
    waiting: list[tuple[Ids, Ids]] = []
    widest = 0, 0
    for source, target in sorted(pairs, key=lambda pair: (sum(map(len, pair)), len(pair[1]))):
        wider = max(widest[0], len(source)), max(widest[1], len(target))
        if waiting and (len(waiting) + 1) * sum(wider) > PART:
            yield together(waiting, start)
            waiting, wider = [], (len(source), len(target))
        waiting.append((source, target))
        widest = wider
    if waiting:
        yield together(waiting, start)


def together(pairs: Sequence[tuple[Ids, Ids]], start: int) -> Part:
    """Make a part of pairs."""
    wanted = torch.tensor([piece for _, target in pairs for piece in target])
    read = [[start, *target[:-1]] for _, target in pairs]
    return Part(in_rows([source for source, _ in pairs]), in_rows(read), wanted)


def in_rows(rows: Sequence[Ids]) -> Rows:
    """Put rows one behind the other."""
    longest = max(map(len, rows))
    ids = torch.tensor([piece for row in rows for piece in row])
    columns = torch.tensor([column for row in rows for column in range(len(row))])
    lines = torch.tensor([line for line, row in enumerate(rows) for _ in row])
    return Rows(ids, columns, lines * longest + columns, len(rows), longest)
