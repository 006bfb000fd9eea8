"""Tokens: the tokenizer's own ids, pieces that can be read, places in the text; no weights."""

import csv
import io
import shutil
from pathlib import Path

import pytest
import transformers
from hostile import MARKER, acting_code, acting_pickle, edit

from tfcli import run
from tfcli.errors import ModelNotFoundError, UnsafeModelError, UsageError
from tfcli.tasks.tokens import LISTS

TEXTS = ["The films!", "you & me", "深度学习 😀 é", "a\nb  c\t[MASK] <s>", "[b]\x1b[31m"]
FAMILIES = ("bert", "roberta", "albert", "gpt2", "llama", "xlnet", "t5")


@pytest.fixture(scope="session")
def tokenizer_folder(tmp_path_factory):
    """A folder with a config and a tokenizer, and nothing else."""
    from tiny_models import tokenizer_of

    def folder(family):
        path = tmp_path_factory.mktemp(family)
        transformers.AutoConfig.for_model(family).save_pretrained(path)
        tokenizer_of(family).save_pretrained(path)
        return str(path)

    return folder


def ask(texts, **options):
    return list(run("tokens", texts, **options))


def one(text, **options):
    (record,) = ask([text], **options)
    return record


@pytest.mark.parametrize("family", FAMILIES)
def test_are_those_of_the_tokenizer(tokenizer_folder, family):
    folder = tokenizer_folder(family)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    for record, text in zip(ask(TEXTS, model=folder), TEXTS, strict=True):
        encoded = tokenizer(text, return_special_tokens_mask=True, return_offsets_mapping=True)
        assert record["ids"] == encoded["input_ids"]
        assert record["special"] == [bool(mark) for mark in encoded["special_tokens_mask"]]
        assert record["words"] == encoded.word_ids()
        for own, theirs, special in zip(
            record["offsets"], encoded["offset_mapping"], record["special"], strict=True
        ):
            assert own is None if special else tuple(own) == theirs
        assert {len(record[name]) for name in LISTS} == {len(record["ids"])}


def test_pieces_of_bytes_can_be_read_and_others_are_spelled_as_in_the_vocabulary(tokenizer_folder):
    assert one("a é", model=tokenizer_folder("gpt2"))["tokens"] == ["a", " ", "<0xC3>", "<0xA9>"]
    assert one("films", model=tokenizer_folder("bert"))["tokens"][1:3] == ["film", "##s"]
    assert one("film", model=tokenizer_folder("albert"))["tokens"][1] == "▁film"


def test_offsets_are_places_in_the_text():
    text = "It is unbelievable, 你好!"
    record = one(text)
    found = [text[slice(*place)] for place in record["offsets"] if place]
    assert found == ["It", "is", "unbelievable", ",", "你", "好", "!"]
    assert record["offsets"][0] is record["words"][0] is None


def test_a_pair_has_two_segments_and_the_places_of_each(tokenizer_folder):
    first, second = ask(
        [{"text": "a film", "pair": "is good"}, "a film"], model=tokenizer_folder("bert")
    )
    assert first["tokens"] == ["[CLS]", "a", "film", "[SEP]", "is", "good", "[SEP]"]
    assert first["segments"] == [0, 0, 0, 0, 1, 1, 1]
    assert first["offsets"][4:6] == [[0, 2], [3, 7]]
    assert list(first) == list(second)


def test_special_tokens_are_left_out_on_demand():
    whole, bare = one("It is."), one("It is.", no_special=True)
    assert whole["tokens"] == ["[CLS]", *bare["tokens"], "[SEP]"]
    assert bare["special"] == [False] * 3
    assert list(whole) == list(bare) == ["index", "text", *LISTS]


def test_a_text_may_be_longer_than_any_model_reads():
    assert len(one("word " * 2000)["ids"]) == 2002


def test_nothing_is_empty(tokenizer_folder):
    first, second = ask(["", "\u200b"], model=tokenizer_folder("gpt2"))
    assert first["error"]["type"] == "empty"
    assert second["ids"]


def test_a_slow_tokenizer_says_less(tokenizer_folder, monkeypatch):
    from tfcli.models import axis

    tokenized = axis._tokenized

    def slowly(texts, loaded, **how):
        batch = tokenized(texts, loaded, **how)
        return transformers.BatchEncoding(dict(batch))

    monkeypatch.setattr(axis, "_tokenized", slowly)
    record = one("a film", model=tokenizer_folder("bert"))
    assert record["tokens"] == ["[CLS]", "a", "film", "[SEP]"]
    assert record["offsets"] == record["words"] == [None] * 4


# The model's folder


class TestFolder:
    @pytest.fixture
    def folder(self, classifier, tmp_path):
        return Path(shutil.copytree(classifier(), tmp_path / "model"))

    def test_weights_are_not_read(self, folder):
        expected = one("a film", model=folder)
        (folder / "model.safetensors").write_bytes(b"broken")
        assert one("a film", model=folder) == expected

    def test_a_pickle_is_not_opened(self, folder):
        (folder / "model.safetensors").unlink()
        acting_pickle(folder / "pytorch_model.bin")
        assert one("a film", model=folder)["ids"]
        assert not Path(MARKER).exists()

    def test_hostile_settings_are_refused(self, folder):
        acting_code(folder / "evil.py")
        edit(folder / "config.json", model_type="evil", auto_map={"AutoConfig": "evil.Evil"})
        with pytest.raises(UnsafeModelError, match="auto_map"):
            one("a film", model=folder)

    def test_a_folder_without_a_tokenizer_is_refused(self, folder):
        for name in ("tokenizer.json", "tokenizer_config.json"):
            (folder / name).unlink()
        with pytest.raises(ModelNotFoundError, match="no tokenizer files"):
            one("a film", model=folder)

    def test_heads_cannot_be_switched_off(self, folder):
        with pytest.raises(UsageError, match="--ablate: no model runs here"):
            one("a film", model=folder, ablate="0.1")

    def test_provenance_names_the_model_and_nothing_that_ran(self, folder):
        record = one("a film", model=folder, provenance=True)
        said = {name: record[name] for name in ("model", "revision", "dtype", "device")}
        assert said == {"model": str(folder), "revision": None, "dtype": None, "device": None}


# Formats


def test_csv_and_plain_have_a_line_for_each_token(tfcli):
    ended = tfcli("tokens", "It is", "-f", "csv")
    rows = list(csv.DictReader(io.StringIO(ended.out)))
    assert list(rows[0].values()) == ["0", "[CLS]", "101", "", "", "", "0", "true", ""]
    assert [row["token"] for row in rows] == ["[CLS]", "it", "is", "[SEP]"]
    assert [row["end"] for row in rows] == ["", "2", "5", ""]
    assert tfcli("tokens", "It is", "--no-special", "-f", "plain").out == "it\t2009\nis\t2003\n"
