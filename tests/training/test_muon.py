from copy import deepcopy

import pytest
import torch
from muon import Masters, Rates, orthogonalise
from torch import Tensor

RATES = Rates(others=1e-2, betas=(0.9, 0.95))


def matrices(name: str, weight: Tensor) -> tuple[Tensor, ...]:
    """Two matrices beside each other; the vector is none."""
    return weight.T.chunk(2) if name == "both" else ()


def some_masters(dtype: torch.dtype = torch.float32) -> Masters:
    torch.manual_seed(2)
    weights = {"both": torch.randn(16, 8), "vector": torch.randn(16)}
    return Masters(weights, matrices, RATES, dtype)


def learn(masters: Masters, scale: float) -> float:
    """Make the weights map one row of numbers to another."""
    both, vector = masters.computing.values()
    rows = torch.linspace(-1, 1, 48, dtype=both.dtype).view(3, 16)
    loss = ((rows * vector) @ both - 1).square().mean()
    loss.backward()
    masters.step(scale)
    return loss.item()


@pytest.mark.parametrize("size", [(16, 16), (16, 64), (64, 16)])
def test_orthogonalise_brings_singular_values_near_one(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    singular = torch.linalg.svdvals(orthogonalise(torch.randn(3, *size)))
    assert singular.min() > 0.4
    assert singular.max() < 1.4


def test_a_zero_rate_leaves_all_alone() -> None:
    masters = some_masters()
    before = {name: weight.clone() for name, weight in masters.weights.items()}
    learn(masters, 0.0)
    assert all(torch.equal(before[name], weight) for name, weight in masters.weights.items())
    learn(masters, 1.0)
    assert not any(torch.equal(before[name], weight) for name, weight in masters.weights.items())


def test_each_matrix_of_a_weight_is_turned_by_itself() -> None:
    masters = some_masters()
    before = masters.weights["both"] * (1 - RATES.matrices * RATES.decay)
    learn(masters, 1.0)
    moved = (masters.weights["both"] - before).T.reshape(2, 4, 16)
    # A gradient of few rows leaves few directions: the largest is what tells.
    largest = torch.linalg.svdvals(moved)[:, 0]
    torch.testing.assert_close(largest, torch.full((2,), RATES.matrices), rtol=0.4, atol=0.0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_loss_falls(dtype: torch.dtype) -> None:
    masters = some_masters(dtype)
    losses = [learn(masters, 1.0) for _ in range(60)]
    assert losses[-1] < 0.5 * losses[0]


def test_state_is_all_there_is_to_take_up() -> None:
    first = some_masters()
    learn(first, 1.0)
    other = some_masters()
    other.restore(deepcopy(first.state()))  # torch takes the tensors as they are
    for masters in (first, other):
        learn(masters, 1.0)
    for name, weight in first.weights.items():
        assert torch.equal(weight, other.weights[name])
