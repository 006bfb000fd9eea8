"""Vectors: those of sentence-transformers, and of a plain computation; whole on long texts."""

import hashlib
import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from tiny_models import GAP, make_forgetful

from tfcli import run
from tfcli.errors import UnfitModelError, UsageError
from tfcli.tasks.embed import TASK, EmbedOptions

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "embed.json").read_text())
CASES = {case["name"]: case for case in REFERENCE["cases"]}
TEXTS = REFERENCE["texts"]
LONG = "the film is awful " * 30  # 120 tokens: 62 + 46 + 12 new ones


def vectors(texts, folder, **options):
    return np.stack(
        [record["embedding"] for record in run("embed", texts, model=folder, **options)]
    )


@cache
def from_pretrained(folder):
    model = transformers.AutoModel.from_pretrained(folder).eval()
    return model, transformers.AutoTokenizer.from_pretrained(folder)


@torch.inference_mode()
def tokens_of(ids, folder):
    """The vectors of the tokens of one row, as the model gives them."""
    model, _ = from_pretrained(folder)
    return model(torch.tensor([ids])).last_hidden_state[0].numpy()  # (token, dim)


def pooled(tokens, pooling):
    return {"mean": tokens.mean(0), "cls": tokens[0], "last": tokens[-1], "max": tokens.max(0)}[
        pooling
    ]


# Against sentence-transformers


@pytest.mark.parametrize("name", CASES)
def test_vectors_are_those_of_sentence_transformers(encoder, name):
    case = CASES[name]
    folder = encoder(**case["model"])
    weights = (Path(folder) / "model.safetensors").read_bytes()
    assert hashlib.sha256(weights).hexdigest() == case["sha256"], "record again: reference/embed.py"
    assert vectors(TEXTS, folder) == pytest.approx(np.array(case["vectors"]), abs=1e-5)


# Against a plain computation


@pytest.mark.parametrize("family", ["bert", "gpt2", "llama"])
@pytest.mark.parametrize("pooling", ["mean", "cls", "last", "max"])
def test_pooling_is_what_its_name_says_and_a_batch_equals_single_texts(encoder, family, pooling):
    folder = encoder(family)
    _, tokenizer = from_pretrained(folder)
    found = vectors(TEXTS, folder, pooling=pooling, normalize=False)
    for text, vector in zip(TEXTS, found, strict=True):
        expected = pooled(tokens_of(tokenizer(text)["input_ids"], folder), pooling)
        assert vector == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("family", ["t5", "bart", "marian"])
