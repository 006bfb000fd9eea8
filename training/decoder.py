"""What every decoder needs in training: the mask of what comes later, the loss of the next piece.

The output matrix is the table of the pieces.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor

BLOCK = 512  # targets whose logits are held at once


@cache
def later(length: int, dtype: torch.dtype) -> Tensor:
    """Return minus infinity where a key comes after its query, else 0: (query, key)."""
    return torch.full((length, length), -math.inf, dtype=dtype).triu(1)


def cross_entropy(hidden: Tensor, table: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    """Return the sum of each target's loss in nats.

    Args:
        hidden: states from which the pieces are read, (target, width).
        table: of the pieces, (piece, width).
        targets: the pieces, (target,).
        smoothing: the share of what is right that is spread over all pieces.
    """
    total: Tensor = CrossEntropy.apply(hidden, table, targets, smoothing)  # type: ignore[no-untyped-call]
    return total


class CrossEntropy(torch.autograd.Function):
    """The gradient is taken with the loss, a block of targets at a time.

    The logits of a whole batch would be the largest thing in memory, and be gone through five
    times.
    """

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, table: Tensor, targets: Tensor, smoothing: float
    ) -> Tensor:
        """Return the sum of the losses, in float32."""
        to_hidden = torch.empty_like(hidden)  # (target, width)
        to_table = torch.zeros(table.shape)  # (piece, width)
        total = torch.zeros(())
        spread = smoothing / len(table)
        for start in range(0, len(hidden), BLOCK):
            own, wanted = hidden[start : start + BLOCK], targets[start : start + BLOCK]
            logits = own @ table.T  # (target, piece)
            shares = torch.softmax(logits, dim=-1)  # (target, piece)
            at = torch.arange(len(own)), wanted
            right = shares[at]  # (target,)
            # In bfloat16 a probability may be nought; the sum is only looked at.
            total -= right.float().clamp_min(1e-30).log().sum()
            if smoothing:
                mean = own @ table.mean(0)  # of a target's logits, (target,)
                total += smoothing * (logits[at] - mean).sum(dtype=torch.float32)
                shares -= spread
            shares[at] = right - (1 - smoothing + spread)
            torch.mm(shares, table, out=to_hidden[start : start + BLOCK])
            to_table += shares.T @ own
        ctx.save_for_backward(to_hidden, to_table.to(table.dtype))
        return total

    @staticmethod
    def backward(ctx: Any, scale: Tensor) -> tuple[Tensor | None, ...]:
        """Hand on the gradients, scaled."""
        to_hidden, to_table = ctx.saved_tensors
        return to_hidden * scale, to_table * scale, None, None
