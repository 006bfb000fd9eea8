import math

import pytest
import torch
from gpt2_starter.export import config
from gpt2_starter.model import QUERY_BLOCK, Shape, forward, initial_weights, loss
from gpt2_starter.optimizer import Masters, Rates, orthogonalise
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import GPT2Config, GPT2LMHeadModel

SHAPE = Shape(width=32, layers=2, heads=4, positions=QUERY_BLOCK + 40, pieces=90)


@pytest.fixture
def weights() -> dict[str, Tensor]:
    torch.manual_seed(1)
    weights = initial_weights(SHAPE, seed=3)
    return {
        name: (weight + 0.1 * torch.randn_like(weight)).requires_grad_()
        for name, weight in weights.items()
    }


def theirs(weights: dict[str, Tensor]) -> GPT2LMHeadModel:
    model = GPT2LMHeadModel(GPT2Config(**config(SHAPE, end=SHAPE.pieces - 1))).eval()
    left = model.load_state_dict({n: w.detach() for n, w in weights.items()}, strict=False)
    assert left.missing_keys == ["lm_head.weight"]
    assert not left.unexpected_keys
    model.tie_weights()
    return model


@pytest.mark.parametrize("positions", [1, QUERY_BLOCK, SHAPE.positions])
def test_loss_and_gradients_are_those_of_transformers(
    weights: dict[str, Tensor], positions: int
) -> None:
    rows = torch.randint(0, SHAPE.pieces, (3, positions + 1))
    ours = loss(weights, rows, SHAPE.heads)
    ours.backward()

    model = theirs(weights)
    logits = model(rows[:, :-1]).logits.flatten(0, 1)
    expected = cross_entropy(logits, rows[:, 1:].flatten())
    expected.backward()
    torch.testing.assert_close(ours, expected)
    hidden = forward(weights, rows[:, :-1], SHAPE.heads)
    torch.testing.assert_close(hidden @ weights["transformer.wte.weight"].T, logits)
    for name, weight in model.named_parameters():
        torch.testing.assert_close(weights[name].grad, weight.grad, atol=1e-5, rtol=1e-4)


def test_shape_counts_its_weights() -> None:
    assert SHAPE.weights() == sum(w.numel() for w in initial_weights(SHAPE, 0).values())
    assert SHAPE.weights() == theirs(initial_weights(SHAPE, 0)).num_parameters()


def test_fresh_weights_know_nothing() -> None:
    rows = torch.randint(0, SHAPE.pieces, (2, 17))
    value = loss(initial_weights(SHAPE, 5), rows, SHAPE.heads).item()
    assert value == pytest.approx(math.log(SHAPE.pieces), abs=0.05)


@pytest.mark.parametrize("size", [(16, 16), (16, 64), (64, 16)])
def test_orthogonalise_brings_singular_values_near_one(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    singular = torch.linalg.svdvals(orthogonalise(torch.randn(size)))
    assert singular.min() > 0.4
    assert singular.max() < 1.4


def test_masters_turn_matrices_and_leave_a_zero_rate_alone(weights: dict[str, Tensor]) -> None:
    masters = Masters({n: w.detach() for n, w in weights.items()}, Rates(), torch.float32)
    assert len(masters.momenta) == 4 * SHAPE.layers
    before = {name: weight.clone() for name, weight in masters.weights.items()}
    rows = torch.randint(0, SHAPE.pieces, (2, 9))
    loss(masters.computing, rows, SHAPE.heads).backward()
    masters.step(0.0)
    assert all(torch.equal(before[name], weight) for name, weight in masters.weights.items())
    loss(masters.computing, rows, SHAPE.heads).backward()
    masters.step(1.0)
    assert not any(torch.equal(before[name], weight) for name, weight in masters.weights.items())


def test_loss_falls() -> None:
    rows = torch.randint(0, SHAPE.pieces, (4, 17), generator=torch.Generator().manual_seed(2))
    masters = Masters(initial_weights(SHAPE, 3), Rates(), torch.bfloat16)
    values = []
    for _ in range(30):
        value = loss(masters.computing, rows, SHAPE.heads)
        value.backward()
        masters.step(1.0)
        values.append(value.item())
    assert values[-1] < 0.6 * values[0]
