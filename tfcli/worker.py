"""A worker: one task with its model in memory. Nothing else runs a model."""

import gc
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from tfcli.core.batches import batches
from tfcli.core.job import Job
from tfcli.core.record import record_of
from tfcli.core.task import Example, Failure, Loaded, Record, Row
from tfcli.errors import ResourceError
from tfcli.tasks import task_named

log = logging.getLogger("tfcli")

TOKENS_PER_BATCH = {"cpu": 2048}
"""Padded tokens in a batch: what fits the caches of a CPU; see benchmarks/."""
TOKENS_PER_BATCH_ELSEWHERE = 16384


class Worker:
    """Loaded once, then called with one window of examples after another."""

    def __init__(self, job: Job) -> None:
        self.task = task_named(job.task)
        self.options = job.options
        self.fields = tuple(field.name for field in self.task.fields)
        self.columns = self.task.columns(job.options)
        self.loaded = Loaded()
        if job.model is not None:
            with _no_garbage():
                from tfcli.models.load import load

                self.loaded = load(
                    job.model, lambda config: self.task.auto_model(config, job.options)
                )
        device = self.loaded.model.device.type if self.loaded.model is not None else "cpu"
        self.budget = TOKENS_PER_BATCH.get(device, TOKENS_PER_BATCH_ELSEWHERE)

    def __call__(self, window: Sequence[Example]) -> Iterator[Record]:
        """Give one record for each example, in order.

        Raises:
            ResourceError: the memory does not hold even one row.
        """
        sound = [example for example in window if example.failure is None]
        prepared = self.task.preprocess(sound, self.loaded, self.options) if sound else []
        rows_of = dict(zip((example.index for example in sound), prepared, strict=True))
        rows: list[Row] = []
        for one in prepared:
            if not isinstance(one, Failure):
                rows.extend(one)
        outputs = iter(self._outputs(rows))
        for example in window:
            yield record_of(
                example,
                self.fields,
                self.columns,
                example.failure or self._results(example, rows_of[example.index], outputs),
            )

    def _results(
        self, example: Example, rows: Sequence[Row] | Failure, outputs: Iterator[Any]
    ) -> Record | Failure:
        if isinstance(rows, Failure):
            return rows
        own = [next(outputs) for _ in rows]
        return self.task.postprocess(example, rows, own, self.loaded, self.options)

    def _outputs(self, rows: Sequence[Row]) -> list[Any]:
        """The output of each row, whatever batch it ran in."""
        outputs: list[Any] = [None] * len(rows)
        todo = list(batches(rows, self.budget))[::-1]
        while todo:
            batch = todo.pop()
            try:
                results = self._forward([rows[i] for i in batch])
            except (RuntimeError, MemoryError) as exc:
                if not _out_of_memory(exc):
                    raise
                if len(batch) == 1:
                    raise ResourceError(
                        f"Out of memory with one row of {rows[batch[0]].length} tokens."
                    ) from exc
                self.budget = max(1, self.budget // 2)
                log.warning("Out of memory: going on with batches of %d tokens.", self.budget)
                left = sorted(i for rest in [batch, *todo] for i in rest)
                todo = [
                    [left[i] for i in smaller]
                    for smaller in batches([rows[i] for i in left], self.budget)
                ][::-1]
                continue
            for i, result in zip(batch, results, strict=True):
                outputs[i] = result
        return outputs

    def _forward(self, rows: Sequence[Row]) -> Sequence[Any]:
        if self.loaded.model is None:
            return self.task.forward(None, {"rows": rows}, self.options)
        import torch

        with torch.inference_mode():
            return self.task.forward(self.loaded.model, self._padded(rows), self.options)

    def _padded(self, rows: Sequence[Row]) -> Mapping[str, Any]:
        batch = self.loaded.tokenizer.pad([row.inputs for row in rows], return_tensors="pt")
        padded: Mapping[str, Any] = batch.to(self.loaded.model.device)  # each (row, token)
        return padded


@contextmanager
def _no_garbage() -> Iterator[None]:
    """Import and load without garbage collection, which would look for some in vain, for 0.4 s.

    What was loaded stays to the end, so later collections need not look at it either.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _out_of_memory(exc: BaseException) -> bool:
    if isinstance(exc, MemoryError):
        return True
    import torch
    from accelerate.utils.memory import should_reduce_batch_size

    return isinstance(exc, torch.OutOfMemoryError) or should_reduce_batch_size(exc)
