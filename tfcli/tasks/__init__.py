"""The tasks: every module of this package is one, under the name ``TASK``."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from tfcli.core.task import Task
from tfcli.errors import UsageError
from tfcli.models.families import FOR_ALL

BUILT_IN = tuple(sorted(module.name for module in iter_modules(__path__)))
"""The names of the tasks that come with tfcli."""


def task_named(name: str) -> Task:
    """The task of that name, ours or one that a package brings (entry point ``tfcli.tasks``).

    Raises:
        UsageError: there is none.
    """
    if name in BUILT_IN:
        task: Task = import_module(f"{__name__}.{name}").TASK
        return task
    from importlib.metadata import entry_points  # whose import takes 20 ms

    for entry in entry_points(group="tfcli.tasks", name=name):
        plugin: Task = entry.load()
        return plugin
    raise UsageError(f"There is no task '{name}'.", hint="Tasks: " + ", ".join(BUILT_IN) + ".")


def plugins() -> list[str]:
    """The names of the tasks that packages bring; one may be called like a command of ours.

    The files of packages are looked through first: entry points take 60 ms to import.
    """
    files = (f for folder in sys.path for f in Path(folder).glob("*.dist-info/entry_points.txt"))
    if not any(b"[tfcli.tasks]" in file.read_bytes() for file in files):
        return []
    from importlib.metadata import entry_points

    return sorted({entry.name for entry in entry_points(group="tfcli.tasks")})


def tasks_for(
    auto_classes: Iterable[str], model_type: str = "", labels: Sequence[str] | None = None
) -> list[str]:
    """The names of our tasks that a model serves which these Auto classes load.

    Those that any model serves come last: they say nothing of this one. Some tasks look at the type
    and the labels, too (``suits``); no labels are those of any classifier.
    """
    served = set(auto_classes)
    fitting = [name for name, classes in _wanted().items() if not classes.isdisjoint(served)]
    return [name for name in fitting if _suits(task_named(name), model_type, labels)]


def tasks_of(portrait: Mapping[str, Any]) -> list[str]:
    """The names of our tasks that a model serves, by what its portrait says."""
    classes, model_type = portrait["auto_classes"] or (), portrait["model_type"] or ""
    return tasks_for(classes, model_type, portrait["labels"])


def _suits(task: Task, model_type: str, labels: Sequence[str] | None) -> bool:
    return not hasattr(task, "suits") or bool(task.suits(model_type, labels))


@cache
def _wanted() -> dict[str, set[str]]:
    """The Auto classes that serve each task; the tasks that any model serves last."""
    wanted = {name: set(task_named(name).auto_classes) for name in BUILT_IN}
    return dict(sorted(wanted.items(), key=lambda one: not one[1].isdisjoint(FOR_ALL)))
