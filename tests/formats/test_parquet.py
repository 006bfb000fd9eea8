"""Parquet: records to files that others read, and files of others to examples."""

import datetime
import decimal
import gzip
import io
import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfcli.core.record import Columns
from tfcli.core.task import Failure, Field
from tfcli.errors import TfcliError, UsageError
from tfcli.formats import parquet as module
from tfcli.formats.examples import ALL, Reading
from tfcli.formats.names import STDIN
from tfcli.formats.parquet import parquet
from tfcli.formats.read import Reader

COLUMNS = Columns(("index", "text", "id"), ("label", "score", "scores", "vector"))
ERROR = {"type": "empty", "message": "the text is empty", "file": "a.txt", "line": 2}
TEXT = (Field("text"),)


def record(index, **more):
    return {
        "index": index,
        "text": f"狗{index}",
        "id": f"a{index}",
        "label": "POSITIVE",
        "score": index / 2,
        "scores": [{"label": "POSITIVE", "score": 0.5}],
        "vector": np.array([index, 0.5], np.float32),
        **more,
    }


FAILED = {**dict.fromkeys(record(0)), "index": 1, "text": "", "error": ERROR}


def written(*records, columns=COLUMNS):
    out = io.BytesIO()
    parquet(iter(records), out, columns)
    assert not out.closed
    return out.getvalue()


def table(*records, columns=COLUMNS):
    return pq.read_table(io.BytesIO(written(*records, columns=columns)))


