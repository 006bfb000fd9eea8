"""Held-out rows, measured with the weights as they train; only to watch a run."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import torch

from gpt2_starter.model import loss

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

    from gpt2_starter.corpus import Corpus
    from gpt2_starter.model import Shape

ROWS = 20  # of each kind


def watch(corpus: Corpus, weights: Mapping[str, Tensor], shape: Shape) -> Callable[[], str]:
    """Return what measures a few held-out rows of stories and of books."""
    end = shape.pieces - 1
    # A byte-level piece is spelt with one character a byte; the end of a text stands for none.
    spelt = {number: piece for piece, number in corpus.tokenizer.get_vocab().items()}
    widths = [0 if number == end else len(spelt[number]) for number in range(shape.pieces)]
    rows: dict[str, list[list[int]]] = {}
    for kind, documents in (("stories", corpus.stories), ("books", corpus.books)):
        encoded: list[list[int]] = [
            [end, *corpus.tokenizer.encode(document.text).ids] for document in documents
        ]
        size = shape.positions + 1
        cut = [ids[i : i + size] for ids in encoded for i in range(0, len(ids) - 1, size)]
        rows[kind] = random.Random(0).sample(cut, min(ROWS, len(cut)))

    def measure() -> str:
        found = (
            f"{kind} {bits_per_byte(weights, some, widths, shape.heads):.3f}"
            for kind, some in rows.items()
        )
        return f"held-out bits per byte: {', '.join(found)}"

    return measure


def bits_per_byte(
    weights: Mapping[str, Tensor], rows: Sequence[Sequence[int]], widths: Sequence[int], heads: int
) -> float:
    """Measure rows of ids.

    Args:
        weights: that compute.
        rows: ids; the first of each is not predicted.
        widths: how many bytes each piece stands for.
        heads: of attention in each layer.
    """
    nats, size = 0.0, 0
    with torch.no_grad():
        for row in rows:
            nats += loss(weights, torch.tensor([row]), heads).item() * (len(row) - 1)
            size += sum(widths[piece] for piece in row[1:])
    return nats / math.log(2) / size
