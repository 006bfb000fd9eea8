"""A worker: one task with its model in memory. Nothing else runs a model."""

import logging
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from queue import SimpleQueue
from textwrap import shorten
from typing import Any

from tfcli.core.batches import batch_size, longest_first
from tfcli.core.job import PROVENANCE, Job, ModelRef, provenance_columns
from tfcli.core.record import Event, only_records, record_of
from tfcli.core.task import Batch, Example, Failure, Loaded, Piece, Progress, Record, Row
from tfcli.errors import ResourceError, UnfitModelError
from tfcli.models.ablation import all_on
from tfcli.models.memory import clear, out_of_memory
from tfcli.models.windows import padding_side
from tfcli.tasks import task_named, tasks_of

log = logging.getLogger("tfcli")

CPU_BATCH_TOKENS = 2048
"""Padded tokens in a batch: more gains nothing on a CPU (benchmarks/bulk.py)."""
DEVICE_BATCH_TOKENS = 16384
"""The same on an accelerator, which needs more to be busy."""


class _UnwantedError(Exception):
    """Nobody reads the pieces any more."""


class Worker:
    """Loaded once, then called with one window of examples after another."""

    def __init__(self, job: Job) -> None:
        self.task = task_named(job.task)
        self.options = job.options
        self.fields = tuple(field.name for field in self.task.fields if field.repeated)
        self.columns = self.task.columns(job.options)
        self.loaded = Loaded()
        self.provenance: Mapping[str, Any] = {}
        if job.model is not None:
            self.loaded = self._load(job.model)
        if job.provenance:
            self.provenance = _provenance(job.model, self.loaded)
        ablated = job.model is not None and job.model.ablate is not None
        self.comparing = ablated and log.isEnabledFor(logging.INFO)
        self.stream = job.stream and getattr(self.task, "streams", False)
        on_cpu = self.loaded.model is None or self.loaded.model.device.type == "cpu"
        self.budget = CPU_BATCH_TOKENS if on_cpu else DEVICE_BATCH_TOKENS

    def _load(self, ref: ModelRef) -> Loaded:
        """The model; only its tokenizer for a task that runs none."""
        from tfcli.models.load import TOKENIZER, load, load_tokenizer

        if self.task.auto_classes == (TOKENIZER,):
            return load_tokenizer(ref)
        try:
            return load(ref, lambda config: self.task.auto_model(config, self.options))
        except UnfitModelError as exc:
            fit: list[str] = []
            with suppress(Exception):  # it is a courtesy, and the refusal is what matters
                fit = [task for task in _fitting(ref) if task != self.task.name]
            if fit:
                exc.add_note(f"{ref} fits: {', '.join(f'tfcli {task}' for task in fit)}.")
            raise

    def __call__(self, window: Sequence[Example]) -> Iterator[Event]:
        """Give one record for each example, in order, and say how far it is before.

        A row that is alone in its window is given piece by piece if the job wants it so. Where
        heads are off, ``-v`` says what changed by that.

        Raises:
            ResourceError: the memory does not hold even one row.
        """
        if not self.comparing:
            yield from self._run(window)
            return
        with all_on(self.loaded.model):
            before = list(only_records(self._run(window)))
        self.loaded.cache.clear()  # it was made by all heads
        changed = iter(before)
        for event in self._run(window):
            if isinstance(event, dict):
                log.info("record %d: %s", event["index"], self._change(next(changed), event))
            yield event
        self.loaded.cache.clear()

    def _change(self, before: Record, after: Record) -> str:
        """What became another value; of numbers side by side the largest difference."""
        changes = []
        for name in self.columns:
            one, other = before[name], after[name]
            if hasattr(one, "shape") and hasattr(other, "shape"):
                if one.shape == other.shape and (one != other).any():
                    changes.append(f"{name} by up to {_brief(float(abs(one - other).max()))}")
            elif one != other:
                changes.append(f"{name} {_brief(one)} → {_brief(other)}")
        return ", ".join(changes) or "no change"

    def _run(self, window: Sequence[Example]) -> Iterator[Event]:
        sound = [example for example in window if example.failure is None]
        if sound and hasattr(self.task, "beforehand"):
            yield from self._beforehand(sound)
        prepared = self.task.preprocess(sound, self.loaded, self.options) if sound else []
        rows_of = dict(zip((example.index for example in sound), prepared, strict=True))
        rows: list[Row] = []
        for one in prepared:
            if not isinstance(one, Failure):
                rows.extend(one)
        if self.stream and len(window) == len(rows) == 1:
            outputs = iter((yield from self._streamed(window[0].index, rows)))
        else:
            outputs = iter((yield from self._outputs(rows)))
        run = {
            index: ([*own], [next(outputs) for _ in own])
            for index, own in rows_of.items()
            if not isinstance(own, Failure)
        }
        if hasattr(self.task, "further"):
            yield from self._further([one for one in sound if one.index in run], run)
        for example in window:
            results = example.failure or self._results(example, rows_of[example.index], run)
            yield record_of(example, self.fields, self.columns, results, self.provenance)

    def _results(
        self,
        example: Example,
        rows: Sequence[Row] | Failure,
        run: Mapping[int, tuple[list[Row], list[Any]]],
    ) -> Record | Failure:
        if isinstance(rows, Failure):
            return rows
        return self.task.postprocess(example, *run[example.index], self.loaded, self.options)

    def _beforehand(self, examples: Sequence[Example]) -> Generator[Progress, None, None]:
        """Run what the task wants to have run before a window, and give it the outputs."""
        asked = self.task.beforehand(examples, self.loaded, self.options)  # type: ignore[attr-defined]
        outputs = None
        with suppress(StopIteration):
            while True:
                outputs = yield from self._outputs(asked.send(outputs))

    def _further(
        self, examples: Sequence[Example], run: Mapping[int, tuple[list[Row], list[Any]]]
    ) -> Generator[Progress, None, None]:
        """Run what the task makes of the rows and outputs of examples, until it makes no more."""
        while examples:
            wanted = {
                example.index: self.task.further(  # type: ignore[attr-defined]
                    example, *run[example.index], self.loaded, self.options
                )
                for example in examples
            }
            outputs = iter((yield from self._outputs([r for own in wanted.values() for r in own])))
            for index, own in wanted.items():
                run[index][0].extend(own)
                run[index][1].extend([next(outputs) for _ in own])
            examples = [example for example in examples if wanted[example.index]]

    def _outputs(self, rows: Sequence[Row]) -> Generator[Progress, None, list[Any]]:
        """Return the output of each row, whatever batch it ran in."""
        outputs: list[Any] = [None] * len(rows)
        left = longest_first(rows)
        while left:
            length = rows[left[0]].length
            batch = left[: batch_size(length, self.budget)]
            try:
                results = self._forward([rows[i] for i in batch])
            except Exception as exc:
                if not out_of_memory(exc):
                    raise
                if len(batch) == 1:
                    raise _too_large(rows[left[0]]) from exc
                self.budget = len(batch) * length // 2
            else:
                for i, result in zip(batch, results, strict=True):
                    outputs[i] = result
                left = left[len(batch) :]
                if left:
                    yield Progress(len(rows) - len(left), len(rows))
                continue
            log.warning("Out of memory: going on with batches of %d tokens.", self.budget)
            clear()
        return outputs

    def _streamed(self, index: int, rows: Sequence[Row]) -> Generator[Piece, None, Sequence[Any]]:
        """Return the outputs of one batch; what it emits on the way is given at once.

        It runs in a thread, which ends at its next token if nobody wants any more.
        """
        given: SimpleQueue[Piece | Sequence[Any] | BaseException] = SimpleQueue()
        unwanted = threading.Event()

        def emit(text: str, was_there: bool) -> None:
            if unwanted.is_set():
                raise _UnwantedError
            if text:
                given.put(Piece(index, text, was_there))

        def run() -> None:
            try:
                given.put(self._forward(rows, emit))
            except BaseException as exc:  # to be raised where the pieces are taken
                given.put(exc)

        threading.Thread(target=run, daemon=True).start()
        try:
            while isinstance(one := given.get(), Piece):
                yield one
        finally:
            unwanted.set()
        if not isinstance(one, BaseException):
            return one
        if isinstance(one, Exception) and out_of_memory(one):
            raise _too_large(rows[0]) from one
        raise one

    def _forward(
        self, rows: Sequence[Row], emit: Callable[[str, bool], None] | None = None
    ) -> Sequence[Any]:
        if self.loaded.model is None:
            return self.task.forward(self.loaded, Batch(rows, {}, emit), self.options)
        import torch

        with torch.inference_mode():
            batch = Batch(rows, self._padded(rows), emit)
            return self.task.forward(self.loaded, batch, self.options)

    def _padded(self, rows: Sequence[Row]) -> Mapping[str, Any]:
        padded = self.loaded.tokenizer.pad(
            [row.inputs for row in rows],
            padding_side=self._padding_side(),
            return_attention_mask=True,
            return_tensors="pt",
        )
        device, arguments = self.loaded.model.device, self.loaded.arguments
        return {
            name: values.to(device)  # (row, token)
            for name, values in padded.items()
            if name in arguments or "input_ids" not in arguments  # takes **kwargs alone
        }

    def _padding_side(self) -> str:
        if hasattr(self.task, "padding_side"):
            return str(self.task.padding_side(self.loaded.config))
        return padding_side(self.loaded.tokenizer)


def _brief(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, str):
        return shorten(value, 60, placeholder=" …")
    return str(value) if value is None or isinstance(value, int) else "…"


def _too_large(row: Row) -> ResourceError:
    return ResourceError(f"Out of memory with one row of {row.length - row.more:,} tokens.")


def _fitting(ref: ModelRef) -> list[str]:
    """The tasks that a model's classes serve."""
    from tfcli.models.portrait import portrait

    return tasks_of(portrait(ref))


def _provenance(ref: ModelRef | None, loaded: Loaded) -> Mapping[str, Any]:
    if ref is None:
        return dict.fromkeys(PROVENANCE)
    runs = (None, None) if loaded.model is None else (loaded.dtype, str(loaded.model.device))
    said = (ref.checkpoint, loaded.revision, *runs, ref.ablate)
    return dict(zip(provenance_columns(ref.ablate), said, strict=False))