def test_of_an_encoder_with_a_decoder_the_encoder_is_taken(reader, family):
    folder = reader(family)
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    ids = from_pretrained(folder)[1](TEXTS[0], return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        expected = model.get_encoder()(ids).last_hidden_state[0].mean(0)
    assert vectors(TEXTS, folder)[0] == pytest.approx(expected.numpy(), abs=1e-5)


class TestLongTexts:
    @pytest.mark.parametrize("pooling", ["mean", "cls", "last", "max"])
    def test_windows_count_by_their_new_tokens(self, encoder, pooling):
        folder = encoder()
        _, tokenizer = from_pretrained(folder)
        ids = tokenizer(LONG, add_special_tokens=False)["input_ids"]
        assert len(ids) == 120
        windows = [(ids[0:62], 62), (ids[46:108], 46), (ids[92:120], 12)]
        each = [
            pooled(
                tokens_of([tokenizer.cls_token_id, *row, tokenizer.sep_token_id], folder), pooling
            )
            for row, _ in windows
        ]
        expected = np.average(each, axis=0, weights=[fresh for _, fresh in windows])
        if pooling == "max":
            expected = np.max(each, axis=0)
        (found,) = vectors([LONG], folder, pooling=pooling, normalize=False)
        assert found == pytest.approx(expected, abs=1e-5)
        (normal,) = vectors([LONG], folder, pooling=pooling, normalize=True)
        assert normal == pytest.approx(expected / np.linalg.norm(expected), abs=1e-5)

    def test_windows_are_as_long_as_the_author_says(self, encoder):
        said = {"sentence_bert_config": {"max_seq_length": 16}}
        short, usual = encoder(**said), encoder()
        text = "good film " * 10  # 22 tokens with the special ones
        assert vectors(["good film " * 7], short) == pytest.approx(
            vectors(["good film " * 7], usual), abs=1e-5
        )
        assert vectors([text], short) != pytest.approx(vectors([text], usual), abs=1e-3)

    def test_the_end_of_a_long_text_counts(self, encoder):
        start = "the film is great " * 60
        one, other = vectors([start + "good", start + "awful plot " * 40], encoder())
        assert one != pytest.approx(other, abs=1e-2)


# What the model's files say, and what the options say


def test_an_option_beats_what_the_model_says(encoder):
    folder = encoder(pooling="cls", normalize=True)
    usual = vectors(TEXTS, folder)
    assert np.linalg.norm(usual, axis=1) == pytest.approx(1, abs=1e-5)
    assert vectors(TEXTS, folder, pooling="cls", normalize=True) == pytest.approx(usual)
    raw = vectors(TEXTS, folder, normalize=False)
    lengths = np.linalg.norm(raw, axis=1, keepdims=True)
    assert (abs(lengths - 1) > 0.1).all()
    assert raw / lengths == pytest.approx(usual, abs=1e-5)
    assert vectors(TEXTS, folder, pooling="mean") != pytest.approx(usual, abs=1e-2)


def test_a_model_that_says_nothing_gives_the_mean_and_is_told_of_once(reader, caplog):
    found = vectors([*TEXTS] * 200, reader())
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "does not say how its vectors are made" in caplog.text
    caplog.clear()
    assert vectors(TEXTS, reader(), pooling="mean", normalize=False) == pytest.approx(
        found[: len(TEXTS)], abs=1e-5
    )
    assert not caplog.records


class TestPrompts:
    @pytest.fixture
    def prompting(self, encoder):
        prompts = {"query": "is it: ", "passage": ""}
        return encoder(config_sentence_transformers={"prompts": prompts})

    def test_stand_before_the_text(self, prompting, encoder):
        expected = vectors([f"is it: {text}" for text in TEXTS], encoder())
        assert vectors(TEXTS, prompting, prompt="query") == pytest.approx(expected, abs=1e-5)
        assert vectors(TEXTS, encoder(), prompt="is it: ") == pytest.approx(expected, abs=1e-5)
        assert vectors(TEXTS, prompting) != pytest.approx(expected, abs=1e-2)

    def test_none_is_an_empty_one(self, encoder):
        folder = encoder(**CASES["bert-prompts"]["model"] | {"normalize": True})
        assert vectors(TEXTS, folder, prompt="") == pytest.approx(vectors(TEXTS, encoder()))

    @pytest.mark.parametrize(
        ("known", "hint"), [(True, "It has query, passage."), (False, "The text itself, with")]
    )
    def test_a_name_that_there_is_not_is_refused(self, prompting, encoder, known, hint):
        with pytest.raises(UsageError, match="has no prompt 'qery'") as refused:
            vectors(TEXTS, prompting if known else encoder(), prompt="qery")
        assert hint in refused.value.hint

    def test_that_are_left_out_of_the_pooling_are_refused(self, encoder):
        settings = {"pooling_mode": "mean", "include_prompt": False}
        folder = encoder(**{"1_Pooling/config": settings})
        assert vectors(TEXTS, folder) == pytest.approx(vectors(TEXTS, encoder()))
        with pytest.raises(UnfitModelError, match="leaves its prompts out"):
            vectors(TEXTS, folder, prompt="is it: ")


# What is refused


def test_a_pooling_that_is_not_known_is_refused_and_can_be_replaced(encoder):
    folder = encoder(pooling="mean_sqrt_len_tokens")
    with pytest.raises(UnfitModelError, match="by mean_sqrt_len, which tfcli does not") as refused:
        vectors(TEXTS, folder)
    assert refused.value.hint == "--pooling mean, cls, last or max makes other vectors."
    assert vectors(TEXTS, folder, pooling="mean") == pytest.approx(vectors(TEXTS, encoder()))


def test_vectors_of_a_decoder_behind_an_encoder_are_refused(encoder):
    with pytest.raises(UnfitModelError, match="are its decoder's"):
        vectors(TEXTS, encoder("bart"))


def test_numbers_that_overflow_are_that_examples_failure(encoder):
    from tfcli.core.job import ModelRef
    from tfcli.core.task import Example, Row
    from tfcli.models.load import load

    loaded = load(ModelRef(encoder()), lambda config: "AutoModel")
    nan = np.array([np.nan, 0], np.float32)
    example, rows = Example(0, {"text": "good"}), [Row({"input_ids": [1]}, note=1)]
    failure = TASK.postprocess(example, rows, [nan], loaded, EmbedOptions())
    assert failure.type == "overflow"


def test_a_text_in_which_there_is_nothing_to_read_fails(tmp_path):
    folder = str(make_forgetful(tmp_path))
    first, second = run("embed", [GAP, f"good{GAP}"], model=folder)
    assert first["error"]["message"] == "nothing in it is text to the model"
    assert second["embedding"] == pytest.approx(vectors(["good"], folder)[0])


# Records


@pytest.mark.parametrize("options", [{}, {"pooling": "max"}, {"normalize": True}], ids=str)
def test_keys_depend_on_the_options_alone(encoder, options):
    first, wrong, last = run("embed", ["a", "", "the film"], model=encoder(), **options)
    assert list(first) == list(last) == ["index", "text", "embedding"]
    assert list(wrong) == ["index", "text", "embedding", "error"]
    assert (wrong["embedding"], wrong["error"]["type"]) == (None, "empty")
    assert (first["embedding"].dtype, first["embedding"].shape) == (np.float32, (32,))
