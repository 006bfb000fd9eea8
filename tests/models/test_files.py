"""The names of a model's files, and the one rule which of them are its weights."""

import hashlib
from contextlib import suppress
from pathlib import Path

import pytest

from tfcli.models.files import (
    INDEX,
    WEIGHTS,
    entry_of,
    is_module,
    is_plain,
    is_read,
    is_vocabulary,
    pickles,
    places_in,
    sha256,
)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/a", "a\\b", "C:a", "a\0", 3, None])
def test_a_plain_name_has_no_way_in_it(name):
    assert not is_plain(name)
    assert is_plain("model-00001-of-00002.safetensors")


@pytest.mark.parametrize(
    ("name", "read"),
    [
        *(("config.json", True), ("merges.txt", True), ("source.spm", True), ("bpe.codes", True)),
        *(("spiece.model", True), ("chat_template.jinja", True), (INDEX, True)),
        *(("pytorch_model.bin.index.json", False), ("trainer_state.json", False)),
        *(("pytorch_model.bin", False), ("README.md", False), (WEIGHTS, False)),
        *(("vocab.bin", False), ("rust_model.ot", False), ("64.tflite", False)),
    ],
)
def test_what_loading_reads(name, read):
    assert is_read(name) == read


@pytest.mark.parametrize(
    ("name", "found"),
    [
        *(("1_Pooling/config.json", True), ("10_Dense/config.json", True)),
        *(("Pooling/config.json", False), ("onnx/config.json", False), ("1_/config.json", False)),
        *(("1_Pooling/config.json.bin", False), ("1_a/../config.json", False)),
        *(("1_a/1_b/config.json", False), ("/1_a/config.json", False), ("config.json", False)),
    ],
)
def test_modules_have_folders_with_numbers(name, found):
    assert is_module(name) == found
    assert is_read(name) or not found


def test_code_is_read_only_if_it_is_trusted():
    assert not is_read("mine.py")
    assert is_read("mine.py", trust_remote_code=True)


def test_every_file_that_a_tokenizer_of_transformers_has_is_one_that_loading_reads():
    import transformers
    from transformers.models.auto.tokenization_auto import TOKENIZER_MAPPING_NAMES

    names = {"tekken.json"}
    for name in set(filter(None, TOKENIZER_MAPPING_NAMES.values())):
        with suppress(ImportError, AttributeError):  # without sentencepiece; RAG has none
            names |= set(getattr(transformers, name).vocab_files_names.values())
    assert names >= {"emoji.json", "word_shape.json", "byte_maps.json", "vocab.txt"}
    assert {name for name in names if not is_read(str(name))} == set()


def test_one_of_many_files_makes_a_tokenizer():
    assert all(map(is_vocabulary, ("tokenizer.json", "vocab.txt", "spiece.model", "tekken.json")))
    assert not any(map(is_vocabulary, ("config.json", "special_tokens_map.json", "merges.txt")))


@pytest.mark.parametrize(
    ("config", "names", "entry"),
    [
        ({}, [WEIGHTS, INDEX], WEIGHTS),
        ({}, [INDEX, "model-00001-of-00002.safetensors"], INDEX),
        ({}, ["other.safetensors"], ""),
        ({"transformers_weights": "other.safetensors"}, [WEIGHTS, "other.safetensors"], "other"),
        ({"transformers_weights": "other.safetensors"}, [WEIGHTS], ""),
        ({"transformers_weights": ["x"]}, [WEIGHTS], ""),
        ([], [WEIGHTS], WEIGHTS),
    ],
)
def test_where_the_weights_begin(config, names, entry):
    assert entry_of(config, names).removesuffix(".safetensors") == entry.removesuffix(
        ".safetensors"
    )


@pytest.mark.parametrize("index", [[], {}, None, {"weight_map": []}, {"weight_map": "x"}])
def test_a_broken_index_has_no_places(index):
    assert places_in(index) == {}
    assert places_in({"weight_map": {"a": "b"}}) == {"a": "b"}


def test_pickles_are_not_what_training_leaves_behind():
    left = ["training_args.bin", "optimizer.pt", "adapter_model.bin", "rng_state_0.pth"]
    assert pickles([*left, "b.PT", "a.bin", WEIGHTS, "tf_model.h5"]) == ["a.bin", "b.PT"]


def test_the_sha256_of_a_file():
    Path("x").write_bytes(b"abc")
    assert sha256(Path("x")) == hashlib.sha256(b"abc").hexdigest()
