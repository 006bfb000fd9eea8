import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfcli.core.task import Example, Failure, Field
from tfcli.formats.decode import check_decoded
from tfcli.formats.examples import ALL, Reading, check, example
from tfcli.formats.rows import Parsed

TEXT = (Field("text"),)
TWO = (Field("question"), Field("context"))
TAKEN = frozenset({"index", "error", "text", "label"})


def made(value, *, fields=TEXT, file="in.csv", **reading):
    """The example that is made of one row."""
    return example(3, Parsed(7, value), file, Reading(fields, **reading))


def test_a_text_is_the_first_field():
    assert made("hello") == Example(3, {"text": "hello"}, file="in.csv", line=7)


def test_an_argument_of_the_command_line_has_no_file_and_no_line():
    assert made("hello", file=None) == Example(3, {"text": "hello"})


def test_a_text_is_the_first_field_that_was_not_given():
    example = made("a letter", fields=TWO, given={"question": "Who?"})
    assert example.fields == {"question": "Who?", "context": "a letter"}


def test_fields_are_read_from_their_columns():
    cells = {"q": "Who?", "context": "Me.", "id": "1"}
    assert made(cells, fields=TWO, columns={"question": "q"}).fields == {
        "question": "Who?",
        "context": "Me.",
    }


def test_columns_are_kept_as_they_are():
    cells = {"text": "a", "id": 7, "tags": ["x"], "other": True}
    assert made(cells, keep=("id", "tags")).kept == {"id": 7, "tags": ["x"]}


def test_a_column_to_keep_that_is_not_there_is_null():
    assert made({"text": "a"}, keep=("id",)).kept == {"id": None}


def test_all_columns_are_kept_but_those_that_are_in_the_record_already():
    cells = {"id": 1, "text": "a", "label": "gold"}
    assert made(cells, keep=(ALL,), taken=TAKEN).kept == {"id": 1, "input_label": "gold"}


def test_all_means_all_even_beside_other_names():
    assert made({"text": "a", "id": 1}, keep=("id", ALL)).kept == {"id": 1}


def test_all_keeps_a_column_that_a_field_was_read_from_under_another_name():
    cells = {"review": "a", "text": "b"}
    example = made(cells, columns={"text": "review"}, keep=(ALL,), taken=TAKEN)
    assert example.fields == {"text": "a"}
    assert example.kept == {"review": "a", "input_text": "b"}


def test_a_kept_column_never_takes_the_place_of_another():
    cells = {"text": "a", "label": 1, "input_label": 2, "input_input_label": 3, "input_id": 4}
    assert made(cells, keep=(ALL,), taken=TAKEN).kept == {
        "input_label": 1,
        "input_input_label": 2,
        "input_input_input_label": 3,
        "input_id": 4,
    }


@given(st.text(), st.text())
def test_different_columns_are_kept_under_different_names(one, other):
    names = [Reading(TEXT, taken=TAKEN).kept_name(name) for name in (one, other)]
    assert (names[0] == names[1]) == (one == other)
    assert not TAKEN & set(names)


@pytest.mark.parametrize(
    ("cell", "failure"),
    [
        (None, Failure("column", "no 'text' here")),
        (5, Failure("column", "'text' is a number, not a string")),
        (["a"], Failure("column", "'text' is an array, not a string")),
        ("", Failure("empty", "the text is empty")),
        (" \t\u3000", Failure("empty", "the text is empty")),
        ("half \ud83d", Failure("encoding", "holds half a character, U+D83D")),
        (
            "caf\udce9",
            Failure(
                "encoding",
                "not utf-8: byte 0xe9 at character 4 (is it --encoding gb18030 or latin-1?)",
            ),
        ),
    ],
)
def test_what_is_wrong_with_a_text_is_said(cell, failure):
    assert made({"text": cell}).failure == check(cell, "text", "utf-8") == failure


def test_the_column_that_is_missing_is_named_as_the_file_would():
    assert made({"text": "a"}, columns={"text": "review"}).failure == Failure(
        "column", "no 'review' here"
    )


def test_a_row_that_failed_has_the_columns_to_keep_all_the_same():
    broken = Failure("csv", "3 cells, but the header has 2 columns")
    assert made(broken, keep=("id",)) == Example(3, {}, {"id": None}, "in.csv", 7, broken)


def test_the_first_thing_that_is_wrong_is_the_failure():
    assert made({"question": " "}, fields=TWO).failure == Failure("empty", "the question is empty")


def test_an_empty_text_stays_in_the_record_and_an_undecoded_one_does_not():
    assert made({"text": " "}).fields == {"text": " "}
    assert made({"text": "\udce9"}).fields == {}


@pytest.mark.parametrize("cell", ["\udce9", ["a", {"b": "\udce9"}], {"\udce9": 1}])
def test_an_undecoded_kept_cell_is_the_examples_failure_at_any_depth(cell):
    example = made({"text": "a", "note": cell}, keep=("note",))
    assert (example.fields, example.kept) == ({"text": "a"}, {"note": None})
    assert example.failure is not None
    assert example.failure.type == "encoding"


def test_an_undecoded_name_of_a_column_is_the_examples_failure():
    example = made({"text": "a", "n\udce9e": "b"}, keep=(ALL,))
    assert example.kept == {"n?e": None}
    assert example.failure == check_decoded("n\udce9e", "utf-8")


def test_a_field_that_is_not_required_may_be_missing_or_null():
    fields = (Field("text"), Field("title", required=False))
    assert made({"text": "a"}, fields=fields) == made({"text": "a", "title": None}, fields=fields)
    assert made({"text": "a"}, fields=fields).failure is None


def test_what_rows_have_to_bring_is_what_was_not_given():
    reading = Reading(TWO, columns={"context": "c"}, given={"question": "Who?"})
    assert reading.wanted == (Field("context"),)
    assert reading.required == ["c"]
