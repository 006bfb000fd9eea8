"""bfloat16 weights that compute, float32 masters that learn, and their moving average."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor, nn

HEADS = ("classifier.", "qa_outputs.")


@dataclass(frozen=True)
class Rates:
    """The learning rates and the regularisation."""

    encoder: float = 1.5e-4
    heads: float = 6e-4
    decay: float = 0.01
    keep: float = 0.98  # of the average, every AVERAGE_EVERY steps: it looks back about 400


class Masters:
    """AdamW on float32 copies of a model's weights.

    The model itself may be bfloat16: small updates would vanish in it, but not in the masters.
    """

    def __init__(self, model: nn.Module, rates: Rates) -> None:
        self.computing = dict(model.named_parameters())
        self.weights = {
            name: weight.detach().float().clone().requires_grad_()
            for name, weight in self.computing.items()
        }
        self.average = {name: weight.detach().clone() for name, weight in self.weights.items()}
        groups: dict[tuple[float, float], list[Tensor]] = {}
        for name, weight in self.weights.items():
            rate = rates.heads if name.startswith(HEADS) else rates.encoder
            key = (rate, rates.decay if weight.dim() > 1 else 0.0)
            groups.setdefault(key, []).append(weight)
        self.adamw = torch.optim.AdamW(
            [
                {"params": weights, "lr": lr, "initial_lr": lr, "weight_decay": share}
                for (lr, share), weights in groups.items()
            ],
            betas=(0.9, 0.98),
            eps=1e-6,
            fused=True,
        )

    def step(self, scale: float, clip: float = 1.0) -> float:
        """Move the masters by the model's gradients, at `scale` times the learning rate.

        Returns the gradient's norm before clipping.
        """
        for name, weight in self.weights.items():
            gradient = self.computing[name].grad
            weight.grad = None if gradient is None else gradient.float()
            self.computing[name].grad = None
        norm = torch.nn.utils.clip_grad_norm_(list(self.weights.values()), clip)
        for group in self.adamw.param_groups:
            group["lr"] = group["initial_lr"] * scale
        self.adamw.step()
        self.adamw.zero_grad()
        self.publish()
        return float(norm)

    @torch.no_grad()
    def publish(self) -> None:
        """Copy the masters into the computing model."""
        for name, weight in self.weights.items():
            self.computing[name].copy_(weight)

    @torch.no_grad()
    def follow(self, keep: float) -> None:
        """Move the average towards the masters, keeping the share `keep` of it."""
        for name, weight in self.weights.items():
            self.average[name].lerp_(weight, 1 - keep)

    def state(self) -> dict[str, Any]:
        """Return all that a later run needs to go on."""
        return {"weights": self.weights, "average": self.average, "adamw": self.adamw.state_dict()}

    @torch.no_grad()
    def restore(self, state: dict[str, Any]) -> None:
        """Take up a state that `state` returned."""
        for name, weight in self.weights.items():
            weight.copy_(state["weights"][name])
            self.average[name].copy_(state["average"][name])
        self.adamw.load_state_dict(state["adamw"])
        self.publish()


def rate_scale(step: int, steps: int, warmup: float = 0.05) -> float:
    """Rise in a straight line over the first `warmup` of the steps, then fall to 0 as a cosine."""
    progress = (step + 1) / steps
    if progress < warmup:
        return progress / warmup
    return 0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))
