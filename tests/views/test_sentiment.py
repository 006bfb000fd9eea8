import io

import pytest
from rich.console import Console

from tfcli.core.record import Columns
from tfcli.views import console_for
from tfcli.views.sentiment import view

COLUMNS = Columns(("index", "text"), ("label", "score"))
ERROR = {"type": "empty", "message": "the text is empty", "file": "in.txt", "line": 2}


def shown(record, width=80):
    """What a terminal without colours shows."""
    console = Console(file=io.StringIO(), width=width, color_system=None)
    return "".join(view([record], COLUMNS, console))


def record(text, label="POSITIVE", score=0.75, **more):
    return {"index": 0, "text": text, "label": label, "score": score, **more}


def failed(text):
    return record(text, None, None, error=ERROR)


def test_a_line_is_label_bar_score_and_text():
    assert shown(record("a good film")) == "POSITIVE      ████████░░  0.7500  a good film\n"


@pytest.mark.parametrize(
    ("score", "bar"),
    [
        (0.0, "░░░░░░░░░░  0.0000"),
        (1.0, "██████████  1.0000"),
        (3.2, "██████████  3.2000"),
        (-0.4, "░░░░░░░░░░  -0.4000"),
    ],
)
def test_the_bar_keeps_its_length_whatever_the_score(score, bar):
    assert shown(record("a", score=score)) == f"POSITIVE      {bar}  a\n"


@pytest.mark.parametrize(
    ("label", "code"),
    [("POSITIVE", 32), ("negative", 31), ("Neutral", 33), ("5 stars", 36), (None, 36)],
)
def test_labels_have_the_colours_one_expects(label, code):
    (line,) = view([record("a", label)], COLUMNS, console_for(io.StringIO(), "always"))
    assert line.startswith(f"\x1b[1;{code}m")
    assert f"\x1b[{code}m████████\x1b[0m\x1b[2m░░\x1b[0m" in line


def test_no_label_is_a_dash():
    assert shown(record("a", None)) == "—             ████████░░  0.7500  a\n"


def test_long_chinese_text_is_cut_to_the_terminal():
    assert shown(record("深度学习" * 20), width=60) == (
        "POSITIVE      ████████░░  0.7500  深度学习深度学习深度学习…\n"
    )


def test_a_long_label_is_cut():
    assert shown(record("a", "a very long label")).startswith("a very long…  ████")


def test_a_failed_example_says_what_is_wrong_and_where():
    assert shown(failed("x")) == "error         in.txt:2: the text is empty  x\n"


def test_a_failed_example_may_have_no_text():
    assert shown(failed(None)) == "error         in.txt:2: the text is empty  \n"


def test_an_error_is_red():
    (line,) = view([failed("x")], COLUMNS, console_for(io.StringIO(), "always"))
    assert line.startswith("\x1b[1;31merror       \x1b[0m  \x1b[31min.txt:2:")


def test_further_scores_have_lines_of_their_own():
    scores = [{"label": "POSITIVE", "score": 0.75}, {"label": "NEGATIVE", "score": 0.25}]
    assert shown(record("a good film", scores=scores)) == (
        "POSITIVE      ████████░░  0.7500  a good film\nNEGATIVE      ██░░░░░░░░  0.2500  \n"
    )


def test_no_score_above_the_threshold_is_one_line():
    assert shown(record("a", None, 0.4, scores=[])) == "—             ████░░░░░░  0.4000  a\n"


def test_markup_emoji_codes_and_escape_codes_are_data():
    assert shown(record("[bold]x[/] :smile: \x1b[31m\u202e\n", "[red]L[/]")) == (
        "[red]L[/]     ████████░░  0.7500  [bold]x[/] :smile: ␛[31m<U+202E>␊\n"
    )


@pytest.mark.parametrize("width", [1, 20, 44, 80, 300])
def test_a_record_is_one_line_on_any_terminal(width):
    for one in (record("word " * 99), failed("word " * 99)):
        line = shown(one, width)
        assert len(line.rstrip("\n")) <= width
        assert line.count("\n") == 1


def test_records_are_shown_as_they_come():
    def live():
        yield record("a")
        raise AssertionError("asked too early")

    lines = view(live(), COLUMNS, Console(file=io.StringIO(), width=80))
    assert "POSITIVE" in next(lines)
