"""Where texts come from: arguments, files, standard input; one or two fields."""

import json
import os
from pathlib import Path

import pytest

A = '{"index": 0, "text": "a", "shouted": "A", "length": 1}\n'
AB = A + '{"index": 1, "text": "b", "shouted": "B", "length": 1}\n'


def shouted(*words: str) -> tuple[int, str, str]:
    """A run of ``shout -f plain`` that went well."""
    return 0, "".join(f"{word}\n" for word in words), ""


def refused(error: str, hint: str = "") -> tuple[int, str, str]:
    """A usage error: nothing on standard output, status 2."""
    return 2, "", f"Error: {error}\n" + (f"Hint: {hint}\n" if hint else "")


@pytest.fixture
def shout(tfcli):
    """What ``shout`` makes of its input: a line each."""
    return lambda *arguments, **rest: tfcli("shout", *arguments, "-f", "plain", **rest)


# Arguments


def test_each_argument_is_an_example(tfcli):
    assert tfcli("shout", "a", "b") == (0, AB, "")


def test_behind_two_dashes_every_text_is_a_text(shout, tfcli):
    expected = '{"index": 0, "text": "--5 stars", "shouted": "--5 STARS", "length": 9}\n'
    assert tfcli("shout", "--", "--5 stars") == (0, expected, "")


def test_a_text_may_hold_lines(tfcli):
    expected = '{"index": 0, "text": "a\\nb", "shouted": "A B", "length": 3}\n'
    assert tfcli("shout", "a\nb") == (0, expected, "")


def test_standard_input_is_not_read_when_there_are_texts(shout):
    assert shout("a", stdin=b"b\n") == shouted("A")


def test_an_empty_text_is_that_examples_error(tfcli):
    error = '{"type": "empty", "message": "the text is empty", "file": null, "line": null}'
    record = f'{{"index": 0, "text": "", "shouted": null, "length": null, "error": {error}}}\n'
    assert tfcli("shout", "") == (3, record, "Note: 1 of 1 example failed\n")


def test_limit_counts_texts(shout):
    assert shout("a", "b", "c", "--limit", "2") == shouted("A", "B")


@pytest.mark.parametrize("option", ["--keep", "--column"])
def test_a_text_has_no_columns(tfcli, option):
    error = "--keep and --column need a file or standard input with columns."
    assert tfcli("shout", "a", option, "id") == refused(error)


# Standard input


def test_standard_input_is_read_line_by_line(tfcli):
    assert tfcli("shout", stdin=b"a\nb\n") == (0, AB, "")


def test_a_dash_is_standard_input(tfcli):
    assert tfcli("shout", "-", stdin=b"a\nb\n") == (0, AB, "")


def test_a_dash_is_standard_input_among_files(shout):
    Path("b.txt").write_text("b\n")
    assert shout("-i", "b.txt", "-i", "-", stdin=b"a\n") == shouted("B", "A")


def test_a_dash_stands_alone(tfcli):
    error = "'-' (standard input) stands alone, not beside other texts."
    assert tfcli("shout", "a", "-") == refused(error)


def test_blank_lines_are_passed_over(shout):
    assert shout(stdin=b"\na\n \n\r\nb") == shouted("A", "B")


def test_the_last_line_needs_no_end(tfcli):
    assert tfcli("shout", stdin=b"a\nb") == (0, AB, "")


def test_windows_line_ends_are_no_part_of_the_text(tfcli):
    assert tfcli("shout", stdin=b"a\r\nb\r\n") == (0, AB, "")


def test_a_byte_order_mark_is_no_part_of_the_text(tfcli):
    assert tfcli("shout", stdin=b"\xef\xbb\xbfa\nb\n") == (0, AB, "")


def test_whole_takes_the_stream_as_one_text(tfcli):
    expected = '{"index": 0, "text": "a\\n\\nb\\n", "shouted": "A B", "length": 3}\n'
    assert tfcli("shout", "--whole", stdin=b"a\n\nb\n") == (0, expected, "")


