"""Many texts, against the pipeline at its best batch size: python benchmarks/bulk.py [ROUNDS].

The checkpoint has DistilBERT's shape and random weights; the texts have 5 to 400 tokens, more short
ones than long ones. What is timed is the work, not the loading of the model.
"""

import os
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from interleaved import medians, report, rounds_from, seconds

TEXTS = 200
BATCH_SIZES = (1, 4, 16)


def make_checkpoint(folder: Path) -> str:
    """Write a classifier of DistilBERT's shape, with the bundled tokenizer."""
    import torch
    import transformers

    from tfcli.models.registry import starters

    torch.manual_seed(0)
    tokenizer = transformers.AutoTokenizer.from_pretrained(starters()["bert-starter"].folder)
    config = transformers.DistilBertConfig(vocab_size=len(tokenizer))
    transformers.DistilBertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def make_texts(folder: str) -> list[str]:
    """Whole words in random order, lengths spread evenly on a logarithmic scale."""
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    words = sorted(word for word in tokenizer.get_vocab() if word.isascii() and word.isalpha())
    draw = random.Random(0)
    lengths = [round(5 * (400 / 5) ** draw.random()) for _ in range(TEXTS)]
    return [" ".join(draw.choices(words, k=length - 2)) for length in lengths]


def with_pipeline(folder: str, texts: list[str], batch_size: int) -> Callable[[], Any]:
    """As a competent user calls it: one list, one batch size."""
    import transformers

    pipe = transformers.pipeline("text-classification", model=folder, dtype="float32")
    return lambda: pipe(texts, batch_size=batch_size, truncation=True)


def with_tfcli(folder: str, texts: list[str], dtype: str) -> Callable[[], Any]:
    """What ``tfcli sentiment -i FILE`` does with the lines of a file."""
    from tfcli.core.batches import windows
    from tfcli.core.job import Job, ModelRef
    from tfcli.core.task import Example
    from tfcli.tasks.sentiment import SentimentOptions
    from tfcli.worker import Worker

    worker = Worker(Job("sentiment", ModelRef(folder, dtype=dtype), SentimentOptions()))
    examples = [Example(i, {"text": text}) for i, text in enumerate(texts)]
    return lambda: [record for window in windows(examples) for record in worker(window)]


def warm(work: Callable[[], Any]) -> float:
    """The seconds of the better of two calls, after one that prepares kernels."""
    work()
    return min(seconds(work), seconds(work))


def main() -> None:
    """Find the pipeline's best batch size, then measure."""
    os.environ["TRANSFORMERS_VERBOSITY"] = "error"  # the pipeline would advise another batch size
    with tempfile.TemporaryDirectory() as temporary:
        folder = make_checkpoint(Path(temporary))
        texts = make_texts(folder)
        sample = texts[: TEXTS // 4]
        best = min(BATCH_SIZES, key=lambda size: warm(with_pipeline(folder, sample, size)))
        reference = f"pipeline, float32, batch size {best}"
        ways = {
            reference: with_pipeline(folder, texts, best),
            "tfcli, float32": with_tfcli(folder, texts, "float32"),
            "tfcli, bfloat16": with_tfcli(folder, texts, "bfloat16"),
        }
        for work in ways.values():
            work()
        results = medians(ways, rounds_from(sys.argv, 3))
        report(f"{TEXTS} texts of 5 to 400 tokens", results, reference)


if __name__ == "__main__":
    main()
