import random
from collections import Counter
from dataclasses import dataclass

from bert_starter.plan import Window, batches, cut, hide, schedule, tokens_of
from bert_starter.rows import MASK


@dataclass(frozen=True)
class Line:
    ids: list[int]


def test_schedule_spreads_passes_over_the_window() -> None:
    timed = list(schedule(range(100), Window(0.2, 0.8, 2.5), random.Random(0)))
    assert Counter(Counter(item for _, item in timed).values()) == {3: 50, 2: 50}
    times = [time for time, _ in timed]
    assert times == sorted(times)
    assert min(times) == 0.2
    assert max(times) < 0.8
    # A pass ends before the next begins.
    assert {item for _, item in timed[:100]} == set(range(100))


def test_batches_hold_every_row_once_and_little_padding() -> None:
    rng = random.Random(0)
    rows = [Line([0] * rng.randint(3, 60)) for _ in range(2000)]
    made = batches(rows, 64, rng)
    assert len(made) == 64
    assert Counter(map(id, rows)) == Counter(id(row) for batch in made for row in batch)
    padded = sum(len(batch) * max(map(tokens_of, batch)) for batch in made)
    assert padded < 1.1 * sum(map(tokens_of, rows))


def test_cut_gives_equal_parts_in_order() -> None:
    parts = cut(range(100), 7, lambda _: 1)
    assert [item for part in parts for item in part] == list(range(100))
    assert {len(part) for part in parts} == {14, 15}


def test_hide_masks_about_its_share() -> None:
    ids = list(range(1000, 3000))
    assert hide(ids, 0.0, random.Random(0)) == ids
    hidden = hide(ids, 0.1, random.Random(0))
    assert 150 < hidden.count(MASK) < 250
    assert all(a in (b, MASK) for a, b in zip(hidden, ids, strict=True))
