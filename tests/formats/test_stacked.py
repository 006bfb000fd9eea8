"""One array of all records, in npz and in safetensors."""

import io
import json
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load

from tfcli.cli.options import OutputOptions
from tfcli.cli.output import Output
from tfcli.core.record import Columns
from tfcli.errors import Terminated, TfcliError
from tfcli.formats import stacked
from tfcli.formats.stacked import STACKED

COLUMNS = Columns(("index", "text", "id"), ("embedding", "note"))
ERROR = {"type": "empty", "message": "the text is empty", "file": "a.txt", "line": 2}


def record(index, **more):
    vector = np.array([index, index + 0.5, -1], np.float32)
    return {
        "index": index,
        "text": f"狗{index}",
        "id": index,
        "embedding": vector,
        "note": None,
        **more,
    }


def failed(index):
    return {**record(index), "text": "", "embedding": None, "error": ERROR}


def written(form, *records, columns=COLUMNS):
    out = io.BytesIO()
    STACKED[form](iter(records), out, columns)
    return out.getvalue()


def read(form, data, tmp_path):
    """Arrays by name, and JSON texts by name, as a user reads them."""
    if form == "npz":
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            every = dict(stored)
        texts = {n: json.loads(a.item()) for n, a in every.items() if a.dtype.kind == "S"}
        return {n: a for n, a in every.items() if n not in texts}, texts
    path = tmp_path / "x.safetensors"
    path.write_bytes(data)
    with safe_open(path, framework="numpy") as opened:
        return load(data), {n: json.loads(t) for n, t in (opened.metadata() or {}).items()}


forms = pytest.mark.parametrize("form", STACKED)


@forms
@pytest.mark.parametrize("count", [1, 2, 5])
def test_arrays_are_one_and_all_else_is_a_list(form, count, tmp_path):
    arrays, texts = read(form, written(form, *map(record, range(count))), tmp_path)
    assert set(arrays) == {"index", "embedding"}
    assert arrays["index"].tolist() == list(range(count))
    assert arrays["embedding"].dtype == np.float32
    assert arrays["embedding"].tolist() == [[i, i + 0.5, -1] for i in range(count)]
    assert texts == {
        "text": [f"狗{i}" for i in range(count)],
        "id": list(range(count)),
        "note": [None] * count,
        "error": [None] * count,
    }


@forms
@pytest.mark.parametrize("bad", [(0,), (2,), (0, 1), (1, 3)])
def test_a_failed_record_keeps_its_row(form, bad, tmp_path):
    records = [failed(i) if i in bad else record(i) for i in range(4)]
    arrays, texts = read(form, written(form, *records), tmp_path)
    assert arrays["embedding"].shape == (4, 3)
    assert np.flatnonzero(np.isnan(arrays["embedding"]).all(axis=1)).tolist() == list(bad)
    assert [i for i, error in enumerate(texts["error"]) if error == ERROR] == list(bad)


@forms
def test_no_records_and_none_that_succeeded(form, tmp_path):
    arrays, texts = read(form, written(form), tmp_path)
    assert {name: one.shape for name, one in arrays.items()} == {"index": (0,), "embedding": (0, 0)}
    assert texts["error"] == []
    arrays, texts = read(form, written(form, failed(0)), tmp_path)
    assert arrays["index"].tolist() == [0]
    assert (arrays["embedding"].shape, arrays["embedding"].dtype) == ((1, 0), "float32")
    assert [error["type"] for error in texts["error"]] == ["empty"]


@forms
def test_a_kept_column_that_comes_late_is_null_before(form, tmp_path):
    _, texts = read(form, written(form, record(0), record(1, tag=["x"])), tmp_path)
    assert texts["tag"] == [None, ["x"]]


@forms
def test_arrays_of_several_shapes_are_an_error_and_those_before_are_written(form, tmp_path):
    out = io.BytesIO()
    odd = record(2, embedding=np.zeros(2, np.float32), tag="late")
    with pytest.raises(TfcliError, match="several shapes"):
        STACKED[form]([record(0), failed(1), odd, record(3)], out, COLUMNS)
    arrays, texts = read(form, out.getvalue(), tmp_path)
    assert arrays["index"].tolist() == [0, 1]
    assert arrays["embedding"][:, 0].tolist() == pytest.approx([0, np.nan], nan_ok=True)
    assert texts == {
        "text": ["狗0", ""],
        "id": [0, 1],
        "note": [None, None],
        "error": [None, ERROR],
        "tag": [None, None],
    }


