import io

import pytest
from rich.cells import cell_len
from rich.text import Text
from screens import HARMLESS, HOSTILE

from tfcli.views import console_for
from tfcli.views.listing import Column, heading, line, size

COLUMNS = (Column("name", 6), Column("year", 4), Column("what", 0))


def printed(*cells, width=40, color="never", **how):
    console = console_for(io.StringIO(), color)
    console.width = width
    return line(COLUMNS, [Text(cell) for cell in cells], console, **how)


def test_cells_stand_below_their_titles():
    console = console_for(io.StringIO(), "never")
    assert heading(COLUMNS, console) == "name    year  what\n"
    assert printed("bert", "2018", "reads") == "bert    2018  reads\n"


def test_what_is_too_long_is_cut():
    assert printed("a long name", "20188", "word " * 9) == (
        "a lon…  201…  word word word word word…\n"
    )


def test_the_last_cell_is_not_where_it_is_to_be_copied():
    name = "org/" + "n" * 60
    assert printed("a", "b", name, copied=True) == f"a       b     {name}\n"


def test_wide_characters_have_two_cells():
    assert printed("深度学习", "2018", "模型" * 20) == ("深度…   2018  模型模型模型模型模型模型…\n")


@pytest.mark.parametrize("copied", [False, True])
def test_what_could_act_is_made_visible(copied):
    assert printed("a", "b", HOSTILE, width=99, copied=copied) == f"a       b     {HARMLESS}\n"


@pytest.mark.parametrize("width", [1, 20, 80, 200])
def test_a_line_is_no_wider_than_the_terminal(width):
    shown = printed("name " * 9, "2018", "word " * 99, width=width)
    assert shown.count("\n") == 1
    assert cell_len(shown.rstrip("\n")) <= width


def test_a_style_is_kept():
    console = console_for(io.StringIO(), "always")
    shown = line(COLUMNS, [Text("a", "bold"), Text("b"), Text("c", "red")], console)
    assert shown.startswith("\x1b[1ma ")
    assert "\x1b[31mc\x1b[0m" in shown


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (14_650_000, "14.7 MB"),
        (2_000_000_000, "2.0 GB"),
    ],
)
def test_sizes_in_words(count, words):
    assert size(count) == words
