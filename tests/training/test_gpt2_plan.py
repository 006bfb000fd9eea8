import itertools
from collections import Counter

import numpy as np
import pytest
from gpt2_starter.corpus import Tokens
from gpt2_starter.plan import CLOSING, MIDDLE, OPENING, capped, make_plan
from gpt2_starter.streams import Stream

SIZES = {
    "stories": 1_600_000,
    "everyday": 2_300_000,
    "plain": 11_000_000,
    "ornate": 29_000_000,
    "wiki": 9_000_000,
}


def test_rate_rises_stays_and_falls() -> None:
    plan = make_plan(30_000_000, 24, 512, SIZES, seed=1)
    rates = [plan.rate(step) for step in range(plan.steps)]
    assert rates[0] < 0.05
    assert rates[100 : plan.falls_from + 1] == [1.0] * (plan.falls_from - 99)
    falling = rates[plan.falls_from :]
    assert len(falling) == pytest.approx(0.25 * plan.steps, abs=1)
    assert all(a > b for a, b in itertools.pairwise(falling))
    assert 0 < rates[-1] < 0.01


def test_longer_run_begins_like_a_shorter_one() -> None:
    short, long = (make_plan(size, 24, 512, SIZES, seed=1) for size in (30_000_000, 90_000_000))
    for step in range(0, 400, 7):
        assert short.rate(step) == long.rate(step)
        assert short.phase(step)[0] == long.phase(step)[0]


@pytest.mark.parametrize("tokens", [200_000, 30_000_000, 150_000_000])
def test_no_kind_is_seen_too_often(tokens: int) -> None:
    plan = make_plan(tokens, 24, 512, SIZES, seed=1)
    seen: Counter[str] = Counter()
    for step in range(plan.steps):
        kinds = plan.kinds(step)
        assert len(kinds) == plan.rows
        seen.update(kinds)
    assert seen["stories"] * plan.length < 6 * SIZES["stories"]
    assert [plan.phase(step)[0] for step in (0, plan.falls_from - 1, plan.steps - 1)] == [
        OPENING,
        MIDDLE,
        CLOSING,
    ]


def test_capped_gives_what_is_left_to_the_others() -> None:
    shares = {"a": 0.5, "b": 0.3, "c": 0.2}
    assert capped(shares, {"a": 1, "b": 1, "c": 1}) == pytest.approx(shares)
    assert capped(shares, {"a": 0.25, "b": 1, "c": 1}) == pytest.approx(
        {"a": 0.25, "b": 0.45, "c": 0.3}
    )
    assert capped(shares, {"a": 0.25, "b": 0.4, "c": 1}) == pytest.approx(
        {"a": 0.25, "b": 0.4, "c": 0.35}
    )
    assert capped(shares, {"a": 0.1, "b": 0.2, "c": 0.2}) == pytest.approx(
        {"a": 0.2, "b": 0.4, "c": 0.4}
    )


def documents(lengths: list[int]) -> Tokens:
    """Make documents whose ids all differ, so that each can be found again."""
    ids = np.arange(sum(lengths), dtype=np.uint16)
    return Tokens(ids, np.cumsum([0, *lengths[:-1]], dtype=np.int64))


def test_stream_passes_over_everything_before_it_begins_again() -> None:
    stream = Stream(documents([7, 50, 1, 23, 40, 9]), length=8, seed="s")
    for passed in range(3):
        rows = [stream.row(passed * stream.rows + i) for i in range(stream.rows)]
        learnt = [int(i) for row in rows for i in row[1:]]
        assert len(set(learnt)) == len(learnt) == stream.rows * 8
        assert len(learnt) > 130 - 2 * 8 - 1


def test_row_depends_on_its_number_alone() -> None:
    tokens = documents([7, 50, 1, 23, 40, 9])
    forwards, backwards = (Stream(tokens, 8, "s") for _ in range(2))
    numbers = range(3 * forwards.rows)
    rows = [forwards.row(i).tolist() for i in numbers]
    assert rows[::-1] == [backwards.row(i).tolist() for i in reversed(numbers)]
    assert rows != [Stream(tokens, 8, "other").row(i).tolist() for i in numbers]


def test_too_little_text_is_an_error() -> None:
    with pytest.raises(ValueError, match="too little"):
        Stream(documents([9]), 8, "s")
