"""Writing on, against the model's own generate(): python benchmarks/generate.py [ROUNDS].

The checkpoint has GPT-2's shape, random weights and no end of text, so that every way writes the
same number of tokens, greedily.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from interleaved import medians, report, rounds_from

PROMPT = "It was a bright cold day in April, and the clocks were striking thirteen."
BATCH = 16
NEW = 32


def make_checkpoint(folder: Path) -> str:
    """Write a model of GPT-2's shape, with the bundled tokenizer."""
    import torch
    import transformers

    from tfcli.models.registry import starters

    torch.manual_seed(0)
    tokenizer = transformers.AutoTokenizer.from_pretrained(starters()["bert-starter"].folder)
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config(eos_token_id=None))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def with_generate(folder: str, count: int, dtype: str) -> Callable[[], Any]:
    """As a competent user calls it."""
    import torch
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model: Any = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
    inputs = tokenizer([PROMPT] * count, return_tensors="pt")
    settings: dict[str, Any] = {"do_sample": False, "max_new_tokens": NEW, "pad_token_id": 0}

    def write() -> Any:
        with torch.inference_mode():
            return tokenizer.batch_decode(model.generate(**inputs, **settings))

    return write


def with_tfcli(folder: str, count: int, dtype: str) -> Callable[[], Any]:
    """What ``tfcli generate --greedy`` does with as many prompts."""
    from tfcli.core.job import Job, ModelRef
    from tfcli.core.task import Example
    from tfcli.tasks.generate import GenerateOptions
    from tfcli.worker import Worker

    options = GenerateOptions(greedy=True, max_new_tokens=NEW)
    worker = Worker(Job("generate", ModelRef(folder, dtype=dtype), options))
    examples = [Example(i, {"prompt": PROMPT}) for i in range(count)]
    return lambda: list(worker(examples))


def main() -> None:
    """Measure one stream and a batch."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = make_checkpoint(Path(temporary))
        for count in (1, BATCH):
            ways = {
                f"{who}, {dtype}": make(folder, count, dtype)
                for dtype in ("float32", "bfloat16")
                for who, make in (("generate()", with_generate), ("tfcli", with_tfcli))
            }
            for work in ways.values():
                work()
            results = medians(ways, rounds_from(sys.argv, 5))
            report(f"{count} at a time, {NEW} new tokens each", results, "generate(), float32")


if __name__ == "__main__":
    main()
