import gzip
import json
import os
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfcli.core.task import Example, Failure, Field
from tfcli.errors import TfcliError, UsageError
from tfcli.formats.examples import ALL, Reading
from tfcli.formats.names import FORMATS, STDIN, expand
from tfcli.formats.read import Reader, read_whole

TEXT = (Field("text"),)
TWO = (Field("question"), Field("context"))


def read(data, name="in.txt", *, fields=TEXT, **reading):
    """The examples in a file with these bytes."""
    Path(name).write_bytes(data)
    return list(Reader([name], Reading(fields, **reading)))


def texts(data, name="in.txt", **reading):
    """Just the texts of these examples, or what is wrong with them."""
    return [e.failure or e.fields["text"] for e in read(data, name, **reading)]


@pytest.fixture
def stdin(monkeypatch):
    """Make standard input of these bytes; ``b""`` ends it."""
    readable, writable = os.pipe()
    with os.fdopen(readable) as stream, os.fdopen(writable, "wb", buffering=0) as pipe:
        monkeypatch.setattr("sys.stdin", stream)

        def feed(data, **reading):
            pipe.write(data)
            pipe.close()
            return list(Reader([STDIN], Reading(reading.pop("fields", TEXT), **reading)))

        feed.pipe = pipe
        yield feed


# Each format, from bytes to examples


def test_lines_are_examples_with_file_and_line():
    assert read(b"one\n\ntwo\r\n") == [
        Example(0, {"text": "one"}, file="in.txt", line=1),
        Example(1, {"text": "two"}, file="in.txt", line=3),
    ]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("in.csv", "id,text\n7,学习\n"),
        ("in.tsv", "id\ttext\n7\t学习\n"),
        ("in.jsonl", '{"id": "7", "text": "学习"}\n'),
        ("in.json", '[\n{"id": "7", "text": "学习"}]'),
    ],
)
def test_each_format_gives_fields_and_kept_columns(name, data):
    for path, raw in [(name, data.encode()), (f"{name}.gz", gzip.compress(data.encode()))]:
        (example,) = read(raw, path, keep=("id",))
        assert (example.fields, example.kept) == ({"text": "学习"}, {"id": "7"})
        assert (example.index, example.file) == (0, path)


def test_files_are_read_one_after_another_with_one_count():
    Path("a.txt").write_text("one\ntwo\n")
    Path("b.csv").write_text("text\nthree\n")
    examples = Reader(["a.txt", "b.csv"], Reading(TEXT))
    assert [(e.index, e.file, e.line, e.fields["text"]) for e in examples] == [
        (0, "a.txt", 1, "one"),
        (1, "a.txt", 2, "two"),
        (2, "b.csv", 2, "three"),
    ]


def test_a_reader_may_have_more_files_than_can_be_open_at_once():
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    for i in range(200):
        Path(f"{i:03}.csv").write_text(f"text\n{i}\n")
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, limits[1]))
        examples = list(Reader(expand(["*.csv"]), Reading(TEXT)))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert [e.fields["text"] for e in examples] == [str(i) for i in range(200)]


@pytest.mark.parametrize("name", ["in.txt", "in.csv", "in.tsv", "in.jsonl", "in.json"])
def test_an_empty_file_has_no_examples(name):
    assert read(b"", name) == []
    assert read(gzip.compress(b""), f"{name}.gz") == []


@pytest.mark.parametrize("limit", [0, 1, 2, 9])
def test_a_limit_ends_the_reading(limit):
    assert texts(b"a\nb\nc\n", limit=limit) == ["a", "b", "c"][:limit]