def test_null_takes_what_find_print0_writes(tfcli):
    first = '{"index": 0, "text": "a\\nb", "shouted": "A B", "length": 3}\n'
    second = '{"index": 1, "text": "c", "shouted": "C", "length": 1}\n'
    assert tfcli("shout", "-0", stdin=b"a\nb\0c\0") == (0, first + second, "")


def test_json_objects_that_hold_the_text_are_seen_to_be_jsonl(shout):
    assert shout(stdin=b'\n{"text": "a"}\n{"text": "b", "more": 1}\n') == shouted("A", "B")


def test_json_objects_that_do_not_hold_it_are_lines_and_that_is_said(shout):
    ended = shout(stdin=b'{"a": 1}\n')
    assert (ended.status, ended.out) == (0, '{"A": 1}\n')
    assert ended.err.startswith("Note: the first line is JSON without a string 'text'")


def test_json_whose_first_text_is_null_is_json(shout):
    """As a failed record of another tfcli in the pipe has it."""
    assert shout(stdin=b'{"text": null}\n{"text": "a"}\n').out == "\nA\n"


def test_a_text_that_is_the_name_of_a_file_is_doubted(shout):
    Path("some.txt").write_text("a\n")
    said = "Note: some.txt is taken as a text; to read the file: -i some.txt\n"
    assert shout("some.txt") == (0, "SOME.TXT\n", said)


def test_a_file_in_utf_16_is_told_from_one_with_bad_bytes(shout):
    Path("some.txt").write_text("a\n", encoding="utf-16")
    ended = shout("-i", "some.txt")
    assert (ended.status, ended.err) == (
        2,
        "Error: some.txt is UTF-16.\nHint: Add --encoding utf-16.\n",
    )
    assert shout("-i", "some.txt", "--encoding", "utf-16") == shouted("A")


def test_cells_that_are_separated_by_something_else_get_a_hint(shout):
    Path("some.csv").write_text("id;text\n1;a\n")
    ended = shout("-i", "some.csv")
    assert ended.status == 2
    assert "All it has is 'id;text'. Are its cells separated by commas (csv)" in ended.err


def test_column_names_where_the_text_is(shout):
    assert shout("-c", "body", stdin=b'{"body": "a", "text": "b"}\n') == shouted("A")


def test_a_csv_on_standard_input_is_named(shout):
    command = ("--input-format", "csv", "-c", "body")
    assert shout(*command, stdin=b'id,body\n1,"a\nb"\n') == shouted("A B")


@pytest.mark.parametrize("option", ["--keep", "--column"])
def test_plain_text_has_no_columns(tfcli, option):
    error = f"{option} needs columns, and standard input is plain text."
    hint = "Name another format with --input-format csv, tsv, json or jsonl."
    assert tfcli("shout", option, "id", stdin=b"a\n") == refused(error, hint)


def test_encoding_is_the_inputs(shout):
    assert shout("--encoding", "gb18030", stdin="你好 a\n".encode("gb18030")) == shouted("你好 A")


def test_an_unknown_encoding_is_a_usage_error(tfcli):
    error = refused("There is no encoding 'klingon'.", "utf-8, gb18030 …")
    assert tfcli("shout", "--encoding", "klingon", stdin=b"a\n") == error


def test_a_bad_byte_is_that_lines_error(shout):
    ended = shout(stdin=b"a\n\xff\nb\n")
    note = "Note: 1 of 3 examples failed, the first at index 1: not utf-8: byte 0xff at"
    assert (ended.status, ended.out) == (3, "A\n\nB\n")
    assert ended.err.startswith(note)


def test_limit_counts_lines(shout):
    assert shout("--limit", "2", stdin=b"a\n\nb\nc\n") == shouted("A", "B")


