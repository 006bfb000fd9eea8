import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfcli.core.record import to_json
from tfcli.core.task import Failure
from tfcli.formats.rows import (
    DEEPEST,
    Parsed,
    between_nulls,
    header_and_cells,
    json_array,
    json_lines,
    json_object,
    kind,
    lines,
)


def table(text, delimiter=","):
    """The header of a csv and its rows as (line, value)."""
    header, cells = header_and_cells(io.StringIO(text, newline=""), delimiter)
    return header, list(map(tuple, cells))


def test_lines_lose_their_ends_and_nothing_else():
    assert list(lines(["  a \n", "b\r\n", "c\rd\n", "e\u2028f"])) == [
        Parsed(1, "  a "),
        Parsed(2, "b"),
        Parsed(3, "c\rd"),
        Parsed(4, "e\u2028f"),
    ]


def test_blank_lines_are_passed_over_and_counted():
    assert list(lines(["\n", "a\n", "  \t\r\n", "b\n"])) == [Parsed(2, "a"), Parsed(4, "b")]


def test_texts_between_nulls_may_have_several_lines():
    assert list(between_nulls(["a\nb\0\0c\n\0 \0d"])) == [
        Parsed(1, "a\nb"),
        Parsed(2, "c\n"),
        Parsed(3, "d"),
    ]


@given(st.text(st.sampled_from("a学\n \0"), max_size=12))
def test_texts_between_nulls_do_not_depend_on_where_chunks_end(text):
    whole = list(between_nulls([text]))
    for cut in range(len(text) + 1):
        assert list(between_nulls([text[:cut], text[cut:]])) == whole
    assert list(between_nulls(text)) == whole


def test_cells_are_named_by_the_header_and_numbered_by_their_first_line():
    assert table('id,text\n1,"two\nlines"\n2,学习\n') == (
        ["id", "text"],
        [(2, {"id": "1", "text": "two\nlines"}), (4, {"id": "2", "text": "学习"})],
    )


def test_tsv_is_the_same_with_tabs():
    assert table('id\ttext\n1\t"a\tb, c"\n', "\t") == (
        ["id", "text"],
        [(2, {"id": "1", "text": "a\tb, c"})],
    )


def test_blank_lines_in_a_csv_are_passed_over_even_before_the_header():
    assert table("\n\na,b\n\n1,2\n\n") == (["a", "b"], [(5, {"a": "1", "b": "2"})])


def test_a_missing_cell_is_none_so_that_every_row_has_the_same_keys():
    assert table("a,b\n1\n") == (["a", "b"], [(2, {"a": "1", "b": None})])


def test_too_many_cells_are_that_rows_failure():
    assert table("a,b\n1,2,3\n4,5\n")[1] == [
        (2, Failure("csv", "3 cells, but the header has 2 columns")),
        (3, {"a": "4", "b": "5"}),
    ]


def test_an_unclosed_quote_is_the_failure_of_the_row_it_opens_in():
    assert table('a\nx\n"never\nclosed\n')[1] == [
        (2, {"a": "x"}),
        (3, Failure("csv", "unexpected end of data")),
    ]


def test_a_stray_quote_is_that_rows_failure_and_the_next_row_is_read():
    assert table('a\n"b"c\nd\n')[1] == [
        (2, Failure("csv", "',' expected after '\"'")),
        (3, {"a": "d"}),
    ]


def test_a_cell_may_be_longer_than_pythons_limit_for_csv():
    assert table(f"a\n{'x' * 200_000}\n")[1] == [(2, {"a": "x" * 200_000})]


def test_an_empty_csv_has_no_header_and_no_rows():
    assert table("") == ([], [])


def test_json_lines_are_objects_and_strings():
    assert list(json_lines(['{"a": 1}\n', "\n", '"text"\n'])) == [
        Parsed(1, {"a": 1}),
        Parsed(3, "text"),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"a": 1', "not JSON: Expecting ',' delimiter at character 8"),
        ("{'a': 1}", "not JSON: Expecting property name enclosed in double quotes at character 2"),
        ("[1]", "an array, not an object"),
        ("12", "a number, not an object"),
        ("1.5", "a number, not an object"),
        ("true", "a boolean, not an object"),
        ("null", "null, not an object"),
        ('{"a": NaN}', "not JSON: NaN is not a JSON number"),
        ('{"a": -Infinity}', "not JSON: -Infinity is not a JSON number"),
        ('{"a": 1e999}', "not JSON: a number is too large"),
        ("[" * 100_000, "not JSON: nested too deeply"),
        ("[" * 300 + "]" * 300, "not JSON: nested too deeply"),
    ],
)
def test_a_line_that_is_no_object_fails_alone(line, message):
    assert list(json_lines([f"{line}\n", '"next"'])) == [
        Parsed(1, Failure("json", message)),
        Parsed(2, "next"),
    ]


def test_an_integer_too_long_for_python_is_that_lines_failure():
    parsed = next(json_lines(['{"a": ' + "9" * 5000 + "}"]))
    assert isinstance(parsed.value, Failure)
    assert parsed.value.type == "json"


def test_large_integers_stay_exact():
    number = 2**200 + 1
    assert next(json_lines([f'{{"id": {number}}}'])).value == {"id": number}


def nested(levels):
    return '{"a": ' * levels + "1" + "}" * levels


def test_json_may_be_nested_as_deep_as_it_can_be_written_again():
    assert to_json(next(json_lines([nested(DEEPEST)])).value) == nested(DEEPEST)
    assert next(json_lines([nested(DEEPEST + 1)])).value == Failure(
        "json", "not JSON: nested too deeply"
    )


def test_wide_json_is_not_deep():
    wide = [[]] * 1000
    assert next(json_lines([json.dumps({"a": wide})])).value == {"a": wide}


def array(text):
    return [parsed.value for parsed in json_array(io.StringIO(text))]


def test_an_array_gives_its_elements():
    assert array('[{"a": 1}, "text", 2]') == [
        {"a": 1},
        "text",
        Failure("json", "a number, not an object"),
    ]


def test_a_single_object_is_an_array_of_one():
    assert array('{"a": 1}\n') == [{"a": 1}]


@pytest.mark.parametrize("text", ["", " \n", "[]"])
def test_empty_json_has_no_elements(text):
    assert array(text) == []


@pytest.mark.parametrize("text", ["[1", "{]", "[NaN]", "[" * 100_000])
def test_a_broken_array_cannot_be_read_at_all(text):
    with pytest.raises(ValueError, match=r"Expecting|NaN|deeply"):
        array(text)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (' {"a": 1}\n', {"a": 1}),
        ("{broken", None),
        ('["a"]', None),
        ("text", None),
        ("", None),
        ("{" * 100_000, None),
    ],
)
def test_an_object_is_known_from_a_line_of_text(line, value):
    assert json_object(line) == value


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("null", "null"),
        ("true", "a boolean"),
        ("1", "a number"),
        ("1.5", "a number"),
        ('"a"', "a string"),
        ("[]", "an array"),
        ("{}", "an object"),
    ],
)
def test_values_are_called_what_json_calls_them(text, name):
    assert kind(json.loads(text)) == name
