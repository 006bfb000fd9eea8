"""The recipe: what the model sees when, and how fast it learns."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schedule import Schedule, begin_of_fall

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
class Plan(Schedule):
    """A run whose closing phase begins when the rate begins to fall.

    Attributes:
        rows: in a step.
        length: of a row in tokens.
        sizes: the tokens there are of each kind.
        seed: decides which rows make a step.
    """

    rows: int
    length: int
    sizes: Mapping[str, int]
    seed: int

    def phase(self, step: int) -> tuple[Phase, int]:
        """Return the phase a step belongs to, and the phase's length in steps."""
        size = self.rows * self.length
        opening = most_steps(OPENING_TOKENS, size, OPENING_SHARE, self.steps)
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
    warmup = most_steps(WARMUP_TOKENS, rows * length, WARMUP_SHARE, steps)
    return Plan(steps, warmup, begin_of_fall(steps, CLOSING_SHARE), rows, length, sizes, seed)


def most_steps(tokens: int, size: int, most: float, steps: int) -> int:
    """Return how many steps of `size` so many tokens are, or the share `most` of all steps."""
    return max(1, min(tokens // size, round(most * steps)))


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
