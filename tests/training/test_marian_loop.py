from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from marian_starter.batches import Batches, watched_parts
from marian_starter.corpus import Corpus, Side, numbered
from marian_starter.data import HeldOut
from marian_starter.dropout import Dropout
from marian_starter.loop import PLAIN, Run, held_out_loss
from marian_starter.model import Shape, initial_weights
from marian_starter.optimizer import Masters, Rates
from marian_starter.pieces import learn_pieces
from marian_starter.plan import make_plan

TEXTS = [f"Tom saw {n} wolves at the {m} river." for n in (2, 3, 7) for m in ("old", "grey", "new")]


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    tokenizer = learn_pieces(TEXTS * 3, 300)
    numbers: dict[str, int] = {}
    side = numbered(tokenizer, TEXTS, numbers)
    backwards = Side(np.flip(side.numbers).copy(), side.starts)
    held = [HeldOut(TEXTS[0], (TEXTS[1],), near=True)]
    return Corpus(
        tokenizer, list(numbers), list(range(len(numbers))), side, backwards, held, held * 3
    )


@pytest.fixture
def make_run(corpus: Corpus) -> Callable[..., Run]:
    pieces = corpus.tokenizer.get_vocab_size()
    shape = Shape(
        width=16, encoder_layers=1, decoder_layers=1, heads=2, inner=32, positions=64, pieces=pieces
    )

    def make(work: Path, steps: int, **changes: object) -> Run:
        work.mkdir(exist_ok=True)
        batches = Batches(corpus, 4, shape.positions, seed=3)
        return Run(
            Masters(initial_weights(shape, 1), Rates(), torch.float32),
            batches,
            make_plan(steps / batches.steps, batches.steps),
            work,
            shape.heads,
            Dropout(0.1, 5, torch.float32),
            **{"log": lambda _: None} | changes,
        )

    return make


def after(steps: int) -> Callable[[], bool]:
    """Stop after so many steps."""
    count: Iterator[int] = iter(range(1, 1000))
    return lambda: next(count) == steps


def assert_same(one: Run, other: Run) -> None:
    assert one.done == other.done
    for name, weight in one.masters.weights.items():
        assert torch.equal(weight, other.masters.weights[name]), name


@pytest.mark.parametrize("stop", [1, 9, 14, 18])
def test_interrupted_run_ends_with_the_same_weights(
    make_run: Callable[..., Run], stop: int, tmp_path: Path
) -> None:
    whole = make_run(tmp_path / "whole", 20)
    whole.train()
    make_run(tmp_path / "parts", 20, stopping=after(stop)).train()
    resumed = make_run(tmp_path / "parts", 20)
    resumed.train()
    assert_same(whole, resumed)


@pytest.mark.parametrize("first", ["finished", "stopped in the fall"])
def test_longer_run_goes_on_from_before_the_fall(
    make_run: Callable[..., Run], first: str, tmp_path: Path
) -> None:
    stopping = after(38) if first != "finished" else lambda: False
    make_run(tmp_path / "grown", 40, stopping=stopping).train()
    assert torch.load(tmp_path / "grown" / PLAIN)["done"] == 28
    lines: list[str] = []
    grown = make_run(tmp_path / "grown", 60, log=lines.append)
    grown.train()
    assert lines[0] == "going on from step 28"
    assert (grown.done, grown.plan.falls_from) == (60, 42)
    # Its warmup was a shorter run's; apart from that it is the long run.
    again = make_run(tmp_path / "grown", 60)
    again.train()
    assert_same(grown, again)


def test_shortened_run_falls_at_once(make_run: Callable[..., Run], tmp_path: Path) -> None:
    make_run(tmp_path, 100, stopping=after(30)).train()
    shortened = make_run(tmp_path, 36, stopping=after(3))
    shortened.train()
    assert shortened.plan.falls_from == 30
    assert torch.load(tmp_path / PLAIN)["done"] == 30
    rest = make_run(tmp_path, 36)
    rest.train()
    assert (rest.done, rest.plan.falls_from) == (36, 30)


def test_checkpoint_of_another_run_is_refused(make_run: Callable[..., Run], tmp_path: Path) -> None:
    make_run(tmp_path, 4, identity="a").train()
    with pytest.raises(ValueError, match="another run"):
        make_run(tmp_path, 4, identity="b").train()


def test_run_tells_how_it_goes(make_run: Callable[..., Run], tmp_path: Path) -> None:
    lines: list[str] = []
    make_run(
        tmp_path, 4, log=lines.append, measure=lambda: "measured", measure_every=3, log_every=2
    ).train()
    assert [line.split()[0] for line in lines] == ["step", "measured", "step"]


def test_watched_loss_falls(corpus: Corpus, make_run: Callable[..., Run], tmp_path: Path) -> None:
    run = make_run(tmp_path, 30)
    parts = watched_parts(corpus)
    losses = []
    for _ in range(2):
        losses.append(held_out_loss(run.masters.computing, parts, run.heads))
        run.train()
    assert losses[1] < 0.8 * losses[0]
