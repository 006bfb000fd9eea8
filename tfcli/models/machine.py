"""What this machine has for models: processor, memory, accelerators, as torch sees them."""

import os
import platform
import re
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

_FAST = (
    *("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_tile", "amx_bf16", "amx_int8"),
    *("asimd", "sve", "bf16", "i8mm"),
)
"""What makes a processor quick at models, as Linux calls it."""


class Accelerator(NamedTuple):
    """A device beside the processor."""

    device: str
    name: str
    memory: int | None
    """Bytes in all; None: the machine's own memory."""
    free: int | None


def processor() -> dict[str, Any]:
    """The processor's name, its cores, those that this process may use, and what it is quick at."""
    said = _cpuinfo()
    flags = set((said.get("flags") or said.get("Features") or "").split())
    return {
        "name": said.get("model name") or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "usable_cores": usable_cores(),
        "instructions": [flag for flag in _FAST if flag in flags],
    }


def usable_cores() -> float:
    """How many cores the scheduler and the container around this process give it."""
    cores: float = os.cpu_count() or 1
    with suppress(AttributeError):
        cores = len(os.sched_getaffinity(0))
    with suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        cores = min(cores, int(quota) / int(period))  # "max" is no number
    return cores


def accelerators() -> list[Accelerator]:
    """The devices that torch can use."""
    import torch

    found = []
    for kind in ("cuda", "xpu"):
        backend: Any = getattr(torch, kind)
        for number in range(backend.device_count() if backend.is_available() else 0):
            free = total = None
            with suppress(RuntimeError):
                free, total = backend.mem_get_info(number)
            name = backend.get_device_name(number)
            found.append(Accelerator(f"{kind}:{number}", name, total, free))
    if torch.backends.mps.is_available():
        found.append(Accelerator("mps", "Apple GPU", None, None))
    return found


def graphics_cards() -> list[str]:
    """The NVIDIA and AMD cards that the system knows, whether torch sees them or not."""
    with suppress(OSError, subprocess.SubprocessError):
        listed = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, text=True, timeout=10, check=True
        )
        return re.findall(r"^GPU \d+: (.*?)(?: \(UUID.*)?$", listed.stdout, re.MULTILINE)
    drivers = {"/proc/driver/nvidia/version": "NVIDIA", "/sys/module/amdgpu/version": "AMD"}
    return [f"a card of {maker}" for path, maker in drivers.items() if Path(path).exists()]


def torch_build() -> dict[str, Any]:
    """What torch was built for, what it makes of the processor, how many threads it takes."""
    import torch

    return {
        "cuda": torch.version.cuda,
        "rocm": torch.version.hip,
        "capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
    }


def _cpuinfo() -> dict[str, str]:
    """What Linux says of the first processor."""
    with suppress(OSError):
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        pairs = (line.partition(":") for line in text.partition("\n\n")[0].splitlines())
        return {key.strip(): value.strip() for key, _, value in pairs}
    return {}
