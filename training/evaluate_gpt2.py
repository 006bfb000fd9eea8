"""Measure the stored GPT-2 starter: `python training/evaluate_gpt2.py --data DIR`.

Prints the bits per byte of the held-out stories and books, and ten samples that nobody chose. The
float16 file is loaded as float32, as tfcli does.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from gpt2 import OUT
from gpt2_starter.data import read_texts
from gpt2_starter.measure import Stored


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with prose/")
    parser.add_argument("--model", type=Path, default=OUT, help="the stored folder")
    options = parser.parse_args()

    stored = Stored(options.model)
    texts = read_texts(options.data)
    for kind, documents in (("stories", texts.stories), ("books", texts.books)):
        score = stored.score(documents)
        print(
            f"{score.documents} held-out {kind}, {score.bytes:,} bytes: "
            f"{score.bits_per_byte:.4f} bits per byte, perplexity {score.perplexity:.2f} per token"
        )
    for number, text in enumerate(stored.samples()):
        print(f"\n--- sample {number}\n{text}")


if __name__ == "__main__":
    main()
