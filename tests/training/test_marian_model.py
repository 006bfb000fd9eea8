import math
from collections.abc import Callable

import pytest
import torch
from decoder import BLOCK
from marian_starter.batches import Part, Rows, together
from marian_starter.dropout import Dropout
from marian_starter.export import config
from marian_starter.model import Shape, Translator, initial_weights, matrices, sinusoids
from muon import Masters, Rates
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import MarianConfig, MarianMTModel

SHAPE = Shape(
    width=32, encoder_layers=2, decoder_layers=2, heads=4, inner=64, positions=24, pieces=90
)
PAD = SHAPE.pieces - 1
RATES = Rates(others=2e-3, betas=(0.9, 0.98))


@pytest.fixture
def weights(moved: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> dict[str, Tensor]:
    return moved(initial_weights(SHAPE, seed=3))


def some_part(rows: int, longest: int = 20) -> Part:
    """Make rows of every length, so that all but the longest are filled up."""
    draw = torch.Generator().manual_seed(6)

    def ids(length: int) -> list[int]:
        return torch.randint(0, PAD, (length,), generator=draw).tolist()

    return together(
        [(ids(1 + i % longest), ids(1 + (7 * i) % longest)) for i in range(rows)], start=PAD
    )


def filled(rows: Rows, ids: Tensor) -> Tensor:
    """Fill the shorter rows up, (row, position)."""
    whole = torch.full((rows.count * rows.longest,), PAD)
    whole[rows.places] = ids
    return whole.view(rows.count, rows.longest)


def theirs(weights: dict[str, Tensor]) -> MarianMTModel:
    model = MarianMTModel(MarianConfig(**config(SHAPE))).eval()
    left = model.load_state_dict({n: w.detach() for n, w in weights.items()}, strict=False)
    assert not left.unexpected_keys
    model.tie_weights()
    tied = ("embed_tokens.weight", "embed_positions.weight", "lm_head.weight", "logits_bias")
    assert all(name.endswith(tied) for name in left.missing_keys)
    return model


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("rows", [1, 9, 70])
def test_loss_and_gradients_are_those_of_transformers(
    weights: dict[str, Tensor], rows: int, smoothing: float
) -> None:
    part = some_part(rows)
    ours = Translator(weights, SHAPE.heads).loss(part, smoothing)
    assert (len(part.wanted) > BLOCK) == (rows == 70)
    ours.backward()

    model = theirs(weights)
    source = filled(part.source, part.source.ids)
    logits = model(
        input_ids=source,
        attention_mask=source != PAD,
        decoder_input_ids=filled(part.target, part.target.ids),
    ).logits
    expected = cross_entropy(
        logits.flatten(0, 1),
        filled(part.target, part.wanted).flatten(),
        ignore_index=PAD,
        label_smoothing=smoothing,
        reduction="sum",
    )
    expected.backward()
    torch.testing.assert_close(ours, expected)
    for name, weight in model.named_parameters():
        if "embed_positions" in name:
            continue
        mine, other = weights[name].grad, weight.grad
        if name == "model.shared.weight":  # transformers' start token learns nothing as an input
            mine, other = mine[:PAD], other[:PAD]
        torch.testing.assert_close(mine, other, atol=1e-4, rtol=1e-4)


def test_positions_are_marians() -> None:
    table = theirs(initial_weights(SHAPE, 0)).model.encoder.embed_positions.weight
    torch.testing.assert_close(sinusoids(SHAPE.positions, SHAPE.width), table)


def test_shape_counts_its_weights() -> None:
    assert SHAPE.weights() == sum(w.numel() for w in initial_weights(SHAPE, 0).values())
    fixed = 2 * SHAPE.positions * SHAPE.width
    assert SHAPE.weights() == theirs(initial_weights(SHAPE, 0)).num_parameters() - fixed


def test_starter_is_small_enough() -> None:
    assert 2 * Shape().weights() < 25e6


def test_fresh_weights_know_nothing() -> None:
    part = some_part(40)
    value = Translator(initial_weights(SHAPE, 5), SHAPE.heads).loss(part).item() / len(part.wanted)
    # The piece that was just read is the likeliest: the table is both what is read and written.
    assert math.log(SHAPE.pieces) < value < math.log(SHAPE.pieces) + 2


def test_matrices_of_the_layers_are_views_of_all_their_weights() -> None:
    weights = initial_weights(SHAPE, 0)
    views = {name: matrices(name, weight) for name, weight in weights.items()}
    assert sum(map(len, views.values())) == 6 * SHAPE.encoder_layers + 10 * SHAPE.decoder_layers
    for name, found in views.items():
        assert sum(view.numel() for view in found) in (0, weights[name].numel())
        for view in found:
            view.zero_()
    left = [name for name, weight in weights.items() if weight.dim() == 2 and weight.any()]
    assert left == ["model.shared.weight"]


def test_loss_falls() -> None:
    masters = Masters(initial_weights(SHAPE, 3), matrices, RATES, torch.bfloat16)
    part, values = some_part(9), []
    for _ in range(30):
        value = Translator(masters.computing, SHAPE.heads).loss(part) / len(part.wanted)
        value.backward()
        masters.step(1.0)
        values.append(value.item())
    assert values[-1] < 0.5 * values[0]


def test_dropout_drops_its_share_and_the_step_decides_which() -> None:
    dropout = Dropout(0.1, seed=1, dtype=torch.float32)
    hidden = torch.ones(500, 32)
    dropout.begin(7)
    first, second = dropout(hidden), dropout(hidden)
    assert not torch.equal(first, second)
    assert (first == 0).float().mean().item() == pytest.approx(0.1, abs=0.01)
    assert first.mean().item() == pytest.approx(1, abs=0.02)
    dropout.begin(7)
    assert torch.equal(dropout(hidden), first)
