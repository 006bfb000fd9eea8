"""What GPT-2 learns from: rows of each kind of text, as the plan draws them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from gpt2_starter.model import loss

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from gpt2_starter.plan import Plan
    from gpt2_starter.streams import Stream


class Prose:
    """Rows of text for some weights.

    Args:
        weights: that compute; they receive the gradients.
        heads: of attention in each layer.
        streams: each kind of text.
        micro: rows that are learnt from at once.
    """

    def __init__(
        self,
        weights: Mapping[str, Tensor],
        heads: int,
        streams: Mapping[str, Stream],
        micro: int = 4,
    ) -> None:
        self.weights, self.heads, self.streams, self.micro = weights, heads, streams, micro
        self.taken = dict.fromkeys(streams, 0)  # rows of each kind so far

    def learn(self, plan: Plan, step: int) -> tuple[float, int]:
        """Add the gradients of a step's batch; return its loss for each token, and the tokens."""
        rows = self.batch(plan.kinds(step))
        total = 0.0
        for part in torch.split(rows, self.micro):
            value = loss(self.weights, part, self.heads) * (len(part) / len(rows))
            value.backward()  # type: ignore[no-untyped-call]
            total += value.item()
        return total, plan.rows * plan.length

    def batch(self, kinds: list[str]) -> Tensor:
        """Take the next row of each kind, (row, position + 1)."""
        rows = []
        for kind in kinds:
            rows.append(self.streams[kind].row(self.taken[kind]))
            self.taken[kind] += 1
        return torch.from_numpy(np.stack(rows).astype(np.int64))

    def progress(self, plan: Plan, done: int) -> str:
        """Say how far so many steps have come."""
        size = plan.rows * plan.length
        return f"{plan.phase(done - 1)[0].name}  {done * size / 1e6:.2f} M tokens"

    def state(self) -> dict[str, Any]:
        """Return how many rows of each kind have been seen."""
        return dict(self.taken)

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a state that `state` returned."""
        self.taken = dict(state)
