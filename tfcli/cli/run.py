"""Run a task for a command: inputs → engine → output, and what the exit status says of it."""

import gc
import logging
import sys
from collections.abc import Generator, Iterable, Mapping
from contextlib import closing
from typing import Any

from tfcli.cli.command import Fold
from tfcli.cli.inputs import incoming
from tfcli.cli.messages import introduce, listen, say_notes, with_progress, without_progress
from tfcli.cli.options import PAGE, InputOptions, ModelOptions, OutputOptions, PageOptions
from tfcli.cli.output import Output
from tfcli.core.batches import window_of
from tfcli.core.job import Job, ModelRef, provenance_columns
from tfcli.core.record import Columns, Event, only_records
from tfcli.core.task import Piece, Progress, Task, fits_of, standard_of
from tfcli.engines import Engine, local
from tfcli.errors import (
    INTERRUPTED,
    OK,
    SOME_FAILED,
    TERMINATED,
    ModelNotFoundError,
    Terminated,
    UsageError,
)
from tfcli.models.defaults import model_name
from tfcli.models.registry import starters
from tfcli.models.resolve import go_offline, model_ref

log = logging.getLogger("tfcli")


class Outcome:
    """What the records of a run add up to."""

    def __init__(self, task: Task, options: Any) -> None:
        self.asked = getattr(task, "status", lambda record, options: OK)
        self.options = options
        self.count = 0
        self.begun = False
        self.failed = 0
        self.first_failure = ""
        """Which example failed first, and why."""
        self.matched = OK

    def watch(self, run: Iterable[Event]) -> Generator[Event]:
        """Pass all on, and remember the records."""
        for record in run:
            self.begun = isinstance(record, Piece)
            if isinstance(record, (Progress, Piece)):
                yield record
                continue
            self.count += 1
            if "error" in record:
                self.failed += 1
                reason = f"{record['index']}: {record['error']['message']}"
                self.first_failure = self.first_failure or reason
            else:
                self.matched = self.matched or self.asked(record, self.options)
            yield record

    @property
    def status(self) -> int:
        """The exit status: failed examples come before what a task asks for."""
        return SOME_FAILED if self.failed else self.matched


def run_task(
    task: Task,
    options: Any,
    fields: Mapping[str, Any],
    files: Mapping[str, str | None],
    fold: Fold | None,
    input_options: InputOptions,
    output_options: OutputOptions,
    model_options: ModelOptions,
) -> int:
    """Run one command and return its exit status; ``fold`` makes one record of all."""
    listen(output_options.quiet, output_options.verbose)
    if fold is not None and input_options.keep:
        raise UsageError("--keep: the means of many texts keep no columns.")
    if model_options.offline:
        go_offline()
    theme = getattr(options, "theme", "light")
    paged = isinstance(output_options, PageOptions)
    files_of_task = [name for name in getattr(task, "files", ()) if name != PAGE or paged]
    stacks = getattr(task, "stacks", False)
    output = Output(output_options, task.name, files_of_task, theme, stacks)
    if output.is_page:
        options = task.for_page(options)  # type: ignore[attr-defined]
    elif output.is_picture and hasattr(task, "for_view"):
        options = task.for_view(options)
    provenance = model_options.provenance or output.is_page
    first, *others = (field.name for field in task.fields)
    results = task.columns(options)
    if provenance:
        results = (*results, *provenance_columns(model_options.ablate))
    long = task.long_form(options) if hasattr(task, "long_form") else None
    silent = [field.name for field in task.fields if not field.repeated]
    found = incoming(
        task,
        fields[first] or (),
        {name: fields[name] for name in others},
        files,
        input_options,
        (*results, *(long.columns if long is not None else ())),
        window_of(task, options),
        shown=silent if output.is_picture or output.is_page else (),
    )
    repeated = [name for name in (first, *others) if name not in silent]
    columns = Columns(
        ("index", *repeated, *found.kept),
        results,
        found.more,
        long,
        lone=found.live and found.reader is None,
    )
    if fold is not None:
        results = tuple(name for name in results if name not in fold.drops)
        columns = Columns(fold.inputs, results, long=columns.long, lone=True)
    model = _model(task, options, model_options)
    outcome = Outcome(task, options)
    engine: Engine = local.run
    stream = output.takes_pieces and found.live and not (found.kept or found.more)
    job = Job(task.name, model, options, provenance, stream)
    run = outcome.watch(_sparing_garbage(engine(job, found.windows)))
    watched = sys.stderr.isatty() and not output_options.quiet
    shown = (
        with_progress(run, found.reader, output.to_terminal) if watched else without_progress(run)
    )
    told = shown if fold is None else fold.of(only_records(shown))
    try:
        with closing(shown):  # a progress bar is gone before anything else is said
            output.write(told, columns)
    except (KeyboardInterrupt, Terminated) as exc:
        say_notes(exc)
        done = _count(outcome.count, "record")
        log.warning("stopped after %s", f"{done} and a part" if outcome.begun else done)
        return TERMINATED if isinstance(exc, Terminated) else INTERRUPTED
    if outcome.failed:
        unseen = fold is not None or output.format == "plain"  # where no record says why
        why = f", the first at index {outcome.first_failure}" if unseen else ""
        log.warning("%d of %s failed%s", outcome.failed, _count(outcome.count, "example"), why)
    return outcome.status


def _sparing_garbage(run: Iterable[Event]) -> Generator[Event]:
    """Collect no garbage before the first record: importing and loading make none.

    Looking for some would take 0.4 s, and what was loaded need never be looked at again.
    """
    gc.disable()
    try:
        for event in run:
            if not gc.isenabled():
                gc.freeze()
                gc.enable()
            yield event
    finally:
        gc.enable()


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _model(task: Task, task_options: Any, options: ModelOptions) -> ModelRef | None:
    if not task.standard:
        return None
    standard, fits = standard_of(task, task_options), fits_of(task, task_options)
    name = model_name(task.name, options.model, standard, fits)
    try:
        ref = model_ref(
            name, options.dtype, options.device, options.trust_remote_code, options.ablate
        )
    except ModelNotFoundError as exc:
        if options.model is None:
            exc.add_note("Without -m the name comes from TFCLI_MODEL_… or from config.toml.")
        raise
    if options.locked:
        from tfcli.models.lock import held

        ref = held(ref)
    if name in starters():
        introduce(name, task.name)
    return ref
