"""Bits per byte of held-out documents, and samples, by transformers' own class."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional
from transformers import AutoTokenizer, GPT2LMHeadModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from torch import Tensor

    from gpt2_starter.data import HeldOut

BATCH = 8
PROMPTS = (
    "Once upon a time, there was a little girl who",
    "The king had three sons.",
    "The dog ran into the forest because",
    '"Where are you going?" asked the old woman.',
    "In the morning the children went down to the river.",
    "The old man opened the door and",
    "It was a cold, dark night, and",
    "I have never been so happy as",
    "London is",
    "A horse is an animal that",
)
SAMPLING = {"do_sample": True, "temperature": 0.8, "top_p": 0.95, "top_k": 0, "max_new_tokens": 60}


@dataclass(frozen=True)
class Score:
    """How well some documents were predicted, all of them together."""

    nats: float
    tokens: int
    bytes: int
    documents: int

    @property
    def bits_per_byte(self) -> float:
        """Bits needed for each byte of the text in UTF-8."""
        return self.nats / math.log(2) / self.bytes

    @property
    def perplexity(self) -> float:
        """Perplexity per token, which depends on the tokenizer."""
        return math.exp(self.nats / self.tokens)


class Stored:
    """A stored folder, loaded as float32 by transformers' own classes."""

    def __init__(self, folder: Path) -> None:
        # transformers' loaders and their results are untyped.
        self.model: Any = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32)
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder)

    @torch.inference_mode()
    def score(self, documents: Sequence[HeldOut]) -> Score:
        """Measure documents, each from its beginning and every byte once."""
        nats, tokens, size = 0.0, 0, 0
        for document in documents:
            ids = self.tokenizer(document.text, verbose=False).input_ids
            nats += self.nats([self.tokenizer.eos_token_id, *ids])
            tokens += len(ids)
            size += len(document.text.encode())
        return Score(nats, tokens, size, len(documents))

    def nats(self, ids: list[int]) -> float:
        """Sum the loss of every id after the first."""
        total = 0.0
        for batch, known in windows(torch.tensor(ids), self.model.config.n_positions):
            hidden = self.model.transformer(batch[:, :-1]).last_hidden_state[:, known:]
            logits = self.model.lm_head(hidden)  # (window, position, piece)
            targets = batch[:, known + 1 :]  # (window, position)
            total += functional.cross_entropy(
                logits.flatten(0, 1), targets.flatten(), reduction="sum"
            ).item()
        return total

    @torch.inference_mode()
    def samples(self) -> list[str]:
        """Continue each prompt once, with its number as the seed: nothing is chosen."""
        texts = []
        for seed, prompt in enumerate(PROMPTS):
            torch.manual_seed(seed)
            ids = self.tokenizer(prompt, return_tensors="pt")
            pad = self.tokenizer.eos_token_id
            made = self.model.generate(**ids, **SAMPLING, pad_token_id=pad)[0]
            texts.append(self.tokenizer.decode(made, skip_special_tokens=True))
        return texts


def windows(ids: Tensor, positions: int) -> Iterator[tuple[Tensor, int]]:
    """Cut ids into windows that share half: batches, and how many inputs were counted before.

    A window has one id more than the model has positions. Each id after the first is counted in
    one window, there with at least half a window of ids before it, or with all there are.
    """
    half = positions // 2
    starts = list(range(0, max(1, len(ids) - 1 - half), half))
    yield ids[None, : positions + 1], 0  # (1, position + 1)
    whole = [start for start in starts[1:] if start + positions < len(ids)]
    for first in range(0, len(whole), BATCH):
        group = whole[first : first + BATCH]
        yield torch.stack([ids[start : start + positions + 1] for start in group]), half
    for start in starts[1 + len(whole) :]:
        yield ids[None, start:], half
