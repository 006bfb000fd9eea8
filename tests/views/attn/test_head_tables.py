import io

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console
from screens import CODES

from tfcli.views.attn.head_tables import patterns, table
from tfcli.views.pen import Pen

VALUES = np.array([[0.5, 1.25], [6.238, 0]], np.float32)
BRIGHT = "\x1b[38;2;0;0;0;48;2;253;231;37m"
TWELVE = list(range(12))


def pen(width=60, system=None):
    console = Console(
        file=io.StringIO(), width=width, color_system=system, force_terminal=system is not None
    )
    return Pen(console)


def test_entropy_in_nats():
    assert "".join(table(pen(), "entropy", VALUES, [3, 11], [0, 5])) == (
        "entropy in nats  layers down, heads across\n"
        "        0       5\n"
        " 3   0.50    1.25\n"
        "11   6.24    0.00\n"
    )


def test_distance_in_tokens():
    assert "".join(table(pen(), "distance", VALUES[:1] * 80, ["mean"], [0, 1])) == (
        "mean distance in tokens  layers down, heads across\n"
        "          0       1\n"
        "mean   40.0   100.0\n"
    )


def test_colours_reach_to_the_highest_value():
    lines = list(table(pen(system="truecolor"), "entropy", VALUES, [3, 11], [0, 5]))
    assert lines[3] == f"11{BRIGHT}   6.24 \x1b[0m   0.00\n"
    assert CODES.sub("", lines[-1]) == f"0 {' ' * 16} 6.24 the highest value here\n"


def test_a_table_that_is_too_wide_is_drawn_in_bands():
    values = np.arange(24).reshape(2, 12) / 10
    assert "".join(table(pen(40), "entropy", values, [0, 1], TWELVE)) == (
        "entropy in nats\n"
        "layers down, heads across\n"
        "     0     1     2     3     4     5\n"
        "0 0.00  0.10  0.20  0.30  0.40  0.50\n"
        "1 1.20  1.30  1.40  1.50  1.60  1.70\n"
        "     6     7     8     9    10    11\n"
        "0 0.60  0.70  0.80  0.90  1.00  1.10\n"
        "1 1.80  1.90  2.00  2.10  2.20  2.30\n"
    )


def test_twelve_heads_fit_80_columns():
    values = np.full((12, 12), 99.9, np.float32)
    lines = list(table(pen(80), "distance", values, TWELVE, TWELVE))
    assert len(lines) == 14
    assert lines[1].split() == list(map(str, TWELVE))


def test_the_strongest_heads_of_each_pattern():
    found = {
        "previous": VALUES / 7,
        "separator": np.array([[0.1, 0.1], [0.3, 0.2]], np.float32),
    }
    assert "".join(patterns(pen(60), found, [3, 11], [0, 5])) == (
        "patterns  layer.head and its mean weight, the 5 strongest\n"
        "previous   11.0 0.89  3.5 0.18  3.0 0.07  11.5 0.00\n"
        "separator  11.0 0.30  11.5 0.20  3.0 0.10  3.5 0.10\n"
    )
    assert list(patterns(pen(40), found, [3, 11], [0, 5]))[-1] == (
        "separator  11.0 0.30  11.5 0.20\n"
    )


def test_of_a_pattern_five_heads_are_named():
    (_, line) = patterns(pen(80), {"next": np.eye(12, dtype=np.float32)}, TWELVE, TWELVE)
    assert line == "next  0.0 1.00  1.1 1.00  2.2 1.00  3.3 1.00  4.4 1.00\n"


def test_colours_of_patterns_reach_from_0_to_1():
    found = {"same": np.array([[1.0, 0.01]], np.float32)}
    (_, line) = patterns(pen(80, "truecolor"), found, ["mean"], [0, 1])
    assert line == (
        f"same  mean.0 {BRIGHT}1.00\x1b[0m  mean.1 \x1b[38;2;255;255;255;48;2;68;1;84m0.01\x1b[0m\n"
    )


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("system", [None, "truecolor"])
def test_no_line_is_wider_than_the_terminal(width, system):
    values = np.random.default_rng(0).random((24, 32), np.float32)
    layers, heads = list(range(24)), list(range(32))
    screen = "".join(table(pen(width, system), "distance", values * 500, layers, heads))
    found = dict.fromkeys(["separator", "first"], values)
    screen += "".join(patterns(pen(width, system), found, layers, heads))
    assert ("\x1b" in screen) == (system is not None)
    assert max(map(cell_len, CODES.sub("", screen).splitlines())) <= width