@pytest.mark.parametrize("form", ["auto", "txt", "csv", "tsv", "json", "jsonl"])
@pytest.mark.parametrize("held", ["nothing", "blank lines"])
def test_empty_input_is_no_examples(tfcli, form, held):
    stdin = b"\n\n" if held == "blank lines" else b""
    assert tfcli("shout", "--input-format", form, stdin=stdin) == (0, "", "")


@pytest.mark.parametrize("way", ["--whole", "--null"])
def test_empty_input_taken_otherwise_is_no_examples(tfcli, way):
    assert tfcli("shout", way, stdin=b"") == (0, "", "")


def test_a_closed_standard_input_is_no_text(start):
    program = start("shout", stdin=None, preexec_fn=lambda: os.close(0))
    assert program.communicate() == (
        b"",
        b"Error: No text was given.\nHint: Give it as an argument, or pipe it in.\n",
    )
    assert program.returncode == 2


@pytest.mark.parametrize("arguments", [("-",), ("-i", "-")], ids=" ".join)
def test_to_ask_for_a_closed_standard_input_is_a_usage_error(start, arguments):
    program = start("shout", *arguments, stdin=None, preexec_fn=lambda: os.close(0))
    assert program.communicate() == (b"", b"Error: Standard input is closed.\n")
    assert program.returncode == 2


@pytest.mark.timeout(30)
def test_nobody_waits_for_texts_to_be_typed(watched):
    screen = "Error: No text was given.\nHint: Give it as an argument, or pipe it in.\n"
    assert watched("shout") == (2, screen)


def test_standard_input_is_read_once(tfcli):
    error = refused("Standard input was asked for twice, and can be read once.")
    assert tfcli("shout", "-i", "-", "-i", "-", stdin=b"a\n") == error


# Files


def test_a_txt_has_an_example_a_line(tfcli):
    Path("some.txt").write_text("a\nb\n")
    assert tfcli("shout", "-i", "some.txt") == (0, AB, "")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("some.csv", "id,text\n1,a\n2,b\n"),
        ("some.tsv", "id\ttext\n1\ta\n2\tb\n"),
        ("some.jsonl", '{"text": "a"}\n{"text": "b"}\n'),
        ("some.ndjson", '"a"\n"b"\n'),
        ("some.json", '[{"text": "a"}, "b"]'),
        ("SOME.TXT", "a\nb\n"),
    ],
)
def test_the_name_of_a_file_says_its_format(tfcli, name, text):
    Path(name).write_text(text)
    assert tfcli("shout", "-i", name) == (0, AB, "")


def test_input_format_beats_the_name(shout):
    Path("some.csv").write_text("a\n")
    assert shout("-i", "some.csv", "--input-format", "txt") == shouted("A")


def test_files_are_read_one_after_another(tfcli):
    Path("1.txt").write_text("a\n")
    Path("2.jsonl").write_text('{"text": "b"}\n')
    assert tfcli("shout", "-i", "1.txt", "-i", "2.jsonl") == (0, AB, "")


def test_a_quoted_glob_is_expanded_in_order(tfcli):
    for name in "ba":
        Path(f"{name}.txt").write_text(name)
    assert tfcli("shout", "-i", "*.txt") == (0, AB, "")


def test_a_glob_without_matches_is_a_usage_error(tfcli):
    assert tfcli("shout", "-i", "*.txt") == refused("No file matches *.txt.")


def test_a_missing_file_is_a_usage_error(tfcli):
    error = "Cannot read absent.txt: No such file or directory."
    assert tfcli("shout", "-i", "absent.txt") == refused(error)


def test_a_missing_file_is_told_before_the_first_record(tfcli):
    Path("a.txt").write_text("a\n")
    assert tfcli("shout", "-i", "a.txt", "-i", "absent.txt").out == ""


def test_a_folder_is_a_usage_error(tfcli):
    Path("texts").mkdir()
    error = refused("texts is a folder.", "Name its files: -i 'texts/*.jsonl'")
    assert tfcli("shout", "-i", "texts") == error


