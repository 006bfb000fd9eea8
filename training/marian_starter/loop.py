"""The training loop, with checkpoints it goes on from."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from runs import save

from marian_starter.model import Drop, Translator, kept

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from marian_starter.batches import Batches, Part
    from marian_starter.dropout import Dropout
    from marian_starter.optimizer import Masters
    from marian_starter.plan import Plan

CHECKPOINT = "checkpoint.pt"
PLAIN = "before_fall.pt"  # as it was when the rate began to fall: a longer run goes on from here
SMOOTHING = 0.1  # Vaswani et al. 2017, "Attention Is All You Need"


@dataclass
class Run:
    """A training run: the weights that learn, the pairs, and how far it has come.

    Attributes:
        masters: the weights and their optimizers.
        batches: the pairs of each step.
        plan: how fast is learnt when.
        work: folder of the checkpoints.
        heads: of attention in each layer.
        dropout: if there is any.
        identity: what the run is made of; a checkpoint of another is refused.
        log: receives a line now and then.
        measure: is called every `measure_every` steps; its answer is logged.
        stopping: asked after each step whether to stop, with a checkpoint.
    """

    masters: Masters
    batches: Batches
    plan: Plan
    work: Path
    heads: int
    dropout: Dropout | None = None
    identity: str = ""
    log: Callable[[str], None] = print
    measure: Callable[[], str] | None = None
    stopping: Callable[[], bool] = lambda: False
    save_seconds: float = 240.0
    measure_every: int = 200
    log_every: int = 20
    done: int = 0

    def train(self) -> None:
        """Train to the plan's end, going on from a checkpoint if there is one.

        Raises:
            ValueError: the checkpoint belongs to another run.
        """
        torch.set_flush_denormal(True)
        self.resume()
        meter = Meter(self.log, self.plan, self.log_every)
        saved = time.monotonic()
        while self.done < self.plan.steps:
            if self.done == self.plan.falls_from:
                save(self.work / PLAIN, self.state())
            value, tokens, norm = self.step()
            self.done += 1
            meter.add(self.done, value, tokens, norm)
            if self.measure and self.done % self.measure_every == 0:
                self.log(self.measure())
            if self.stopping():
                break
            if time.monotonic() - saved > self.save_seconds:
                save(self.work / CHECKPOINT, self.state())
                saved = time.monotonic()
        save(self.work / CHECKPOINT, self.state())

    def step(self) -> tuple[float, int, float]:
        """Learn from one batch; return its loss, its target tokens and the gradient's norm."""
        parts = self.batches.parts(self.done, self.plan.respelt(self.done))
        drop: Drop = kept
        if self.dropout is not None:
            self.dropout.begin(self.done)
            drop = self.dropout
        model = Translator(self.masters.computing, self.heads, drop)
        tokens = sum(len(part.wanted) for part in parts)
        total = 0.0
        for part in parts:
            value = model.loss(part, SMOOTHING) / tokens
            value.backward()  # type: ignore[no-untyped-call]
            total += value.item()
        return total, tokens, self.masters.step(self.plan.rate(self.done))

    def state(self) -> dict[str, Any]:
        """Return all that a later run needs to go on."""
        return {
            "identity": self.identity,
            "done": self.done,
            "falls_from": self.plan.falls_from,
            "masters": self.masters.state(),
        }

    def resume(self) -> None:
        """Go on from the checkpoint, if there is one.

        Where the plan has become longer since the rate began to fall, that is from before the
        fall. Where it has become so short that the fall is overdue, it begins now.
        """
        path = self.work / CHECKPOINT
        if not path.exists():
            return
        state = torch.load(path, weights_only=True)
        if state["identity"] != self.identity:
            raise ValueError(f"{path} belongs to another run: {state['identity']}")
        fell_from = state["falls_from"]
        if state["done"] > fell_from and self.plan.falls_from > fell_from:
            state = torch.load(self.work / PLAIN, weights_only=True)
        elif state["done"] > self.plan.falls_from:
            self.plan = replace(self.plan, falls_from=min(state["done"], fell_from))
        self.done = state["done"]
        self.masters.restore(state["masters"])
        self.log(f"going on from step {self.done}")


class Meter:
    """Running means of the loss and the speed, logged every few steps with the time left."""

    def __init__(self, log: Callable[[str], None], plan: Plan, every: int) -> None:
        self.log, self.plan, self.every = log, plan, every
        self.reset()

    def reset(self) -> None:
        """Begin a new stretch."""
        self.began, self.count, self.tokens, self.sums = time.monotonic(), 0, 0, [0.0, 0.0]

    def add(self, done: int, value: float, tokens: int, norm: float) -> None:
        """Count one step, and log at the end of a stretch."""
        self.count += 1
        self.tokens += tokens
        self.sums = [self.sums[0] + value, self.sums[1] + norm]
        if done % self.every and done != self.plan.steps:
            return
        seconds = time.monotonic() - self.began
        value, norm = (total / self.count for total in self.sums)
        left = (self.plan.steps - done) * seconds / self.count / 60
        self.log(
            f"step {done}/{self.plan.steps}  pass {done / self.plan.pass_steps:.2f}  "
            f"loss {value:.3f}  norm {norm:.2f}  rate {self.plan.rate(done - 1):.3f}  "
            f"{self.tokens / seconds:.0f} target tokens/s  {left:.0f} min left"
        )
        self.reset()


def held_out_loss(weights: Mapping[str, Tensor], parts: Sequence[Part], heads: int) -> float:
    """Return the loss for each target token in nats, without smoothing; only to watch a run."""
    model = Translator(weights, heads)
    with torch.no_grad():
        total = sum(model.loss(part).item() for part in parts)
    return total / sum(len(part.wanted) for part in parts)
