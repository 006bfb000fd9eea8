import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from tfcli.core.record import Columns
from tfcli.views import console_for
from tfcli.views.similar import view

COLUMNS = Columns(("index", "text", "among"), ("match", "score"))
ERROR = {"type": "empty", "message": "the text is empty", "file": "in.txt", "line": 2}


def shown(record, width=80, columns=COLUMNS):
    console = Console(file=io.StringIO(), width=width, color_system=None)
    return "".join(view([record], columns, console))


def record(text, match="a dog", score=0.75, **more):
    return {
        "index": 0,
        "text": text,
        "among": "many\nlines",
        "match": match,
        "score": score,
        **more,
    }


def test_the_text_then_the_match():
    assert shown(record("a cat")) == "a cat\n  ███████████████░░░░░  0.7500  a dog\n"


def test_several_matches_have_a_line_each_and_say_which_of_the_list_they_are():
    matches = [
        {"text": "a dog", "line": 2, "score": 0.5},
        {"text": "a car", "line": 13, "score": -0.25},
    ]
    assert shown(record("a cat", matches=matches)) == (
        "a cat\n"
        "  ██████████░░░░░░░░░░  0.5000  2: a dog\n"
        "  ░░░░░░░░░░░░░░░░░░░░  -0.2500  13: a car\n"
    )


def test_a_failed_example_says_what_is_wrong_and_where():
    failed = record(None, None, None, error=ERROR)
    assert shown(failed) == "\n  error  in.txt:2: the text is empty\n"


def test_kept_columns_stand_before_the_text_and_the_candidates_nowhere():
    columns = Columns(("index", "text", "id", "among"), ("match", "score"))
    assert shown(record("a cat", id=7), columns=columns).startswith("7 a cat\n")


def test_markup_emoji_codes_and_escape_codes_are_data():
    hostile = "[bold]x[/] :smile: \x1b[31m\u202e\n😀"
    first, second = shown(record(hostile, hostile)).splitlines()
    assert first == "[bold]x[/] :smile: ␛[31m<U+202E> 😀"
    assert second.endswith("  0.7500  [bold]x[/] :smile: ␛[31m<U+202E> 😀")


@pytest.mark.parametrize("width", [1, 24, 44, 80, 300])
@pytest.mark.parametrize("text", ["word " * 99, "深度学习" * 99])
def test_lines_fit_any_terminal(width, text):
    matches = [{"text": text, "line": 100_000, "score": 0.5}]
    lines = shown(record(text, matches=matches), width).splitlines()
    assert len(lines) == 2
    assert all(cell_len(line) <= width for line in lines)


def test_long_chinese_matches_are_cut():
    line = shown(record("a", "深度学习" * 20), 60).splitlines()[1]
    assert line == "  ███████████████░░░░░  0.7500  深度学习深度学习深度学习…"


def test_colours_are_few():
    lines = list(view([record("a cat")], COLUMNS, console_for(io.StringIO(), "always")))
    assert lines[0].startswith("\x1b[1ma cat")
    assert "\x1b[32m███" in lines[1]


def test_records_are_shown_as_they_come():
    def live():
        yield record("a cat")
        raise AssertionError("asked too early")

    lines = view(live(), COLUMNS, Console(file=io.StringIO(), width=80))
    assert next(lines) == "a cat\n"
    assert "a dog" in next(lines)
