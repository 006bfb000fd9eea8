"""The training loop, with checkpoints it goes on from."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from runs import save

from gpt2_starter.model import loss

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from gpt2_starter.optimizer import Masters
    from gpt2_starter.plan import Plan
    from gpt2_starter.streams import Stream

CHECKPOINT = "checkpoint.pt"
PLAIN = "before_fall.pt"  # as it was when the rate began to fall: a longer run goes on from here


@dataclass
class Run:
    """A training run: the weights that learn, the texts, and how far it has come.

    Attributes:
        masters: the weights and their optimizers.
        streams: each kind of text.
        plan: what is seen when.
        work: folder of the checkpoints.
        heads: of attention in each layer.
        identity: what the run is made of; a checkpoint of another is refused.
        log: receives a line now and then.
        measure: is called every `measure_every` steps; its answer is logged.
        stopping: asked after each step whether to stop, with a checkpoint.
    """

    masters: Masters
    streams: Mapping[str, Stream]
    plan: Plan
    work: Path
    heads: int
    identity: str = ""
    log: Callable[[str], None] = print
    measure: Callable[[], str] | None = None
    stopping: Callable[[], bool] = lambda: False
    micro: int = 4
    save_seconds: float = 240.0
    measure_every: int = 200
    log_every: int = 20
    done: int = 0

    def __post_init__(self) -> None:
        self.taken = dict.fromkeys(self.streams, 0)  # rows of each kind so far

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
            value, norm = self.step()
            self.done += 1
            meter.add(self.done, value, norm)
            if self.measure and self.done % self.measure_every == 0:
                self.log(self.measure())
            if self.stopping():
                break
            if time.monotonic() - saved > self.save_seconds:
                save(self.work / CHECKPOINT, self.state())
                saved = time.monotonic()
        save(self.work / CHECKPOINT, self.state())

    def step(self) -> tuple[float, float]:
        """Learn from one batch; return its loss and the gradient's norm."""
        rows = self.batch()
        total = 0.0
        for part in rows.split(self.micro):
            value = loss(self.masters.computing, part, self.heads) * (len(part) / len(rows))
            value.backward()  # type: ignore[no-untyped-call]
            total += value.item()
        return total, self.masters.step(self.plan.rate(self.done))

    def batch(self) -> Tensor:
        """Take the next rows, (row, position + 1)."""
        rows = []
        for kind in self.plan.kinds(self.done):
            rows.append(self.streams[kind].row(self.taken[kind]))
            self.taken[kind] += 1
        return torch.from_numpy(np.stack(rows).astype(np.int64))

    def state(self) -> dict[str, Any]:
        """Return all that a later run needs to go on."""
        return {
            "identity": self.identity,
            "done": self.done,
            "falls_from": self.plan.falls_from,
            "taken": self.taken,
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
        self.done, self.taken = state["done"], state["taken"]
        self.masters.restore(state["masters"])
        self.log(f"going on from step {self.done}")


class Meter:
    """Running means of the loss and the speed, logged every few steps with the time left."""

    def __init__(self, log: Callable[[str], None], plan: Plan, every: int) -> None:
        self.log, self.plan, self.every = log, plan, every
        self.reset()

    def reset(self) -> None:
        """Begin a new stretch."""
        self.began, self.count, self.sums = time.monotonic(), 0, [0.0, 0.0]

    def add(self, done: int, value: float, norm: float) -> None:
        """Count one step, and log at the end of a stretch."""
        self.count += 1
        self.sums = [self.sums[0] + value, self.sums[1] + norm]
        if done % self.every and done != self.plan.steps:
            return
        seconds = time.monotonic() - self.began
        value, norm = (total / self.count for total in self.sums)
        size = self.plan.rows * self.plan.length
        left = (self.plan.steps - done) * seconds / self.count / 60
        self.log(
            f"step {done}/{self.plan.steps} {self.plan.phase(done - 1)[0].name}  "
            f"{done * size / 1e6:.2f} M tokens  loss {value:.3f}  norm {norm:.2f}  "
            f"rate {self.plan.rate(done - 1):.3f}  {self.count * size / seconds:.0f} tokens/s  "
            f"{left:.0f} min left"
        )
        self.reset()


def bits_per_byte(
    weights: Mapping[str, Tensor], rows: Sequence[Sequence[int]], widths: Sequence[int], heads: int
) -> float:
    """Measure a few rows with the weights as they train; only to watch a run.

    Args:
        weights: that compute.
        rows: ids; the first of each is not predicted.
        widths: how many bytes each piece stands for.
        heads: of attention in each layer.
    """
    nats, size = 0.0, 0
    with torch.no_grad():
        for row in rows:
            nats += loss(weights, torch.tensor([row]), heads).item() * (len(row) - 1)
            size += sum(widths[piece] for piece in row[1:])
    return nats / float(np.log(2)) / size
