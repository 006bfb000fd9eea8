"""The file of an attention page: whole in itself, and with all numbers in 8 bits."""

import base64
import gzip
import hashlib
import json
import re
import struct

import numpy as np
import pytest

from tfcli.core.record import Columns
from tfcli.views.attn.page import page

RANDOM = np.random.default_rng(7)
SIDE = {"special": [True, False, False], "words": {"starts": [0, 1], "labels": ["[CLS]", "狗\x1b"]}}
RECORD = {
    "index": 0,
    "text": "a </script><b>\u202e",
    "model": "org/<name>",
    "kind": "self",
    "queries": ["[CLS]", "##a", "\u202e b"],
    "keys": ["[CLS]", "##a", "\u202e b"],
    "segments": {"queries": [0, 0, 1], "keys": [0, 0, 1]},
    "layers": [4],
    "heads": "mean",
    "attention": RANDOM.dirichlet(np.ones(3), size=(1, 1, 3)).astype(np.float32),
    "units": {"queries": SIDE, "keys": SIDE, "whole": True},
    "vectors": {
        "query": RANDOM.normal(size=(1, 1, 3, 8)).astype(np.float32),
        "key": np.zeros((1, 1, 3, 8), np.float32),
        "scaling": [0.25],
        "bias": True,
    },
}
KINDS = {"weights": "u1", "tops": "<f4"}
FAILED = {"index": 1, "text": "b", "error": {"type": "empty", "message": "nothing\x07 in it"}}


def made(*records):
    return "".join(page(iter(records), Columns((), ())))


def texts_in(document):
    """What ``web/data.js`` makes of the packed data."""
    packed = re.search(r'id="data">(.*?)</script>', document, re.S)[1]
    data = gzip.decompress(base64.b64decode("".join(packed.split())))
    texts, at = [], 0
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at)
        text = json.loads(data[at + 4 : at + 4 + length])
        at += 4 + length
        for name, size in text["arrays"]:
            text[name] = np.frombuffer(data[at : at + size], KINDS.get(name, "i1"))
            at += size
        texts.append(text)
    return texts


def test_numbers_are_stored_in_8_bits():
    (text,) = texts_in(made(RECORD))
    assert text["shape"] == [1, 1, 3, 3]
    parts = text["weights"].reshape(3, 3) / 255 * text["tops"][:, None]
    error = np.abs(parts - RECORD["attention"][0, 0])
    assert (error <= text["tops"][:, None] / 510 + 1e-7).all()
    top = text["vectors"]["query"][0]
    near = np.abs(text["query"] / 127 * top - RECORD["vectors"]["query"].ravel())
    assert near.max() <= top / 254 * 1.001
    assert (text["key"] == 0).all()
    assert (text["vectors"]["dim"], text["vectors"]["scaling"]) == (8, [0.25])


def test_tokens_and_words_can_be_seen():
    (text,) = texts_in(made(RECORD))
    assert text["queries"]["labels"] == ["[CLS]", "##a", "<U+202E>␣b"]
    assert text["queries"]["words"] == {"starts": [0, 1], "labels": ["[CLS]", "狗␛"]}
    assert (text["title"], text["model"]) == ("a </script><b><U+202E>", "org/<name>")
    assert (text["layers"], text["heads"]) == ([4], ["mean"])
    assert (text["same"], text["rollout"], text["vectors"]["bias"]) == (True, True, True)


def test_a_pair_has_both_its_texts_above_it():
    (text,) = texts_in(made(RECORD | {"text": "a", "pair": "b"}))
    assert text["title"] == "a | b"


@pytest.mark.parametrize("causal", [True, False])
def test_a_page_knows_whether_a_model_looks_back_only(causal):
    weights = np.tril(RECORD["attention"]) if causal else RECORD["attention"]
    (text,) = texts_in(made(RECORD | {"attention": weights}))
    assert text["causal"] is causal


def test_a_text_that_failed_has_its_reason():
    _, failed = texts_in(made(RECORD, FAILED))
    assert (failed["title"], failed["error"]) == ("b", "nothing␇ in it")
    assert failed["arrays"] == []


def test_maps_without_queries_and_keys():
    (text,) = texts_in(made(RECORD | {"vectors": None}))
    assert "vectors" not in text
    assert [name for name, _ in text["arrays"]] == ["weights", "tops"]


def test_only_its_own_script_and_style_run():
    document = made(RECORD)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', document)[1]
    script = re.search(r"<script>(.*?)</script>", document, re.S)[1]
    style = re.search(r"<style>(.*?)</style>", document, re.S)[1]
    for name, text in (("script", script), ("style", style)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{name}-src &#x27;sha256-{digest}&#x27;" in policy
    assert policy.startswith("default-src &#x27;none&#x27;")


def test_it_names_nothing_outside():
    document = made(RECORD)
    assert not re.search(r"\b(src|href)=", document.replace("createObjectURL", ""))
    assert set(re.findall(r"https?://[^\"'`\s]+", document)) == {"http://www.w3.org/2000/svg"}


def test_no_text_stands_in_it_outside_the_packed_data():
    before, after = re.split(r'id="data">.*?</script>', made(RECORD), flags=re.S)
    assert before + after == "".join(re.split(r'id="data">.*?</script>', made(FAILED), flags=re.S))


def test_records_are_packed_as_they_come():
    given = []

    def records():
        for index in range(50):
            given.append(index)
            noise = RANDOM.dirichlet(np.ones(64), size=(2, 4, 64)).astype(np.float32)
            yield RECORD | {"attention": noise}

    chunks = page(records(), Columns((), ()))
    next(chunks)
    assert given == [0]  # nothing is written before there is something
    next(chunks)
    assert len(given) < 10
    assert len(texts_in("".join(page(records(), Columns((), ()))))) == 50


@pytest.mark.parametrize("count", [0, 1])
def test_a_page_of_no_texts(count):
    assert len(texts_in(made(*[RECORD] * count))) == count
