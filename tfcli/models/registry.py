"""The bundled models, read from ``starters.toml``."""

import json
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tfcli.core.task import Fits

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Starter:
    """A small model that comes with tfcli."""

    name: str
    tasks: tuple[str, ...]
    summary: str
    sha256: str
    """Of its weights."""

    @property
    def folder(self) -> Path:
        """Where its files lie, ready for ``from_pretrained``."""
        return _HERE / "starters" / self.name

    @property
    def config(self) -> dict[str, Any]:
        """What its config.json says."""
        text = (self.folder / "config.json").read_text(encoding="utf-8")
        config: dict[str, Any] = json.loads(text)
        return config


@cache
def starters() -> dict[str, Starter]:
    """The starters by name."""
    entries = tomllib.loads((_HERE / "starters.toml").read_text(encoding="utf-8"))
    return {
        name: Starter(name, tuple(one["tasks"]), one["summary"], one["sha256"])
        for name, one in entries.items()
    }


def starter_for(task: str, fits: Fits | None = None) -> Starter | None:
    """The starter that answers for a task when nobody names a model: the first that fits."""
    own = (starter for starter in starters().values() if task in starter.tasks)
    return next((one for one in own if fits is None or fits(one.config)), None)
