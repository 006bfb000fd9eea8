"""How well vectors find what answers a question: `evaluate_embeddings.py SQUAD.json MODEL...`.

The file is in SQuAD's format, and the models have learnt nothing of it. 500 of its paragraphs are
drawn, and one question of each; `tfcli similar` looks for the paragraph of each question among all.
"""

import json
import random
import sys
from pathlib import Path

from tfcli import run

COUNT, DEEP = 500, 10


def pairs(path: Path) -> list[tuple[str, str]]:
    """Questions, each with its paragraph on one line; the same for every model."""
    drawn = random.Random(1)
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    paragraphs = {
        " ".join(paragraph["context"].split()): paragraph["qas"]
        for article in articles
        for paragraph in article["paragraphs"]
        if paragraph["qas"]
    }
    chosen = drawn.sample(sorted(paragraphs), COUNT)
    return [(drawn.choice(paragraphs[one])["question"], one) for one in chosen]


def ranks(model: str, asked: list[tuple[str, str]]) -> list[int]:
    """Where the paragraph of each question stands among all, from 0."""
    questions, paragraphs = zip(*asked, strict=True)
    records = run("similar", questions, model=model, among=paragraphs, top_k=COUNT)
    return [
        [match["text"] for match in record["matches"]].index(paragraph)
        for record, paragraph in zip(records, paragraphs, strict=True)
    ]


def main(path: Path, models: list[str]) -> None:
    """Print for each model the share of paragraphs that come first, and among the first ten."""
    asked = pairs(path)
    for model in models:
        found = ranks(model, asked)
        first, near = (sum(rank < n for rank in found) / COUNT for n in (1, DEEP))
        reciprocal = sum(1 / (rank + 1) for rank in found) / COUNT
        print(f"{model}: first {first:.3f}, of the first ten {near:.3f}, MRR {reciprocal:.3f}")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2:])
