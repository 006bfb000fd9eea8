import math
from collections.abc import Callable

import pytest
import torch
from gpt2_starter.export import config
from gpt2_starter.model import QUERY_BLOCK, Shape, forward, initial_weights, loss, matrices
from muon import Masters, Rates
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import GPT2Config, GPT2LMHeadModel

SHAPE = Shape(width=32, layers=2, heads=4, positions=QUERY_BLOCK + 40, pieces=90)
RATES = Rates(others=5e-3, betas=(0.9, 0.95))


@pytest.fixture
def weights(moved: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> dict[str, Tensor]:
    return moved(initial_weights(SHAPE, seed=3))


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


def test_matrices_of_the_layers_are_views_of_all_their_weights() -> None:
    weights = initial_weights(SHAPE, 0)
    views = {name: matrices(name, weight) for name, weight in weights.items()}
    assert sum(map(len, views.values())) == 6 * SHAPE.layers
    for name, found in views.items():
        assert sum(view.numel() for view in found) in (0, weights[name].numel())
        for view in found:
            view.zero_()
    left = [name for name, weight in weights.items() if weight.dim() == 2 and weight.any()]
    assert left == ["transformer.wte.weight", "transformer.wpe.weight"]


def test_loss_falls() -> None:
    rows = torch.randint(0, SHAPE.pieces, (4, 17), generator=torch.Generator().manual_seed(2))
    masters = Masters(initial_weights(SHAPE, 3), matrices, RATES, torch.bfloat16)
    values = []
    for _ in range(30):
        value = loss(masters.computing, rows, SHAPE.heads)
        value.backward()
        masters.step(1.0)
        values.append(value.item())
    assert values[-1] < 0.6 * values[0]
