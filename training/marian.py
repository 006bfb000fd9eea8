"""Make the Marian starter from start to end: `python training/marian.py --data DIR`.

Reads the pairs, learns the pieces, trains, and writes the folder that `from_pretrained` loads, with
its card. Run it again after an interruption: it goes on from its last checkpoint. Run it again with
more `--passes` and it goes on from where the learning rate began to fall.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from loop import Run
from marian_starter.batches import Batches
from marian_starter.card import figures, write_card
from marian_starter.corpus import prepare
from marian_starter.dropout import Dropout
from marian_starter.export import export
from marian_starter.lessons import Pairs
from marian_starter.measure import Stored
from marian_starter.model import Shape, initial_weights, matrices
from marian_starter.plan import make_plan
from marian_starter.watch import watch
from muon import Masters, Rates
from runs import STARTERS, calm_memory, logger, parser, until_told

if TYPE_CHECKING:
    import argparse

OUT = STARTERS / "marian-starter"
PIECES = 8192
PAIRS = 512  # in a step: about 5,200 target tokens
DROPPED = 0.1
RATES = Rates(others=2e-3, betas=(0.9, 0.98), epsilon=1e-9)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    options = parser(__doc__, OUT.name, "parallel/", "pairs taken")
    options.add_argument("--passes", type=float, default=12.0, help="over the pairs")
    return options.parse_args()


def main() -> None:
    """Train, write the starter's folder, measure it, and write its card."""
    options = arguments()
    options.work.mkdir(parents=True, exist_ok=True)
    log = logger(options.work / "log.txt")
    stopping = until_told()
    calm_memory()
    corpus = prepare(options.data, options.work, PIECES, options.limit, log)
    shape = Shape(pieces=corpus.tokenizer.get_vocab_size())
    batches = Batches(corpus, PAIRS, shape.positions, options.seed)
    plan = make_plan(options.passes, batches.steps)
    masters = Masters(initial_weights(shape, options.seed), matrices, RATES, torch.bfloat16)
    log(f"{shape.weights() / 1e6:.2f} M weights, {plan.steps} steps")
    dropout = Dropout(DROPPED, options.seed, torch.bfloat16)
    run = Run(
        masters,
        Pairs(masters.computing, shape.heads, batches, dropout),
        plan,
        options.work,
        identity=(
            f"{shape}, {RATES}, {PAIRS} pairs, {DROPPED} dropped, seed {options.seed}, "
            f"limit {options.limit}"
        ),
        log=log,
        measure=watch(corpus, masters.computing, shape.heads),
        stopping=stopping,
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
