"""BPE with dropout: words spelt with pieces now this way, now that, so that more is learnt of each.

Provilkov, Emelianenko and Voita 2020, "BPE-Dropout: Simple and Effective Subword Regularization".
The one in the package tokenizers cannot be seeded, so no run could be repeated with it.
"""

from __future__ import annotations

import json
import random
from itertools import pairwise
from typing import TYPE_CHECKING

from marian_starter.pieces import BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tokenizers import Tokenizer

DROPPED = 0.1  # of the merges at each step, as in the paper
WAYS = 16  # in which a word is spelt; the first is the tokenizer's own


class Speller:
    """Spells words; a word's number and way decide how, whatever was spelt before."""

    def __init__(self, tokenizer: Tokenizer, words: Sequence[str]) -> None:
        merges = json.loads(tokenizer.to_str())["model"]["merges"]
        self.ranks = {(first, second): rank for rank, (first, second) in enumerate(merges)}
        self.ids = tokenizer.get_vocab()
        self.words = words
        self.known: dict[tuple[int, int], list[int]] = {}

    def spell(self, word: int, way: int = 0) -> list[int]:
        """Return a word's pieces as ids."""
        found = self.known.get((word, way))
        if found is None:
            draw = random.Random(f"{self.words[word]} {way}") if way else None
            found = [self.ids[piece] for piece in self.split(self.words[word], draw)]
            self.known[word, way] = found
        return found

    def split(self, word: str, draw: random.Random | None = None) -> list[str]:
        """Merge characters into pieces, the first learnt merge first; with `draw` some are lost."""
        parts = [part for character in word for part in self.spelt(character)]
        while True:
            possible = [
                (self.ranks[pair], place)
                for place, pair in enumerate(pairwise(parts))
                if pair in self.ranks and (draw is None or draw.random() >= DROPPED)
            ]
            if not possible:
                return parts
            _, place = min(possible)
            parts[place : place + 2] = ["".join(parts[place : place + 2])]

    def spelt(self, character: str) -> list[str]:
        """Return a character, as bytes if it is no piece."""
        if character in self.ids:
            return [character]
        return [BYTES[byte] for byte in character.encode()]