def test_an_unknown_extension_is_a_usage_error(tfcli):
    Path("some.doc").write_text("a\n")
    error = "The name of some.doc does not say what format it has."
    hint = "Say it with --input-format txt, csv, tsv, json, jsonl or parquet."
    assert tfcli("shout", "-i", "some.doc") == refused(error, hint)


def test_a_csv_without_the_column_names_those_that_it_has(tfcli):
    Path("some.csv").write_text("id,body\n1,a\n")
    hint = "It has id, body; choose with -c NAME and --keep A,B."
    error = refused("some.csv has no column 'text'.", hint)
    assert tfcli("shout", "-i", "some.csv") == error


def test_text_with_input_is_a_usage_error(tfcli):
    hint = "One --input takes one file: repeat -i, or quote the glob."
    error = refused("Both a TEXT and --input were given.", hint)
    assert tfcli("shout", "a", "-i", "b.txt") == error


# Kept columns


@pytest.fixture
def reviews():
    Path("reviews.csv").write_text("id,text,stars,length\n7,a,5,long\n")


@pytest.mark.parametrize(
    ("keep", "kept"),
    [
        ("id", '"id": "7"'),
        ("stars,id", '"stars": "5", "id": "7"'),
        ("all", '"id": "7", "stars": "5", "input_length": "long"'),
    ],
)
@pytest.mark.usefixtures("reviews")
def test_keep_carries_columns_over(tfcli, keep, kept):
    record = f'{{"index": 0, "text": "a", {kept}, "shouted": "A", "length": 1}}\n'
    assert tfcli("shout", "-i", "reviews.csv", "--keep", keep) == (0, record, "")


@pytest.mark.usefixtures("reviews")
def test_a_kept_column_gives_way_to_a_result(tfcli):
    header = "index,text,input_length,shouted,length,error\n"
    ended = tfcli("shout", "-i", "reviews.csv", "--keep", "length", "-f", "csv")
    assert ended == (0, header + "0,a,long,A,1,\n", "")


@pytest.mark.usefixtures("reviews")
def test_a_column_to_keep_that_is_not_there_is_a_usage_error(tfcli):
    hint = "It has id, text, stars, length; choose with -c NAME and --keep A,B."
    error = refused("reviews.csv has no column 'author'.", hint)
    assert tfcli("shout", "-i", "reviews.csv", "--keep", "author") == error


def test_a_txt_has_no_column_to_keep(tfcli):
    Path("some.txt").write_text("a\n")
    error = "--keep needs columns, and some.txt is plain text."
    hint = "Name another format with --input-format csv, tsv, json or jsonl."
    assert tfcli("shout", "-i", "some.txt", "--keep", "id") == refused(error, hint)


def test_kept_values_keep_their_types(tfcli):
    stdin = b'{"text": "a", "stars": 5, "tags": ["x", null], "ok": true}\n'
    kept = '"stars": 5, "tags": ["x", null], "ok": true'
    record = f'{{"index": 0, "text": "a", {kept}, "shouted": "A", "length": 1}}\n'
    assert tfcli("shout", "--keep", "all", stdin=stdin) == (0, record, "")


# Two fields


def found(word: str, at: int, kept: str = "") -> tuple[int, str, str]:
    """A run of ``find`` on one example; its records do not repeat the context."""
    return 0, f'{{"index": 0, "word": "{word}", {kept}"at": {at}}}\n', ""


def test_the_second_field_is_an_option(tfcli):
    assert tfcli("find", "b", "--context", "a b") == found("b", 2)


def test_the_second_field_is_the_same_for_every_text(tfcli):
    ended = tfcli("find", "a", "b", "--context", "a b", "-f", "plain")
    assert ended == (0, "0\n2\n", "")


def test_the_second_field_may_lie_in_a_file(tfcli):
    Path("letter.txt").write_text("a\nb\n")
    assert tfcli("find", "b", "--context-file", "letter.txt") == found("b", 2)


