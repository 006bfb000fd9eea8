"""Filled blanks on a terminal: the text, a bar for each candidate."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from tfcli.core.record import Columns
from tfcli.views import console_for
from tfcli.views.fill import view

COLUMNS = Columns(("index", "text"), ("filled", "token", "score", "masks"))
ERROR = {"type": "mask", "message": "nothing to fill", "file": "in.txt", "line": 2}


def candidate(token, score):
    return {"token": token, "id": 1, "score": score, "filled": ""}


GOOD = [candidate("good", 0.5), candidate(" bad", 0.25)]


def record(filled="A good dog.", *masks, **more):
    return {"index": 0, "text": "A [MASK]", "filled": filled, "masks": masks or [GOOD], **more}


def shown(one, width=60, columns=COLUMNS):
    """What a terminal without colours shows."""
    console = Console(file=io.StringIO(), width=width, color_system=None)
    lines = "".join(view([one], columns, console)).split("\n")
    return "\n".join(line.rstrip() for line in lines)


def test_the_text_and_its_candidates():
    assert shown(record()) == (
        "A good dog.\n"
        "  good              ██████████░░░░░░░░░░  0.5000\n"
        "  ␣bad              █████░░░░░░░░░░░░░░░  0.2500\n"
        "\n"
    )


def test_several_masks_have_headings():
    screen = shown(record("a b", GOOD, GOOD))
    assert [line for line in screen.splitlines() if "mask" in line] == [
        "  mask 1 of 2",
        "  mask 2 of 2",
    ]


@pytest.mark.parametrize("width", [1, 20, 44, 60, 200])
@pytest.mark.parametrize("filler", ["word " * 99, "深度学习" * 99])
def test_a_long_text_goes_on_in_the_next_line(filler, width):
    screen = shown(record(filler + "END"), width)
    assert "END" in screen.replace("\n", "")
    assert all(cell_len(line) <= max(2, width) for line in screen.splitlines())


def test_nothing_in_text_or_token_acts():
    screen = shown(record("\x1b[31m[red]", [candidate("[b]\x1b\u202e\n", 0.5)]))
    assert "␛[31m[red]" in screen
    assert "[b]␛<U+202E>␊" in screen


def test_kept_columns_stand_before_the_text():
    columns = Columns(("index", "text", "id"), COLUMNS.results)
    assert shown(record(id=7), columns=columns).startswith("7 A good dog.\n")


@pytest.mark.parametrize("text", ["A dog", None])
def test_a_failed_example_says_what_is_wrong_and_where(text):
    failed = {"index": 0, "text": text, "filled": None, "masks": None, "error": ERROR}
    assert shown(failed) == f"{text or ''}\n  error  in.txt:2: nothing to fill\n"


def test_bars_are_green():
    screen = "".join(view([record()], COLUMNS, console_for(io.StringIO(), "always")))
    assert "good              \x1b[32m██" in screen


def test_records_are_shown_as_they_come():
    def live():
        yield record()
        raise AssertionError("asked too early")

    lines = view(live(), COLUMNS, Console(file=io.StringIO(), width=80))
    assert "0.2500" in "".join(next(lines) for _ in range(3))