@forms
@pytest.mark.parametrize("error", [TfcliError("x"), KeyboardInterrupt(), Terminated()], ids=repr)
def test_a_run_that_is_cut_short_leaves_what_was_done(form, error, tmp_path):
    def breaking(count):
        yield from map(record, range(count))
        raise error

    out = io.BytesIO()
    with pytest.raises(type(error)):
        STACKED[form](breaking(2), out, COLUMNS)
    arrays, texts = read(form, out.getvalue(), tmp_path)
    assert arrays["embedding"][:, 1].tolist() == [0.5, 1.5]
    assert texts["text"] == ["狗0", "狗1"]
    out = io.BytesIO()
    with pytest.raises(type(error)):
        STACKED[form](breaking(0), out, COLUMNS)
    assert out.getvalue() == b""


@forms
@pytest.mark.parametrize("room", [10, 100, 500], ids=str)
def test_a_row_that_is_not_whole_is_left_out(form, room, tmp_path, monkeypatch):
    class Full(tempfile.SpooledTemporaryFile):
        def write(self, data):
            if self.tell() + len(data) > room:
                super().write(data[:5])
                raise KeyboardInterrupt
            return super().write(data)

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", Full)
    out = io.BytesIO()
    with pytest.raises(KeyboardInterrupt):
        STACKED[form](map(record, range(99)), out, COLUMNS)
    if room < 12:  # not one vector
        assert out.getvalue() == b""
        return
    arrays, texts = read(form, out.getvalue(), tmp_path)
    done = room // 12
    assert arrays["index"].tolist() == texts["id"] == list(range(done))
    assert arrays["embedding"][:, 0].tolist() == list(range(done))


@pytest.mark.parametrize("name", ["x.npz", "x.safetensors"])
def test_rows_wait_beside_the_file_that_they_are_for(name, monkeypatch):
    folders = []
    usual = tempfile.SpooledTemporaryFile

    def spooled(size, dir):
        folders.append(dir)
        return usual(size, dir=dir)

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", spooled)
    Path("there").mkdir()
    options = OutputOptions(output=f"there/{name}")
    output = Output(options, "embed", files=tuple(STACKED), stacks=True)
    output.write((record(i) for i in range(2)), COLUMNS)
    assert set(map(Path, folders)) == {Path("there").resolve()}
    assert [path.name for path in Path("there").iterdir()] == [name]
    folders.clear()
    written("npz", record(0))
    with Path(os.devnull).open("wb") as device:
        STACKED["npz"]([record(0)], device, COLUMNS)
    assert set(folders) == {None}


@forms
def test_the_same_records_make_the_same_bytes(form):
    assert written(form, record(0), failed(1)) == written(form, record(0), failed(1))


@forms
def test_many_rows_wait_in_a_file(form, tmp_path, monkeypatch):
    monkeypatch.setattr(stacked, "IN_MEMORY", 64)
    arrays, _ = read(form, written(form, *map(record, range(200))), tmp_path)
    assert arrays["embedding"][:, 0].tolist() == list(range(200))


@forms
def test_rows_of_any_order_in_memory_are_written_as_they_read(form, tmp_path):
    matrix = np.asfortranarray(np.arange(6, dtype=np.float16).reshape(2, 3))
    arrays, _ = read(form, written(form, record(0, embedding=matrix)), tmp_path)
    assert arrays["embedding"].tolist() == [[[0, 1, 2], [3, 4, 5]]]
    assert arrays["embedding"].dtype == np.float16


def test_more_text_than_a_header_holds_is_an_error(monkeypatch):
    monkeypatch.setattr(stacked, "LONGEST_HEADER", 100)
    with pytest.raises(TfcliError, match="too long for one safetensors file") as caught:
        written("safetensors", record(0, text="x" * 100))
    assert ".npz" in caught.value.hint


def test_no_pickle_is_ever_written():
    data = written("npz", record(0), failed(1))
    assert all(name.endswith(".npy") for name in zipfile.ZipFile(io.BytesIO(data)).namelist())
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        assert all(stored[name].dtype != object for name in stored)
