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
from tfcli.models.registry import starters
from tfcli.models.resolve import model_ref
from tfcli.tasks import task_named, tasks_for, tasks_of

_WRITES_ON = ("generate", "next")
_ANSWERS = {"translation": "translate", "GSG": "summarize", "supervised": "translate"}
"""What a checkpoint can do that was trained so."""


def _keys() -> tuple[str, ...]:
    """What is told of a model."""
    from tfcli.models.portrait import KEYS  # what asks the Hub is imported when it is asked

    return tuple(key for key in KEYS if key != "auto_classes")


def _columns(name: str, options: NoOptions) -> tuple[str, ...]:
    if _family(name) is not None:
        return (*OF_A_FAMILY, "title", "classes", "commands")
    return (*_keys(), "tasks", "card", "commands")


def _records(name: str, options: NoOptions) -> Iterator[Record]:
    """The one record; its keys depend on whether the name is a family's or a model's."""
    family = _family(name)
    if family is not None:
        yield {**facts(family), "title": family.title, "classes": _classes(family)} | {
            "commands": _commands_of_family(family)
        }
        return
    from tfcli.models.portrait import portrait

    ref = _ref(name)
    told = portrait(ref)
    starter = starters().get(ref.checkpoint)
    tasks = list(starter.tasks) if starter else tasks_of(told)
    usable = [] if told["refused"] else tasks
    yield {key: told[key] for key in _keys()} | {
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
    shown = f"tfcli models show {family.checkpoint}"
    return [shown, *(_command(task, family.checkpoint) for task in _tried(family))]


def _tried(family: Family) -> list[str]:
    """What the checkpoint can do as it is: it has the head that it was trained with."""
    can = tasks_for(family.auto_classes, family.model_type)
    if family.architecture == "encoder-decoder":
        wanted = [_ANSWERS[one] for one in family.objectives if one in _ANSWERS]
    elif family.architecture == "decoder":
        wanted = [*_WRITES_ON]
    else:
        wanted = ["fill"] if "MLM" in family.objectives and family.model_type != "dpr" else []
    return [task for task in dict.fromkeys([*wanted, "attn", "tokens"]) if task in can]


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