class TestWriting:
    def test_a_row_a_record_with_the_types_of_its_values(self):
        found = table(record(0), FAILED, record(2))
        assert found.schema.names == [*record(0), "error"]
        types = {field.name: str(field.type) for field in found.schema}
        assert types["index"] == "int64"
        assert types["text"] == types["label"] == "string"
        assert types["score"] == "double"
        assert types["vector"] == "list<element: float>"
        assert types["scores"] == "list<element: struct<label: string, score: double>>"
        first, failed, last = found.to_pylist()
        assert first == {**record(0), "vector": [0.0, 0.5], "error": None}
        assert failed == {**FAILED, "error": ERROR}
        assert last["vector"] == [2.0, 0.5]

    def test_the_error_column_is_always_there(self):
        assert table(record(0))["error"].to_pylist() == [None]

    def test_no_records_are_a_header(self):
        found = table()
        assert found.num_rows == 0
        assert found.schema.names == [*COLUMNS.inputs, *COLUMNS.results, "error"]

    def test_a_failed_record_first_settles_no_type(self):
        found = table(FAILED, record(2))
        assert found["score"].to_pylist() == [None, 1.0]

    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64"])
    def test_arrays_of_several_dimensions_are_lists_of_lists(self, dtype):
        cube = np.asfortranarray(np.arange(24).reshape(2, 3, 4).astype(dtype))
        found = table(record(0, vector=cube), FAILED, record(2, vector=cube[:1]))
        assert found["vector"].to_pylist() == [cube.tolist(), None, cube[:1].tolist()]

    def test_empty_arrays(self):
        empty = np.zeros((0, 3), np.float32)
        found = table(record(0, vector=empty), record(1, vector=np.ones((1, 3), np.float32)))
        assert found["vector"].to_pylist() == [[], [[1.0] * 3]]

    def test_arrays_within_results_are_lists(self):
        nested = {"first": np.ones((1, 2), np.float32), "all": [np.zeros(1)]}
        found = table(record(0, scores=nested))
        assert found["scores"].to_pylist() == [{"first": [[1.0, 1.0]], "all": [[0.0]]}]

    @pytest.mark.parametrize(
        ("values", "kind", "stored"),
        [
            ([1, 2], "int64", [1, 2]),
            ([1, 2.5], "double", [1.0, 2.5]),
            ([True, None], "bool", [True, None]),
            ([1, "a", None], "string", ["1", "a", None]),
            ([{"a": 1}, [2]], "string", ['{"a": 1}', "[2]"]),
            ([1 << 70], "string", [str(1 << 70)]),
            ([1 << 60, 0.5], "string", [str(1 << 60), "0.5"]),
            ([None], "string", [None]),
            ([True, 1], "string", ["true", "1"]),
        ],
        ids=str,
    )
    def test_kept_columns_have_one_type_or_are_text(self, values, kind, stored):
        found = table(*(record(i, id=value) for i, value in enumerate(values)))
        assert str(found.schema.field("id").type) == kind
        assert found["id"].to_pylist() == stored

    def test_rows_are_written_in_groups(self, monkeypatch):
        monkeypatch.setattr(module, "ROWS", 2)
        data = written(*map(record, range(5)))
        assert pq.ParquetFile(io.BytesIO(data)).num_row_groups == 3
        assert pq.read_table(io.BytesIO(data))["index"].to_pylist() == list(range(5))

    def test_what_is_large_is_written_soon(self, monkeypatch):
        monkeypatch.setattr(module, "WEIGHT", 40)
        data = written(*(record(i, text="x" * 40) for i in range(3)))
        assert pq.ParquetFile(io.BytesIO(data)).num_row_groups == 3

    @pytest.mark.parametrize(
        ("later", "message"),
        [
            ({"note": 1}, "Record 2 has a column 'note' that the first have not."),
            ({"score": "high"}, "Column 'score' does not go on as it began: "),
            ({"vector": np.ones((1, 1), np.float32)}, "Column 'vector' does not go on as it began"),
        ],
        ids=str,
    )
    def test_a_later_record_that_does_not_fit_is_an_error_and_the_rest_a_file(
        self, later, message, monkeypatch
    ):
        monkeypatch.setattr(module, "ROWS", 2)
        out = io.BytesIO()
        with pytest.raises(TfcliError) as caught:
            parquet([record(0), record(1), record(2, **later), record(3)], out, COLUMNS)
        assert str(caught.value).startswith(message)
        assert "jsonl" in caught.value.hint
        assert pq.read_table(out)["index"].to_pylist() == [0, 1]

    @pytest.mark.parametrize(
        ("name", "first", "later"),
        [
            ("id", 1, 1.5),
            ("id", 1, True),
            ("id", True, 1),
            ("id", 0.5, True),
            ("id", 0.5, (1 << 53) + 1),
            ("id", 1, 1 << 63),
            ("scores", {"a": 1}, {"a": 1.5}),
            ("scores", {"a": 1}, {"a": 1, "b": 2}),
            ("scores", {"a": "x"}, {"a": 1}),
            ("scores", [1], [1.5]),
            ("scores", [1], {"a": 1}),
            ("vector", np.ones(2, np.float32), np.ones(2, np.float64)),
            ("vector", np.ones(2, np.int64), np.full(2, 1.5)),
        ],
        ids=str,
    )
    def test_no_value_is_rounded_or_dropped_to_fit(self, name, first, later, monkeypatch):
        monkeypatch.setattr(module, "ROWS", 1)
        with pytest.raises(
            TfcliError, match=f"Column '{name}' does not go on as it began: in record 7 it is no "
        ):
            table(record(0, **{name: first}), record(7, **{name: later}))

    @pytest.mark.parametrize(
        ("name", "first", "later"),
        [
            ("id", 0.5, 1 << 52),
            ("scores", {"a": 0.5, "b": [1]}, {"a": 1, "b": None}),
            ("scores", [["a", "b"]], []),
        ],
        ids=str,
    )
    def test_what_a_type_holds_goes_on(self, name, first, later, monkeypatch):
        monkeypatch.setattr(module, "ROWS", 1)
        found = table(record(0, **{name: first}), record(1, **{name: later}))[name].to_pylist()
        assert found == [first, later]

    @pytest.mark.parametrize(
        "values",
        [[[1, "a"]], [[1.5, True]], [{"a": 1.5}, {"a": True}], [[1 << 70]], [[1 << 60, 0.5]]],
        ids=str,
    )
    def test_results_of_several_types_are_json_text(self, values):
        found = table(*(record(i, scores=value) for i, value in enumerate(values)))
        assert [json.loads(text) for text in found["scores"].to_pylist()] == values

    @pytest.mark.parametrize("empty", [[], {}, [[]], {"a": None}, [{"a": []}]], ids=str)
    def test_where_the_first_are_empty_later_ones_are_json_text(self, empty, monkeypatch):
        monkeypatch.setattr(module, "ROWS", 1)
        found = table(record(0, scores=empty), FAILED, record(2))["scores"].to_pylist()
        assert found[1] is None
        assert [json.loads(found[0]), json.loads(found[2])] == [empty, record(2)["scores"]]

    def test_the_name_of_a_file_may_be_no_utf_8(self):
        name = "a\udcff.txt"
        failed = {**FAILED, "error": {**ERROR, "file": name}}
        found = table(record(0, text=name, scores=[name]), failed).to_pylist()
        assert (found[0]["text"], found[0]["scores"]) == ("a?.txt", ["a?.txt"])
        assert found[1]["error"]["file"] == "a?.txt"

    @pytest.mark.parametrize("error", [TfcliError("broken"), KeyboardInterrupt()], ids=repr)
    def test_a_run_that_is_cut_short_leaves_a_whole_file(self, error):
        def breaking():
            yield record(0)
            raise error

        out = io.BytesIO()
        with pytest.raises(type(error)):
            parquet(breaking(), out, COLUMNS)
        assert pq.read_table(out)["index"].to_pylist() == [0]

    def test_the_same_records_make_the_same_bytes(self):
        assert written(record(0), FAILED) == written(record(0), FAILED)