def test_the_format_may_be_said():
    assert texts(b'"a"\n', "in.log", format="jsonl") == ["a"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_csv_may_have_the_line_ends_of_any_system(end):
    data = end.join(["id,text", "1,one", '2,"two\r\nlines"', ""]).encode()
    assert texts(data, "in.csv") == ["one", "two\r\nlines"]


def test_a_csv_whose_column_is_named():
    assert texts(b"review,text\na,b\n", "in.csv", columns={"text": "review"}) == ["a"]


def test_short_rows_of_a_csv_fail_and_have_the_same_keys():
    short = read(b"id,text,note\n1\n2,b,c\n", "in.csv", keep=(ALL,))
    assert [e.kept for e in short] == [{"id": "1", "note": None}, {"id": "2", "note": "c"}]
    assert short[0].failure == Failure("column", "no 'text' here")


def test_a_csv_row_that_cannot_be_read_has_the_same_keys():
    broken = read(b"id,text\n1,2,3\n2,b\n", "in.csv", keep=(ALL,))
    assert [e.kept for e in broken] == [{"id": None}, {"id": "2"}]
    assert [e.failure and e.failure.type for e in broken] == ["csv", None]


@pytest.mark.parametrize("reading", [{}, {"keep": ("text",)}, {"keep": (ALL,)}])
def test_two_columns_of_one_name_that_is_needed_are_a_usage_error(reading):
    with pytest.raises(UsageError, match=r"in\.csv has two columns called 'text'\."):
        read(b"text,id,text\na,1,b\n", "in.csv", **reading)


def test_two_columns_of_one_name_that_nobody_needs_do_no_harm():
    assert texts(b"id,id,text\n1,2,a\n", "in.csv") == ["a"]
    with pytest.raises(UsageError, match="two columns called 'id'"):
        read(b"id,id,text\n1,2,a\n", "in.csv", keep=(ALL,))


@pytest.mark.parametrize("reading", [{"columns": {"text": "review"}}, {"keep": ("review",)}])
def test_a_csv_without_the_column_is_refused_before_anything_runs(reading):
    Path("in.csv").write_text("id,text\n1,a\n")
    with pytest.raises(UsageError) as caught:
        Reader(["in.csv"], Reading(TEXT, **reading))
    assert str(caught.value) == "in.csv has no column 'review'."
    assert caught.value.hint == "It has id, text; choose with -c NAME and --keep A,B."


@pytest.mark.parametrize(
    ("reading", "message"),
    [
        ({"keep": ("id",)}, "--keep needs columns, and in.txt is plain text."),
        ({"columns": {"text": "a"}}, "--column needs columns, and in.txt is plain text."),
        ({"fields": TWO}, "in.txt is plain text, and each example needs question and context."),
    ],
)
def test_plain_text_has_one_field_and_no_columns(reading, message):
    with pytest.raises(UsageError) as caught:
        read(b"a\n", **reading)
    assert str(caught.value) == message


def test_plain_text_is_the_field_that_is_still_missing():
    (example,) = read(b"a letter\n", fields=TWO, given={"question": "Who?"})
    assert example.fields == {"question": "Who?", "context": "a letter"}


# Encodings


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "UTF_8", "gb18030", "latin-1", "utf-16", "utf-16-le", "utf-32", "big5", "shift_jis"],
)
def test_files_may_be_in_another_encoding(encoding):
    words = ["caf\xe9", "na\xefve"] if encoding == "latin-1" else ["中文", "text"]
    data = "".join(f"{word}\n" for word in words).encode(encoding)
    assert texts(data, encoding=encoding) == words


@pytest.mark.parametrize("encoding", ["utf-8", "UTF8", "utf_8", "u8"])
@pytest.mark.parametrize("reading", [{}, {"whole": True}, {"null": True}])
def test_a_bom_is_dropped_however_utf8_is_spelt(encoding, reading):
    assert texts(b"\xef\xbb\xbfhello", encoding=encoding, **reading) == ["hello"]


def test_a_bom_is_dropped_from_a_header():
    assert texts(b"\xef\xbb\xbftext\na\n", "in.csv") == ["a"]


