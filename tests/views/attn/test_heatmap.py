import io
import re

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console
from screens import CODES

from tfcli.core.characters import visible
from tfcli.views.attn.heatmap import heatmap
from tfcli.views.pen import Pen

AWKWARD = ["[red]", "👩‍👩‍👧", "\x1b[2J", "e\u0301\u200b", "深度学习", "", "\ud800", "🇩🇪❤️"]


def drawn(weights, queries, keys=None, width=80, system=None, second=()):
    keys = queries if keys is None else keys
    console = Console(
        file=io.StringIO(), width=width, color_system=system, force_terminal=system is not None
    )
    segments = {
        "queries": [int(q in second) for q in queries],
        "keys": [int(k in second) for k in keys],
    }
    weights = np.asarray(weights, np.float32)
    return "".join(heatmap(Pen(console), weights, queries, keys, segments))


def softmax(queries, keys, causal=False):
    scores = np.random.default_rng(0).normal(0, 3, (queries, keys))
    if causal:
        scores[np.triu(np.ones((queries, keys), bool), 1)] = -np.inf
    weights = np.exp(scores)
    return weights / weights.sum(1, keepdims=True)


def backgrounds(line):
    return re.findall(r"48;2;(\d+;\d+;\d+)m", line)


def test_a_small_map():
    assert drawn([[0.9, 0.1], [0.004, 0.996]], ["[CLS]", "dog"]) == (
        "        [CLS]  dog\n"
        "           0     1\n"
        "0 [CLS]   90    10\n"
        "1 dog      ·   100\n"
        "numbers in percent, the highest weight is 1\n"
    )


def test_one_token():
    assert drawn([[1]], ["a"]).splitlines()[:3] == ["     a", "      0", "0 a 100"]


def test_labels_stand_upright_where_they_do_not_fit():
    keys = [*"vwxy12", " strange", " animals"]
    assert drawn(np.eye(2, 8), ["a", "b"], keys, width=42) == (
        "                             ␣   ␣\n"
        "                             s   a\n"
        "                             t   n\n"
        "                             r   i\n"
        "                             a   m\n"
        "                             n   a\n"
        "                             g   l\n"
        "     v   w   x   y   1   2   e   s\n"
        "      0   1   2   3   4   5   6   7\n"
        "0 a 100\n"
        "1 b     100\n"
        "numbers in percent, the highest weight is\n"
        "1; empty: exactly 0\n"
    )


def test_of_a_causal_map_the_triangle_is_seen():
    tokens = ["a", "b", "c"]
    weights = [[1, 0, 0], [0.5, 0.5, 0], [0.001, 0.009, 0.99]]
    assert drawn(weights, tokens).splitlines()[2:5] == [
        "0 a 100",
        "1 b  50  50",
        "2 c   ·   1  99",
    ]
    lines = drawn(weights, tokens, system="truecolor").splitlines()[2:5]
    assert [len(backgrounds(line)) for line in lines] == [1, 1, 2]
    assert [cell_len(CODES.sub("", line)) for line in lines] == [8, 12, 16]


def test_chinese_labels_are_two_cells_wide():
    assert drawn([[1, 0], [0.25, 0.75]], list("深度")) == (
        "      深  度\n"
        "       0   1\n"
        "0 深 100\n"
        "1 度  25  75\n"
        "numbers in percent, the highest weight is 1; empty: exactly 0\n"
    )


def test_colours_reach_from_the_smallest_to_the_highest_weight():
    screen = drawn([[0.01, 0.6], [0.3, 0.3]], ["a", "b"], system="truecolor")
    first, second, scale = screen.splitlines()[2:]
    assert len(set(backgrounds(first))) == 2
    assert len(set(backgrounds(second))) == 1
    assert backgrounds(first) == [backgrounds(scale)[0], backgrounds(scale)[-1]]
    assert CODES.sub("", scale) == (f"0 {' ' * 16} 0.6 highest weight here; numbers in percent")


TOKENS = [f"{number:02}" for number in range(24)]


@pytest.mark.parametrize(
    ("width", "cells"),
    [
        (200, "  ·  90" + "   ·" * 22),
        (102, "  ·  90" + "   ·" * 22),
        (101, "···███" + "···" * 22),
        (78, "···███" + "···" * 22),
        (77, "··██" + "··" * 22),
        (40, "·█" + "·" * 22),
    ],
)
def test_cells_get_narrow_before_there_are_pages(width, cells):
    weights = np.eye(24) * 0.9 + 0.004
    assert f" 1 01 {cells}" in drawn(weights, TOKENS, width=width).splitlines()


