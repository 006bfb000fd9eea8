import io

import pytest
from rich.console import Console

from tfcli.core.record import Columns
from tfcli.views.table import view

COLUMNS = Columns(("index", "text"), ("label", "score"))
ERROR = {"type": "empty", "message": "the text is empty", "file": "in.txt", "line": 2}


def shown(records, columns=COLUMNS, width=70, **console):
    console = Console(file=io.StringIO(), width=width, color_system=None, **console)
    return "".join(view(records, columns, console))


def record(text, label="A", score=0.5):
    return {"index": 0, "text": text, "label": label, "score": score}


def test_a_header_and_a_line_for_each_record():
    assert shown([record("a text"), record("学习", None, 2)]) == (
        "index   text                          label           score\n"
        "0       a text                        A               0.5000        \n"
        "0       学习                                          2             \n"
    )


def test_the_header_is_there_before_the_first_record():
    lines = view(iter([]), COLUMNS, Console(file=io.StringIO(), width=70))
    assert next(lines).split() == ["index", "text", "label", "score"]
    assert list(lines) == []


def test_a_failed_example_shows_its_text_and_what_is_wrong_where():
    failed = {"index": 1, "text": " ", "label": None, "score": None, "error": ERROR}
    assert shown([failed]).splitlines()[1] == (
        "1                                     in.txt:2: the text is empty"
    )


def test_an_error_of_an_argument_has_no_place():
    error = {**ERROR, "file": None, "line": None}
    failed = {"index": 1, "text": "x", "label": None, "score": None, "error": error}
    assert shown([failed]).splitlines()[1].split(maxsplit=2)[2] == "the text is empty"


def test_long_texts_are_cut_to_their_column():
    line = shown([record("word " * 99)]).splitlines()[1]
    assert line == "0       word word word word word wo…  A               0.5000        "


def test_nested_values_are_shown_as_json():
    columns = Columns(("index",), ("answers",))
    assert shown([{"index": 0, "answers": ["学", 1]}], columns).splitlines()[1] == (
        '0       ["学", 1]     '
    )


@pytest.mark.parametrize("width", [1, 10, 40, 200])
def test_a_record_is_one_line_on_any_terminal(width):
    text = shown([record("two\nlines " * 50)], width=width)
    assert text.count("\n") == 2
    assert max(map(len, text.splitlines())) <= width


def test_markup_and_escape_codes_are_data():
    line = shown([record("[bold]x[/] \x1b[31m :smile:")], width=100).splitlines()[1]
    assert "[bold]x[/] ␛[31m :smile:" in line
