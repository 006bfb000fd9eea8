"""The recipe: how fast the model learns when, and how its targets are spelt."""

from __future__ import annotations

from dataclasses import dataclass

from schedule import Schedule, begin_of_fall

WARMUP_STEPS = 250
WARMUP_SHARE = 0.05  # at most, of a short run
CLOSING_SHARE = 0.3


@dataclass(frozen=True)
class Plan(Schedule):
    """A run whose targets are spelt in one way from when the rate begins to fall.

    Attributes:
        pass_steps: in a pass over the pairs.
    """

    pass_steps: int

    def respelt(self, step: int) -> bool:
        """Return whether targets are spelt in changing ways, too; at the end in the usual one."""
        return step < self.falls_from


def make_plan(passes: float, pass_steps: int) -> Plan:
    """Plan a run of so many passes over the pairs."""
    steps = max(2, round(passes * pass_steps))
    warmup = max(1, min(WARMUP_STEPS, round(WARMUP_SHARE * steps)))
    return Plan(steps, warmup, begin_of_fall(steps, CLOSING_SHARE), pass_steps)
