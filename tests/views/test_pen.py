import io
import re

import pytest
from rich.console import Console

from tfcli.views import console_for
from tfcli.views.pen import NARROWEST, Pen
from tfcli.views.scale import LEVELS, heat_color

LAST, FIRST = ("{};{};{}".format(*heat_color(level)) for level in (LEVELS, 1))


def pen(system=None, width=60, **more):
    terminal = system is not None
    return Pen(
        Console(
            file=io.StringIO(), width=width, color_system=system, force_terminal=terminal, **more
        )
    )


def test_text_has_a_style_where_there_are_colours():
    assert pen("truecolor")("x", "bold cyan") == "\x1b[1;36mx\x1b[0m"
    assert pen("truecolor")("x") == "x"
    assert pen()("x", "bold cyan") == "x"


def test_no_color_leaves_bold_only():
    bare = pen("truecolor", no_color=True)
    assert bare("x", "bold cyan") == "\x1b[1mx\x1b[0m"
    assert bare.cells("ab", [1, LEVELS]) == "ab"
    assert bare.heat_bar() == "·░▒▓█"
    assert not bare.coloured


def test_cells_of_one_level_are_one_piece():
    assert pen("truecolor").cells(["a ", "b ", "c", " "], [LEVELS, LEVELS, 1, 0]) == (
        f"\x1b[38;2;0;0;0;48;2;{LAST}ma b \x1b[0m\x1b[38;2;255;255;255;48;2;{FIRST}mc\x1b[0m "
    )
    assert pen().cells(["a ", "b ", "c", " "], [LEVELS, LEVELS, 1, 0]) == "a b c "


def test_a_picture_has_two_pixels_a_cell():
    top = LEVELS
    assert pen("truecolor").picture(
        [[top, top, 0, 1, 0], [0, 0, top, top, 0], [1, 0, 0, 0, 0]]
    ) == [
        f"\x1b[38;2;{LAST}m▀▀\x1b[0m\x1b[38;2;{LAST}m▄\x1b[0m"
        f"\x1b[38;2;{FIRST};48;2;{LAST}m▀\x1b[0m ",
        f"\x1b[38;2;{FIRST}m▀\x1b[0m    ",
    ]


@pytest.mark.parametrize(
    ("system", "code"), [("truecolor", "48;2;"), ("256", "48;5;"), ("standard", "10")]
)
def test_each_console_gets_its_own_codes(system, code):
    assert code in pen(system).cells("x", [LEVELS])  # and not those of the console before it


def test_an_output_that_was_asked_to_have_colours_has_16():
    always = Pen(console_for(io.StringIO(), "always"))
    assert always.cells("ab", [1, LEVELS]) == "\x1b[97;44ma\x1b[0m\x1b[30;103mb\x1b[0m"


def test_signs_are_colours_or_characters():
    shown = pen("truecolor").signed([-LEVELS, -LEVELS, 0, LEVELS], 2)
    assert shown == (
        "\x1b[48;2;255;150;40m    \x1b[0m\x1b[48;2;38;38;38m  \x1b[0m\x1b[48;2;79;163;255m  \x1b[0m"
    )
    assert pen().signed([-LEVELS, -LEVELS, 0, LEVELS], 2) == "-9-9 ·+9"


def test_bars_show_all_levels_from_one_end_to_the_other():
    backgrounds = re.findall(r"48;2;([\d;]+)m", pen("truecolor").heat_bar())
    assert len(backgrounds) == len(set(backgrounds)) == 16
    assert backgrounds[0] == FIRST
    signed = pen("truecolor").signed_bar()
    assert signed.startswith("- \x1b[48;2;255;150;40m ")
    assert signed.endswith("\x1b[48;2;79;163;255m \x1b[0m +")
    assert (pen().heat_bar(), pen().signed_bar()) == ("·░▒▓█", "-9 · +9")


def test_a_legend_takes_the_lines_it_needs():
    words = "12 words that do not fit beside it"
    assert "".join(pen(width=40).legend("0", "·░▒▓█", words)) == (
        "0 ·░▒▓█ 12 words that do not fit beside\nit\n"
    )
    coloured = pen("truecolor", 40)
    assert list(coloured.legend("0", coloured("xy", "red"), "1")) == [
        "\x1b[2m0 \x1b[0m\x1b[31mxy\x1b[0m\x1b[2m 1\x1b[0m\n"
    ]


def test_a_note_beside_a_heading_goes_below_it_where_there_is_no_room():
    assert list(pen(width=40).heading("t" * 20, "n" * 18)) == [f"{'t' * 20}  {'n' * 18}\n"]
    assert list(pen(width=40).heading("t" * 20, "n" * 19)) == [f"{'t' * 20}\n", f"{'n' * 19}\n"]


def test_lines_have_a_least_width():
    assert pen(width=7).width == NARROWEST
    assert pen(width=77).width == 77
