"""Make the Marian starter from start to end: `python training/marian.py --data DIR`.

Reads the pairs, learns the pieces, trains, and writes the folder that `from_pretrained` loads, with
its card. Run it again after an interruption: it goes on from its last checkpoint. Run it again with
more `--passes` and it goes on from where the learning rate began to fall.
"""

from __future__ import annotations

import argparse
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from marian_starter.batches import Batches, watched_parts
from marian_starter.card import figures, write_card
from marian_starter.corpus import Corpus, prepare
from marian_starter.dropout import Dropout
from marian_starter.export import export
from marian_starter.loop import Run, held_out_loss
from marian_starter.measure import Stored
from marian_starter.model import Shape, initial_weights
from marian_starter.optimizer import Masters, Rates
from marian_starter.plan import make_plan
from runs import calm_memory, logger

if TYPE_CHECKING:
    from collections.abc import Callable

OUT = Path(__file__).parent.parent / "tfcli/models/starters/marian-starter"
PIECES = 8192
PAIRS = 512  # in a step: about 5,200 target tokens
DROPPED = 0.1


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with parallel/")
    parser.add_argument("--work", type=Path, default=Path("marian-work"), help="checkpoints, log")
    parser.add_argument("--out", type=Path, default=OUT, help="the finished folder")
    parser.add_argument("--passes", type=float, default=12.0, help="over the pairs")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--limit", type=int, help="try it out: pairs taken")
    return parser.parse_args()


def watch(corpus: Corpus, masters: Masters, shape: Shape) -> Callable[[], str]:
    """Return what measures the watched sentences."""
    held = watched_parts(corpus)

    def measure() -> str:
        found = held_out_loss(masters.computing, held, shape.heads)
        return f"held-out loss: {found:.3f} nats for each target token"

    return measure


def main() -> None:
    """Train, write the starter's folder, measure it, and write its card."""
    options = arguments()
    options.work.mkdir(parents=True, exist_ok=True)
    log = logger(options.work / "log.txt")
    stopped: list[int] = []

    def stop(number: int, _: Any) -> None:
        stopped.append(number)

    signal.signal(signal.SIGTERM, stop)
    calm_memory()
    corpus = prepare(options.data, options.work, PIECES, options.limit, log)
    shape, rates = Shape(pieces=corpus.tokenizer.get_vocab_size()), Rates()
    batches = Batches(corpus, PAIRS, shape.positions, options.seed)
    plan = make_plan(options.passes, batches.steps)
    masters = Masters(initial_weights(shape, options.seed), rates, torch.bfloat16)
    log(f"{shape.weights() / 1e6:.2f} M weights, {plan.steps} steps")
    run = Run(
        masters,
        batches,
        plan,
        options.work,
        shape.heads,
        Dropout(DROPPED, options.seed, torch.bfloat16),
        identity=(
            f"{shape}, {rates}, {PAIRS} pairs, {DROPPED} dropped, seed {options.seed}, "
            f"limit {options.limit}"
        ),
        log=log,
        measure=watch(corpus, masters, shape),
        stopping=lambda: bool(stopped),
    )
    run.train()
    if run.done < run.plan.steps:
        log(f"stopped after step {run.done}")
        return

    folder = export(masters.weights, shape, corpus.tokenizer, options.out)
    found = figures(Stored(folder), corpus.held)
    for name in ("greedy", "beam", "near", "far"):
        log(f"{name}: {getattr(found, name)}")
    write_card(folder, shape, len(corpus.source), run.done / batches.steps, found)
    log(f"written: {folder}")


if __name__ == "__main__":
    main()
