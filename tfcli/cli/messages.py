"""What is said on standard error: errors with hints, notes, progress."""

import logging
import sys
import time
import warnings
from collections.abc import Generator, Iterable
from contextlib import suppress
from datetime import timedelta

from tfcli.core.characters import visible_lines
from tfcli.core.record import Event
from tfcli.core.task import Piece, Progress, Record
from tfcli.errors import TfcliError
from tfcli.formats.read import Reader

log = logging.getLogger("tfcli")


def say(text: str) -> None:
    """Write a line to standard error, if there still is one; text of others cannot act in it."""
    with suppress(OSError, ValueError):
        sys.stderr.write(visible_lines(text) + "\n")
        sys.stderr.flush()


def say_error(error: TfcliError) -> None:
    """``Error: what is wrong`` and ``Hint: the next command to type``."""
    say(f"Error: {error}")
    if error.hint:
        say(f"Hint: {error.hint}")
    say_notes(error)


def say_notes(error: BaseException) -> None:
    """What was noted on an exception on its way up."""
    for note in getattr(error, "__notes__", ()):
        say(f"Note: {note}")


class _Notes(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        note = record.levelno >= logging.WARNING
        say(f"Note: {record.getMessage()}" if note else record.getMessage())


def listen(quiet: bool, verbose: bool) -> None:
    """Let the notes of all rooms be heard, as the user wants it."""
    if not verbose:  # those of the libraries are for programmers
        warnings.simplefilter("ignore")
    level = logging.DEBUG if verbose else logging.ERROR if quiet else logging.WARNING
    log.handlers = [_Notes()]
    log.propagate = False
    log.setLevel(level)


def introduce(starter: str, task: str) -> None:
    """The first time a starter answers on a terminal, say what it is; then never again."""
    if not sys.stderr.isatty() or not log.isEnabledFor(logging.WARNING):
        return
    from platformdirs import user_state_path

    seen = user_state_path("tfcli", appauthor=False) / f"introduced-{starter}"
    if seen.exists():
        return
    with suppress(OSError):
        seen.parent.mkdir(parents=True, exist_ok=True)
        seen.touch()
    log.warning(
        "%s answers, a small model that comes with tfcli. The task's standard checkpoint is larger "
        "and better: tfcli models pull %s",
        starter,
        task,
    )


def without_progress(run: Iterable[Event]) -> Generator[Record | Piece]:
    """Leave out how far a run is."""
    for event in run:
        if not isinstance(event, Progress):
            yield event


def with_progress(
    run: Iterable[Event], reader: Reader | None, to_terminal: bool
) -> Generator[Record | Piece]:
    """Show how many records there are, how fast they come, and the time left if it can be known.

    Where the records themselves go to the terminal, only what takes long before them is shown.
    """
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True)
    if console.is_dumb_terminal:  # which can take nothing back
        yield from without_progress(run)
        return
    known = reader is not None and reader.fraction is not None and not to_terminal
    said = TextColumn("{task.description}")
    done = [BarColumn(), TextColumn("{task.percentage:.0f}%  {task.fields[left]}")] if known else []
    bars = Bars(said, *done, console=console, transient=True)
    shown = bars.add_task("", total=1, left="")
    start = time.monotonic()
    count = 0
    try:
        for one in run:
            if isinstance(one, Progress):
                bars.start()
                bars.update(shown, description=_so_far(count, start, one))
                continue
            if to_terminal:
                bars.stop()
            else:
                bars.start()
            yield one
            if isinstance(one, Piece):
                continue
            count += 1
            bars.update(shown, description=_so_far(count, start))
            if reader is not None and (fraction := reader.fraction):
                seconds = time.monotonic() - start
                left = timedelta(seconds=round(seconds * (1 - fraction) / fraction))
                bars.update(shown, completed=fraction, left=f"{left} left")
    finally:
        bars.stop()


def _so_far(count: int, start: float, rows: Progress | None = None) -> str:
    rate = count / max(1e-9, time.monotonic() - start)
    said = [f"{count:,} records  {rate:,.0f}/s"] if count else []
    return "  ".join([*said, f"part {rows.done:,} of {rows.total:,}"] if rows else said)
