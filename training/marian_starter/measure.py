"""chrF and BLEU of held-out sentences, translated by transformers' own class."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING, Any

import torch
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from transformers import AutoTokenizer, MarianMTModel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from marian_starter.data import HeldOut

BATCH = 64
SAMPLES = (
    "Good evening, everybody!",
    "Where did you buy that green coat?",
    "My sister works in a small bakery.",
    "If it rains tomorrow, we will stay at home.",
    "He has forgotten his umbrella on the bus.",
    "Could you please speak a little more slowly?",
    "I would like a cup of tea and two pieces of cake.",
    "The children were playing in the garden when their grandmother arrived.",
    "She told me that she had never seen such a beautiful sunset.",
    "Machine learning helps computers to recognise patterns in data.",
)


@dataclass(frozen=True)
class Score:
    """How well some sentences were translated.

    Attributes:
        sentences: how many.
        chrf: with one reference for each.
        bleu: the same.
        bleu_all: with all the references that there are.
    """

    sentences: int
    chrf: float
    bleu: float
    bleu_all: float


class Stored:
    """A stored folder, loaded as float32 by transformers' own classes."""

    def __init__(self, folder: Path) -> None:
        # transformers' loaders and their results are untyped.
        self.model: Any = MarianMTModel.from_pretrained(folder, dtype=torch.float32)
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder)

    @torch.inference_mode()
    def translate(self, texts: Sequence[str], beams: int) -> list[str]:
        """Translate texts with so many beams; one is greedy search."""
        found = [""] * len(texts)
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        for start in range(0, len(order), BATCH):
            places = order[start : start + BATCH]
            batch = self.tokenizer(
                [texts[place] for place in places], return_tensors="pt", padding=True
            )
            made = self.model.generate(**batch, num_beams=beams)
            written = self.tokenizer.batch_decode(made, skip_special_tokens=True)
            for place, text in zip(places, written, strict=True):
                found[place] = text
        return found


def score(held: Sequence[HeldOut], translations: Sequence[str]) -> Score:
    """Measure translations with sacrebleu's standard settings."""
    if not held:
        return Score(0, nan, nan, nan)
    first = [one.targets[0] for one in held]
    most = max(len(one.targets) for one in held)
    every: Any = [  # None where there is no more; sacrebleu's types know of none
        [one.targets[place] if place < len(one.targets) else None for one in held]
        for place in range(most)
    ]
    return Score(
        len(held),
        CHRF().corpus_score(translations, [first]).score,
        BLEU().corpus_score(translations, [first]).score,
        BLEU().corpus_score(translations, every).score,
    )
