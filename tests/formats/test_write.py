import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfcli.core.record import Columns, LongForm
from tfcli.core.task import Field, Piece
from tfcli.errors import TfcliError, UsageError
from tfcli.formats.examples import Reading
from tfcli.formats.read import Reader
from tfcli.formats.write import EXTENSIONS, FORMATS, format_of

COLUMNS = Columns(("index", "text"), ("label", "score"))
GOOD = {"index": 0, "text": "学习", "label": "POSITIVE", "score": 0.5}
ERROR = {"type": "empty", "message": "the text is empty", "file": "in.txt", "line": 2}
TEXTS = Columns(("index", "prompt"), ("text",))
PIECES = (Piece(0, "Once", True), Piece(0, " upon\n", False), Piece(0, "\ta\r", False))
WHOLE = {"index": 0, "prompt": "Once", "text": "Once upon\n\ta\r"}
FAILED = {"index": 1, "text": "", "label": None, "score": None, "error": ERROR}


def written(name, records, columns=COLUMNS):
    return "".join(FORMATS[name](records, columns))


def test_jsonl_is_a_record_a_line():
    assert written("jsonl", [GOOD, FAILED]) == (
        '{"index": 0, "text": "学习", "label": "POSITIVE", "score": 0.5}\n'
        '{"index": 1, "text": "", "label": null, "score": null, "error": {"type": "empty", '
        '"message": "the text is empty", "file": "in.txt", "line": 2}}\n'
    )


def test_json_is_one_array_with_a_line_for_each_record():
    text = written("json", [GOOD, FAILED])
    assert json.loads(text) == [GOOD, FAILED]
    assert len(text.splitlines()) == 4


def test_csv_has_an_error_column_always_and_nested_values_as_json():
    assert written("csv", [GOOD, FAILED]) == (
        "index,text,label,score,error\n"
        "0,学习,POSITIVE,0.5,\n"
        '1,,,,"{""type"": ""empty"", ""message"": ""the text is empty"", '
        '""file"": ""in.txt"", ""line"": 2}"\n'
    )


def test_the_error_column_is_the_last_even_if_the_first_example_failed():
    assert written("csv", [FAILED, GOOD]).startswith("index,text,label,score,error\n1,")


def test_tsv_is_csv_with_tabs():
    assert written("tsv", [GOOD]) == (
        "index\ttext\tlabel\tscore\terror\n0\t学习\tPOSITIVE\t0.5\t\n"
    )


def test_plain_is_the_first_result_one_a_line():
    records = [{"answer": answer} for answer in ["a\nb", "c\td\r", None, "学习", 3, ["x"]]]
    assert written("plain", records, Columns((), ("answer", "score"))) == (
        'a\\nb\nc\\td\\r\n\n学习\n3\n["x"]\n'
    )


