import io
import re

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console
from screens import CODES

from tfcli.views.attn.multiples import multiples
from tfcli.views.pen import Pen

BRIGHT, MIDDLE = "253;231;37", "36;140;140"
DIAGONAL = np.eye(4, dtype=np.float32)
FIRST = np.eye(1, 4, dtype=np.float32).repeat(4, 0)
CAUSAL = (np.tril(np.ones((4, 4))) / np.arange(1, 5)[:, None]).astype(np.float32)
FOUR = np.array([[DIAGONAL, FIRST], [CAUSAL, DIAGONAL / 2]])


def drawn(attention, layers, heads, width=60, system=None):
    console = Console(
        file=io.StringIO(), width=width, color_system=system, force_terminal=system is not None
    )
    return "".join(multiples(Pen(console), np.asarray(attention), layers, heads))


def random(layers, heads, queries, keys=None):
    shape = layers, heads, queries, keys or queries
    return np.random.default_rng(0).random(shape, np.float32) + 0.01


def pixels(line):
    """How many pixels wide the pictures of a line are."""
    return list(map(len, re.findall("[▀▄]+", CODES.sub("", line))))


def test_layers_down_and_heads_across():
    assert drawn(FOUR, [3, 11], [0, 5]) == (
        "layers down, heads across\n"
        "    0    5\n"
        "   ██   █\n"
        "3    ██ █\n"
        "\n"
        "   █▒   ██\n"
        "11 ░░░░   ██\n"
        "\n"
        "0 ·░▒▓█ the highest weight of each picture; a block of\n"
        "tokens by its highest weight; empty: exactly 0\n"
        "one head: --layer 11 --head 5\n"
    )


def test_with_colours_a_cell_has_two_pixels():
    screen = drawn(FOUR, [3, 11], [0, 5], system="truecolor")
    plain = CODES.sub("", screen)
    assert plain.split("\n0 ")[0] == (
        "layers down, heads across\n    0    5\n   ▀▄   ▀\n3    ▀▄ ▀\n\n   ▀▄   ▀▄\n11 ▀▀▀▄   ▀▄\n"
    )
    assert screen.splitlines()[5] == (  # the triangle, and a diagonal as bright as that of layer 3
        f"   \x1b[38;2;{BRIGHT};48;2;{MIDDLE}m▀\x1b[0m\x1b[38;2;{MIDDLE}m▄\x1b[0m   "
        f"\x1b[38;2;{BRIGHT}m▀\x1b[0m\x1b[38;2;{BRIGHT}m▄\x1b[0m"
    )
    assert "block" not in plain  # there is a pixel for each token


def test_layers_of_one_head_stand_side_by_side():
    assert drawn(FOUR[:, :1], [3, 11], ["mean"], width=80) == (
        "heads down, layers across\n"
        "      3    11\n"
        "     ██   █▒\n"
        "mean   ██ ░░░░\n"
        "\n"
        "0 ·░▒▓█ the highest weight of each picture; a block of tokens by its highest\n"
        "weight; empty: exactly 0\n"
    )


@pytest.mark.parametrize(
    ("layers", "heads", "hint"),
    [
        ([4], [0, 3], "one head: --layer 4 --head 3"),
        ([3, 4], [7], "one head: --layer 4 --head 7"),
        (["max"], [0, 3], None),
    ],
)
def test_the_hint_names_a_head_that_is_there(layers, heads, hint):
    screen = drawn(random(len(layers), len(heads), 4), layers, heads, width=80)
    last = screen.splitlines()[-1]
    assert last == hint if hint else "--layer" not in screen


@pytest.mark.parametrize(("width", "bands", "size"), [(40, 2, 5), (80, 1, 5), (132, 1, 9)])
def test_twelve_heads_fit_80_columns(width, bands, size):
    numbers = list(range(12))
    lines = drawn(random(12, 12, 30), numbers, numbers, width, "truecolor").splitlines()
    headers = [line for line in lines if re.fullmatch(r"[ \d]+", CODES.sub("", line))]
    assert len(headers) == bands
    assert " ".join(headers).split() == list(map(str, numbers))
    assert pixels(lines[2]) == [size] * (12 // bands)
    assert len([line for line in lines if "▀" in line]) == bands * 12 * (size + 1) // 2


@pytest.mark.parametrize(("width", "size"), [(40, (17, 18)), (80, (37, 38)), (200, (60, 60))])
def test_fewer_heads_have_larger_pictures_up_to_a_pixel_for_a_token(width, size):
    lines = drawn(random(1, 2, 60), [4], [0, 1], width, "truecolor").splitlines()
    height, across = size
    assert pixels(lines[2]) == [across, across]
    assert len([line for line in lines if "▀" in line]) == (height + 1) // 2


def test_many_layers_make_smaller_pictures_rather_than_a_long_way_down():
    screen = drawn(random(12, 2, 90), list(range(12)), [0, 1], 200, "truecolor")
    assert 100 < len(screen.splitlines()) < 130


def test_pictures_of_few_tokens_stand_below_the_numbers_of_their_heads():
    assert drawn(np.ones((2, 3, 1, 1)), [0, 1], [9, 10, 11]).splitlines()[1:6] == [
        "  9  10 11",
        "0 █  █  █",
        "",
        "1 █  █  █",
        "",
    ]


def test_a_block_has_its_highest_weight_and_a_picture_its_own_scale():
    weights = np.full((1, 2, 40, 40), 0.01, np.float32)
    weights[0, 0, 39, 0] = 0.9
    weights[0, 1] = 0.02
    lines = drawn(weights, [0], [0, 1], 40).splitlines()
    assert lines[2:9] == [f"{name} {'·' * 18} {'█' * 18}" for name in "    0  "]
    assert lines[10] == f"  █{'·' * 17} {'█' * 18}"


def test_a_cross_map_keeps_its_shape():
    lines = drawn(random(1, 2, 3, 9), [0], [0, 1], 80, "truecolor").splitlines()
    assert [CODES.sub("", line) for line in lines[2:4]] == [
        "0 ▀▀▀▀▀▀▀▀▀ ▀▀▀▀▀▀▀▀▀",
        "  ▀▀▀▀▀▀▀▀▀ ▀▀▀▀▀▀▀▀▀",
    ]
    assert "highest" in lines[4]


def test_a_head_without_any_weight_is_empty():
    screen = drawn(np.zeros((1, 2, 4, 4)), [0], [0, 1], system="truecolor")
    assert screen.splitlines()[2:5] == ["", "0", ""]


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("system", [None, "truecolor"])
@pytest.mark.parametrize(
    ("layers", "heads", "tokens"),
    [(12, 12, 128), (24, 16, 5), (1, 32, 1), (2, 1, 512), (3, 5, 7)],
)
def test_no_line_is_wider_than_the_terminal(layers, heads, tokens, width, system):
    numbers = list(range(layers)), list(range(heads)) if heads > 1 else ["mean"]
    screen = drawn(random(layers, heads, tokens), *numbers, width, system)
    assert ("\x1b" in screen) == (system is not None)
    assert max(map(cell_len, CODES.sub("", screen).splitlines())) <= width
