"""Plans, rows and pooled vectors; that they are the right ones is in tests/tasks/test_embed.py."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import transformers

from tfcli.core.job import ModelRef
from tfcli.core.task import Batch, Failure, Loaded, Row
from tfcli.errors import ModelNotFoundError, UnfitModelError
from tfcli.models.embedding import Plan, all_joined, auto_class, joined, planned, pooled, rows_of
from tfcli.models.load import load

PLAN = Plan("mean", False, "", False, 64)


@pytest.mark.parametrize(
    ("family", "name"),
    [
        *(("bert", "AutoModel"), ("gpt2", "AutoModel"), ("bart", "AutoModel")),
        *(("t5", "AutoModelForTextEncoding"), ("umt5", "AutoModelForTextEncoding")),
    ],
)
def test_only_t5_and_its_kin_have_an_encoder_class(family, name):
    assert auto_class(transformers.AutoConfig.for_model(family)) == name


@pytest.fixture
def loaded(encoder):
    return load(ModelRef(encoder(pooling="cls")), auto_class)


def test_a_plan_is_the_models_and_the_options_beat_it(loaded):
    assert planned(loaded) == Plan("cls", True, "", False, 64)
    assert planned(loaded, "max", False, "so: ") == Plan("max", False, "so: ", False, 64)


def test_a_window_is_no_longer_than_the_model(loaded):
    from dataclasses import replace

    assert planned(replace(loaded, max_length=9)).longest == 9


def test_the_files_are_read_once(loaded, monkeypatch):
    planned(loaded)
    monkeypatch.setattr("tfcli.models.embedding.recipe_of", None)
    assert planned(loaded, "max").pooling == "max"


def test_texts_are_read_with_their_prompt_and_in_lower_case_if_so_said(loaded):
    plan = Plan("mean", False, "The ", True, 64)
    ((row,), _) = rows_of(["FILM", "good"], loaded, plan)
    assert row.inputs["input_ids"] == loaded.tokenizer("the film")["input_ids"]
    assert row.note == 2


def test_windows_are_as_long_as_planned(loaded):
    (rows,) = rows_of(["good film " * 20], loaded, PLAN._replace(longest=12))
    assert [row.length for row in rows[:-1]] == [12] * (len(rows) - 1)
    assert sum(row.note for row in rows) == 40


def test_a_window_with_no_room_for_text_is_refused(encoder):
    said = {"sentence_bert_config": {"max_seq_length": 2}}
    tight = load(ModelRef(encoder(**said)), auto_class)
    with pytest.raises(ModelNotFoundError, match="max_seq_length is 2"):
        planned(tight)


class Model:
    """Gives the vectors it has, whatever it is given."""

    dtype = torch.float32

    def __init__(self, tokens):
        self.tokens = tokens

    def __call__(self, input_ids):
        return SimpleNamespace(last_hidden_state=self.tokens)

    def forward(self, input_ids):
        """Whose arguments are looked at."""


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        ("mean", [[2, 5], [1, -2]]),
        ("cls", [[1, 4], [1, -2]]),
        ("last", [[3, 6], [1, -2]]),
        ("max", [[3, 6], [1, -2]]),
    ],
)
def test_what_fills_up_a_row_counts_for_nothing(pooling, expected):
    tokens = torch.tensor([[[1, 4], [3, 6]], [[1, -2], [float("inf"), 99]]]).half()
    model = Loaded(Model(tokens), None, SimpleNamespace(is_encoder_decoder=False))
    rows = [Row({"input_ids": [0] * length}) for length in (2, 1)]
    found = pooled(model, Batch(rows, {"input_ids": None}), pooling)
    assert found.dtype == torch.float32
    assert found.tolist() == expected


def test_a_model_without_vectors_of_tokens_is_refused():
    config = SimpleNamespace(is_encoder_decoder=False, model_type="dpr")
    with pytest.raises(UnfitModelError, match="A dpr model gives no vectors of tokens"):
        pooled(Loaded(Model(None), None, config), Batch([], {"input_ids": None}), "mean")


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (PLAN, [0.75, -1.25]),
        (PLAN._replace(pooling="max"), [3, 1]),
        (PLAN._replace(pooling="max", normalize=True), [3 / 10**0.5, 1 / 10**0.5]),
    ],
    ids=["mean", "max", "normal"],
)
def test_windows_are_joined_by_their_new_tokens(plan, expected):
    vectors = [np.array([3, 1], np.float32), np.array([0, -2], np.float32)]
    vector = joined(vectors, [1, 3], plan)
    assert vector.dtype == np.float32
    assert vector.tolist() == pytest.approx(expected)


def test_a_vector_of_zeros_stays_one():
    assert joined([np.zeros(2, np.float32)], [0], PLAN._replace(normalize=True)).tolist() == [0, 0]


def test_many_texts_are_asked_for_in_parts(loaded, monkeypatch):
    monkeypatch.setattr("tfcli.models.embedding.CHUNK", 2)
    asked = all_joined(["a", "good " * 99, "film"], loaded, PLAN)
    first = next(asked)
    assert len(first) == 3  # the second has two windows
    second = asked.send([np.full(3, i, np.float32) for i in (1, 2, 2)])
    assert len(second) == 1
    with pytest.raises(StopIteration) as ended:
        asked.send([np.full(3, 5, np.float32)])
    assert ended.value.value.tolist() == [[1] * 3, [2] * 3, [5] * 3]


def test_a_text_with_nothing_to_read_is_like_no_other(loaded, monkeypatch):
    usual = rows_of

    def none_of_it(texts, *how):
        found = usual(texts, *how)
        return [
            Failure("empty", "") if t == "none" else r for t, r in zip(texts, found, strict=True)
        ]

    monkeypatch.setattr("tfcli.models.embedding.rows_of", none_of_it)
    asked = all_joined(["none", "good"], loaded, PLAN)
    assert len(next(asked)) == 1
    with pytest.raises(StopIteration) as ended:
        asked.send([np.ones(2, np.float32)])
    assert ended.value.value.tolist() == [[0, 0], [1, 1]]
    asked = all_joined(["none"], loaded, PLAN)
    assert next(asked) == []
    with pytest.raises(StopIteration) as ended:
        asked.send([])
    assert ended.value.value is None
