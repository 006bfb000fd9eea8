"""Measure the stored BERT starter: `python training/evaluate_bert.py --data DIR`.

Prints the accuracy on SST-2 dev and F1 and exact match on SQuAD v1.1 dev, none of which the model
was trained on. The float16 file is loaded as float32, as tfcli does.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bert import OUT
from bert_starter.data import read_squad, read_sst2
from bert_starter.measure import accuracy, span_scores

SST2_DEV = "sst/sst2_sentence_dev.tsv"
SQUAD_DEV = "squad/squad_dev_40_articles.json"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with sst/ and squad/")
    parser.add_argument("--model", type=Path, default=OUT, help="the stored folder")
    parser.add_argument("--every", type=int, default=1, help="only every Nth SQuAD question")
    options = parser.parse_args()

    sentences = read_sst2(options.data / SST2_DEV)
    print(f"SST-2 dev ({len(sentences)}): accuracy {accuracy(options.model, sentences):.4f}")
    questions = read_squad(options.data / SQUAD_DEV)[:: options.every]
    scores = span_scores(options.model, questions)
    print(f"SQuAD dev ({len(questions)}): F1 {scores.f1:.4f}, exact {scores.exact:.4f}")


if __name__ == "__main__":
    main()
