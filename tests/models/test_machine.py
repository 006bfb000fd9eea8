"""What this machine has, read from what the system says; each kind of machine is played here."""

import os
import subprocess
from pathlib import Path

import pytest

from tfcli.models import machine as module
from tfcli.models.machine import (
    Accelerator,
    accelerators,
    graphics_cards,
    processor,
    torch_build,
    usable_cores,
)

INTEL = """\
processor\t: 0
model name\t: Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz
flags\t\t: fpu sse avx2 avx512f amx_bf16 amx_tile lahf_lm

processor\t: 1
model name\t: Another
flags\t\t: avx512_bf16
"""
ARM = "processor\t: 0\nFeatures\t: fp asimd sve bf16 i8mm\nCPU part\t: 0xd4f\n"


@pytest.fixture
def files(monkeypatch):
    """What files of the system hold, by path; others are not there."""
    held = {}

    def read_text(path, **how):
        if str(path) not in held:
            raise FileNotFoundError(path)
        return held[str(path)]

    monkeypatch.setattr(Path, "read_text", read_text)
    monkeypatch.setattr(Path, "exists", lambda path: str(path) in held)
    return held


class TestTheProcessor:
    def test_of_this_machine(self):
        told = processor()
        assert told["name"]
        assert 1 <= told["usable_cores"] <= told["cores"] == os.cpu_count()

    def test_of_intel(self, files):
        files["/proc/cpuinfo"] = INTEL
        told = processor()
        assert told["name"] == "Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz"
        assert told["instructions"] == ["avx2", "avx512f", "amx_tile", "amx_bf16"]

    def test_of_arm_whose_name_linux_does_not_know(self, files, monkeypatch):
        files["/proc/cpuinfo"] = ARM
        monkeypatch.setattr(module.platform, "processor", lambda: "")
        monkeypatch.setattr(module.platform, "machine", lambda: "aarch64")
        told = processor()
        assert told["name"] == "aarch64"
        assert told["instructions"] == ["asimd", "sve", "bf16", "i8mm"]

    def test_of_a_system_that_says_nothing(self, files, monkeypatch):
        monkeypatch.setattr(module.platform, "processor", lambda: "arm")
        assert (processor()["name"], processor()["instructions"]) == ("arm", [])


class TestUsableCores:
    @pytest.fixture(autouse=True)
    def _eight(self, monkeypatch):
        monkeypatch.setattr(os, "cpu_count", lambda: 8)
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)

    def test_are_all_of_a_machine_that_nobody_shares(self, files):
        assert usable_cores() == 8

    def test_are_those_that_the_scheduler_gives(self, files, monkeypatch):
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 5})
        assert usable_cores() == 2

    @pytest.mark.parametrize(
        ("said", "cores"),
        [("150000 100000\n", 1.5), ("max 100000\n", 8), ("9900000 100000\n", 8), ("", 8)],
    )
    def test_are_no_more_than_the_container_allows(self, files, said, cores):
        files["/sys/fs/cgroup/cpu.max"] = said
        assert usable_cores() == cores

    def test_are_the_machines_where_there_is_no_such_scheduler(self, files, monkeypatch):
        monkeypatch.delattr(os, "sched_getaffinity")
        assert usable_cores() == 8
        monkeypatch.setattr(os, "cpu_count", lambda: None)
        assert usable_cores() == 1


class TestGraphicsCards:
    @pytest.fixture
    def smi(self, monkeypatch):
        """What nvidia-smi says, or the error with which it ends."""

        def says(said):
            def run(command, **how):
                assert command[0] == "nvidia-smi"
                if isinstance(said, Exception):
                    raise said
                return subprocess.CompletedProcess(command, 0, said, "")

            monkeypatch.setattr(subprocess, "run", run)

        return says

    def test_are_those_of_nvidia_smi(self, smi):
        smi(
            "GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-1234)\n"
            "  MIG 1g.10gb Device 0: (UUID: MIG-1)\n"
            "GPU 1: Tesla T4\n"
        )
        assert graphics_cards() == ["NVIDIA H100 80GB HBM3", "Tesla T4"]

    @pytest.mark.parametrize(
        "error",
        [
            FileNotFoundError("nvidia-smi"),
            subprocess.CalledProcessError(9, "nvidia-smi"),
            subprocess.TimeoutExpired("nvidia-smi", 10),
        ],
        ids=lambda error: type(error).__name__,
    )
    def test_are_those_of_the_drivers_where_it_does_not_answer(self, smi, files, error):
        smi(error)
        assert graphics_cards() == []
        files["/proc/driver/nvidia/version"] = ""
        assert graphics_cards() == ["a card of NVIDIA"]
        files["/sys/module/amdgpu/version"] = ""
        assert graphics_cards() == ["a card of NVIDIA", "a card of AMD"]


class TestAccelerators:
    @pytest.fixture(autouse=True)
    def _none(self, monkeypatch):
        import torch

        for backend in (torch.cuda, torch.xpu, torch.backends.mps):
            monkeypatch.setattr(backend, "is_available", lambda: False)
        self.torch = torch

    def test_there_are_none(self):
        assert accelerators() == []

    def test_each_card_has_its_name_and_memory(self, monkeypatch):
        cuda = self.torch.cuda
        monkeypatch.setattr(cuda, "is_available", lambda: True)
        monkeypatch.setattr(cuda, "device_count", lambda: 2)
        monkeypatch.setattr(cuda, "get_device_name", lambda number: f"card {number}")
        monkeypatch.setattr(cuda, "mem_get_info", lambda number: (5 - number, 10))
        assert accelerators() == [
            Accelerator("cuda:0", "card 0", 10, 5),
            Accelerator("cuda:1", "card 1", 10, 4),
        ]

    def test_one_that_does_not_tell_its_memory_is_one_all_the_same(self, monkeypatch):
        def silent(number):
            raise RuntimeError("not supported")

        xpu = self.torch.xpu
        monkeypatch.setattr(xpu, "is_available", lambda: True)
        monkeypatch.setattr(xpu, "device_count", lambda: 1)
        monkeypatch.setattr(xpu, "get_device_name", lambda number: "Arc")
        monkeypatch.setattr(xpu, "mem_get_info", silent, raising=False)
        assert accelerators() == [Accelerator("xpu:0", "Arc", None, None)]

    def test_apples_has_the_machines_own_memory(self, monkeypatch):
        monkeypatch.setattr(self.torch.backends.mps, "is_available", lambda: True)
        assert accelerators() == [Accelerator("mps", "Apple GPU", None, None)]


def test_what_torch_was_built_for(monkeypatch):
    import torch

    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.version, "hip", None)
    assert torch_build() == {
        "cuda": "13.0",
        "rocm": None,
        "capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
    }
