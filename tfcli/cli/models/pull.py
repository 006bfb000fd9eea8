"""``tfcli models pull``: a model of the Hub onto this machine, whole and checked."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from tfcli.cli.options import complete_model
from tfcli.cli.report import Argument, Report
from tfcli.core.job import ModelRef
from tfcli.core.task import Flag, Record
from tfcli.errors import ModelNotFoundError, Terminated, UsageError
from tfcli.models.families import family_named
from tfcli.models.registry import starters
from tfcli.models.resolve import is_local, model_ref
from tfcli.tasks import BUILT_IN, task_named

COLUMNS = ("model", "revision", "folder", "bytes", "converted", "default_for")


@dataclass(frozen=True, slots=True)
class PullOptions:
    """What ``tfcli models pull`` takes."""

    no_default: Annotated[
        bool, Flag("Fetch a task's standard checkpoint without making it the default.")
    ] = False


def _columns(names: list[str], options: PullOptions) -> tuple[str, ...]:
    return COLUMNS


def _records(names: list[str], options: PullOptions) -> Iterator[Record]:
    """A record for each model, once it is here."""
    from tfcli.models.cache import commit_of
    from tfcli.models.defaults import choose
    from tfcli.models.hub import pull
    from tfcli.models.trust import require_safe

    for name, ref in [(name, _ref(name)) for name in names]:
        try:
            folder, converted = pull(ref)
        except (KeyboardInterrupt, Terminated) as exc:
            exc.add_note("What has come is kept: the same command goes on from there.")
            raise
        require_safe(folder)
        task = name if name in BUILT_IN and not options.no_default else None
        if task and hasattr(task_named(task), "standard_for"):  # one of many: -m names it
            task = None
        if task:
            choose(task, str(ref))
        yield {
            "model": str(ref),
            "revision": commit_of(folder),
            "folder": str(folder),
            "bytes": sum(path.stat().st_size for path in folder.iterdir() if path.is_file()),
            "converted": converted,
            "default_for": task,
        }


def _ref(name: str) -> ModelRef:
    """The standard checkpoint of a task, or the model of that name."""
    standard = task_named(name).standard if name in BUILT_IN else name
    if not standard:
        raise UsageError(f"{name} needs no model.")
    if standard in starters() or is_local(standard):
        raise UsageError(f"{standard} is on this machine already.", hint=f"-m {standard}")
    try:
        return model_ref(standard)
    except ModelNotFoundError as exc:
        family = family_named(name)
        if family and family.checkpoint:
            exc.hint = f"The checkpoint of that family: tfcli models pull {family.checkpoint}"
        raise


def complete(incomplete: str) -> list[str]:
    """Tasks, and models that are here."""
    return [task for task in BUILT_IN if task.startswith(incomplete)] + complete_model(incomplete)


PULL = Report(
    name="pull",
    summary="Fetch models of the Hub; a task's standard checkpoint becomes its default.",
    notes="What has come whole is kept when the connection breaks: type the command again. Large "
    "files, the weights among them, are checked against the Hub's SHA-256, and all is looked "
    "through as before every run; of pickled weights safetensors are made.",
    examples=(
        "tfcli models pull sentiment",
        "tfcli models pull openai-community/gpt2 google-bert/bert-base-chinese",
    ),
    arguments=(Argument("names", "A task, or org/name[@revision].", many=True, complete=complete),),
    options_type=PullOptions,
    columns=_columns,
    records=_records,
    view="models_pull",
)
