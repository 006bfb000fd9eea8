import itertools

import pytest
from marian_starter.plan import CLOSING_SHARE, WARMUP_STEPS, make_plan


def test_rate_rises_stays_and_falls() -> None:
    plan = make_plan(20, 320)
    rates = [plan.rate(step) for step in range(plan.steps)]
    assert rates[0] < 0.01
    assert rates[WARMUP_STEPS : plan.falls_from + 1] == [1.0] * (plan.falls_from - WARMUP_STEPS + 1)
    falling = rates[plan.falls_from :]
    assert len(falling) == pytest.approx(CLOSING_SHARE * plan.steps, abs=1)
    assert all(a > b for a, b in itertools.pairwise(falling))
    assert 0 < rates[-1] < 0.01


def test_targets_are_spelt_in_one_way_while_the_rate_falls() -> None:
    plan = make_plan(10, 320)
    assert all(
        plan.respelt(step) == (plan.rate(step + 1) >= 1) for step in range(300, plan.steps - 1)
    )


def test_longer_run_begins_like_a_shorter_one() -> None:
    short, long = make_plan(16, 320), make_plan(48, 320)
    for step in range(0, 3000, 7):
        assert short.rate(step) == long.rate(step)
        assert short.respelt(step) == long.respelt(step)