def test_standard_input_is_the_second_field_whole_if_only_that_is_missing(tfcli):
    assert tfcli("find", "b", stdin=b"a\nb\n") == found("b", 2)


def test_standard_input_is_the_first_field_line_by_line_if_only_that_is_missing(tfcli):
    ended = tfcli("find", "--context", "a b", "-f", "plain", stdin=b"a\nb\n")
    assert ended == (0, "0\n2\n", "")


def test_a_dash_for_a_file_is_standard_input(tfcli):
    assert tfcli("find", "b", "--context-file", "-", stdin=b"a b") == found("b", 2)


def test_if_both_are_missing_standard_input_has_columns(tfcli):
    stdin = b'{"word": "b", "context": "a b"}\n'
    assert tfcli("find", stdin=stdin) == found("b", 2)


def test_if_both_are_missing_plain_text_is_a_usage_error(tfcli):
    error = "standard input is plain text, and each example needs word and context."
    hint = "Give --context, or csv or jsonl with these columns."
    assert tfcli("find", stdin=b"b\n") == refused(error, hint)


def test_column_says_for_which_field(tfcli):
    Path("some.csv").write_text("w,c\nb,a b\n")
    command = ("find", "-i", "some.csv", "-c", "word=w", "-c", "context=c")
    assert tfcli(*command) == found("b", 2)


@pytest.mark.parametrize("keep", ["context", "all"])
def test_keep_brings_a_field_that_records_do_not_repeat(tfcli, keep):
    stdin = b'{"word": "b", "context": "a b"}\n'
    kept = found("b", 2, kept='"context": "a b", ')
    assert tfcli("find", "--keep", keep, stdin=stdin) == kept


def test_keep_brings_it_wherever_it_comes_from(tfcli):
    kept = found("b", 2, kept='"context": "a b", ')
    assert tfcli("find", "b", "--context", "a b", "--keep", "context") == kept
    assert tfcli("find", "b", "--keep", "context", stdin=b"a b") == kept
    assert tfcli("find", "--context", "a b", "--keep", "context", stdin=b"b\n") == kept
    Path("words.csv").write_text("word,body\nb,a b\n")
    mapped = ("-c", "context=body", "--keep", "context")
    assert tfcli("find", "-i", "words.csv", *mapped) == kept


def test_a_text_has_no_other_column_to_keep(tfcli):
    error = "--keep and --column need a file or standard input with columns."
    assert tfcli("find", "b", "--context", "a", "--keep", "context,id") == refused(error)


def test_a_picture_has_the_field_that_records_do_not_repeat(tfcli):
    shown = tfcli("find", "b", "--context", "see here", "-f", "table", COLUMNS="60").out
    assert "see here" in shown


def test_column_has_to_say_for_which_field(tfcli):
    Path("some.csv").write_text("w,c\nb,a b\n")
    hint = "A column: -c word=NAME -c context=NAME; the context itself: --context w"
    error = refused("-c w does not say for which field.", hint)
    assert tfcli("find", "-i", "some.csv", "-c", "w") == error


def test_column_without_a_field_is_that_of_the_only_one_that_has_to_be(tfcli, reader):
    Path("some.csv").write_text("review,stars\nfine,4\n")
    given = ("-i", "some.csv", "-c", "review", "--layer", "0", "--head", "0", "-f", "jsonl")
    ended = tfcli("attn", *given, "-m", reader("bert"))
    assert json.loads(ended.out)["text"] == "fine"


def test_column_of_a_field_that_there_is_not(tfcli):
    hint = "A column: -c word=NAME -c context=NAME"
    error = refused("-c ctx=body: there is no field 'ctx'.", hint)
    assert tfcli("find", "b", "-c", "ctx=body") == error


