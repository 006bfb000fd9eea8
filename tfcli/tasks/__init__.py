"""The tasks: every module of this package is one, under the name ``TASK``."""

from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules

from tfcli.core.task import Task
from tfcli.errors import UsageError

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
    for entry in entry_points(group="tfcli.tasks", name=name):
        plugin: Task = entry.load()
        return plugin
    raise UsageError(f"There is no task '{name}'.", hint="Tasks: " + ", ".join(BUILT_IN) + ".")
