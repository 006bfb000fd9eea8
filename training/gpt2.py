"""Make the GPT-2 starter from start to end: `python training/gpt2.py --data DIR`.

Reads the data, learns the pieces, trains, and writes the folder that `from_pretrained` loads, with
its card. Run it again after an interruption: it goes on from its last checkpoint. Run it again with
more `--tokens` and it goes on from where the learning rate began to fall.
"""

from __future__ import annotations

import argparse
import random
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from gpt2_starter.card import write_card
from gpt2_starter.corpus import Corpus, prepare
from gpt2_starter.export import export
from gpt2_starter.loop import Run, bits_per_byte
from gpt2_starter.measure import Stored
from gpt2_starter.model import Shape, initial_weights
from gpt2_starter.optimizer import Masters, Rates
from gpt2_starter.plan import make_plan
from gpt2_starter.streams import Stream
from runs import calm_memory, logger

if TYPE_CHECKING:
    from collections.abc import Callable

OUT = Path(__file__).parent.parent / "tfcli/models/starters/gpt2-starter"
ROWS = 24  # in a step: 12,288 tokens
WATCHED = 20  # held-out rows of each kind that are looked at during training


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with prose/")
    parser.add_argument("--work", type=Path, default=Path("gpt2-work"), help="checkpoints, log")
    parser.add_argument("--out", type=Path, default=OUT, help="the finished folder")
    parser.add_argument("--tokens", type=float, default=36.0, help="to train on, in millions")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--limit", type=int, help="try it out: documents taken of each kind")
    return parser.parse_args()


def watch(corpus: Corpus, masters: Masters, shape: Shape) -> Callable[[], str]:
    """Return what measures a few held-out rows of stories and of books."""
    end = shape.pieces - 1
    # A byte-level piece is spelt with one character a byte; the end of a text stands for none.
    spelt = {number: piece for piece, number in corpus.tokenizer.get_vocab().items()}
    widths = [0 if number == end else len(spelt[number]) for number in range(shape.pieces)]
    rows: dict[str, list[list[int]]] = {}
    for kind, documents in (("stories", corpus.stories), ("books", corpus.books)):
        encoded: list[list[int]] = [
            [end, *corpus.tokenizer.encode(document.text).ids] for document in documents
        ]
        size = shape.positions + 1
        cut = [ids[i : i + size] for ids in encoded for i in range(0, len(ids) - 1, size)]
        rows[kind] = random.Random(0).sample(cut, min(WATCHED, len(cut)))

    def measure() -> str:
        found = (
            f"{kind} {bits_per_byte(masters.computing, some, widths, shape.heads):.3f}"
            for kind, some in rows.items()
        )
        return f"held-out bits per byte: {', '.join(found)}"

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
    shape, rates = Shape(), Rates()
    corpus = prepare(options.data, options.work, shape.pieces, options.limit, log)
    streams = {
        kind: Stream(tokens, shape.positions, f"{options.seed} {kind}")
        for kind, tokens in corpus.training.items()
    }
    sizes = {kind: len(tokens.ids) for kind, tokens in corpus.training.items()}
    total = round(options.tokens * 1e6)
    plan = make_plan(total, ROWS, shape.positions, sizes, options.seed)
    masters = Masters(initial_weights(shape, options.seed), rates, torch.bfloat16)
    log(f"{shape.weights() / 1e6:.2f} M weights, {plan.steps} steps")
    run = Run(
        masters,
        streams,
        plan,
        options.work,
        shape.heads,
        identity=f"{shape}, {rates}, {ROWS} rows, seed {options.seed}, limit {options.limit}",
        log=log,
        measure=watch(corpus, masters, shape),
        stopping=lambda: bool(stopped),
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
