"""The recipe: how fast the model learns when.

The rate rises, stays, and falls at the end. A longer run only stays longer, so that one can be
lengthened while it goes on, or go on from where an earlier one began to fall.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

WARMUP_STEPS = 250
WARMUP_SHARE = 0.05  # at most, of a short run
CLOSING_SHARE = 0.3


@dataclass(frozen=True)
class Plan:
    """A run, counted in steps.

    Attributes:
        steps: in all.
        pass_steps: in a pass over the pairs.
        falls_from: the step at which the rate begins to fall, and targets are spelt in one way.
    """

    steps: int
    pass_steps: int
    falls_from: int

    def rate(self, step: int) -> float:
        """Return the share of the highest rate: a line up, a plain, then 1 - sqrt(progress).

        The fall is that of Hägele et al. 2024, "Scaling Laws and Compute-Optimal Training Beyond
        Fixed Training Durations".
        """
        if step >= self.falls_from:
            return 1 - sqrt((step - self.falls_from) / (self.steps - self.falls_from))
        warmup = max(1, min(WARMUP_STEPS, round(WARMUP_SHARE * self.steps)))
        return min(1.0, (step + 1) / warmup)

    def respelt(self, step: int) -> bool:
        """Return whether targets are spelt in changing ways, too; at the end in the usual one."""
        return step < self.falls_from


def make_plan(passes: float, pass_steps: int) -> Plan:
    """Plan a run of so many passes over the pairs."""
    steps = max(2, round(passes * pass_steps))
    return Plan(steps, pass_steps, steps - max(1, round(CLOSING_SHARE * steps)))
