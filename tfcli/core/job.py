"""A job: what to run, on which model, with which options."""

import re
from dataclasses import dataclass
from typing import Any

from tfcli.errors import UsageError

PROVENANCE = ("model", "revision", "dtype", "device")
"""The columns of ``--provenance``: what a record was made with."""


def provenance_columns(ablate: str | None) -> tuple[str, ...]:
    """The same, and the heads that are off if there are any."""
    return PROVENANCE if ablate is None else (*PROVENANCE, "ablate")


DTYPES = ("auto", "float32", "bfloat16", "float16")
_DEVICE = re.compile(r"auto|cpu|mps|(cuda|xpu)(:\d+)?")


@dataclass(frozen=True, slots=True)
class ModelRef:
    """Which weights, and how to hold them in memory.

    Raises:
        UsageError: a dtype or device that does not exist anywhere.
    """

    checkpoint: str
    """A starter's name, a folder, a GGUF file, or ``org/name`` on the Hub."""
    revision: str | None = None
    dtype: str = "auto"
    device: str = "auto"
    trust_remote_code: bool = False
    """Whether code that comes with the model may run; never so unless a person says it."""
    ablate: str | None = None
    """Attention heads to switch off: ``4.3,5``."""

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise UsageError(f"There is no dtype '{self.dtype}'.", hint=", ".join(DTYPES))
        if not _DEVICE.fullmatch(self.device):
            raise UsageError(
                f"There is no device '{self.device}'.", hint="auto, cpu, cuda, cuda:1, mps, xpu"
            )

    def __str__(self) -> str:
        return f"{self.checkpoint}@{self.revision}" if self.revision else self.checkpoint


@dataclass(frozen=True, slots=True)
class Job:
    """One task on one model; a frozen value, the same for every engine."""

    task: str
    model: ModelRef | None
    """None for a task that needs no model."""
    options: Any
    """An instance of the task's ``options_type``."""
    provenance: bool = False
    """Whether every record says what it was made with."""
    stream: bool = False
    """Whether to give a lone text piece by piece as it is made."""
