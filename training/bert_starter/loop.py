"""The training loop, with checkpoints it goes on from."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import torch
from runs import save

from bert_starter.model import sentiment_loss, span_loss
from bert_starter.optimizer import Masters, Rates, rate_scale

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from torch import Tensor

    from bert_starter.model import TwoHeads
    from bert_starter.rows import SentimentRow, SpanRow

AVERAGE_EVERY = 8
CHECKPOINT = "checkpoint.pt"


def train(
    model: TwoHeads,
    steps: Sequence[tuple[Sequence[SpanRow], Sequence[SentimentRow]]],
    work: Path,
    rates: Rates,
    *,
    weights: tuple[float, float] = (1.0, 1.0),
    dropout: bool = False,
    dtype: torch.dtype = torch.float32,
    save_every: int = 250,
    until: int | None = None,
    identity: str = "",
    log: Callable[[str], None] = print,
) -> Masters:
    """Train on the planned steps, going on from the checkpoint in `work` if there is one.

    Args:
        model: begins with its weights, which are replaced by what is learnt.
        steps: every step's two batches.
        work: folder of the checkpoint.
        rates: learning rates.
        weights: of the sentiment loss, in the first and in the second half.
        dropout: whether to train with the dropout of the model's config.
        dtype: what the model computes in from now on.
        save_every: steps between checkpoints.
        until: stop (with a checkpoint) before this step.
        identity: what the plan is made of; a checkpoint of another plan is refused. A plan of
            the same things with more or fewer passes is taken up at the same share of the way.
        log: receives a line now and then.

    Raises:
        ValueError: the checkpoint belongs to another plan.
    """
    torch.set_flush_denormal(True)
    masters = Masters(model, rates)
    model.to(dtype).train(dropout)
    path = work / CHECKPOINT
    done = 0
    if path.exists():
        state = torch.load(path, weights_only=True)
        if state["identity"] != identity:
            raise ValueError(f"{path} belongs to another plan: {state['identity']}")
        masters.restore(state["masters"])
        torch.set_rng_state(state["random"])
        done = round(state["done"] / state["steps"] * len(steps))
        log(f"going on from step {done}")
    last = len(steps) if until is None else min(until, len(steps))
    meter = Meter(log, len(steps))
    for number in range(done, last):
        spans, feelings = steps[number]
        weight = weights[2 * number // len(steps)]
        losses = [
            learn(span_loss(model, spans), 1.0) if spans else 0.0,
            learn(sentiment_loss(model, feelings), weight) if feelings else 0.0,
        ]
        norm = masters.step(rate_scale(number, len(steps)))
        tokens = sum(len(row.ids) for row in spans) + sum(len(row.ids) for row in feelings)
        if (number + 1) % AVERAGE_EVERY == 0:
            # A short memory at first: the untrained weights should not linger in the average.
            masters.follow(min(rates.keep, 1 - 1 / (1 + (number + 1) / AVERAGE_EVERY / 4)))
        meter.add(number, losses, norm, tokens)
        if (number + 1) % save_every == 0 or number + 1 == last:
            state = {"identity": identity, "steps": len(steps), "done": number + 1}
            state |= {"masters": masters.state(), "random": torch.get_rng_state()}
            save(path, state)
    return masters


def learn(loss: Tensor, weight: float) -> float:
    """Add the gradient of a loss, times its weight; return the loss."""
    (weight * loss).backward()  # type: ignore[no-untyped-call]
    return loss.item()


class Meter:
    """Running means of the losses, the speed, and the time left, logged every few steps."""

    def __init__(self, log: Callable[[str], None], steps: int, every: int = 50) -> None:
        self.log, self.steps, self.every = log, steps, every
        self.reset()

    def reset(self) -> None:
        """Begin a new stretch."""
        self.began, self.count, self.tokens = time.monotonic(), 0, 0
        self.sums = [0.0, 0.0, 0.0]

    def add(self, step: int, losses: Sequence[float], norm: float, tokens: int) -> None:
        """Count one step, and log at the end of a stretch."""
        self.count += 1
        self.tokens += tokens
        self.sums = [a + b for a, b in zip(self.sums, (*losses, norm), strict=True)]
        if (step + 1) % self.every == 0:
            seconds = time.monotonic() - self.began
            span, feeling, norm = (total / self.count for total in self.sums)
            left = (self.steps - step - 1) * seconds / self.count / 60
            self.log(
                f"step {step + 1}/{self.steps}  span {span:.3f}  sentiment {feeling:.3f}  "
                f"norm {norm:.2f}  {self.tokens / seconds:.0f} tokens/s  {left:.0f} min left"
            )
            self.reset()
