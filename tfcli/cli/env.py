"""``tfcli env``: this machine as a bug report wants it."""

import platform
import shutil
import sys
from collections.abc import Iterator
from typing import Any

from tfcli import __version__
from tfcli.cli.config import settings
from tfcli.cli.report import Report
from tfcli.core.task import NoOptions, Record

COLUMNS = (
    *("tfcli", "python", "platform", "packages", "processor", "memory", "torch"),
    *("accelerators", "device", "because", "cache", "settings"),
)
PACKAGES = (
    *("torch", "transformers", "tokenizers", "safetensors", "huggingface_hub", "accelerate"),
    *("numpy", "typer", "rich", "sentencepiece", "gguf", "matplotlib", "pyarrow", "ray"),
)


def _columns(options: NoOptions) -> tuple[str, ...]:
    return COLUMNS


def _records(options: NoOptions) -> Iterator[Record]:
    """The one record."""
    from tfcli.models.device import device_for
    from tfcli.models.machine import accelerators, processor, torch_build

    devices = [one._asdict() for one in accelerators()]
    device = str(device_for("auto"))
    yield {
        "tfcli": __version__,
        "python": f"{platform.python_version()} ({sys.executable})",
        "platform": platform.platform(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "processor": processor(),
        "memory": _memory(),
        "torch": torch_build(),
        "accelerators": devices,
        "device": device,
        "because": "accelerate takes the first accelerator that torch can use"
        if devices
        else "torch can use no accelerator",
        "cache": _cache(),
        "settings": {one["key"]: [one["value"], one["origin"]] for one in settings(options)},
    }


def _version(package: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _memory() -> dict[str, int | None]:
    """Bytes of the machine, or of the container around this process, that can still be had."""
    from tfcli.models.memory import available

    return {"available": available()}


def _cache() -> dict[str, Any]:
    from tfcli.models.arrival import free_space
    from tfcli.models.cache import cache_folder, cached_models

    return {
        "folder": str(cache_folder()),
        "models": len(cached_models()),
        "free": free_space(),
        "hf": shutil.which("hf"),
    }


ENV = Report(
    name="env",
    summary="Show versions, devices, caches and settings: what a bug report needs.",
    examples=("tfcli env", "tfcli env --json"),
    columns=_columns,
    records=_records,
    view="env",
)
