"""Binary files of records: what numpy and safetensors read from them."""

import io
import zipfile

import numpy as np
import pytest
from safetensors.numpy import load

from tfcli.core.record import Columns
from tfcli.errors import TfcliError
from tfcli.formats import arrays
from tfcli.formats.arrays import ARRAYS

RECORD = {
    "index": 0,
    "text": "a dog\x1b",
    "queries": ["a", "狗", ""],
    "layers": [4, 5],
    "heads": "mean",
    "segments": {"queries": [0, 1, 1], "keys": [0]},
    "attention": np.arange(6, dtype=np.float32).reshape(1, 1, 2, 3),
    "patterns": {"first": np.ones((2, 2), np.float16)},
    "links": [{"query": 0, "weight": 0.5}],
    "kept": None,
    "truncated": False,
}
FAILED = {"index": 1, "attention": None, "error": {"type": "empty", "message": "the text is empty"}}


def written(form, *records, lone=False):
    out = io.BytesIO()
    ARRAYS[form](iter(records), out, Columns((), (), lone=lone))
    return out.getvalue()


def test_npz_holds_every_value():
    with np.load(io.BytesIO(written("npz", RECORD, lone=True))) as stored:
        assert (stored["attention"] == RECORD["attention"]).all()
        assert stored["attention"].dtype == np.float32
        assert stored["queries"].tolist() == RECORD["queries"]
        assert stored["layers"].tolist() == [4, 5]
        assert stored["segments_queries"].tolist() == [0, 1, 1]
        assert stored["patterns_first"].dtype == np.float16
        assert (str(stored["heads"]), str(stored["text"])) == ("mean", "a dog\x1b")
        assert str(stored["links"]) == '[{"query": 0, "weight": 0.5}]'
        assert not stored["truncated"]
        assert "kept" not in stored


@pytest.mark.parametrize("form", ARRAYS)
def test_values_of_one_name_are_an_error(form):
    with pytest.raises(TfcliError, match="would be called 'segments_keys' in the file"):
        written(form, RECORD | {"segments_keys": "kept"})


def test_safetensors_hold_arrays_and_metadata():
    from json import loads
    from struct import unpack

    data = written("safetensors", RECORD, lone=True)
    tensors = load(data)
    assert set(tensors) == {"attention", "patterns_first"}
    assert (tensors["attention"] == RECORD["attention"]).all()
    (length,) = unpack("<Q", data[:8])
    metadata = loads(data[8 : 8 + length])["__metadata__"]
    assert metadata["text"] == "a dog\x1b"
    assert loads(metadata["queries"]) == RECORD["queries"]
    assert loads(metadata["layers"]) == [4, 5]


@pytest.mark.parametrize("form", ["npz", "safetensors"])
def test_records_are_numbered_and_a_failed_one_says_why(form):
    data = written(form, RECORD, FAILED, {**RECORD, "index": 2})
    if form == "safetensors":
        assert set(load(data)) == {
            f"{n}_{i}" for n in ("attention", "patterns_first") for i in (0, 2)
        }
        assert b"the text is empty" in data
        return
    with np.load(io.BytesIO(data)) as stored:
        assert (stored["attention_2"] == RECORD["attention"]).all()
        assert "attention_1" not in stored
        assert "the text is empty" in str(stored["error_1"])


@pytest.mark.parametrize("form", ["npz", "safetensors"])
def test_the_same_records_make_the_same_bytes(form):
    assert written(form, RECORD) == written(form, RECORD)


def test_no_pickle_is_ever_written():
    names = zipfile.ZipFile(io.BytesIO(written("npz", RECORD, FAILED))).namelist()
    assert all(name.endswith(".npy") for name in names)
    with np.load(io.BytesIO(written("npz", RECORD, FAILED)), allow_pickle=False) as stored:
        for name in stored:
            assert stored[name].dtype != object


def test_npz_is_written_record_by_record():
    out, sizes = io.BytesIO(), []

    def records():
        for index in range(3):
            yield {**RECORD, "index": index}
            sizes.append(out.tell())

    arrays.npz(records(), out, Columns((), ()))
    assert 0 < sizes[0] < sizes[1] < sizes[2]


def test_too_much_for_one_safetensors_file(monkeypatch):
    monkeypatch.setattr(arrays, "LARGEST", 40)
    with pytest.raises(TfcliError, match="too large for one safetensors file") as caught:
        written("safetensors", RECORD, {**RECORD, "index": 1})
    assert ".npz" in caught.value.hint


def test_lists_that_no_array_can_hold_are_json():
    with np.load(
        io.BytesIO(written("npz", {"index": 0, "m": [[1, 2], [3]], "n": [1, None]}))
    ) as got:
        assert (str(got["m_0"]), str(got["n_0"])) == ("[[1, 2], [3]]", "[1, null]")


@pytest.mark.parametrize("form", ["npz", "safetensors"])
def test_no_records(form):
    data = written(form)
    assert (load(data) if form == "safetensors" else dict(np.load(io.BytesIO(data)))) == {}
