"""What Marian learns from: pairs of sentences, with dropout if there is any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marian_starter.model import Drop, Translator, kept

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from marian_starter.batches import Batches
    from marian_starter.dropout import Dropout
    from marian_starter.plan import Plan

SMOOTHING = 0.1  # Vaswani et al. 2017, "Attention Is All You Need"


class Pairs:
    """Pairs of sentences for some weights.

    Args:
        weights: that compute; they receive the gradients.
        heads: of attention in each layer.
        batches: the pairs of each step.
        dropout: if there is any.
    """

    def __init__(
        self,
        weights: Mapping[str, Tensor],
        heads: int,
        batches: Batches,
        dropout: Dropout | None = None,
    ) -> None:
        self.weights, self.heads, self.batches, self.dropout = weights, heads, batches, dropout

    def learn(self, plan: Plan, step: int) -> tuple[float, int]:
        """Add the gradients of a step's batch; return its loss for each target, and the targets."""
        parts = self.batches.parts(step, plan.respelt(step))
        drop: Drop = kept
        if self.dropout is not None:
            self.dropout.begin(step)
            drop = self.dropout
        model = Translator(self.weights, self.heads, drop)
        targets = sum(len(part.wanted) for part in parts)
        total = 0.0
        for part in parts:
            value = model.loss(part, SMOOTHING) / targets
            value.backward()  # type: ignore[no-untyped-call]
            total += value.item()
        return total, targets

    def progress(self, plan: Plan, done: int) -> str:
        """Say how far so many steps have come."""
        return f"pass {done / plan.pass_steps:.2f}"

    def state(self) -> dict[str, Any]:
        """Return nothing: the step's number decides all."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up nothing."""
