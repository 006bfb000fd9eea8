import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from tfcli.core.characters import visible
from tfcli.views.attn.labels import (
    centred,
    flat,
    is_wide,
    number,
    pages,
    place,
    rows,
    short,
    shown,
    ticks,
    upright,
)
from tfcli.views.pen import Pen

any_label = st.lists(
    st.characters(exclude_categories=())
    | st.sampled_from("ab 深度学习\u200d\ufe0f👩❤👍🏽e\u0301🇩🇪\u00ad…\x1b\n\u202e\ud800[]")
).map("".join)


def pen(width=80, system=None):
    terminal = system is not None
    return Pen(
        Console(file=io.StringIO(), width=width, color_system=system, force_terminal=terminal)
    )


@pytest.mark.parametrize(
    ("layers", "heads", "named"),
    [
        ([4], [3], "layer 4 · head 3"),
        ([0, 1, 2], [3], "3 layers · head 3"),
        ([4], ["mean"], "layer 4 · mean of heads"),
        (["max"], [0, 5], "max of layers · 2 heads"),
        (["rollout"], ["rollout"], "rollout"),
    ],
)
def test_heads_are_named(layers, heads, named):
    assert place(layers, heads) == named


@pytest.mark.parametrize(
    ("label", "seen"),
    [
        (" dog", "␣dog"),
        ("\n\n", "⏎⏎"),
        ("\t", "␉"),
        ("[red]", "[red]"),
        ("\x1b[31m", "␛[31m"),
        ("\u202e", "<U+202E>"),
        ("\u200b", "<U+200B>"),
        ("\ufe0f\u200d", "<U+FE0F><U+200D>"),
        ("", ""),
    ],
)
def test_a_label_can_be_seen_and_does_nothing(label, seen):
    assert shown(label) == seen


def test_a_long_label_is_cut():
    assert short(" continuation") == "␣continuati…"
    assert short("深度学习深度学习") == "深度学习深…"
    assert short("ab", 12) == "ab"


def test_rows_are_numbered_and_of_one_width():
    labels = ["a", "深度", *"cdefghij", " k"]
    lines, width = rows(pen(), labels, [0] * 11)
    assert width == 8
    assert lines[:3] == [" 0 a    ", " 1 深度 ", " 2 c    "]
    assert lines[10] == "10 ␣k   "


def test_labels_are_shorter_in_a_narrow_terminal():
    assert rows(pen(40), ["transformers"], [0]).lines == ["0 transform… "]


def test_the_second_text_has_another_colour():
    assert rows(pen(system="truecolor"), ["a", "b"], [0, 1]).lines == [
        "\x1b[2m0\x1b[0m a ",
        "\x1b[2m1\x1b[0m \x1b[36mb\x1b[0m ",
    ]
    assert list(flat(pen(system="truecolor"), ["a", "b"], [0, 1], 4)) == [" a  \x1b[36m b  \x1b[0m"]
    assert "\x1b[36m b  \x1b[0m" in next(upright(pen(system="truecolor"), "ab", [0, 1], 4))


@given(st.lists(any_label, min_size=1, max_size=4))
def test_any_label_keeps_the_width_of_its_row(labels):
    lines, width = rows(pen(), labels, [0] * len(labels))
    assert {cell_len(line) for line in lines} == {width}
    assert all(visible(line) == line for line in lines)


@given(st.lists(any_label, min_size=1, max_size=4), st.integers(2, 13))
def test_any_label_keeps_to_its_column(labels, width):
    lines = [*flat(pen(), labels, [0] * len(labels), width)]
    lines += upright(pen(), labels, [0] * len(labels), width)
    assert all(cell_len(line) <= width * len(labels) for line in lines)
    assert all(visible(line) == line for line in lines)


def test_upright_labels_stand_on_the_map():
    assert list(upright(pen(), ["it", " was", "深度", "", "."], [0] * 5, 4)) == [
        "     ␣",
        "     w",
        " i   a   深",
        " t   s   度      .",
    ]


def test_marks_stay_where_they_belong_in_an_upright_label():
    assert list(upright(pen(), ["e\u0301a", "\u0301b", "ᄒ\u1161\u11ab"], [0] * 3, 2)) == [
        "e\u0301 ◌\u0301",
        "a b ᄒ\u1161\u11ab",
    ]
    assert list(upright(pen(), ["👩\u200d👧", "❤\ufe0f", "👍🏽"], [0] * 3, 2)) == ["👩", "👧❤ 👍🏽"]


def test_a_tall_label_is_cut():
    lines = list(upright(pen(), ["abcdefghij", "abcdefghijk"], [0, 0], 1))
    assert [line[1] for line in lines] == [*"abcdefghi", "…"]
    assert lines[-1] == "j…"


def test_where_columns_are_narrow_every_other_one_is_dim():
    assert list(upright(pen(system="truecolor"), "abc", [0] * 3, 1)) == ["a\x1b[2mb\x1b[0mc"]
    assert "\x1b" not in next(upright(pen(system="truecolor"), "abc", [0] * 3, 3))


def test_flat_labels_stand_in_the_middle():
    assert list(flat(pen(), ["a", "bcd", "深", "cdefgh"], [0] * 4, 6)) == [
        "  a    bcd    深  cdef… "
    ]


def test_text_in_the_middle():
    assert [centred("ab", width) for width in (1, 2, 3, 4)] == ["…", "ab", "ab ", " ab "]


def test_numbers_stand_below_each_other():
    assert [number(text, 4) for text in ("7", "87", "100", "")] == ["  7 ", " 87 ", "100 ", "    "]
    assert [number(text, 3) for text in ("7", "87", "100")] == ["  7", " 87", "100"]
    assert number("87", 9) == "    87   "


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ((0, 3, 4), "  0   1   2 "),
        ((0, 12, 2), "0   2   4   6   8   10  "),
        ((0, 12, 1), "0    5    10"),
        ((0, 11, 1), "0    5"),  # 10 would be one cell too wide
        ((8, 12, 1), "  10   15"),
        ((0, 6, 2, 2), "0   4   8"),
        ((0, 1, 1), "0"),
        ((0, 3, 1), "0 2"),
    ],
)
def test_columns_are_numbered_where_there_is_room(asked, line):
    assert ticks(*asked).rstrip() == line.rstrip()


def test_pages_are_about_of_one_size():
    assert pages(10, 10) == [(0, 10)]
    assert pages(11, 10) == [(0, 5), (5, 11)]
    assert pages(16, 13) == [(0, 8), (8, 16)]
    assert pages(1, 70) == [(0, 1)]


@given(st.integers(1, 600), st.integers(1, 100))
def test_no_page_is_too_large(count, most):
    parts = pages(count, most)
    assert [place for start, stop in parts for place in range(start, stop)] == list(range(count))
    assert max(stop - start for start, stop in parts) <= most


def test_wide_labels():
    assert is_wide("a深")
    assert is_wide("👩\u200d👧")
    assert not is_wide("ab\u0301…")