@pytest.mark.parametrize(("width", "cell"), [(102, " 90 "), (78, " 90"), (77, "  "), (40, " ")])
def test_with_colours_there_are_numbers_in_three_cells(width, cell):
    screen = drawn(np.eye(24) * 0.9 + 0.004, TOKENS, width=width, system="truecolor")
    assert f"48;2;253;231;37m{cell}\x1b[0m" in screen
    assert ("percent" in screen) == ("9" in cell)


def test_a_map_that_is_too_wide_has_pages_of_keys():
    keys = [*"abcdefghi", *"ABCDEFGHI"] * 4
    weights = np.zeros((2, 72))
    weights[0, [0, 40]] = 0.5
    weights[1, 71] = 1
    assert drawn(weights, ["x", "y"], keys, width=40) == (
        "keys 0–35 of 72\n"
        "    abcdefghiABCDEFGHIabcdefghiABCDEFGHI\n"
        "    0    5    10   15   20   25   30\n"
        "0 x ▒\n"
        "1 y\n"
        "keys 36–71 of 72\n"
        "    abcdefghiABCDEFGHIabcdefghiABCDEFGHI\n"
        "        40   45   50   55   60   65   70\n"
        "0 x     ▒\n"
        "1 y                                    █\n"
        "0 ·░▒▓█ 1 highest weight here; empty:\n"
        "exactly 0\n"
    )


def test_a_page_without_any_weight_has_no_rows():
    screen = drawn(np.eye(2, 80), ["x", "y"], ["a"] * 80, width=50)
    assert "   75\nqueries 0–1: exactly 0\n0 ·░" in screen


def test_pages_leave_out_the_queries_that_come_before_their_keys():
    screen = drawn(softmax(80, 80, causal=True), ["a"] * 80, width=50)
    pages = screen.split("keys ")[1:]
    assert [page.split("\n")[0] for page in pages] == ["0–39 of 80", "40–79 of 80"]
    assert [page.count(" a ") for page in pages] == [80, 40]
    assert "queries 0–39: exactly 0\n40 a " in pages[1]
    assert "queries" not in pages[0]


def test_a_row_without_weights_stays_empty():
    lines = drawn([[0, 0], [0.2, 0.8]], ["a", "b"], system="truecolor").splitlines()
    assert CODES.sub("", lines[2]) == "0 a"
    assert not backgrounds(lines[2])
    assert drawn([[0, 0], [0, 0]], ["a", "b"]).splitlines()[2:4] == ["0 a", "1 b"]


def test_a_cross_map_has_keys_of_its_own():
    assert drawn([[0.25, 0.75, 0.001]], ["Tier"], ["the", "animal", "."]) == (
        "         the  animal    .\n"
        "           0      1      2\n"
        "0 Tier    25     75      ·\n"
        "numbers in percent, the highest weight is 0.75\n"
    )


def test_tokens_of_the_second_text_have_another_colour():
    screen = drawn(np.eye(2), ["a", "b"], system="truecolor", second="b")
    assert screen.count("\x1b[36m b  \x1b[0m") == 1
    assert "\x1b[36mb\x1b[0m " in screen
    assert "36m" not in drawn(np.eye(2), ["a", "b"], system="truecolor")


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("system", [None, "truecolor", "standard"])
@pytest.mark.parametrize("labels", [AWKWARD, AWKWARD * 12, [" word"] * 100, ["深"]])
def test_no_line_is_wider_than_the_terminal(width, system, labels):
    screen = drawn(softmax(len(labels), len(labels)), labels, width=width, system=system)
    assert ("\x1b" in screen) == (system is not None)
    lines = CODES.sub("", screen).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert all(visible(line) == line for line in lines)
    assert "highest weight" in screen
    starts = [line for line in lines if re.match(r" *\d+ ", line) and not line.startswith("0 ·")]
    assert len(starts) >= len(labels)


def test_labels_are_no_markup():
    assert "\n0 [red]  100\n" in drawn([[1]], ["[red]"])


@pytest.mark.parametrize(("width", "pages"), [(40, 16), (80, 7), (200, 3)])
def test_512_tokens(width, pages):
    lines = drawn(softmax(512, 512), ["a"] * 512, width=width).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert len([line for line in lines if line.startswith("511 a ")]) == pages
