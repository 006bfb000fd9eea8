"""Tokens with numbers below them: aligned, in as many lines as they take."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console
from screens import LABELS

from tfcli.views import console_for
from tfcli.views.interlinear import Cell, interlinear


def screen(cells, width=80):
    console = Console(file=io.StringIO(), width=width, color_system=None)
    return "".join(interlinear(cells, console))


def test_the_wider_of_both_is_the_width():
    assert screen([Cell("it", "2009"), Cell("unhappy", "7"), Cell("!", "0")]) == (
        "it   unhappy !\n2009 7       0\n"
    )


def test_what_does_not_fit_goes_on_below():
    assert screen([Cell("one", "1"), Cell("two", "2"), Cell("three", "3")], width=8) == (
        "one two\n1   2\n\nthree\n3\n"
    )


def test_nothing_is_nothing():
    assert screen([]) == ""


def test_spaces_and_newlines_are_seen_and_wide_characters_are_aligned():
    assert screen([Cell(" a\n", "1"), Cell("好", "2"), Cell("b", "3")]) == "␣a⏎ 好 b\n1   2  3\n"


@pytest.mark.parametrize("width", [1, 5, 20, 80])
def test_no_label_breaks_the_lines(width):
    text = screen([Cell(label, str(i)) for i, label in enumerate(LABELS)], width)
    lines = text.removesuffix("\n").split("\n")
    assert all(cell_len(line) <= width for line in lines)
    assert lines[2::3] == [""] * len(lines[2::3])
    assert not set("\x1b\u202e") & set(text)


def test_only_the_token_is_in_its_style():
    console = console_for(io.StringIO(), "always")
    above, below = "".join(interlinear([Cell("a", "100", "black on cyan")], console)).splitlines()
    assert above == "\x1b[30;46ma\x1b[0m"
    assert below == "\x1b[2m100\x1b[0m"