def read(content, name="in.parquet", *, fields=TEXT, group=None, **reading):
    """The examples in a file of these columns."""
    found = content if isinstance(content, pa.Table) else pa.table(content)
    pq.write_table(found, name, row_group_size=group)
    return list(Reader([name], Reading(fields, **reading)))


class TestReading:
    def test_gives_fields_and_kept_columns(self):
        content = {"id": [7, 8], "text": ["学习", None], "other": [1.5, 2.5]}
        first, second = read(content, keep=("id",))
        assert (first.index, first.file, first.line) == (0, "in.parquet", 1)
        assert (first.fields, first.kept) == ({"text": "学习"}, {"id": 7})
        assert (second.line, second.kept) == (2, {"id": 8})
        assert second.failure == Failure("column", "no 'text' here")

    def test_row_groups_follow_each_other(self, monkeypatch):
        monkeypatch.setattr(module, "ROWS", 2)
        found = read({"text": [str(i) for i in range(7)]}, group=3)
        assert [e.fields["text"] for e in found] == [str(i) for i in range(7)]
        assert [e.line for e in found] == list(range(1, 8))

    def test_only_as_much_as_is_asked_for(self):
        assert len(read({"text": ["a"] * 5000}, limit=3)) == 3

    def test_a_column_may_be_named_and_all_may_be_kept(self):
        content = {"review": ["a"], "text": ["b"], "tags": [["x", None]]}
        (found,) = read(content, columns={"text": "review"}, keep=(ALL,), taken={"text"})
        assert found.fields == {"text": "a"}
        assert found.kept == {"review": "a", "input_text": "b", "tags": ["x", None]}

    def test_other_columns_are_not_read(self, monkeypatch):
        seen = []
        usual = pq.ParquetFile.iter_batches

        def iter_batches(self, size, columns):
            seen.append(columns)
            return usual(self, size, columns=columns)

        monkeypatch.setattr(pq.ParquetFile, "iter_batches", iter_batches)
        read({"text": ["a"], "id": [1], "large": ["x"]}, keep=("id",))
        assert seen == [["text", "id"]]

    @pytest.mark.parametrize(
        ("value", "kept"),
        [
            (float("nan"), None),
            (datetime.date(2024, 2, 3), "2024-02-03"),
            (datetime.datetime(2024, 2, 3, 4, 5), "2024-02-03T04:05:00"),
            (decimal.Decimal("1.50"), "1.50"),
            ({"a": {"b": float("inf")}}, {"a": {"b": None}}),
            (b"bytes", "bytes"),
            (True, True),
        ],
        ids=str,
    )
    def test_kept_values_are_json(self, value, kept):
        (found,) = read({"text": ["a"], "value": [value]}, keep=("value",))
        assert found.kept == {"value": kept}
        assert json.dumps(found.kept)

    @pytest.mark.parametrize(
        "column",
        [
            pa.array(["a", "b"]).dictionary_encode(),
            pa.array(["a", "b"], pa.large_string()),
            pa.array([b"a", b"b"]),
        ],
        ids=lambda column: str(column.type),
    )
    def test_text_of_any_type_is_text(self, column):
        assert [e.fields["text"] for e in read(pa.table({"text": column}))] == ["a", "b"]

    def test_bytes_that_are_no_text_fail(self):
        (found,) = read({"text": [b"\xff"]})
        assert found.failure.type == "encoding"

    def test_a_number_is_no_text(self):
        (found,) = read({"text": [3]})
        assert found.failure == Failure("column", "'text' is a number, not a string")

    @pytest.mark.parametrize(
        "content", [{"id": [1]}, {"id": pa.array([], pa.int64())}], ids=["a row", "none"]
    )
    def test_a_missing_column_is_a_usage_error(self, content):
        with pytest.raises(UsageError, match=r"in\.parquet has no column 'text'\."):
            read(content)

    def test_two_columns_of_one_name_are_a_usage_error(self):
        twice = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], ["text", "text"])
        with pytest.raises(UsageError, match="has two columns called 'text'"):
            read(twice)

    def test_an_empty_table_has_no_examples(self):
        assert read({"text": pa.array([], pa.string())}) == []

    def test_packed_again_it_is_read_as_well(self):
        pq.write_table(pa.table({"text": ["a"]}), "in.parquet")
        Path("in.parquet.gz").write_bytes(gzip.compress(Path("in.parquet").read_bytes()))
        (found,) = Reader(["in.parquet.gz"], Reading(TEXT))
        assert found.fields == {"text": "a"}

    @pytest.mark.parametrize("data", [b"", b"PAR1", b"x" * 99, b"PAR1" + b"x" * 99 + b"PAR1"])
    def test_what_is_no_parquet_is_said(self, data):
        Path("in.parquet").write_bytes(data)
        with pytest.raises(TfcliError, match=r"Cannot read in\.parquet as parquet: ") as caught:
            list(Reader(["in.parquet"], Reading(TEXT)))
        assert "\n" not in str(caught.value)

    def test_damage_within_is_said_with_its_place(self):
        texts = {"text": [str(i) * 50 for i in range(4000)]}
        pq.write_table(pa.table(texts), "in.parquet", row_group_size=2000, compression="gzip")
        data = bytearray(Path("in.parquet").read_bytes())
        place = pq.ParquetFile("in.parquet").metadata.row_group(1).column(0).data_page_offset
        data[place + 60 : place + 1000] = bytes(940)
        Path("in.parquet").write_bytes(data)
        with pytest.raises(
            TfcliError, match=r"Cannot read in\.parquet, after line \d+ as parquet: "
        ):
            list(Reader(["in.parquet"], Reading(TEXT)))

    def test_plain_text_options_are_refused(self):
        for option in ("whole", "null"):
            with pytest.raises(UsageError, match="are for plain text, not for parquet"):
                read({"text": ["a"]}, **{option: True})

    def test_a_pipe_is_refused(self, tfcli):
        ended = tfcli("shout", "--input-format", "parquet", stdin=b"PAR1")
        assert ended.status == 2
        assert "Parquet is read from its end, and standard input is a pipe." in ended.err

    def test_standard_input_may_be_a_file(self, monkeypatch):
        pq.write_table(pa.table({"text": ["a"]}), "in.parquet")
        with Path("in.parquet").open() as file:
            monkeypatch.setattr(sys, "stdin", file)
            (found,) = Reader([STDIN], Reading(TEXT, format="parquet"))
        assert found.fields == {"text": "a"}

    def test_a_reader_may_have_more_files_than_can_be_open_at_once(self):
        resource = pytest.importorskip("resource")
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        for i in range(150):
            pq.write_table(pa.table({"text": [str(i)]}), f"{i:03}.parquet")
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (100, limits[1]))
            found = list(Reader(sorted(map(str, Path().glob("*.parquet"))), Reading(TEXT)))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert [e.fields["text"] for e in found] == [str(i) for i in range(150)]


