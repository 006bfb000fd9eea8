"""``tfcli config``: what is set, and where it is set."""

import os
from collections.abc import Iterator

from tfcli.cli.report import Report
from tfcli.core.task import NoOptions, Record
from tfcli.models.cache import cache_folder, token_file
from tfcli.models.defaults import config_file, default_for
from tfcli.models.trouble import shown
from tfcli.tasks import BUILT_IN, task_named

COLUMNS = ("value", "key", "origin")
_CACHES = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME")
_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")


def _columns(options: NoOptions) -> tuple[str, ...]:
    return COLUMNS


def settings(options: NoOptions) -> Iterator[Record]:
    """Each setting with its value and its origin; of a token only whether there is one."""
    from tfcli.models.hub import is_offline

    path = config_file()
    origin = _origin("XDG_CONFIG_HOME") if path.is_file() else "not there"
    yield _setting("config file", str(path), origin)
    for task in BUILT_IN:
        if task_named(task).standard:
            default = default_for(task)
            yield _setting(
                f"models.{task}",
                default.model if default else None,
                default.origin if default else "nothing: -m names one",
            )
    yield _setting("cache", str(cache_folder()), _origin(*_CACHES))
    endpoint = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    yield _setting("endpoint", shown(endpoint), _origin("HF_ENDPOINT"))
    yield _setting("offline", is_offline(), _origin(*_OFFLINE))
    yield _setting("token", *_token())


def _setting(key: str, value: object, origin: str) -> Record:
    return {"value": value, "key": key, "origin": origin}


def _origin(*variables: str) -> str:
    return next((name for name in variables if os.environ.get(name)), "default")


def _token() -> tuple[str | None, str]:
    """What huggingface_hub would send, without a character of it."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if os.environ.get(name):
            return "set", name
    path = token_file()
    return ("set", str(path)) if path.is_file() else (None, "none: hf auth login")


CONFIG = Report(
    name="config",
    summary="Show what is set, and where: models of the tasks, cache, Hub.",
    examples=("tfcli config", "tfcli config | jq -r 'select(.origin != \"default\") | .key'"),
    columns=_columns,
    records=settings,
    view="config",
)
