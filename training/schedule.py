"""How fast a run learns when: the rate rises, stays, and falls at the end.

A longer run only stays longer, so that one can be lengthened while it goes on, or go on from where
an earlier one began to fall.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt


@dataclass(frozen=True)
class Schedule:
    """A run, counted in steps.

    Attributes:
        steps: in all.
        warmup: steps until the rate is at its highest.
        falls_from: the step at which the rate begins to fall.
    """

    steps: int
    warmup: int
    falls_from: int

    def rate(self, step: int) -> float:
        """Return the share of the highest rate: a line up, a plain, then 1 - sqrt(progress).

        The fall is that of Hägele et al. 2024, "Scaling Laws and Compute-Optimal Training Beyond
        Fixed Training Durations".
        """
        if step >= self.falls_from:
            return 1 - sqrt((step - self.falls_from) / (self.steps - self.falls_from))
        return min(1.0, (step + 1) / self.warmup)


def begin_of_fall(steps: int, share: float) -> int:
    """Return the step from which the rate falls, for so large a share of all steps."""
    return steps - max(1, round(share * steps))
