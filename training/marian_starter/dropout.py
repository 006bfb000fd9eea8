"""Dropout whose random numbers were drawn once: drawing them for each use costs half a step."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

POOL = 1 << 23  # numbers that masks are cut from, each at another place


class Dropout:
    """Zeros a share of each tensor it is called with; the step decides which."""

    def __init__(self, share: float, seed: int, dtype: torch.dtype) -> None:
        drawn = torch.rand(POOL, generator=torch.Generator().manual_seed(seed))
        self.pool = ((drawn >= share) / (1 - share)).to(dtype)
        self.begin(0)

    def begin(self, step: int) -> None:
        """Begin a step."""
        self.draw = random.Random(step)

    def __call__(self, hidden: Tensor) -> Tensor:
        """Zero some of it, and make up for that in the rest."""
        start = self.draw.randrange(len(self.pool) - hidden.numel())
        mask = self.pool[start : start + hidden.numel()].view(hidden.shape)
        return hidden * mask
