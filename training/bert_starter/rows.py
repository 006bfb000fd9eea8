"""Texts to the integers the model reads: token ids, segments, the answer's first and last token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Sequence

    from tokenizers import Tokenizer

    from bert_starter.data import Question

CLS, SEP, MASK = 101, 102, 103


@dataclass(frozen=True)
class SpanSource:
    """A tokenised question: ids of the question, ids of the context, the answer's tokens."""

    question: list[int]
    context: list[int]
    first: int
    last: int
    source: str


@dataclass(frozen=True)
class SpanRow:
    """`[CLS] question [SEP] context [SEP]`; segment 1 begins at `second`."""

    ids: list[int]
    second: int
    first: int
    last: int


@dataclass(frozen=True)
class SentimentRow:
    """`[CLS] text [SEP]`, the probability of POSITIVE, and the row's share in the loss."""

    ids: list[int]
    positivity: float
    weight: float


def answer_tokens(
    offsets: Sequence[tuple[int, int]], start: int, end: int
) -> tuple[int, int] | None:
    """Find the first and last token that touch the characters `start` to `end` (half open)."""
    touching = [i for i, (a, b) in enumerate(offsets) if a < end and b > start and b > a]
    return (touching[0], touching[-1]) if touching else None


def tokenize_questions(tokenizer: Tokenizer, questions: Sequence[Question]) -> list[SpanSource]:
    """Tokenise questions and contexts once; a question whose answer has no token is left out."""
    asked = tokenizer.encode_batch([q.question for q in questions], add_special_tokens=False)
    distinct = list(dict.fromkeys(q.context for q in questions))
    encoded = tokenizer.encode_batch(distinct, add_special_tokens=False)
    contexts = dict(zip(distinct, encoded, strict=True))
    sources = []
    for question, words in zip(questions, asked, strict=True):
        context = contexts[question.context]
        end = question.start + len(question.answer)
        span = answer_tokens(context.offsets, question.start, end)
        if span:
            sources.append(SpanSource(words.ids[:64], context.ids, *span, question.source))
    return sources


def span_row(
    source: SpanSource, longest: int, rng: random.Random, around: Iterable[list[int]] = ()
) -> SpanRow:
    """Make one training row of at most `longest` tokens.

    `around` are unrelated sentences; each goes before or after the context, so that a single
    sentence becomes a paragraph with something to search. A context too long is cut to a window
    that holds the answer at a random place.
    """
    context, first, last = source.context, source.first, source.last
    for other in around:
        if rng.random() < 0.5:
            context, first, last = other + context, first + len(other), last + len(other)
        else:
            context = context + other
    room = longest - len(source.question) - 3
    if len(context) > room:
        last = min(last, first + room - 1)
        begin = rng.randint(max(0, last - room + 1), min(first, len(context) - room))
        context, first, last = context[begin : begin + room], first - begin, last - begin
    second = len(source.question) + 2
    ids = [CLS, *source.question, SEP, *context, SEP]
    return SpanRow(ids, second, second + first, second + last)
