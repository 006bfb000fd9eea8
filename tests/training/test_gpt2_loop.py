from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from gpt2_starter.corpus import Tokens
from gpt2_starter.loop import PLAIN, Run
from gpt2_starter.model import Shape, initial_weights
from gpt2_starter.optimizer import Masters, Rates
from gpt2_starter.plan import make_plan
from gpt2_starter.streams import Stream

SHAPE = Shape(width=16, layers=1, heads=2, positions=16, pieces=64)
KINDS = ("stories", "everyday", "plain", "ornate", "wiki")


def make_run(work: Path, steps: int, **changes: object) -> Run:
    ids = np.random.default_rng(4).integers(0, 64, 800).astype(np.uint16)
    tokens = Tokens(ids, np.arange(0, 800, 20))
    work.mkdir(exist_ok=True)
    return Run(
        Masters(initial_weights(SHAPE, 1), Rates(), torch.float32),
        {kind: Stream(tokens, SHAPE.positions, kind) for kind in KINDS},
        make_plan(steps * 4 * 16, 4, 16, dict.fromkeys(KINDS, 800), seed=2),
        work,
        SHAPE.heads,
        micro=2,
        **{"log": lambda _: None} | changes,
    )


def after(steps: int) -> Callable[[], bool]:
    """Stop after so many steps."""
    count: Iterator[int] = iter(range(1, 1000))
    return lambda: next(count) == steps


def assert_same(one: Run, other: Run) -> None:
    assert one.done == other.done
    assert one.taken == other.taken
    for name, weight in one.masters.weights.items():
        assert torch.equal(weight, other.masters.weights[name]), name


@pytest.mark.parametrize("stop", [1, 9, 15, 18])
def test_interrupted_run_ends_with_the_same_weights(stop: int, tmp_path: Path) -> None:
    whole = make_run(tmp_path / "whole", 20)
    whole.train()
    make_run(tmp_path / "parts", 20, stopping=after(stop)).train()
    resumed = make_run(tmp_path / "parts", 20)
    resumed.train()
    assert_same(whole, resumed)


@pytest.mark.parametrize("first", ["finished", "stopped in the fall"])
def test_longer_run_goes_on_from_before_the_fall(first: str, tmp_path: Path) -> None:
    stopping = after(38) if first != "finished" else lambda: False
    make_run(tmp_path / "grown", 40, stopping=stopping).train()
    assert torch.load(tmp_path / "grown" / PLAIN)["done"] == 30
    lines: list[str] = []
    grown = make_run(tmp_path / "grown", 60, log=lines.append)
    grown.train()
    assert lines[0] == "going on from step 30"
    assert grown.done == 60
    assert grown.plan.falls_from == 45
    again = make_run(tmp_path / "grown", 60)
    again.train()
    assert_same(grown, again)


def test_shortened_run_falls_at_once(tmp_path: Path) -> None:
    make_run(tmp_path, 100, stopping=after(30)).train()
    shortened = make_run(tmp_path, 36, stopping=after(3))
    shortened.train()
    assert shortened.plan.falls_from == 30
    assert torch.load(tmp_path / PLAIN)["done"] == 30
    rest = make_run(tmp_path, 36)
    rest.train()
    assert (rest.done, rest.plan.falls_from) == (36, 30)


def test_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    make_run(tmp_path, 4, identity="a").train()
    with pytest.raises(ValueError, match="another run"):
        make_run(tmp_path, 4, identity="b").train()


def test_run_tells_how_it_goes(tmp_path: Path) -> None:
    lines: list[str] = []
    make_run(
        tmp_path, 4, log=lines.append, measure=lambda: "measured", measure_every=3, log_every=2
    ).train()
    assert [line.split()[0] for line in lines] == ["step", "measured", "step"]