def test_a_bad_byte_is_the_failure_of_its_line_alone():
    good, bad, next_one = read(b"good\ncaf\xe9\nnext\n")
    assert (good.failure, next_one.failure) == (None, None)
    assert (bad.file, bad.line, bad.fields) == ("in.txt", 2, {})
    assert bad.failure == Failure(
        "encoding", "not utf-8: byte 0xe9 at character 4 (is it --encoding gb18030 or latin-1?)"
    )


@pytest.mark.parametrize(
    ("encoding", "bad"),
    [
        ("utf-16-le", b"\x0a\xd8"),  # half a character, which holds the byte of a line end
        ("utf-16-be", b"\xdc\x0a"),
        ("utf-32-le", b"\x00\x00\xff\xff"),
        ("gb18030", b"\xff"),
        ("big5", b"\xff"),
        ("ascii", b"\x80"),
        ("iso2022_jp", b"\x1b$X"),
    ],
)
def test_a_bad_byte_is_its_lines_failure_in_every_encoding(encoding, bad):
    data = "one\ntwo".encode(encoding) + bad + "\nthree\n".encode(encoding)
    first, failed, last = texts(data, encoding=encoding)
    assert (first, failed.type, last) == ("one", "encoding", "three")


def test_a_bad_byte_between_nulls_is_the_failure_of_its_text_alone():
    good, bad = read(b"good\nlines\0caf\xe9", null=True)
    assert (good.failure, bad.line) == (None, 2)
    assert bad.failure.type == "encoding"


def test_half_a_unit_at_the_end_is_the_last_lines_failure():
    whole, half = texts("one\ntwo".encode("utf-16-le") + b"\x41", encoding="utf-16-le")
    assert (whole, half.type) == ("one", "encoding")


def test_bad_bytes_in_a_header_are_said_before_anything_runs():
    with pytest.raises(
        TfcliError, match=r"Cannot read the header of in\.csv: not utf-8: byte 0xe9"
    ):
        read(b"text,caf\xe9\na,b\n", "in.csv")


# What is wrong with a file


def test_a_broken_line_of_jsonl_is_that_lines_failure():
    first, broken, last = read(b'{"text": "a"}\n{"text": \n{"text": "c"}\n', "in.jsonl")
    assert (first.fields, last.fields) == ({"text": "a"}, {"text": "c"})
    assert (broken.file, broken.line) == ("in.jsonl", 2)
    assert broken.failure == Failure("json", "not JSON: Expecting value at character 10")


def test_a_broken_json_file_is_a_failure_of_the_run():
    with pytest.raises(TfcliError, match=r"Cannot read in\.json as json: Expecting ',' delimiter"):
        read(b'[{"text": "a"}', "in.json")


def test_a_truncated_gz_gives_what_it_holds_and_then_says_so():
    packed = gzip.compress(os.urandom(50_000).hex().encode() * 2, compresslevel=0)
    Path("in.txt.gz").write_bytes(gzip.compress(b"one\ntwo\n") + packed[:-100])
    reader = iter(Reader(["in.txt.gz"], Reading(TEXT)))
    assert [next(reader).fields["text"] for _ in range(2)] == ["one", "two"]
    with pytest.raises(TfcliError, match=r"Cannot unpack in\.txt\.gz, after line 2: Compressed"):
        list(reader)


def test_a_gz_that_is_not_one_is_a_failure_of_the_run():
    with pytest.raises(TfcliError, match=r"Cannot unpack in\.txt\.gz: Not a gzipped file"):
        read(b"plain", "in.txt.gz")


def test_a_header_with_an_unclosed_quote_is_a_failure_of_the_run():
    with pytest.raises(TfcliError, match=r"Cannot read the header of in\.csv: unexpected end"):
        read(b'"text\n', "in.csv")


def test_a_file_that_is_not_there_is_said_before_anything_is_read():
    Path("a.txt").write_text("a\n")
    with pytest.raises(UsageError, match=r"Cannot read b\.txt: No such file or directory\."):
        Reader(["a.txt", "b.txt"], Reading(TEXT))


