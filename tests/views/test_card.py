import io

import pytest
from rich.cells import cell_len
from screens import HARMLESS, HOSTILE, drawn

from tfcli.views import console_for
from tfcli.views.card import card, commands, lines, view

RECORD = {"index": 0, "model": "org/tiny", "last_used": "today", "bytes": 98052, "gone": None}


def shown(title, facts, width=80):
    console = console_for(io.StringIO(), "never")
    console.width = width
    return "".join(card(title, facts, console))


def test_a_card_for_each_record_under_the_first_of_its_columns():
    other = {**RECORD, "model": "org/other", "bytes": 7}
    assert drawn(view, RECORD, other) == (
        "org/tiny\n  last used  today\n  bytes      98,052\n"
        "org/other\n  last used  today\n  bytes      7\n"
    )


def test_what_is_not_known_is_left_out():
    assert shown("x", {"a": None, "b": "", "c": [], "d": {}, "e": 0, "f": False}) == (
        "x\n  e  0\n  f  no\n"
    )


def test_a_long_value_goes_on_below_itself():
    assert shown("x", {"what": "word " * 20}, width=40) == (
        "x\n"
        "  what  word word word word word word\n"
        "        word word word word word word\n"
        "        word word word word word word\n"
        "        word word\n"
    )


def test_nothing_is_cut_off():
    path = "/folder" * 30
    assert "".join(shown("x", {"path": path}).split()) == f"xpath{path}"


@pytest.mark.parametrize("width", [20, 80, 200])
def test_a_card_is_no_wider_than_the_terminal(width):
    facts = {"model type": "深度学习" * 20, "labels": ["x" * 30] * 9, "n": 10**9}
    text = shown("title", facts, width)
    assert max(map(cell_len, text.splitlines())) <= width
    assert "".join(text.split()).count("深") == 20


def test_what_could_act_is_made_visible():
    text = shown(HOSTILE, {HOSTILE: HOSTILE, "list": [HOSTILE], "map": {HOSTILE: [HOSTILE]}}, 120)
    assert text.count(HARMLESS) == 6


def test_never_has_no_codes_and_always_has():
    assert "\x1b" not in drawn(view, RECORD)
    assert "\x1b[1morg/tiny\x1b[0m" in drawn(view, RECORD, color="always")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("text", ["text"]),
        (True, ["yes"]),
        (22714756, ["22,714,756"]),
        (["MLM", "NSP"], ["MLM, NSP"]),
        ((1, None, "a"), ["1, a"]),
        ({"a": [1, 2], "b": "x"}, ["a: 1, 2", "b: x"]),
        (0.5, ["0.5"]),
    ],
)
def test_values_in_words(value, told):
    assert lines(value) == told


def typed(*words, width=80):
    console = console_for(io.StringIO(), "never")
    console.width = width
    return "".join(commands(list(words), console))


def test_commands_stand_below_each_other():
    assert typed("tfcli a", "tfcli b") == "  try  tfcli a\n       tfcli b\n"
    assert typed() == ""


@pytest.mark.parametrize("width", [20, 80])
def test_a_command_is_whole_on_any_terminal(width):
    command = "tfcli sentiment -m " + "n" * 90
    assert typed(command, width=width) == f"  try  {command}\n"


def test_a_command_with_what_could_act_does_not():
    assert typed(HOSTILE) == f"  try  {HARMLESS}\n"
