"""Where a model runs, and in which dtype."""

from typing import Any

import torch

from tfcli.core.job import ModelRef
from tfcli.errors import ResourceError


def device_for(wanted: str) -> torch.device:
    """The device asked for; for ``auto`` the best there is, as accelerate picks it.

    Raises:
        ResourceError: the device is not there.
    """
    if wanted != "auto":
        _require(wanted)
        return torch.device(wanted)
    if not torch.accelerator.is_available():
        return torch.device("cpu")  # without accelerate, whose import costs 0.2 s
    from accelerate import PartialState

    device: torch.device = PartialState().device
    return device


def dtype_for(ref: ModelRef, device: torch.device, config: Any, starter: bool) -> torch.dtype:
    """The dtype asked for; for ``auto`` float32, but a checkpoint's own on CUDA and XPU."""
    if ref.dtype != "auto":
        named: torch.dtype = getattr(torch, ref.dtype)
        return named
    own = getattr(config, "dtype", None)
    if device.type in ("cuda", "xpu") and isinstance(own, torch.dtype) and not starter:
        return own
    return torch.float32


def _require(wanted: str) -> None:
    kind, _, number = wanted.partition(":")
    if kind == "cpu":
        return
    backend: Any = getattr(torch, kind)
    if not backend.is_available():
        raise ResourceError(
            f"There is no {kind} device here.", hint="Leave --device out to use what there is."
        )
    if number and int(number) >= backend.device_count():
        raise ResourceError(
            f"There is no {wanted}; the last is {kind}:{backend.device_count() - 1}."
        )
