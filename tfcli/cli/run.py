"""Run a task for a command: inputs → engine → output, and what the exit status says of it."""

import gc
import logging
import sys
from collections.abc import Generator, Iterable, Mapping
from contextlib import closing
from typing import Any

from tfcli.cli.inputs import incoming
from tfcli.cli.messages import introduce, listen, say_notes, with_progress, without_progress
from tfcli.cli.options import InputOptions, ModelOptions, OutputOptions
from tfcli.cli.output import Output
from tfcli.core.job import PROVENANCE, Job, ModelRef
from tfcli.core.record import Columns, Event
from tfcli.core.task import Piece, Progress, Task
from tfcli.engines import Engine, local
from tfcli.errors import INTERRUPTED, OK, SOME_FAILED, TERMINATED, ModelNotFoundError, Terminated
from tfcli.models.registry import starters
from tfcli.models.resolve import go_offline, model_name, model_ref

log = logging.getLogger("tfcli")


class Outcome:
    """What the records of a run add up to."""

    def __init__(self, task: Task, options: Any) -> None:
        self.asked = getattr(task, "status", lambda record, options: OK)
        self.options = options
        self.count = 0
        self.begun = False
        self.failed = 0
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
    input_options: InputOptions,
    output_options: OutputOptions,
    model_options: ModelOptions,
) -> int:
    """Run one command and return its exit status."""
    listen(output_options.quiet, output_options.verbose)
    if model_options.offline:
        go_offline()
    output = Output(output_options, task.name)
    first, *others = (field.name for field in task.fields)
    results = task.columns(options)
    if model_options.provenance:
        results = (*results, *PROVENANCE)
    silent = [field.name for field in task.fields if not field.repeated]
    found = incoming(
        task,
        fields[first] or (),
        {name: fields[name] for name in others},
        files,
        input_options,
        results,
        shown=silent if output.is_picture else (),
    )
    repeated = [name for name in (first, *others) if name not in silent]
    columns = Columns(("index", *repeated, *found.kept), results, found.more)
    model = _model(task, model_options)
    outcome = Outcome(task, options)
    engine: Engine = local.run
    stream = output.takes_pieces and found.live and not (found.kept or found.more)
    job = Job(task.name, model, options, model_options.provenance, stream)
    run = outcome.watch(_sparing_garbage(engine(job, found.windows)))
    watched = sys.stderr.isatty() and not output_options.quiet
    shown = (
        with_progress(run, found.reader, output.to_terminal) if watched else without_progress(run)
    )
    try:
        with closing(shown):  # a progress bar is gone before anything else is said
            output.write(shown, columns)
    except (KeyboardInterrupt, Terminated) as exc:
        say_notes(exc)
        done = _count(outcome.count, "record")
        log.warning("stopped after %s", f"{done} and a part" if outcome.begun else done)
        return TERMINATED if isinstance(exc, Terminated) else INTERRUPTED
    if outcome.failed:
        log.warning("%d of %s failed", outcome.failed, _count(outcome.count, "example"))
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


def _model(task: Task, options: ModelOptions) -> ModelRef | None:
    if not task.standard:
        return None
    name = model_name(task.name, options.model)
    try:
        ref = model_ref(name, options.dtype, options.device, options.trust_remote_code)
    except ModelNotFoundError as exc:
        if options.model is None:
            exc.add_note("Without -m the name comes from TFCLI_MODEL_… or from config.toml.")
        raise
    if name in starters():
        introduce(name, task.standard)
    return ref