class TestPiecesInPlain:
    def test_joined_they_are_the_line_of_the_whole_record(self):
        line = written("plain", [WHOLE], TEXTS)
        assert line == "Once upon\\n\\ta\\r\n"
        assert written("plain", [*PIECES, WHOLE], TEXTS) == line

    def test_each_is_written_before_the_next_is_asked_for(self):
        def live():
            yield PIECES[0]
            raise AssertionError("asked too early")

        assert next(FORMATS["plain"](live(), TEXTS)) == "Once"

    def test_texts_in_pieces_and_whole_ones_follow_each_other(self):
        other = {"index": 1, "prompt": "x", "text": "xy"}
        records = [other, *PIECES, WHOLE, other]
        assert written("plain", records, TEXTS) == "xy\nOnce upon\\n\\ta\\r\nxy\n"

    def test_a_failed_example_ends_its_line(self):
        failed = {**WHOLE, "text": None, "error": ERROR}
        assert written("plain", [PIECES[0], failed], TEXTS) == "Once\n"

    def test_a_text_that_ends_too_soon_ends_its_line(self):
        assert written("plain", PIECES[:1], TEXTS) == "Once\n"

    @pytest.mark.parametrize("error", [TfcliError("broken"), KeyboardInterrupt()], ids=repr)
    @pytest.mark.parametrize("begun", [False, True])
    def test_a_line_that_was_begun_is_ended_before_an_error(self, begun, error):
        def breaking():
            yield from PIECES[:1] if begun else [WHOLE]
            raise error

        chunks = []
        with pytest.raises(type(error)):
            collect(FORMATS["plain"](breaking(), TEXTS), chunks)
        assert "".join(chunks) == ("Once\n" if begun else "Once upon\\n\\ta\\r\n")

    def test_that_nobody_reads_to_the_end_end_quietly(self):
        stream = FORMATS["plain"](iter(PIECES), TEXTS)
        next(stream)
        stream.close()
        assert list(stream) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("plain", ""),
        ("jsonl", ""),
        ("json", "[]\n"),
        ("csv", "index,text,label,score,error\n"),
        ("tsv", "index\ttext\tlabel\tscore\terror\n"),
    ],
)
def test_no_records_are_written_as_what_the_format_calls_nothing(name, text):
    assert written(name, []) == text


@pytest.mark.parametrize("name", FORMATS)
def test_a_record_is_written_before_the_next_is_asked_for(name):
    def live():
        yield GOOD
        raise AssertionError("asked too early")

    chunks = FORMATS[name](live(), COLUMNS)
    text = next(chunks)
    if name in ("csv", "tsv"):
        text += next(chunks)  # behind the header
    assert "POSITIVE" in text


def test_a_column_that_comes_late_is_an_error_and_no_silence():
    late = {**GOOD, "index": 1, "note": "x"}
    with pytest.raises(TfcliError) as caught:
        written("csv", [GOOD, late])
    assert str(caught.value) == "Record 1 has a column 'note' that the first has not."
    assert caught.value.hint == "Name the columns with --keep A,B, or write jsonl."


def test_a_column_that_a_later_record_does_not_have_is_empty():
    records = [{"index": 0, "note": "x"}, {"index": 1}]
    assert written("csv", records) == "index,note,error\n0,x,\n1,,\n"


@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize("error", [TfcliError("broken"), KeyboardInterrupt()])
def test_an_array_is_closed_when_the_run_breaks_off(count, error):
    def breaking():
        yield from [GOOD] * count
        raise error

    chunks = []
    with pytest.raises(type(error)):
        collect(FORMATS["json"](breaking(), COLUMNS), chunks)
    assert json.loads("".join(chunks)) == [GOOD] * count


def collect(stream, into):
    """Take what a stream gives before it breaks off."""
    for chunk in stream:
        into.append(chunk)


def test_an_array_that_nobody_reads_to_its_end_ends_quietly():
    stream = FORMATS["json"](iter([GOOD, GOOD]), COLUMNS)
    next(stream)
    stream.close()
    assert list(stream) == []


# A list, because st.text would make one alphabet of both, in which the difficult ones are rare.
any_text = st.lists(
    st.characters(exclude_categories=["Cs"])
    | st.sampled_from("\"',;\t\r\n \\\0\x1a\x85\u2028\ufeff😀学[{")
).map("".join)
texts = any_text.filter(str.strip)


@pytest.mark.parametrize("name", ["csv", "tsv", "jsonl", "json"])
@given(st.lists(st.tuples(texts, any_text)))
def test_texts_that_were_written_are_read_back_exactly(tmp_path_factory, name, pairs):
    records = [{"index": i, "text": text, "note": note} for i, (text, note) in enumerate(pairs)]
    path = tmp_path_factory.mktemp("round") / f"out.{name}"
    path.write_text(written(name, records, Columns(("index", "text", "note"), ())), newline="")
    examples = list(Reader([str(path)], Reading((Field("text"),), keep=("note",))))
    assert [(e.fields["text"], e.kept["note"], e.failure) for e in examples] == [
        (text, note, None) for text, note in pairs
    ]