def test_a_folder_is_a_usage_error_with_a_glob_for_a_hint():
    Path("texts").mkdir()
    with pytest.raises(UsageError, match=r"texts is a folder\.") as caught:
        Reader(["texts"], Reading(TEXT))
    assert caught.value.hint == "Name its files: -i 'texts/*.jsonl'"


pieces = st.lists(
    st.sampled_from(
        b'{"text": "a"}|text\n|id,text\n|"|\\ud800|[|]|{|}|,|:|NaN|1e999|null|\n|\r|\0|\xff|\xfe|\t'
        b"|\xef\xbb\xbf|\xe4\xb8\xad|\x1f\x8b|word".split(b"|")
    )
    | st.binary(max_size=4)
).map(b"".join)


@pytest.mark.parametrize("packed", ["plain", "gz", "broken gz"])
@pytest.mark.parametrize("format", FORMATS)
@given(data=pieces, encoding=st.sampled_from(["utf-8", "utf-16", "gb18030", "utf-32-le"]))
def test_no_bytes_raise_anything_but_an_error_of_ours(format, packed, data, encoding):
    name = f"in.{format}" if packed == "plain" else f"in.{format}.gz"
    if packed != "plain":
        data = gzip.compress(data)[: -3 if packed == "broken gz" else None]
    keep = () if format == "txt" else (ALL,)
    examples = []
    with suppress(TfcliError):
        examples = read(data, name, keep=keep, encoding=encoding)
    assert [e.index for e in examples] == list(range(len(examples)))
    for e in examples:
        assert e.failure or e.fields["text"].strip()
        json.dumps([e.fields, e.kept], ensure_ascii=False, allow_nan=False).encode()


# Standard input


def as_texts(examples):
    return [e.failure or e.fields["text"] for e in examples]


BROKEN = Failure("json", "not JSON: Expecting value at character 1")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"one\ntwo\n", ["one", "two"]),
        (b'\n \n{"text": "a"}\n{"text": "b"}\n', ["a", "b"]),
        (b'{"text": 5}\n', ['{"text": 5}']),
        (b'{"label": "a"}\n', ['{"label": "a"}']),
        (b'{"text": "a"\n', ['{"text": "a"']),
        (b'"text"\n', ['"text"']),
        (b'word\n{"text": "a"}\n', ["word", '{"text": "a"}']),
        (b'\xef\xbb\xbf{"text": "a"}\n', ["a"]),
        (b'{"text": "a"}\nword\n', ["a", BROKEN]),
        (b"", []),
        (b"\n\n", []),
    ],
)
def test_standard_input_is_jsonl_if_its_first_line_holds_the_text(stdin, data, expected):
    assert as_texts(stdin(data)) == expected


def test_standard_input_is_jsonl_if_its_first_line_holds_the_column(stdin):
    data = b'{"review": "a", "id": 1}\n'
    (example,) = stdin(data, columns={"text": "review"}, keep=("id",))
    assert (example.fields, example.kept) == ({"text": "a"}, {"id": 1})


def test_lines_on_standard_input_have_no_columns(stdin):
    with pytest.raises(UsageError, match="--keep needs columns, and standard input is plain text"):
        stdin(b"word\n", keep=("id",))


def test_two_fields_come_from_standard_input_as_jsonl(stdin):
    (example,) = stdin(b'{"question": "Who?", "context": "Me."}\n', fields=TWO)
    assert example.fields == {"question": "Who?", "context": "Me."}


def test_standard_input_is_called_by_its_sign_in_examples(stdin):
    assert [(e.file, e.line) for e in stdin(b"a\n\nb\n")] == [("-", 1), ("-", 3)]


