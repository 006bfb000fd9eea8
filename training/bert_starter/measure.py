"""Measure a stored folder as its users load it: transformers' Auto classes, in float32."""

from __future__ import annotations

import re
import string
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from transformers import (
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    logging,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

LONGEST, STRIDE = 384, 128  # tokens of a window, and shared by two windows of a long context
LONGEST_ANSWER = 30  # tokens
BATCH_TOKENS = 4096

# Each class reports the other head's weights as unexpected.
logging.set_verbosity_error()  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class SpanScores:
    """SQuAD's two measures, 0 to 1, and the answers behind them."""

    f1: float
    exact: float
    answers: list[str]


def normalise(answer: str) -> list[str]:
    """Reduce an answer to the words that count: SQuAD v1.1's official evaluation."""
    answer = "".join(c for c in answer.lower() if c not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", answer).split()


def f1(answer: str, truth: str) -> float:
    """Harmonic mean of precision and recall of the words of two answers."""
    given, wanted = normalise(answer), normalise(truth)
    shared = sum((Counter(given) & Counter(wanted)).values())
    return 2 * shared / (len(given) + len(wanted)) if shared else 0.0


def exact(answer: str, truth: str) -> bool:
    """Whether two answers are the same, but for case, articles and punctuation."""
    return normalise(answer) == normalise(truth)


def by_length(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield batches of indices of similar lengths, each of about BATCH_TOKENS padded tokens."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[index] > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


@torch.inference_mode()
def accuracy(folder: Path, rows: Sequence[tuple[str, int]]) -> float:
    """Return the share of texts whose label (0 or 1) the model finds."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
    encoded = tokenizer([text for text, _ in rows], truncation=True)
    right = 0
    for batch in by_length([len(ids) for ids in encoded["input_ids"]]):
        inputs = padded(tokenizer, encoded, batch)
        labels = model(**inputs).logits.argmax(dim=1)  # (batch,)
        right += sum(int(label) == rows[i][1] for i, label in zip(batch, labels, strict=True))
    return right / len(rows)


def padded(tokenizer: Any, encoded: Any, batch: Sequence[int]) -> Any:
    """Pad the chosen rows of an encoding into tensors."""
    names = ("input_ids", "token_type_ids", "attention_mask")
    return tokenizer.pad(
        {name: [encoded[name][i] for i in batch] for name in names}, return_tensors="pt"
    )


@torch.inference_mode()
def span_scores(folder: Path, rows: Sequence[tuple[str, str, list[str]]]) -> SpanScores:
    """Answer questions and compare with the annotators' answers, the best of which counts.

    Args:
        folder: a folder for `from_pretrained`.
        rows: question, context and the accepted answers.
    """
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForQuestionAnswering.from_pretrained(folder, dtype=torch.float32).eval()
    encoded = tokenizer(
        [question for question, _, _ in rows],
        [context for _, context, _ in rows],
        truncation="only_second",
        max_length=LONGEST,
        stride=STRIDE,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    best: dict[int, tuple[float, str]] = {}
    for batch in by_length([len(ids) for ids in encoded["input_ids"]]):
        logits = model(**padded(tokenizer, encoded, batch))
        for place, i in enumerate(batch):
            row = encoded["overflow_to_sample_mapping"][i]
            inside = torch.tensor([part == 1 for part in encoded.sequence_ids(i)])  # (token,)
            starts = logits.start_logits[place, : len(inside)]  # (token,)
            ends = logits.end_logits[place, : len(inside)]  # (token,)
            score, first, last = best_span(starts, ends, inside)
            offsets = encoded["offset_mapping"][i]
            answer = rows[row][1][offsets[first][0] : offsets[last][1]]
            best[row] = max(best.get(row, (score, answer)), (score, answer))
    answers = [best[row][1] for row in range(len(rows))]
    pairs = [(answer, row[2]) for answer, row in zip(answers, rows, strict=True)]
    return SpanScores(
        f1=sum(max(f1(answer, truth) for truth in truths) for answer, truths in pairs) / len(rows),
        exact=sum(any(exact(answer, t) for t in truths) for answer, truths in pairs) / len(rows),
        answers=answers,
    )


def best_span(
    starts: torch.Tensor, ends: torch.Tensor, inside: torch.Tensor
) -> tuple[float, int, int]:
    """Return the highest sum of a start and an end logit, and its two tokens (both included)."""
    allowed = inside[:, None] & inside[None, :]  # (first, last)
    band = torch.ones_like(allowed).triu() & ~torch.ones_like(allowed).triu(LONGEST_ANSWER)
    scores = starts[:, None] + ends[None, :]  # (first, last)
    scores = scores.masked_fill(~(allowed & band), -torch.inf)
    flat = int(scores.argmax())
    return float(scores.max()), flat // len(inside), flat % len(inside)