@given(st.lists(st.tuples(texts, texts), min_size=1))
def test_csv_is_what_python_reads_as_csv(pairs):
    records = [{"index": i, "a": a, "b": b} for i, (a, b) in enumerate(pairs)]
    rows = csv.reader(io.StringIO(written("csv", records), newline=""), strict=True)
    assert [(row[1], row[2]) for row in rows][1:] == pairs


@pytest.mark.parametrize("name", ["csv", "tsv", "jsonl", "json"])
def test_a_very_long_line_is_read_back_exactly(name):
    text = 'long "text", ' * 50_000
    Path(f"out.{name}").write_text(written(name, [{"index": 0, "text": text}]))
    (example,) = Reader([f"out.{name}"], Reading((Field("text"),)))
    assert example.fields["text"] == text


@given(texts)
def test_a_record_is_one_line_of_text_in_jsonl_and_in_plain(text):
    record = {"index": 0, "text": text}
    for name in ("jsonl", "plain"):
        chunk = written(name, [record], Columns(("index",), ("text",)))
        assert chunk.count("\n") == 1
        assert chunk.endswith("\n")


@given(st.text(st.characters(exclude_categories=())))
def test_whatever_is_in_a_record_of_jsonl_can_be_encoded(text):
    assert json.loads(written("jsonl", [{"text": text}]).encode()) == {"text": text}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("out.jsonl", "jsonl"),
        ("out.ndjson", "jsonl"),
        ("out.JSON", "json"),
        ("a.b/out.csv.gz", "csv"),
        ("out.tsv", "tsv"),
        ("out.txt", "plain"),
    ],
)
def test_the_extension_names_the_format(path, name):
    assert format_of(path) == name


@pytest.mark.parametrize("path", ["out", "out.xlsx", "out.gz", ".csv"])
def test_an_extension_that_names_no_format_is_a_usage_error(path):
    with pytest.raises(UsageError) as caught:
        format_of(path)
    assert str(caught.value) == f"The name of {path} does not say which format to write."
    assert caught.value.hint == (
        "Say it with --format, or end the name in .jsonl, .ndjson, .json, .csv, .tsv, .txt."
    )


def test_every_extension_names_a_format_that_there_is():
    assert set(EXTENSIONS.values()) == set(FORMATS)


PAIRS = LongForm(
    ("place", "letter"),
    lambda record: enumerate(record["letters"]),
    frozenset({"text", "letters"}),
)
LONG = Columns(("index", "text", "id"), ("letters",), long=PAIRS)
LETTERS = [
    {"index": 0, "text": "ab", "id": 7, "letters": ["a", "b\t"]},
    {"index": 1, "text": "", "id": 8, "letters": None, "error": {"type": "empty"}},
    {"index": 2, "text": "c", "id": 9, "letters": ["c"]},
]


def test_a_record_of_many_lines_in_csv():
    assert "".join(FORMATS["csv"](iter(LETTERS), LONG)) == (
        "index,id,place,letter,error\n"
        "0,7,0,a,\n"
        "0,7,1,b\t,\n"
        '1,8,,,"{""type"": ""empty""}"\n'
        "2,9,0,c,\n"
    )


def test_no_record_of_many_lines_is_a_header():
    assert "".join(FORMATS["tsv"](iter([]), LONG)) == "index\tid\tplace\tletter\terror\n"


def test_a_record_of_many_lines_is_plain_without_what_failed():
    assert "".join(FORMATS["plain"](iter(LETTERS), LONG)) == "0\ta\n1\tb\\t\n0\tc\n"


def test_a_record_of_many_lines_is_one_in_jsonl():
    lines = "".join(FORMATS["jsonl"](iter(LETTERS), LONG)).splitlines()
    assert [json.loads(line) for line in lines] == LETTERS
