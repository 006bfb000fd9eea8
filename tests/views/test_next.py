"""What comes next on a terminal: the end of the text, a bar for each token."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from tfcli.core.record import Columns
from tfcli.views import console_for
from tfcli.views.next import view

COLUMNS = Columns(("index", "text"), ("likeliest", "next", "entropy"))
ERROR = {"type": "empty", "message": "the text is empty", "file": "in.txt", "line": 2}


def token(text, probability):
    return {"token": text, "text": text, "probability": probability}


def record(text="The dog", *tokens, **more):
    found = list(tokens or [token(" was", 0.5), token(" is", 0.25)])
    return {"index": 0, "text": text, "likeliest": "", "next": found, "entropy": 1.5, **more}


def console(width=60):
    return Console(file=io.StringIO(), width=width, color_system=None)


def shown(one, width=60, columns=COLUMNS):
    """What a terminal without colours shows."""
    lines = "".join(view([one], columns, console(width))).split("\n")
    return "\n".join(line.rstrip() for line in lines)


def test_text_tokens_and_entropy():
    assert shown(record()) == (
        "The dog\n"
        "  ␣was              ██████████░░░░░░░░░░  0.5000\n"
        "  ␣is               █████░░░░░░░░░░░░░░░  0.2500\n"
        "  entropy 1.50 nats\n"
        "\n"
    )


def test_what_was_asked_for_stands_behind_the_likeliest():
    screen = shown(record(of=[token(" ran home", 1.0), token(" x", 2e-7)]))
    assert screen.splitlines()[3:5] == [
        "  ␣ran␣home         ████████████████████  1.0000",
        "  ␣x                ░░░░░░░░░░░░░░░░░░░░   2e-07",
    ]


def test_lines_and_spaces_of_a_token_are_visible():
    assert "  ⏎⏎  " in shown(record("a", token("\n\n", 0.5)))
    assert "  ␣␣  " in shown(record("a", token("  ", 0.5)))


@pytest.mark.parametrize("width", [20, 41, 60, 200])
@pytest.mark.parametrize("filler", ["word " * 99, "深度学习" * 99, "👩‍👩‍👧 " * 50])
def test_of_a_long_text_the_end_is_shown(filler, width):
    text = filler + "END"
    line = shown(record(text), width).splitlines()[0]
    assert line.endswith("END")
    assert line.startswith("…") == (cell_len(text) > width - 2)
    assert cell_len(line) <= width


def test_a_text_of_many_lines_is_shown_on_one():
    assert shown(record("One\n\n two\tthree ")).startswith("One two three\n")


def test_a_long_token_is_cut():
    assert "  ␣continuations    █" in shown(record("a", token(" continuations", 0.5)))
    assert "  ␣continuations␣…  █" in shown(record("a", token(" continuations and more", 0.5)))


def test_nothing_in_text_or_token_acts():
    screen = shown(record("\x1b[31m[red]", token("[b]\x1b\u202e", 0.5)))
    assert not set("\x1b\u202e") & set(screen)
    assert "␛[31m[red]" in screen
    assert "[b]␛<U+202E>" in screen


def test_kept_columns_stand_before_the_text():
    columns = Columns(("index", "text", "id"), COLUMNS.results)
    assert shown(record(id=7), columns=columns).startswith("7 The dog\n")


@pytest.mark.parametrize("text", ["The dog", None])
def test_a_failed_example_says_what_is_wrong_and_where(text):
    failed = {"index": 0, "text": text, "next": None, "entropy": None, "error": ERROR}
    assert shown(failed) == f"{text or ''}\n  error  in.txt:2: the text is empty\n"


def test_likeliest_tokens_are_green_and_those_asked_for_cyan():
    one = record("a", token("b", 0.5), of=[token("c", 0.5)])
    screen = "".join(view([one], COLUMNS, console_for(io.StringIO(), "always")))
    assert "b                 \x1b[32m██" in screen
    assert "c                 \x1b[36m██" in screen


def test_records_are_shown_as_they_come():
    def live():
        yield record()
        raise AssertionError("asked too early")

    lines = view(live(), COLUMNS, console())
    assert "nats" in "".join(next(lines) for _ in range(4))
