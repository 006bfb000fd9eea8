"""How much memory there is, what running out of it looks like, and what to do then."""

import gc
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from tfcli.errors import ResourceError

_MACHINE = Path("/proc/meminfo")
_CONTAINER = Path("/sys/fs/cgroup")


def available() -> int | None:
    """Bytes that can still be had, of the machine and of a container around it; None: unknown."""
    found = []
    with suppress(OSError, KeyError):
        found.append(_numbers(_MACHINE)["MemAvailable:"] * 1024)
    with suppress(OSError, KeyError, ValueError):  # "max" is no number: no limit
        used = int((_CONTAINER / "memory.current").read_text())
        files = _numbers(_CONTAINER / "memory.stat")  # whose pages are given up when wanted
        free = files["active_file"] + files["inactive_file"] - used
        found.append(int((_CONTAINER / "memory.max").read_text()) + free)
    with suppress(OSError, ValueError, AttributeError):  # where there is no /proc: all there is
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return max(0, min(found)) if found else None


def _numbers(path: Path) -> dict[str, int]:
    return {line.split()[0]: int(line.split()[1]) for line in path.read_text().splitlines()}


def require_memory(what: Any, needed: int) -> None:
    """Refuse what does not fit, instead of filling the memory until the system kills somebody.

    Raises:
        ResourceError: fewer than ``needed`` bytes are left.
    """
    left = available()
    if left is not None and needed > left:
        gigabytes = f"{needed / 1e9:,.1f} GB of weights, and {left / 1e9:,.1f} GB are free"
        raise ResourceError(
            f"{what} does not fit into the memory: {gigabytes}.",
            hint="Take a smaller model, or --dtype bfloat16.",
        )


def out_of_memory(exc: BaseException) -> bool:
    """Whether an error says that the memory of the machine or of a device is full."""
    if isinstance(exc, MemoryError):
        return True
    import torch
    from accelerate.utils.memory import should_reduce_batch_size

    return isinstance(exc, torch.OutOfMemoryError) or (
        isinstance(exc, RuntimeError) and bool(should_reduce_batch_size(exc))
    )


def clear() -> None:
    """Give back what the last attempt left behind."""
    from accelerate.utils.memory import clear_device_cache

    gc.collect()
    clear_device_cache()