@pytest.mark.timeout(20)
@pytest.mark.parametrize(("reading", "end"), [({}, b"\n"), ({"null": True}, b"\0")])
def test_what_is_typed_is_answered_at_once(stdin, reading, end):
    examples = iter(Reader([STDIN], Reading(TEXT, **reading)))
    for word in ("one", "two"):
        stdin.pipe.write(word.encode() + end)
        assert next(examples).fields["text"] == word


def test_a_whole_stream_is_one_example(stdin):
    assert as_texts(stdin(b"one\r\n\ntwo\n", whole=True)) == ["one\r\n\ntwo\n"]


def test_a_blank_stream_is_no_example(stdin):
    assert stdin(b" \n", whole=True) == []


def test_texts_between_nulls_are_examples(stdin):
    assert as_texts(stdin(b"one\ntwo\0\0three", null=True)) == ["one\ntwo", "three"]


@given(data=st.text(st.sampled_from("a学😀\0"), max_size=8), cut=st.integers(1, 9))
def test_characters_split_between_two_reads_are_whole(data, cut):
    readable, writable = os.pipe()
    encoded = data.encode()

    def feed():
        with os.fdopen(writable, "wb", buffering=0) as pipe:
            for start in range(0, len(encoded), cut):
                pipe.write(encoded[start : start + cut])

    thread = threading.Thread(target=feed)
    with os.fdopen(readable) as stream, pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", stream)
        thread.start()
        examples = list(Reader([STDIN], Reading(TEXT, null=True)))
        thread.join()
    assert as_texts(examples) == [text for text in data.split("\0") if text]


@pytest.mark.parametrize("option", ["whole", "null"])
def test_only_plain_text_is_read_whole_or_between_nulls(option):
    with pytest.raises(UsageError, match="are for plain text, not for csv"):
        read(b"text\na\n", "in.csv", **{option: True})


# Progress


def test_how_much_has_been_read_goes_from_nothing_to_all():
    for name in ("a.txt", "b.txt"):
        Path(name).write_text("word\n" * 50_000)
    reader = Reader(["a.txt", "b.txt"], Reading(TEXT))
    assert reader.fraction == 0
    seen = [reader.fraction for _ in reader]
    assert seen == sorted(seen)
    assert 0 < seen[25_000] < 0.5 <= seen[50_000] < 1
    assert reader.fraction == 1


def test_nobody_knows_how_long_standard_input_is(stdin):
    Path("a.txt").write_text("a\n")
    assert Reader(["a.txt", STDIN], Reading(TEXT)).fraction is None


def test_a_pipe_beside_a_file_has_no_size(tmp_path):
    readable, writable = os.pipe()
    os.write(writable, b"b\n")
    os.close(writable)
    Path("a.txt").write_text("a\n")
    reader = Reader(["a.txt", f"/dev/fd/{readable}"], Reading(TEXT, format="txt"))
    seen = [(e.fields["text"], reader.fraction) for e in reader]
    os.close(readable)
    assert [text for text, _ in seen] == ["a", "b"]
    assert reader.fraction == 1


# One text, names of files, formats


@pytest.mark.parametrize("data", [b"a letter\r\n\n with lines \n", b"\xef\xbb\xbfa"])
def test_a_whole_file_is_one_text_exactly(data):
    Path("letter.txt").write_bytes(data)
    assert read_whole("letter.txt", "utf-8") == data.decode("utf-8-sig")


def test_a_whole_file_may_be_packed_and_in_another_encoding():
    Path("letter.txt.gz").write_bytes(gzip.compress("中文".encode("gb18030")))
    assert read_whole("letter.txt.gz", "gb18030") == "中文"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "letter.txt is empty."),
        (b" \n", "letter.txt is empty."),
        (b"caf\xe9", "letter.txt is not utf-8."),
    ],
)
def test_a_file_that_is_no_text_is_a_usage_error(data, message):
    Path("letter.txt").write_bytes(data)
    with pytest.raises(UsageError) as caught:
        read_whole("letter.txt", "utf-8")
    assert str(caught.value) == message
