"""Where a model runs, and in which dtype."""

from types import SimpleNamespace

import pytest
import torch

from tfcli.core.job import ModelRef
from tfcli.errors import ResourceError
from tfcli.models.device import device_for, dtype_for

CPU, CUDA = torch.device("cpu"), torch.device("cuda:0")
HALF = SimpleNamespace(dtype=torch.float16)


def test_the_cpu_is_always_there():
    assert device_for("cpu") == CPU


def test_auto_is_the_cpu_where_there_is_nothing_else(monkeypatch):
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    assert device_for("auto") == CPU


def test_auto_is_what_accelerate_picks_where_there_is_more(monkeypatch):
    import accelerate

    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(accelerate, "PartialState", lambda: SimpleNamespace(device=CUDA))
    assert device_for("auto") == CUDA


@pytest.mark.parametrize("kind", ["cuda", "xpu", "mps"])
def test_a_device_that_is_not_there_fails(monkeypatch, kind):
    monkeypatch.setattr(getattr(torch, kind), "is_available", lambda: False)
    with pytest.raises(ResourceError, match=f"no {kind} device"):
        device_for(kind)


def test_so_does_one_beyond_the_last(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert device_for("cuda:1") == torch.device("cuda:1")
    with pytest.raises(ResourceError, match="the last is cuda:1"):
        device_for("cuda:2")


@pytest.mark.parametrize(
    ("dtype", "device", "starter", "expected"),
    [
        ("auto", CPU, False, torch.float32),
        ("auto", CUDA, False, torch.float16),
        ("auto", CUDA, True, torch.float32),
        ("bfloat16", CPU, True, torch.bfloat16),
        ("float32", CUDA, False, torch.float32),
    ],
)
def test_the_dtype(dtype, device, starter, expected):
    assert dtype_for(ModelRef("any", dtype=dtype), device, HALF, starter) == expected


def test_a_checkpoint_that_names_no_dtype_runs_in_float32():
    assert dtype_for(ModelRef("any"), CUDA, SimpleNamespace(dtype=None), False) == torch.float32
