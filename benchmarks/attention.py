"""Attention, against ``output_attentions=True``: python benchmarks/attention.py [ROUNDS].

The checkpoint has BERT-base's shape and random weights. Both sides have loaded it, and read the
same tokens: one head of layer 5 out of 144, and all heads into a file.
"""

import json
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from interleaved import medians, report, rounds_from

LAYER, HEAD = 5, 3
LENGTHS = (128, 512)


def make_checkpoint(folder: Path) -> str:
    """Write a model of BERT-base's shape, with the bundled tokenizer."""
    import torch
    import transformers

    from tfcli.models.registry import starters

    torch.manual_seed(0)
    tokenizer = transformers.AutoTokenizer.from_pretrained(starters()["bert-starter"].folder)
    transformers.BertModel(transformers.BertConfig()).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def text_of(length: int) -> str:
    """A text of so many tokens, the two special ones counted."""
    return "dog " * (length - 2)


def with_transformers(folder: str) -> Callable[[str], Any]:
    """As a competent user calls it: maps exist only in eager mode, and all of them."""
    import torch
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model: Any = transformers.AutoModel.from_pretrained(folder, attn_implementation="eager")

    def maps(text: str) -> Any:
        with torch.inference_mode():
            return model(**tokenizer(text, return_tensors="pt"), output_attentions=True).attentions

    return maps


def with_tfcli(folder: str, **options: Any) -> Callable[[str], Any]:
    """What ``tfcli attn`` does with a text."""
    from tfcli.core.job import Job, ModelRef
    from tfcli.core.task import Example
    from tfcli.tasks.attn.options import AttnOptions
    from tfcli.worker import Worker

    worker = Worker(Job("attn", ModelRef(folder), AttnOptions(**options)))
    return lambda text: next(iter(worker([Example(0, {"text": text})])))


def grown(work: Callable[[], Any]) -> float:
    """By how many megabytes the process has grown at the peak of a call (Linux)."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # begin a new peak
    before = _megabytes("VmRSS")
    work()
    return _megabytes("VmHWM") - before


def _megabytes(name: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) / 1024


def one_head(folder: str, rounds: int) -> None:
    """Time and memory for one map of 144."""
    reference = with_transformers(folder)
    ours = with_tfcli(folder, layer=str(LAYER), head=str(HEAD))

    def of_all(text: str) -> Any:
        return reference(text)[LAYER][0, HEAD].numpy()

    def alone(text: str) -> Any:
        return ours(text)["attention"][0, 0]

    for length in LENGTHS:
        text = text_of(length)
        ways = {
            "output_attentions=True": partial(of_all, text),
            "tfcli attn": partial(alone, text),
        }
        apart = abs(of_all(text) - alone(text)).max()
        results = medians(ways, rounds)
        report(f"head {HEAD} of layer {LAYER}, {length} tokens", results, "output_attentions=True")
        sizes = {name: grown(work) for name, work in ways.items()}
        said = ", ".join(f"{name} {size:.1f} MB" for name, size in sizes.items())
        print(f"  memory at the peak: {said}; largest difference {apart:.1e}")


def all_heads(folder: str, rounds: int) -> None:
    """Every map of a text, into a file that numpy reads, and into one that anything reads."""
    from tfcli.core.record import Columns
    from tfcli.formats.arrays import npz

    reference, ours = with_transformers(folder), with_tfcli(folder)
    text, out = text_of(512), Path(folder) / "maps"

    def to_json(maps: Any) -> None:
        out.write_text(json.dumps([layer[0].tolist() for layer in maps]), encoding="ascii")

    def to_npz(record: Any) -> None:
        with out.open("wb") as file:
            npz([record], file, Columns((), (), lone=True))

    maps, record = reference(text), ours(text)
    for what, ways in (
        (
            "from the text on",
            {"JSON": lambda: to_json(reference(text)), "npz": lambda: to_npz(ours(text))},
        ),
        ("the file alone", {"JSON": lambda: to_json(maps), "npz": lambda: to_npz(record)}),
    ):
        results = medians(ways, max(1, rounds // 3))
        report(f"all 144 heads, 512 tokens, {what}", results, "JSON")


def main() -> None:
    """Measure one head, then all."""
    rounds = rounds_from(sys.argv, 9)
    with tempfile.TemporaryDirectory() as folder:
        make_checkpoint(Path(folder))
        one_head(folder, rounds)
        all_heads(folder, rounds)


if __name__ == "__main__":
    main()
