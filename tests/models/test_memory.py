"""What running out of memory looks like."""

import pytest
import torch

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
