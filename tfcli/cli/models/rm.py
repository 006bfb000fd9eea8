"""``tfcli models rm``: models out of the Hub's cache."""

import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from tfcli.cli.messages import say
from tfcli.cli.options import complete_cached
from tfcli.cli.report import Argument, Report
from tfcli.core.task import Flag, Record
from tfcli.errors import TfcliError, UsageError
from tfcli.models.defaults import default_for, variable_of
from tfcli.tasks import BUILT_IN

if TYPE_CHECKING:
    from tfcli.models.stock import Cached

log = logging.getLogger("tfcli")

COLUMNS = ("model", "revision", "bytes")


@dataclass(frozen=True, slots=True)
class RmOptions:
    """What ``tfcli models rm`` takes."""

    yes: Annotated[bool, Flag("Do not ask.")] = False


def _columns(names: list[str], options: RmOptions) -> tuple[str, ...]:
    return COLUMNS


def _records(names: list[str], options: RmOptions) -> Iterator[Record]:
    """A record for each revision that is gone."""
    from tfcli.models.stock import named, remove

    chosen = named(names)
    if not options.yes:
        _ask(chosen)
    remove(chosen)
    _note_defaults(chosen)
    for one in chosen:
        yield {"model": one.model, "revision": one.revision, "bytes": one.bytes}


def _ask(chosen: "Sequence[Cached]") -> None:
    """Ask on the terminal whether to delete these."""
    from tfcli.views.listing import size

    if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr)):
        raise UsageError("Deleting asks first, and nobody is there to answer.", hint="--yes")
    for one in chosen:
        say(f"{one.model}@{one.revision[:7]}  {size(one.bytes)}")
    sys.stderr.write("Delete? [y/N] ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):  # Ctrl-D leaves the line open
        say("")
    if answer.strip().casefold() not in ("y", "yes"):
        raise TfcliError("Nothing was deleted.")


def _note_defaults(gone: "Sequence[Cached]") -> None:
    """Say which tasks have lost their model, and how to give them another."""
    from tfcli.models.stock import is_called, stock

    left, _ = stock()
    for task in BUILT_IN:
        default = default_for(task)
        if default is None or any(is_called(one, default.model) for one in left):
            continue
        if any(is_called(one, default.model) for one in gone):
            variable = variable_of(task)
            set_by = default.origin == variable
            back = f"unset {variable}" if set_by else f"tfcli models use {task} --reset"
            log.warning("%s uses %s by default; %s", task, default.model, back)


RM = Report(
    name="rm",
    summary="Delete models of the Hub from this machine; asks first.",
    examples=("tfcli models rm openai-community/gpt2", "tfcli models rm org/name@v1 --yes"),
    arguments=(Argument("names", "org/name[@revision].", many=True, complete=complete_cached),),
    options_type=RmOptions,
    columns=_columns,
    records=_records,
    view="card",
)
