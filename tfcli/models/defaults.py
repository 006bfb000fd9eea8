"""Which model a task uses where none is named: the environment's, the config file's, a starter."""

import os
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from tfcli.core.task import Fits
from tfcli.errors import ModelNotFoundError, TfcliError, UsageError
from tfcli.models.registry import starter_for
from tfcli.models.replace import write_over


class Default(NamedTuple):
    """A model, and what names it."""

    model: str
    origin: str
    """A variable, the config file, or ``starter``."""


def model_name(task: str, given: str | None, standard: str = "", fits: Fits | None = None) -> str:
    """Which model a task uses: the one given, else its default.

    Args:
        task: its name.
        given: the model that the user names.
        standard: the checkpoint to name where there is none.
        fits: which starters will do; None: all.

    Raises:
        UsageError: the config file is broken.
        ModelNotFoundError: nothing names a model for this task.
    """
    if given is not None:
        return given
    default = default_for(task, fits)
    if default is None:
        hint = fetching(standard) if standard else ""
        raise ModelNotFoundError(
            f"No model for {task} comes with tfcli.", hint=hint or "Name one with -m."
        )
    # No shell expands a ~ in a variable or a file.
    return os.path.expanduser(default.model)  # noqa: PTH111 - of an unknown user it stays


def fetching(model: str) -> str:
    """What to type for a model that is not on this machine."""
    return f"tfcli models pull {model}, then -m {model}"


def default_for(task: str, fits: Fits | None = None) -> Default | None:
    """The task's default, if it has one; ``fits`` says which starters will do.

    Raises:
        UsageError: the config file is broken.
    """
    if name := os.environ.get(variable_of(task)):
        return Default(name, variable_of(task))
    if name := _configured(task):
        return Default(name, str(config_file()))
    starter = starter_for(task, fits)
    return Default(starter.name, "starter") if starter else None


def variable_of(task: str) -> str:
    """The environment variable that names the task's model."""
    return f"TFCLI_MODEL_{task.upper().replace('-', '_')}"


def config_file() -> Path:
    """Where the user's choices are kept: where this platform keeps such files."""
    from platformdirs import user_config_path

    return user_config_path("tfcli", appauthor=False) / "config.toml"


def choose(task: str, model: str | None) -> None:
    """Make a model the task's default; None: again what it was without a choice.

    Comments and all else in the file stay; the file is exchanged in one step.

    Raises:
        UsageError: the config file is broken.
        TfcliError: it cannot be written.
    """
    import tomlkit

    models = _models()
    if model is None and task not in models:
        return
    path = config_file().resolve()  # a link to a file elsewhere stays one
    document = tomlkit.parse(_text(path) or "")
    table: Any = document.setdefault("models", tomlkit.table())
    if model is None:
        del table[task]
    else:
        table[task] = model
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_over(path, tomlkit.dumps(document))
    except OSError as exc:
        raise TfcliError(f"Cannot write {path}: {exc.strerror}.") from exc


def _configured(task: str) -> str | None:
    name = _models().get(task)
    if name is not None and not isinstance(name, str):
        raise _broken(f'it wants [models] and {task} = "…" below it.')
    return name


def _models() -> dict[str, Any]:
    """What the config file says below ``[models]``."""
    text = _text(config_file())
    if text is None:
        return {}
    try:
        models = tomllib.loads(text).get("models", {})
    except tomllib.TOMLDecodeError as exc:
        raise _broken(str(exc)) from exc
    if not isinstance(models, dict):
        raise _broken('it wants [models], and TASK = "MODEL" below it.')
    return models


def _text(path: Path) -> str | None:
    """The config file's text; none where nobody has written one."""
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as exc:
        raise UsageError(f"Cannot read {path}: {exc.strerror}.") from exc
    except UnicodeDecodeError as exc:
        raise _broken(str(exc)) from exc


def _broken(why: str) -> UsageError:
    return UsageError(f"{config_file()} is broken: {why}")
