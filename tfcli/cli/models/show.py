"""``tfcli models show``: what is known of a family, or of one model, without loading it."""

import difflib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from tfcli.cli.models.families import COLUMNS as OF_A_FAMILY
from tfcli.cli.models.families import facts
from tfcli.cli.report import Argument, Report
from tfcli.core.job import ModelRef
from tfcli.core.task import NoOptions, Record
from tfcli.errors import ModelNotFoundError
from tfcli.models.families import Family, families, family_named, near_families
from tfcli.models.portrait import KEYS, portrait
from tfcli.models.registry import starters
from tfcli.models.resolve import model_ref
from tfcli.tasks import task_named, tasks_for

_PRETRAINED = {
    "AutoModel",
    "AutoModelForCausalLM",
    "AutoModelForMaskedLM",
    "AutoModelForSeq2SeqLM",
    "AutoTokenizer",
}
_OF_A_MODEL = ("family", *(key for key in KEYS if key not in ("family", "auto_classes")))


def _columns(name: str, options: NoOptions) -> tuple[str, ...]:
    if _family(name) is not None:
        return (*OF_A_FAMILY, "title", "classes", "commands")
    return (*_OF_A_MODEL, "tasks", "card", "commands")


def _records(name: str, options: NoOptions) -> Iterator[Record]:
    """The one record; its keys depend on whether the name is a family's or a model's."""
    family = _family(name)
    if family is not None:
        yield {**facts(family), "title": family.title, "classes": _classes(family)} | {
            "commands": _commands_of_family(family)
        }
        return
    ref = _ref(name)
    told = portrait(ref)
    starter = starters().get(ref.checkpoint)
    tasks = list(starter.tasks) if starter else tasks_for(told["auto_classes"] or ())
    usable = [] if told["refused"] else tasks
    yield {key: told[key] for key in _OF_A_MODEL} | {
        "tasks": usable,
        "card": str(starter.folder / "README.md") if starter else None,
        "commands": [_command(task, name) for task in usable[:3]],
    }


def _family(name: str) -> Family | None:
    """The family of that name, unless there is a model of the same."""
    return None if name in starters() or Path(name).exists() else family_named(name)


def _ref(name: str) -> ModelRef:
    try:
        return model_ref(name)
    except ModelNotFoundError as exc:
        near = near_families(name) if "/" not in name else []
        if near and difflib.get_close_matches(name, [*near, *starters()], 1, 0)[0] in near:
            exc.hint = f"Families with such a name: {', '.join(near)}"
        raise


def _classes(family: Family) -> dict[str, list[str]]:
    return {auto: list(classes) for auto, classes in family.classes.items()}


def _commands_of_family(family: Family) -> list[str]:
    """What to type next; a pretrained checkpoint has no head for tasks of its own."""
    if family.removed_in:
        return [f"tfcli models show {family.instead}"] if family.instead in families() else []
    if not family.checkpoint:
        return []
    tasks = tasks_for(family.auto_classes & _PRETRAINED)
    shown = f"tfcli models show {family.checkpoint}"
    return [shown, *(_command(task, family.checkpoint) for task in tasks[:3])]


def _command(task: str, model: str) -> str:
    """The first example of a task, on this model."""
    example = task_named(task).examples[0].partition(" | ")[0]
    return f"{re.sub(r' -m [^ ]+', '', example)} -m {shlex.quote(model)}"


SHOW = Report(
    name="show",
    summary="Show what is known of a family, a starter, a folder, or a model of the Hub.",
    notes="Of a model its size, heads and labels are told, the tasks it fits, and whether tfcli "
    "would refuse it; its weights are neither fetched nor loaded.",
    examples=(
        "tfcli models show bert",
        "tfcli models show bert-starter",
        "tfcli models show openai-community/gpt2 | jq .parameters",
    ),
    arguments=(Argument("name", "A family, a starter, a folder, or org/name.", complete=None),),
    columns=_columns,
    records=_records,
    view="models_show",
)
