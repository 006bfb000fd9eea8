"""What every training run needs: steady memory, a log, checkpoints and weights written whole."""

from __future__ import annotations

import argparse
import ctypes
import json
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor


STARTERS = Path(__file__).parent.parent / "tfcli/models/starters"


def parser(about: str | None, starter: str, needs: str, limited: str) -> argparse.ArgumentParser:
    """Return the options that every program has.

    Args:
        about: what the program does.
        starter: whose folder it writes.
        needs: what the folder of the data has to hold.
        limited: what is counted where only a part is taken.
    """
    work = Path(starter.replace("-starter", "-work"))
    made = argparse.ArgumentParser(description=about)
    made.add_argument("--data", type=Path, required=True, help=f"folder with {needs}")
    made.add_argument("--work", type=Path, default=work, help="checkpoints, log")
    made.add_argument("--out", type=Path, default=STARTERS / starter, help="the finished folder")
    made.add_argument("--seed", type=int, default=11)
    made.add_argument("--limit", type=int, help=f"try it out: {limited}")
    return made


def calm_memory() -> None:
    """Tell glibc to keep freed memory: returning it to the system each step costs a quarter."""
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # absent from musl
        m_trim_threshold, m_top_pad, m_mmap_max = -1, -2, -4
        mallopt(m_mmap_max, 0)
        mallopt(m_trim_threshold, 2**31 - 1)
        mallopt(m_top_pad, 2**28)


def logger(path: Path) -> Callable[[str], None]:
    """Return what prints a line with the time, and adds it to a file."""

    def log(line: str) -> None:
        stamped = f"{time.strftime('%H:%M:%S')} {line}"
        print(stamped, flush=True)
        with path.open("a", encoding="utf-8") as file:
            print(stamped, file=file)

    return log


def until_told() -> Callable[[], bool]:
    """Return what tells whether the run has been told to stop (SIGTERM): it saves itself first."""
    told: list[int] = []

    def stop(number: int, _: Any) -> None:
        told.append(number)

    signal.signal(signal.SIGTERM, stop)
    return lambda: bool(told)


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint beside its place and rename it over, so that it is never half written."""
    beside = path.with_suffix(".part")
    torch.save(state, beside)
    beside.replace(path)


def save_json(content: Mapping[str, Any], path: Path) -> None:
    """Write settings or texts, whole like a checkpoint."""
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    beside.replace(path)


def save_halves(weights: Mapping[str, Tensor], folder: Path) -> None:
    """Write a model's weights as float16 into `folder`.

    Raises:
        ValueError: a weight does not fit into float16.
    """
    halves = {name: weight.detach().to(torch.float16) for name, weight in weights.items()}
    for name, half in halves.items():
        if not torch.isfinite(half).all():
            raise ValueError(f"{name} does not fit into float16")
    beside = folder / "model.safetensors.part"
    save_file({name: half.contiguous() for name, half in halves.items()}, beside, {"format": "pt"})
    beside.chmod(0o644)  # safetensors writes for the owner alone
    beside.replace(folder / "model.safetensors")