def test_a_field_has_one_source(tfcli):
    Path("some.csv").write_text("w,c\nb,a b\n")
    files = ("-i", "some.csv", "-c", "word=w")
    both = ("-c", "context=c", "--context", "a")
    error = refused("-c context=c, and the context was given: one of the two.")
    assert tfcli("find", *files, *both) == error
    error = refused("-c names two columns for the word.")
    assert tfcli("find", *files, "-c", "word=c") == error


def test_a_table_without_the_column_of_a_field_says_how_to_name_it(tfcli):
    Path("some.csv").write_text("w,c\nb,a b\n")
    hint = "It has w, c; choose with -c word=NAME and --keep A,B."
    error = refused("some.csv has no column 'word'.", hint)
    assert tfcli("find", "-i", "some.csv") == error
    error = refused("some.csv has no column 'x'.", hint)
    assert tfcli("find", "-i", "some.csv", "-c", "word=x") == error


def test_a_column_needs_no_field_where_the_other_field_was_given(tfcli):
    Path("some.csv").write_text("w,c\nb,a b\n")
    files = ("-i", "some.csv", "-c", "w")
    named = tfcli("find", "-i", "some.csv", "-c", "word=w", "--context", "a b")
    assert named.status == 0
    assert tfcli("find", *files, "--context", "a b") == named


def test_nothing_on_standard_input_says_what_was_awaited(tfcli):
    hint = "Pipe the context in, or give --context TEXT or --context-file FILE."
    assert tfcli("find", "b", stdin=b"") == refused("standard input is empty.", hint)


def test_a_word_with_a_file_is_told_where_the_file_belongs(tfcli):
    hint = (
        "One --input takes one file: repeat -i, or quote the glob. "
        "The context is a file? --context-file FILE"
    )
    error = refused("Both a WORD and --input were given.", hint)
    assert tfcli("find", "b", "-i", "letter.txt") == error


def test_a_slip_for_the_second_field_is_seen_before_anything_is_awaited(tfcli):
    hint = "A column: -c word=NAME -c context=NAME; the context itself: --context 'a b'"
    error = refused("-c 'a b' does not say for which field.", hint)
    assert tfcli("find", "b", "-c", "a b") == error


def test_a_field_given_twice_is_a_usage_error(tfcli):
    error = refused("Both --context and --context-file were given.")
    assert tfcli("find", "b", "--context", "a", "--context-file", "x.txt") == error


def test_a_file_for_a_field_that_is_not_there_is_a_usage_error(tfcli):
    error = refused("Cannot read absent.txt: No such file or directory.")
    assert tfcli("find", "b", "--context-file", "absent.txt") == error


@pytest.mark.parametrize(
    ("context", "wrong"),
    [("", "the context is empty"), (" \n", "the context is empty")],
    ids=["nothing", "blank"],
)
def test_an_empty_second_field_is_a_usage_error(tfcli, context, wrong):
    assert tfcli("find", "b", "--context", context) == refused(f"--context: {wrong}.")


def test_a_second_field_that_is_no_text_is_a_usage_error(tfcli):
    wrong = "not utf-8: byte 0xff at character 2 (is it --encoding gb18030 or latin-1?)"
    assert tfcli("find", "b", "--context", b"a\xff") == refused(f"--context: {wrong}.")


@pytest.mark.parametrize("words", [(), ("-",), ("-i", "-")], ids=["lines", "-", "-i -"])
def test_standard_input_cannot_be_both_fields(tfcli, words):
    error = refused("Standard input was asked for twice, and can be read once.")
    assert tfcli("find", *words, "--context-file", "-", stdin=b"a\n") == error


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    ("arguments", "field"), [((), "word"), (("b",), "context"), (("--context", "a"), "word")]
)
def test_nobody_waits_for_a_field_to_be_typed(watched, arguments, field):
    way = "it as an argument" if field == "word" else "--context TEXT or --context-file FILE"
    screen = f"Error: No {field} was given.\nHint: Give {way}, or pipe it in.\n"
    assert watched("find", *arguments) == (2, screen)
