"""bfloat16 weights that compute, float32 masters that learn: Muon for matrices, AdamW for others.

Muon (Keller Jordan 2024) moves a matrix by its momentum with all singular values made about equal.
It learns from fewer tokens than AdamW does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

# Five steps of x <- a x + b (x xT) x + c (x xT)^2 x with these bring singular values near 1.
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


@dataclass(frozen=True)
class Rates:
    """The learning rates at their highest, and the regularisation.

    Attributes:
        others: of what AdamW moves.
        betas: of AdamW.
        epsilon: of AdamW.
        matrices: of what Muon moves.
        momentum: of Muon.
        decay: of Muon's weights.
        clip: the gradient's norm at most.
    """

    others: float
    betas: tuple[float, float]
    epsilon: float = 1e-8
    matrices: float = 0.02
    momentum: float = 0.95
    decay: float = 0.02
    clip: float = 1.0


def orthogonalise(matrices: Tensor, steps: int = 5) -> Tensor:
    """Make all singular values of matrices of one size about 1, by Newton-Schulz in bfloat16.

    Args:
        matrices: (matrix, row, column).
        steps: of the iteration.
    """
    a, b, c = NEWTON_SCHULZ
    tall = matrices.shape[1] > matrices.shape[2]
    inner = (matrices.mT if tall else matrices).bfloat16()
    inner = inner / (inner.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(steps):
        square = inner @ inner.mT  # (matrix, small side, small side)
        square = b * square + c * square @ square
        inner = a * inner + square @ inner
    turned: Tensor = inner.mT if tall else inner
    return turned.float()


class Masters:
    """float32 copies of the weights, and the two optimizers that move them.

    Args:
        weights: to begin with.
        matrices: views of the (out, in) matrices that a weight of this name consists of; none of a
            weight that AdamW moves.
        rates: how fast they move.
        dtype: of the weights that compute.
    """

    def __init__(
        self,
        weights: Mapping[str, Tensor],
        matrices: Callable[[str, Tensor], Sequence[Tensor]],
        rates: Rates,
        dtype: torch.dtype,
    ) -> None:
        self.matrices, self.rates = matrices, rates
        self.weights = {name: weight.clone() for name, weight in weights.items()}
        self.computing = {
            name: weight.to(dtype, copy=True).requires_grad_() for name, weight in weights.items()
        }
        turned = [name for name, weight in weights.items() if matrices(name, weight)]
        self.momenta = {name: torch.zeros_like(weights[name]) for name in turned}
        self.others = [name for name in weights if name not in self.momenta]
        self.adamw = torch.optim.AdamW(
            [self.weights[name] for name in self.others],
            lr=rates.others,
            betas=rates.betas,
            eps=rates.epsilon,
            weight_decay=0.0,
            fused=True,
        )

    @torch.no_grad()
    def step(self, scale: float) -> float:
        """Move the masters by the gradients, at `scale` times the highest rates.

        Returns the gradient's norm before clipping.
        """
        gradients = {}
        for name, weight in self.computing.items():
            assert weight.grad is not None
            gradients[name] = weight.grad.float()
            weight.grad = None
        norm = float(torch.nn.utils.get_total_norm(gradients.values()))
        shrink = min(1.0, self.rates.clip / (norm + 1e-6))
        for name in self.others:
            self.weights[name].grad = gradients[name] * shrink
        self.adamw.param_groups[0]["lr"] = self.rates.others * scale
        self.adamw.step()
        self.turn({name: gradients[name] * shrink for name in self.momenta}, scale)
        self.publish()
        return norm

    def turn(self, gradients: Mapping[str, Tensor], scale: float) -> None:
        """Move the matrices by Muon, with Nesterov's momentum; those of one size together."""
        rate, keep = self.rates.matrices * scale, self.rates.momentum
        sizes: dict[tuple[int, ...], list[tuple[Tensor, Tensor]]] = {}
        for name, momentum in self.momenta.items():
            momentum.lerp_(gradients[name], 1 - keep)
            ahead = gradients[name].lerp(momentum, keep)
            own = self.weights[name].mul_(1 - rate * self.rates.decay)
            views = self.matrices(name, own), self.matrices(name, ahead)
            for matrix, direction in zip(*views, strict=True):
                sizes.setdefault(tuple(matrix.shape), []).append((matrix, direction))
        for (rows, columns), pairs in sizes.items():
            wide = max(1.0, rows / columns) ** 0.5  # more outputs, larger ones
            turned = orthogonalise(torch.stack([direction for _, direction in pairs]))
            for (matrix, _), direction in zip(pairs, turned, strict=True):
                matrix.add_(direction, alpha=-rate * wide)

    @torch.no_grad()
    def publish(self) -> None:
        """Copy the masters into the computing weights."""
        for name, weight in self.weights.items():
            self.computing[name].copy_(weight)

    def state(self) -> dict[str, Any]:
        """Return all that a later run needs to go on."""
        return {
            "weights": self.weights,
            "momenta": self.momenta,
            "adamw": self.adamw.state_dict(),
        }

    @torch.no_grad()
    def restore(self, state: dict[str, Any]) -> None:
        """Take up a state that `state` returned."""
        for name, weight in self.weights.items():
            weight.copy_(state["weights"][name])
        for name, momentum in self.momenta.items():
            momentum.copy_(state["momenta"][name])
        self.adamw.load_state_dict(state["adamw"])
        self.publish()
