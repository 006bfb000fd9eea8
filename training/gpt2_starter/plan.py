"""The recipe: what the model sees when, and how fast it learns.

The rate rises, stays, and falls at the end. A longer run only stays longer, so that one can be
lengthened while it goes on, or go on from where an earlier one began to fall.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Phase:
    """What share each kind of text has in a part of the run, and its passes at most."""

    name: str
    shares: Mapping[str, float]
    most: float


# Plain language is learnt first, and again last: it is what the model should write.
OPENING = Phase("opening", {"stories": 0.35, "everyday": 0.2, "plain": 0.45}, 1.0)
MIDDLE = Phase(
    "middle",
    {"stories": 0.1, "everyday": 0.04, "plain": 0.36, "ornate": 0.4, "wiki": 0.1},
    2.0,
)
CLOSING = Phase(
    "closing",
    {"stories": 0.28, "everyday": 0.03, "plain": 0.4, "ornate": 0.24, "wiki": 0.05},
    2.5,
)
OPENING_TOKENS = 3_000_000
OPENING_SHARE = 0.15  # at most, of a short run
WARMUP_TOKENS = 1_000_000
WARMUP_SHARE = 0.05  # at most
CLOSING_SHARE = 0.25


@dataclass(frozen=True)
class Plan:
    """A run, counted in steps.

    Attributes:
        steps: in all.
        rows: in a step.
        length: of a row in tokens.
        sizes: the tokens there are of each kind.
        falls_from: the step at which the rate begins to fall, and the closing phase begins.
        seed: decides which rows make a step.
    """

    steps: int
    rows: int
    length: int
    sizes: Mapping[str, int]
    falls_from: int
    seed: int

    def rate(self, step: int) -> float:
        """Return the share of the highest rate: a line up, a plain, then 1 - sqrt(progress).

        The fall is that of Hägele et al. 2024, "Scaling Laws and Compute-Optimal Training Beyond
        Fixed Training Durations".
        """
        if step >= self.falls_from:
            return 1 - ((step - self.falls_from) / (self.steps - self.falls_from)) ** 0.5
        warmup = self.part(WARMUP_TOKENS, WARMUP_SHARE)
        return min(1.0, (step + 1) / warmup)

    def part(self, tokens: int, most: float) -> int:
        """Return how many steps so many tokens are, or the share `most` of all steps."""
        return max(1, min(tokens // (self.rows * self.length), round(most * self.steps)))

    def phase(self, step: int) -> tuple[Phase, int]:
        """Return the phase a step belongs to, and the phase's length in steps."""
        opening = self.part(OPENING_TOKENS, OPENING_SHARE)
        if step >= self.falls_from:
            return CLOSING, self.steps - self.falls_from
        if step < opening:
            return OPENING, opening
        return MIDDLE, self.falls_from - opening

    def shares(self, step: int) -> dict[str, float]:
        """Return each kind's share at a step, no kind seen more often than its phase allows."""
        phase, steps = self.phase(step)
        tokens = steps * self.rows * self.length
        most = {kind: phase.most * self.sizes[kind] / tokens for kind in phase.shares}
        return capped(phase.shares, most)

    def kinds(self, step: int) -> list[str]:
        """Draw the kind of each row of a step."""
        shares = self.shares(step)
        draw = random.Random(f"{self.seed} {step}")
        return draw.choices(list(shares), list(shares.values()), k=self.rows)


def make_plan(tokens: int, rows: int, length: int, sizes: Mapping[str, int], seed: int) -> Plan:
    """Plan a run of so many tokens."""
    steps = max(2, tokens // (rows * length))
    return Plan(steps, rows, length, sizes, steps - max(1, round(CLOSING_SHARE * steps)), seed)


def capped(shares: Mapping[str, float], most: Mapping[str, float]) -> dict[str, float]:
    """Cap shares; what is cut off goes to the other kinds.

    Where all kinds together are too few, all are seen equally often.
    """
    if sum(most[kind] for kind in shares) <= 1:
        return {kind: most[kind] / sum(most.values()) for kind in shares}
    full: set[str] = set()
    while True:
        room = 1 - sum(most[kind] for kind in full)
        left = sum(share for kind, share in shares.items() if kind not in full)
        result = {
            kind: most[kind] if kind in full else share * room / left
            for kind, share in shares.items()
        }
        over = {kind for kind in shares if kind not in full and result[kind] > most[kind]}
        if not over:
            return result
        full |= over
