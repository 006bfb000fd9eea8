from itertools import pairwise

import numpy as np
import pytest
from rich.color import ColorSystem

from tfcli.views.scale import (
    LEVELS,
    heat_color,
    heat_style,
    levels,
    pooled,
    shade,
    signed_color,
    signed_levels,
    signed_shade,
    signed_style,
    starts,
)

ALL = range(1, LEVELS + 1)
WEIGHTS = (0.2126, 0.7152, 0.0722)


def brightness(color):
    red, green, blue = color
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_levels_go_from_the_smallest_weight_to_the_highest():
    values = np.array([[0, 1e-30, 0.25, 0.5]], np.float32)
    assert levels(values, 0.5).tolist() == [[0, 1, LEVELS // 2, LEVELS]]


def test_what_is_above_the_top_has_its_level():
    assert levels(np.array([1.00001, 7.0]), 1).tolist() == [LEVELS, LEVELS]


@pytest.mark.parametrize("top", [0.0, float("nan")])
def test_of_nothing_all_levels_are_0(top):
    assert levels(np.zeros((2, 3)), top).tolist() == [[0, 0, 0], [0, 0, 0]]


@pytest.mark.filterwarnings("error")
def test_what_is_no_number_is_nothing():
    values = np.array([np.nan, 1.0, -1.0], np.float32)
    assert levels(values, 1).tolist() == [0, LEVELS, 0]
    assert signed_levels(values, 1).tolist() == [0, LEVELS, -LEVELS]


def test_signed_levels_are_the_same_on_both_sides():
    assert signed_levels(np.array([-2.0, -1.0, 0.0, 1.0]), 2).tolist() == [-32, -16, 0, 16]


def test_a_block_has_its_highest_weight():
    weights = np.arange(12).reshape(3, 4)  # rows 0–3, 4–7, 8–11
    assert pooled(weights, 2, 2).tolist() == [[1, 3], [9, 11]]
    assert pooled(weights, 3, 4).tolist() == weights.tolist()
    assert pooled(weights, 1, 3).tolist() == [[8, 9, 11]]


@pytest.mark.parametrize(("count", "groups"), [(1, 1), (16, 5), (128, 15), (512, 97)])
def test_blocks_are_about_of_one_size(count, groups):
    sizes = np.diff([*starts(count, groups), count])
    assert len(sizes) == groups
    assert sizes.sum() == count
    assert sizes.max() - sizes.min() <= 1


def test_the_palette_starts_and_ends_as_viridis_and_gets_brighter_at_each_step():
    assert heat_color(1) == (0x44, 0x01, 0x54)
    assert heat_color(LEVELS) == (0xFD, 0xE7, 0x25)
    scale = [brightness(heat_color(level)) for level in ALL]
    assert all(low < high for low, high in pairwise(scale))


def test_signs_have_colours_that_get_stronger():
    red, _, blue = signed_color(LEVELS)
    assert blue > red
    red, _, blue = signed_color(-LEVELS)
    assert red > blue
    for sign in (1, -1):
        scale = [brightness(signed_color(sign * level)) for level in range(LEVELS + 1)]
        assert scale == sorted(scale)
        assert scale[0] < scale[-1] - 80


@pytest.mark.parametrize("level", ALL)
def test_numbers_can_be_read_on_every_colour(level):
    style = heat_style(level)

    def luminance(color):
        parts = [part / 255 for part in color.get_truecolor()]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return sum(part * share for part, share in zip(linear, WEIGHTS, strict=True))

    low, high = sorted((luminance(style.color), luminance(style.bgcolor)))
    assert (high + 0.05) / (low + 0.05) >= 4.5  # WCAG 2, AA


def test_nothing_has_no_colour():
    assert not heat_style(0)
    assert not heat_style(0, few=True)


def test_where_there_are_16_colours_none_is_grey():
    names = [heat_style(level, few=True).bgcolor.name for level in ALL]
    assert list(dict.fromkeys(names)) == ["blue", "cyan", "green", "yellow", "bright_yellow"]
    signed = [signed_style(level, few=True).bgcolor.name for level in (-32, -16, -1, 1, 16, 32)]
    assert signed == ["bright_yellow", "yellow", "black", "black", "blue", "bright_blue"]
    color = heat_style(LEVELS, few=True).bgcolor
    assert color.downgrade(ColorSystem.STANDARD) == color


def test_without_colour_there_are_five_shades():
    assert shade(0) == " "
    assert "".join(dict.fromkeys(map(shade, ALL))) == "·░▒▓█"


def test_without_colour_a_sign_has_a_size():
    shown = [signed_shade(level) for level in (-32, -16, -2, -1, 0, 1, 2, 16, 32)]
    assert shown == ["-9", "-4", "-1", " ·", " ·", " ·", "+1", "+4", "+9"]
