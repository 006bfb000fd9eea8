"""Tokens on a terminal: two colours in turn, ids below, special ones dim."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console
from screens import CODES, LABELS

from tfcli.core.record import Columns
from tfcli.views import console_for
from tfcli.views.tokens import view

COLUMNS = Columns(("index", "text"), ("tokens",))
ERROR = {"type": "empty", "message": "the text is empty", "file": "in.txt", "line": 2}


def record(*tokens, special=(), text="it", **more):
    ids = list(range(100, 100 + len(tokens)))
    marks = [token in special for token in tokens]
    return {"index": 0, "text": text, "tokens": [*tokens], "ids": ids, "special": marks, **more}


def shown(one, width=60, columns=COLUMNS):
    console = Console(file=io.StringIO(), width=width, color_system=None)
    return "".join(view([one], columns, console))


def test_pieces_ids_and_how_many():
    assert shown(record("[CLS]", "it", "##s", "[SEP]", special=("[CLS]", "[SEP]"))) == (
        "[CLS] it  ##s [SEP]\n100   101 102 103\n4 tokens, 2 of them special\n\n"
    )


def test_one_token_is_one():
    assert shown(record("a")).splitlines()[2] == "1 token"


def test_neighbours_have_two_colours_and_special_tokens_none():
    one = record("[CLS]", "a", "b", "c", special=("[CLS]",))
    line = "".join(view([one], COLUMNS, console_for(io.StringIO(), "always"))).splitlines()[0]
    assert line.split(" ") == [
        "\x1b[2m[CLS]\x1b[0m",
        "\x1b[30;103ma\x1b[0m",
        *[""] * 2,
        "\x1b[30;106mb\x1b[0m",
        *[""] * 2,
        "\x1b[30;103mc\x1b[0m",
    ]


@pytest.mark.parametrize("width", [1, 20, 80])
def test_nothing_in_a_token_acts_and_lines_keep_the_width(width):
    screen = "".join(view([record(*LABELS)], COLUMNS, Console(file=io.StringIO(), width=width)))
    assert not set("\x1b\u202e") & set(CODES.sub("", screen))
    assert all(cell_len(line) <= width for line in screen.splitlines()[:-2])


def test_kept_columns_stand_above():
    columns = Columns(("index", "text", "id"), COLUMNS.results)
    assert shown(record("a", id=7), columns=columns).startswith("7\na\n")


@pytest.mark.parametrize("text", ["[b]it", None])
def test_a_failed_example_says_what_is_wrong_and_where(text):
    failed = {"index": 0, "text": text, "tokens": None, "error": ERROR}
    assert shown(failed) == f"{text or ''}\n  error  in.txt:2: the text is empty\n"


def test_records_are_shown_as_they_come():
    def live():
        yield record("a")
        raise AssertionError("asked too early")

    lines = view(live(), COLUMNS, Console(file=io.StringIO(), width=80))
    assert "token" in "".join(next(lines) for _ in range(3))
