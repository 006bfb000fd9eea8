"""The training loop of the models that are trained from nothing, with checkpoints it goes on from.

What is learnt from comes as lessons, which each model has its own kind of.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import torch
from runs import save
from schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from muon import Masters

CHECKPOINT = "checkpoint.pt"
PLAIN = "before_fall.pt"  # as it was when the rate began to fall: a longer run goes on from here

P = TypeVar("P", bound=Schedule)
Read = TypeVar("Read", bound=Schedule, contravariant=True)


class Lessons(Protocol[Read]):
    """What a run learns from."""

    def learn(self, plan: Read, step: int) -> tuple[float, int]:
        """Add the gradients of a step's batch; return its loss for each token, and the tokens."""
        ...

    def progress(self, plan: Read, done: int) -> str:
        """Say how far so many steps have come."""
        ...

    def state(self) -> dict[str, Any]:
        """Return what a later run needs to go on, if the step's number is not enough."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a state that `state` returned."""
        ...


@dataclass
class Run(Generic[P]):
    """A training run: the weights that learn, what they learn from, and how far it has come.

    Attributes:
        masters: the weights and their optimizers.
        lessons: what is seen at each step.
        plan: how fast is learnt when.
        work: folder of the checkpoints.
        identity: what the run is made of; a checkpoint of another is refused.
        log: receives a line now and then.
        measure: is called every `measure_every` steps; its answer is logged.
        stopping: asked after each step whether to stop, with a checkpoint.
    """

    masters: Masters
    lessons: Lessons[P]
    plan: P
    work: Path
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
        meter = Meter()
        saved = time.monotonic()
        while self.done < self.plan.steps:
            if self.done == self.plan.falls_from:
                save(self.work / PLAIN, self.state())
            loss, tokens = self.lessons.learn(self.plan, self.done)
            meter.add(loss, tokens, self.masters.step(self.plan.rate(self.done)))
            self.done += 1
            if self.done % self.log_every == 0 or self.done == self.plan.steps:
                self.log(self.progress(meter))
                meter = Meter()
            if self.measure and self.done % self.measure_every == 0:
                self.log(self.measure())
            if self.stopping():
                break
            if time.monotonic() - saved > self.save_seconds:
                save(self.work / CHECKPOINT, self.state())
                saved = time.monotonic()
        save(self.work / CHECKPOINT, self.state())

    def progress(self, meter: Meter) -> str:
        """Say how the last steps went, and how long the others will take."""
        left = (self.plan.steps - self.done) * meter.seconds / 60
        return (
            f"step {self.done}/{self.plan.steps}  {self.lessons.progress(self.plan, self.done)}  "
            f"{meter}  rate {self.plan.rate(self.done - 1):.3f}  {left:.0f} min left"
        )

    def state(self) -> dict[str, Any]:
        """Return all that a later run needs to go on."""
        return {
            "identity": self.identity,
            "done": self.done,
            "falls_from": self.plan.falls_from,
            "masters": self.masters.state(),
            "lessons": self.lessons.state(),
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
        self.lessons.restore(state["lessons"])
        self.log(f"going on from step {self.done}")


class Meter:
    """Means over the steps since it was made."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.steps = self.tokens = 0
        self.loss = self.norm = 0.0

    def add(self, loss: float, tokens: int, norm: float) -> None:
        """Count one step."""
        self.steps += 1
        self.tokens += tokens
        self.loss += loss
        self.norm += norm

    @property
    def seconds(self) -> float:
        """Of a step."""
        return (time.monotonic() - self.began) / self.steps

    def __str__(self) -> str:
        """Loss, norm of the gradient, speed."""
        speed = self.tokens / self.steps / self.seconds
        return (
            f"loss {self.loss / self.steps:.3f}  norm {self.norm / self.steps:.2f}  "
            f"{speed:.0f} tokens/s"
        )
