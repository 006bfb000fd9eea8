"""``tfcli models use``: the model that a task takes when none is named."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from tfcli.cli.options import complete_model
from tfcli.cli.report import Argument, Report
from tfcli.core.job import ModelRef
from tfcli.core.task import Flag, Record
from tfcli.errors import UnfitModelError, UsageError
from tfcli.models.defaults import choose, default_for
from tfcli.models.registry import starters
from tfcli.models.resolve import is_local, model_ref
from tfcli.tasks import BUILT_IN, task_named, tasks_of

COLUMNS = ("model", "task", "origin")


@dataclass(frozen=True, slots=True)
class UseOptions:
    """What ``tfcli models use`` takes."""

    reset: Annotated[bool, Flag("Take the choice back.")] = False


def _columns(task: str, model: str | None, options: UseOptions) -> tuple[str, ...]:
    return COLUMNS


def _records(task: str, model: str | None, options: UseOptions) -> Iterator[Record]:
    """What the task uses from now on."""
    if not task_named(task).standard:
        raise UsageError(f"{task} needs no model.")
    if options.reset == (model is not None):
        raise UsageError(
            "Name a model, or take the choice back with --reset.",
            hint=f"tfcli models use {task} MODEL",
        )
    choose(task, None if model is None else _kept(task, model))
    default = default_for(task)
    yield {
        "model": default.model if default else None,
        "task": task,
        "origin": default.origin if default else None,
    }


def _kept(task: str, model: str) -> str:
    """A name that means the same wherever tfcli is started from.

    Raises:
        UnfitModelError: what is on this machine is no model for the task.
    """
    model = os.path.expanduser(model)  # noqa: PTH111 - of an unknown user it stays
    ref = model_ref(model)  # which says what is wrong with it
    local = model not in starters() and is_local(model)
    if local or model in starters():
        _require_fit(task, ref)
    return os.path.abspath(model) if local else model  # noqa: PTH100 - links stay


def _require_fit(task: str, ref: ModelRef) -> None:
    from tfcli.models.portrait import portrait

    told = portrait(ref)
    fits = tasks_of(told)
    if not told["refused"] and task not in fits:
        raise UnfitModelError(f"{ref} is no model for {task}.", hint=f"It fits: {', '.join(fits)}.")


USE = Report(
    name="use",
    summary="Choose the model that a task takes when none is named.",
    notes="The choice is kept in the config file; `tfcli config` shows it. TFCLI_MODEL_<TASK> in "
    "the environment and -m come before it.",
    examples=(
        "tfcli models use generate openai-community/gpt2",
        "tfcli models use sentiment ./my-model",
        "tfcli models use sentiment --reset",
    ),
    arguments=(
        Argument(
            "task",
            "The task.",
            complete=lambda incomplete: [t for t in BUILT_IN if t.startswith(incomplete)],
        ),
        Argument(
            "model",
            "A starter, a folder, a .gguf file, or org/name[@revision].",
            required=False,
            complete=complete_model,
        ),
    ),
    options_type=UseOptions,
    columns=_columns,
    records=_records,
    view="card",
)
