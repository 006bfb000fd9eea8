"""Documents packed into rows, in an order that only the seed and the row's number decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpt2_starter.corpus import Tokens


class Stream:
    """One kind of text as an endless sequence of rows; each pass packs the documents anew.

    A row has one id more than the model has positions: the last is only predicted, and is the
    first of the row cut next to it.
    """

    def __init__(self, tokens: Tokens, length: int, seed: str) -> None:
        self.tokens, self.length, self.seed = tokens, length, seed
        # Any offset below the row's length leaves room for so many rows.
        self.rows = (len(tokens.ids) - 1 - length) // length
        if self.rows < 1:
            raise ValueError(f"{seed}: too little text for one row")
        self.packed_pass = -1

    def row(self, number: int) -> NDArray[np.uint16]:
        """Return row `number` of the sequence, (position + 1,)."""
        passed, place = divmod(number, self.rows)
        if passed != self.packed_pass:
            self.pack(passed)
        start = self.offset + int(self.order[place]) * self.length
        return self.packed[start : start + self.length + 1]

    def pack(self, passed: int) -> None:
        """Put the documents of a pass one behind the other, and its rows in order."""
        draw = np.random.default_rng([passed, *self.seed.encode()])
        ids, starts = self.tokens.ids, self.tokens.starts
        ends = np.append(starts[1:], len(ids))
        self.packed = np.concatenate(
            [ids[starts[i] : ends[i]] for i in draw.permutation(len(starts))]
        )
        self.offset = int(draw.integers(self.length))
        self.order = draw.permutation(self.rows)
        self.packed_pass = passed