texts = st.text(st.characters(exclude_categories=["Cs"])).filter(str.strip)


@given(st.lists(st.tuples(texts, st.none() | st.text(st.characters(exclude_categories=["Cs"])))))
def test_texts_that_were_written_are_read_back_exactly(tmp_path_factory, pairs):
    path = tmp_path_factory.mktemp("round") / "out.parquet"
    records = [{"index": i, "text": text, "note": note} for i, (text, note) in enumerate(pairs)]
    with path.open("wb") as out:
        parquet(records, out, Columns(("index", "text", "note"), ()))
    examples = list(Reader([str(path)], Reading(TEXT, keep=("note",))))
    assert [(e.fields["text"], e.kept["note"], e.failure) for e in examples] == [
        (text, note, None) for text, note in pairs
    ]


class TestCommandLine:
    def test_what_one_command_writes_another_reads(self, tfcli):
        ended = tfcli("shout", "-o", "x.parquet", stdin="学习\n\ntwo words\n".encode())
        assert ended == (0, "", "")
        assert pq.read_table("x.parquet")["shouted"].to_pylist() == ["学习", "TWO WORDS"]
        again = tfcli("shout", "-i", "x.parquet", "-c", "shouted", "--keep", "length", "-f", "csv")
        assert [line.split(",")[1:3] for line in again.out.splitlines()[1:]] == [
            ["学习", "2"],
            ["TWO WORDS", "9"],
        ]

    def test_two_formats_are_refused(self, tfcli):
        ended = tfcli("shout", "a", "-o", "x.parquet", "-f", "csv")
        assert (ended.status, Path("x.parquet").exists()) == (2, False)
        assert "Both --format csv and a name in .parquet." in ended.err


@pytest.mark.parametrize("side", ["read", "write"])
def test_without_pyarrow_the_command_that_installs_it_is_told(side, monkeypatch):
    from tfcli.cli.options import OutputOptions
    from tfcli.cli.output import Output

    pq.write_table(pa.table({"text": ["a"]}), "in.parquet")
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    begin = {
        "read": lambda: Reader(["in.parquet"], Reading(TEXT)),
        "write": lambda: Output(OutputOptions(output="x.parquet"), "shout"),
    }
    with pytest.raises(UsageError, match="Parquet needs pyarrow") as caught:
        begin[side]()
    assert caught.value.hint == 'pip install "tfcli[parquet]"'
