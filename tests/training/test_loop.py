"""A run can be stopped, lengthened and shortened at any step, whatever its lessons are."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from gpt2_starter import model as gpt2
from gpt2_starter import plan as gpt2_plan
from gpt2_starter.corpus import Tokens
from gpt2_starter.lessons import Prose
from gpt2_starter.streams import Stream
from loop import PLAIN, Run
from marian_starter import model as marian
from marian_starter import plan as marian_plan
from marian_starter.batches import Batches, watched_parts
from marian_starter.corpus import Corpus, Side, numbered
from marian_starter.data import HeldOut
from marian_starter.dropout import Dropout
from marian_starter.lessons import Pairs
from marian_starter.pieces import learn_pieces
from marian_starter.watch import held_out_loss
from muon import Masters, Rates
from schedule import Schedule

RATES = Rates(others=2e-3, betas=(0.9, 0.98))
KINDS = ("stories", "everyday", "plain", "ornate", "wiki")
TEXTS = [f"Tom saw {n} wolves at the {m} river." for n in (2, 3, 7) for m in ("old", "grey", "new")]
MakeRun = Callable[..., Run[Schedule]]


def prose_run(work: Path, steps: int, **changes: object) -> Run[gpt2_plan.Plan]:
    shape = gpt2.Shape(width=16, layers=1, heads=2, positions=16, pieces=64)
    ids = np.random.default_rng(4).integers(0, 64, 800).astype(np.uint16)
    tokens = Tokens(ids, np.arange(0, 800, 20))
    masters = Masters(gpt2.initial_weights(shape, 1), gpt2.matrices, RATES, torch.float32)
    streams = {kind: Stream(tokens, shape.positions, kind) for kind in KINDS}
    lessons = Prose(masters.computing, shape.heads, streams, micro=2)
    plan = gpt2_plan.make_plan(steps * 4 * 16, 4, 16, dict.fromkeys(KINDS, 800), seed=2)
    return Run(masters, lessons, plan, work, **{"log": lambda _: None} | changes)


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


def pairs_run(corpus: Corpus, work: Path, steps: int, **changes: object) -> Run[marian_plan.Plan]:
    pieces = corpus.tokenizer.get_vocab_size()
    shape = marian.Shape(
        width=16, encoder_layers=1, decoder_layers=1, heads=2, inner=32, positions=64, pieces=pieces
    )
    masters = Masters(marian.initial_weights(shape, 1), marian.matrices, RATES, torch.float32)
    batches = Batches(corpus, 4, shape.positions, seed=3)
    lessons = Pairs(masters.computing, shape.heads, batches, Dropout(0.1, 5, torch.float32))
    plan = marian_plan.make_plan(steps / batches.steps, batches.steps)
    return Run(masters, lessons, plan, work, **{"log": lambda _: None} | changes)


@pytest.fixture(params=["prose", "pairs"])
def make_run(request: pytest.FixtureRequest, corpus: Corpus) -> MakeRun:
    def make(work: Path, steps: int, **changes: object) -> Run[Schedule]:
        work.mkdir(exist_ok=True)
        if request.param == "prose":
            return prose_run(work, steps, **changes)
        return pairs_run(corpus, work, steps, **changes)

    return make


def after(steps: int) -> Callable[[], bool]:
    """Stop after so many steps."""
    count: Iterator[int] = iter(range(1, 1000))
    return lambda: next(count) == steps


def assert_same(one: Run[Schedule], other: Run[Schedule]) -> None:
    assert one.done == other.done
    assert one.lessons.state() == other.lessons.state()
    for name, weight in one.masters.weights.items():
        assert torch.equal(weight, other.masters.weights[name]), name


@pytest.mark.parametrize("stop", [1, 9, 14, 15, 18])
def test_interrupted_run_ends_with_the_same_weights(
    make_run: MakeRun, stop: int, tmp_path: Path
) -> None:
    whole = make_run(tmp_path / "whole", 20)
    whole.train()
    make_run(tmp_path / "parts", 20, stopping=after(stop)).train()
    resumed = make_run(tmp_path / "parts", 20)
    resumed.train()
    assert_same(whole, resumed)


@pytest.mark.parametrize("first", ["finished", "stopped in the fall"])
def test_longer_run_goes_on_from_before_the_fall(
    make_run: MakeRun, first: str, tmp_path: Path
) -> None:
    stopping = after(38) if first != "finished" else lambda: False
    short = make_run(tmp_path / "grown", 40, stopping=stopping)
    short.train()
    fell_from = short.plan.falls_from
    assert torch.load(tmp_path / "grown" / PLAIN)["done"] == fell_from
    lines: list[str] = []
    grown = make_run(tmp_path / "grown", 60, log=lines.append)
    grown.train()
    assert lines[0] == f"going on from step {fell_from}"
    assert (grown.done, grown.plan.falls_from) == (60, fell_from * 60 // 40)
    # Its warmup was a shorter run's; apart from that it is the long run.
    again = make_run(tmp_path / "grown", 60)
    again.train()
    assert_same(grown, again)


def test_shortened_run_falls_at_once(make_run: MakeRun, tmp_path: Path) -> None:
    make_run(tmp_path, 100, stopping=after(30)).train()
    shortened = make_run(tmp_path, 36, stopping=after(3))
    shortened.train()
    assert shortened.plan.falls_from == 30
    assert torch.load(tmp_path / PLAIN)["done"] == 30
    rest = make_run(tmp_path, 36)
    rest.train()
    assert (rest.done, rest.plan.falls_from) == (36, 30)


def test_checkpoint_of_another_run_is_refused(make_run: MakeRun, tmp_path: Path) -> None:
    make_run(tmp_path, 4, identity="a").train()
    with pytest.raises(ValueError, match="another run"):
        make_run(tmp_path, 4, identity="b").train()


def test_run_tells_how_it_goes(make_run: MakeRun, tmp_path: Path) -> None:
    lines: list[str] = []
    make_run(
        tmp_path, 4, log=lines.append, measure=lambda: "measured", measure_every=3, log_every=2
    ).train()
    assert [line.split()[0] for line in lines] == ["step", "measured", "step"]
    assert lines[0].startswith("step 2/4  ")
    assert "  loss " in lines[0]
    assert lines[-1].endswith("  0 min left")


def test_watched_loss_falls(corpus: Corpus, tmp_path: Path) -> None:
    run = pairs_run(corpus, tmp_path, 30)
    losses = []
    for _ in range(2):
        losses.append(held_out_loss(run.masters.computing, watched_parts(corpus), 2))
        run.train()
    assert losses[1] < 0.8 * losses[0]
