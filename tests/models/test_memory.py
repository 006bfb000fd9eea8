"""What running out of memory looks like, and how much of it there is."""

from pathlib import Path

import pytest
import torch

from tfcli.errors import ResourceError
from tfcli.models import memory
from tfcli.models.memory import clear, out_of_memory


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: 8 bytes"),
        RuntimeError("MPS backend out of memory"),
    ],
    ids=["python", "cuda", "cpu", "mps"],
)
def test_it_has_many_faces(error):
    assert out_of_memory(error)


@pytest.mark.parametrize("error", [RuntimeError("shapes differ"), ValueError("out of memory")])
def test_other_errors_are_other_errors(error):
    assert not out_of_memory(error)


def test_clearing_up_is_possible_without_an_accelerator():
    clear()


class TestWhatIsLeft:
    @pytest.fixture(autouse=True)
    def _machine(self, tmp_path, monkeypatch):
        monkeypatch.setattr(memory, "_MACHINE", tmp_path / "meminfo")
        monkeypatch.setattr(memory, "_CONTAINER", tmp_path)
        monkeypatch.setattr(memory.os, "sysconf", lambda name: 1 << 20)  # 1 TiB in all
        (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:   4000 kB\n")

    def container(self, limit):
        Path("memory.max").write_text(limit)
        Path("memory.current").write_text("1000000\n")
        Path("memory.stat").write_text("anon 300000\ninactive_file 400000\nactive_file 300000\n")

    def test_is_what_the_machine_says(self):
        assert memory.available() == 4000 * 1024

    def test_is_less_in_a_container(self):
        self.container("2000000\n")
        assert memory.available() == 2_000_000 - 300_000

    def test_is_not_less_in_a_container_without_a_limit(self):
        self.container("max\n")
        assert memory.available() == 4000 * 1024

    def test_is_all_there_is_where_nobody_says(self):
        Path("meminfo").unlink()
        assert memory.available() == 1 << 40

    def test_may_be_unknown_and_then_nothing_is_refused(self, monkeypatch):
        Path("meminfo").unlink()
        monkeypatch.delattr(memory.os, "sysconf")
        assert memory.available() is None
        memory.require_memory("it", 1 << 60)

    def test_is_what_a_model_must_fit(self):
        memory.require_memory("it", 4000 * 1024)
        with pytest.raises(ResourceError, match=r"^it does not fit .*: 2\.0 GB of .* 0\.0 GB"):
            memory.require_memory("it", 2_000_000_000)
