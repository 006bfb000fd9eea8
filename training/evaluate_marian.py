"""Measure the stored Marian starter: `python training/evaluate_marian.py --data DIR`.

Prints chrF and BLEU of the held-out sentences, and ten translations that nobody chose. The float16
file is loaded as float32, as tfcli does.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from marian import OUT
from marian_starter.card import figures
from marian_starter.data import read_texts
from marian_starter.measure import SAMPLES, Stored


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with parallel/")
    parser.add_argument("--model", type=Path, default=OUT, help="the stored folder")
    options = parser.parse_args()

    found = figures(Stored(options.model), read_texts(options.data).held)
    for name, score in (
        ("all, greedy", found.greedy),
        ("all, beams", found.beam),
        ("unlike those learnt from, beams", found.far),
        ("like one of them, beams", found.near),
    ):
        print(
            f"{score.sentences:,} sentences, {name}: chrF {score.chrf:.2f}, BLEU {score.bleu:.2f}, "
            f"with all references {score.bleu_all:.2f}"
        )
    for source, target in zip(SAMPLES, found.samples, strict=True):
        print(f"\n{source}\n{target}")


if __name__ == "__main__":
    main()
