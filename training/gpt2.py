"""Make the GPT-2 starter from start to end: `python training/gpt2.py --data DIR`.

Reads the data, learns the pieces, trains, and writes the folder that `from_pretrained` loads, with
its card. Run it again after an interruption: it goes on from its last checkpoint. Run it again with
more `--tokens` and it goes on from where the learning rate began to fall.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from gpt2_starter.card import write_card
from gpt2_starter.corpus import prepare
from gpt2_starter.export import export
from gpt2_starter.lessons import Prose
from gpt2_starter.measure import Stored
from gpt2_starter.model import Shape, initial_weights, matrices
from gpt2_starter.plan import make_plan
from gpt2_starter.streams import Stream
from gpt2_starter.watch import watch
from loop import Run
from muon import Masters, Rates
from runs import STARTERS, calm_memory, logger, parser, until_told

if TYPE_CHECKING:
    import argparse

OUT = STARTERS / "gpt2-starter"
ROWS = 24  # in a step: 12,288 tokens
RATES = Rates(others=5e-3, betas=(0.9, 0.95))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    options = parser(__doc__, OUT.name, "prose/", "documents taken of each kind")
    options.add_argument("--tokens", type=float, default=36.0, help="to train on, in millions")
    return options.parse_args()


def main() -> None:
    """Train, write the starter's folder, measure it, and write its card."""
    options = arguments()
    options.work.mkdir(parents=True, exist_ok=True)
    log = logger(options.work / "log.txt")
    stopping = until_told()
    calm_memory()
    shape = Shape()
    corpus = prepare(options.data, options.work, shape.pieces, options.limit, log)
    streams = {
        kind: Stream(tokens, shape.positions, f"{options.seed} {kind}")
        for kind, tokens in corpus.training.items()
    }
    sizes = {kind: len(tokens.ids) for kind, tokens in corpus.training.items()}
    total = round(options.tokens * 1e6)
    plan = make_plan(total, ROWS, shape.positions, sizes, options.seed)
    masters = Masters(initial_weights(shape, options.seed), matrices, RATES, torch.bfloat16)
    log(f"{shape.weights() / 1e6:.2f} M weights, {plan.steps} steps")
    run = Run(
        masters,
        Prose(masters.computing, shape.heads, streams),
        plan,
        options.work,
        identity=f"{shape}, {RATES}, {ROWS} rows, seed {options.seed}, limit {options.limit}",
        log=log,
        measure=watch(corpus, masters.computing, shape),
        stopping=stopping,
    )
    run.train()
    if run.done < run.plan.steps:
        log(f"stopped after step {run.done}")
        return

    folder = export(masters.weights, shape, corpus.tokenizer, options.out)
    stored = Stored(folder)
    stories, books = stored.score(corpus.stories), stored.score(corpus.books)
    log(f"held-out stories: {stories.bits_per_byte:.4f} bits per byte")
    log(f"held-out books: {books.bits_per_byte:.4f} bits per byte")
    seen = run.done * ROWS * shape.positions
    write_card(folder, shape, seen, (stories, books), corpus.books, stored.samples())
    log(f"written: {folder}")


if __name__ == "__main__":
    main()
