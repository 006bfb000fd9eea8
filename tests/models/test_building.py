"""A model that outgrows its weights while it is built is stopped."""

import shutil
import time
from pathlib import Path

import pytest
import torch
from hostile import edit, refused

from tfcli.core.job import ModelRef
from tfcli.errors import UnsafeModelError
from tfcli.models.building import built_within
from tfcli.models.load import load
from tfcli.models.trust import Weights


def build(layers, width):
    with torch.device("meta"):
        return torch.nn.ModuleList(torch.nn.Linear(width, width) for _ in range(layers))


def test_a_model_as_large_as_its_weights_is_built():
    with built_within(Weights(tensors=4, elements=2 * (32 * 32 + 32))):
        assert len(build(layers=2, width=32)) == 2


@pytest.mark.parametrize(("layers", "width"), [(100_000, 1), (1, 100_000)])
def test_more_parts_or_larger_ones_are_refused(layers, width):
    with (
        pytest.raises(UnsafeModelError, match="far larger than its weights"),
        built_within(Weights(tensors=4, elements=2112)),
    ):
        build(layers, width)


def test_masks_and_tables_count_too():
    with pytest.raises(UnsafeModelError), built_within(Weights(tensors=4, elements=2112)):
        torch.nn.Module().register_buffer("mask", torch.empty(1 << 20, 1 << 20, device="meta"))


def test_afterwards_everything_may_be_built():
    with pytest.raises(UnsafeModelError), built_within(Weights(tensors=0, elements=0)):
        build(layers=20_000, width=1)
    assert build(layers=20_000, width=1)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "declared",
    [
        {"num_hidden_layers": 10_000},
        {"vocab_size": 1 << 30},
        {"intermediate_size": 1 << 30},
        {"max_position_embeddings": 1 << 31},
    ],
    ids=str,
)
def test_a_config_that_declares_far_more_than_there_is_is_refused(classifier, tmp_path, declared):
    folder = Path(shutil.copytree(classifier(), tmp_path / "model"))
    edit(folder / "config.json", **declared)
    start = time.monotonic()
    with refused(UnsafeModelError, "far larger than its weights") as caught:
        load(ModelRef(str(folder)), lambda config: "AutoModelForSequenceClassification")
    assert caught.value.status == 5
    assert time.monotonic() - start < 30
