"""Held-out pairs, measured with the weights as they train; only to watch a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from marian_starter.batches import watched_parts
from marian_starter.model import Translator

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

    from marian_starter.batches import Part
    from marian_starter.corpus import Corpus


def watch(corpus: Corpus, weights: Mapping[str, Tensor], heads: int) -> Callable[[], str]:
    """Return what measures the watched sentences."""
    held = watched_parts(corpus)

    def measure() -> str:
        found = held_out_loss(weights, held, heads)
        return f"held-out loss: {found:.3f} nats for each target token"

    return measure


def held_out_loss(weights: Mapping[str, Tensor], parts: Sequence[Part], heads: int) -> float:
    """Return the loss for each target token in nats, without smoothing."""
    model = Translator(weights, heads)
    with torch.no_grad():
        total = sum(model.loss(part).item() for part in parts)
    return total / sum(len(part.wanted) for part in parts)
