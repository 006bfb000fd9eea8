"""The recipe: what the model sees when, and how fast it learns, in two stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bert_starter.optimizer import Rates
from bert_starter.plan import SpanRecipe, Window

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Stage:
    """One schedule of learning, from warmup to a rate of nothing.

    Attributes:
        name: of its folder of checkpoints.
        spans: for each source of questions, when its rows are seen.
        sentiment: the same for the kinds of phrases.
        tokens: span tokens in a step.
        rates: learning rates.
        weights: of the sentiment loss, in the first and in the second half.
        masked: the share of a phrase's tokens that is hidden.
        dropout: whether to train with dropout.
        share: how much of the schedule is run; the rest is left to the next stage.
    """

    name: str
    spans: Mapping[str, SpanRecipe]
    sentiment: Mapping[str, Window]
    tokens: int
    rates: Rates
    weights: tuple[float, float]
    masked: float = 0.0
    dropout: bool = False
    share: float = 1.0


# Single sentences teach what an answer looks like, cheaply; paragraphs come last. Run to its end
# without dropout this stage knows its training data by heart (99 % of the sentences), and the
# measures on other data fall again: it stops halfway.
JOINT = Stage(
    name="joint",
    spans={
        "qamr": SpanRecipe(Window(0.0, 0.45, 0.5), padded=0.25),
        "sentences": SpanRecipe(Window(0.0, 0.75, 1.4), padded=0.5),
        "tweets": SpanRecipe(Window(0.0, 0.6, 1.0)),
        "tweets_dev": SpanRecipe(Window(0.0, 0.6, 1.0)),
        "policies": SpanRecipe(Window(0.0, 0.5, 0.2), longest=160),
        "policies_test": SpanRecipe(Window(0.0, 0.5, 0.2), longest=160),
        "amazon": SpanRecipe(Window(0.05, 0.8, 0.6), longest=160),
        "reddit": SpanRecipe(Window(0.05, 0.8, 0.6), longest=160),
        "new_wiki": SpanRecipe(Window(0.1, 1.0, 1.5), longest=288),
        "paragraphs": SpanRecipe(Window(0.1, 1.0, 2.4), longest=320),
    },
    sentiment={
        "neutral": Window(0.0, 0.8, 0.25),
        "phrases": Window(0.0, 1.0, 3.0),
        "sentences": Window(0.2, 1.0, 4.0),
    },
    tokens=3072,
    rates=Rates(encoder=1.5e-4, heads=6e-4),
    weights=(1.0, 1.0),
    share=0.5403,
)

# Dropout, hidden words, made-up sentences and shorter windows make learning by heart harder. The
# sentiment loss's gradient in the encoder is about eight times smaller than the span loss's, and
# Adam divides by the size of both together: here it gets a louder voice.
FINISH = Stage(
    name="finish",
    spans={
        "sentences": SpanRecipe(Window(0.0, 0.6, 0.3), padded=1.0),
        "amazon": SpanRecipe(Window(0.0, 0.7, 0.2), longest=160),
        "reddit": SpanRecipe(Window(0.0, 0.7, 0.2), longest=160),
        "new_wiki": SpanRecipe(Window(0.0, 1.0, 0.5), longest=224),
        "paragraphs": SpanRecipe(Window(0.0, 1.0, 0.85), longest=224),
    },
    sentiment={
        "neutral": Window(0.0, 0.7, 0.1),
        "phrases": Window(0.0, 1.0, 0.8),
        "sentences": Window(0.0, 1.0, 1.0),
        "swapped": Window(0.0, 0.9, 0.6),
    },
    tokens=3072,
    rates=Rates(encoder=8e-5, heads=3e-4),
    weights=(4.0, 4.0),
    masked=0.1,
    dropout=True,
)
