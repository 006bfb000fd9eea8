"""The training programs are scripts, not a package: their folder goes on the path."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[2] / "training"))


@pytest.fixture
def moved() -> Callable[[dict[str, Tensor]], dict[str, Tensor]]:
    """Move weights away from where they begin: zeros and ones would hide mistakes."""
    import torch

    def by_chance(weights: dict[str, Tensor]) -> dict[str, Tensor]:
        torch.manual_seed(1)
        return {
            name: (weight + 0.1 * torch.randn_like(weight)).requires_grad_()
            for name, weight in weights.items()
        }

    return by_chance
