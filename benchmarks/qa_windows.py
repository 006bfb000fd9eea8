"""Which softmax finds more answers in long contexts: python benchmarks/qa_windows.py SQUAD [COUNT].

SQUAD is a file in SQuAD's format. All paragraphs of an article are joined to one long context, and
each question is asked of all of it. One softmax for each window (transformers 4.57) is compared
with one softmax over all windows (tfcli): the same logits, decoded twice.
"""

import json
import random
import re
import string
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tfcli.core.job import Job, ModelRef
from tfcli.core.task import Example, Loaded, Row
from tfcli.tasks.qa import Qa, QaOptions
from tfcli.worker import Worker


class Question(NamedTuple):
    """A question about a whole article, and the answers that count."""

    text: str
    article: str
    answers: list[str]


def read(path: Path, count: int) -> list[Question]:
    """Draw questions from all articles; the same ones every time."""
    questions = []
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        joined = "\n".join(paragraph["context"] for paragraph in article["paragraphs"])
        for paragraph in article["paragraphs"]:
            for entry in paragraph["qas"]:
                answers = [answer["text"] for answer in entry["answers"]]
                questions.append(Question(entry["question"], joined, answers))
    return random.Random(0).sample(questions, min(count, len(questions)))


def words(answer: str) -> list[str]:
    """The words that count, by SQuAD's official evaluation."""
    kept = "".join(c for c in answer.lower() if c not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", kept).split()


def f1(answer: str, truths: Sequence[str]) -> float:
    """Harmonic mean of precision and recall of words, with the best of the true answers."""

    def one(given: list[str], wanted: list[str]) -> float:
        shared = sum((Counter(given) & Counter(wanted)).values())
        return 2 * shared / (len(given) + len(wanted)) if shared else 0.0

    return max(one(words(answer), words(truth)) for truth in truths)


class BothRules(Qa):
    """Decodes the same logits twice."""

    def postprocess(
        self,
        example: Example,
        rows: Sequence[Row],
        outputs: Sequence[Any],
        loaded: Loaded,
        options: QaOptions,
    ) -> Any:
        """The answers of both rules; for the second each window is taken as if it were all."""
        over_all: Any = super().postprocess(example, rows, outputs, loaded, options)
        alone: list[Any] = []
        for row, output in zip(rows, outputs, strict=True):
            only = Row(row.inputs, row.note._replace(own=slice(0, row.note.size)))
            alone.append(super().postprocess(example, [only], [output], loaded, options))
        best = max(alone, key=lambda record: record["score"])
        return {**over_all, "answer": [over_all["answer"], best["answer"]]}


def main() -> None:
    """Ask, decode twice, and print both scores."""
    questions = read(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 200)
    worker: Any = Worker(Job("qa", ModelRef("bert-starter", dtype="bfloat16"), QaOptions()))
    worker.task = BothRules()
    over_all, a_window = 0.0, 0.0
    for question in questions:
        example = Example(0, {"question": question.text, "context": question.article})
        *_, record = worker([example])
        over_all += f1(record["answer"][0], question.answers) / len(questions)
        a_window += f1(record["answer"][1], question.answers) / len(questions)
    print(f"{len(questions)} questions, each about a whole article")
    print(f"  one softmax over all windows: F1 {over_all:.3f}")
    print(f"  one softmax a window:         F1 {a_window:.3f}")


if __name__ == "__main__":
    main()
