"""Text in a figure: labels where there is room, numbers, a font for each character."""

import dataclasses
import io
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager

from tfcli.errors import TfcliError
from tfcli.views.attn import fonts
from tfcli.views.attn.fonts import STANDARD, families, fitting, hundredths, label, tenths, write

LATIN = set(map(chr, range(0x20, 0x250)))
ALL = {
    STANDARD: LATIN,
    "Any": {*"深度ひ한ह"},
    "Last": {*"ह"},
    "Noto Emoji": {*"🙂"},
    "Noto Sans CJK JP": {*"深度ひ한"},
    "Noto Sans CJK KR": {*"深度ひ한"},
    "Noto Sans CJK SC": {*"深度ひ한"},
    "Odd Symbols": {*"🙂☃"},
}


@pytest.fixture
def installed(monkeypatch):
    """Say which fonts are there, by name."""

    def install(*names):
        monkeypatch.setattr(fonts, "_installed", lambda: (STANDARD, *names))
        monkeypatch.setattr(
            fonts, "_lacking", lambda name, all: [c for c in all if c not in ALL[name]]
        )

    return install


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("The dog ##ing [SEP]", []),
        ("the 深度", ["Noto Sans CJK SC"]),
        ("深ひ", ["Noto Sans CJK JP"]),
        ("深한", ["Noto Sans CJK KR"]),
        ("ह", ["Any"]),
        ("深🙂ह", ["Noto Sans CJK SC", "Noto Emoji", "Any"]),
        ("🙂☃", ["Noto Emoji"]),
    ],
)
def test_the_fonts_of_a_text(installed, text, found):
    installed(*sorted(ALL.keys() - {STANDARD}))
    assert families(text) == [STANDARD, *found]


def test_a_font_that_is_not_known_by_name_serves_as_well(installed):
    installed("Any", "Odd Symbols")
    assert families("深") == [STANDARD, "Any"]


@pytest.mark.parametrize(
    ("text", "message", "package"),
    [
        ("a☃度深", r"^No installed font has 度 \(U\+5EA6\)\.$", "fonts-noto-cjk"),
        ("한", r"한 \(U\+D55C\)", "fonts-noto-cjk"),
        ("ह", r"ह \(U\+0939\)", "fonts-noto-core"),
    ],
)
def test_a_letter_without_a_font_is_an_error(installed, text, message, package):
    installed("Odd Symbols")
    with pytest.raises(TfcliError, match=message) as raised:
        families(text)
    assert raised.value.hint == f"Install one, on Debian: apt install {package}"


@pytest.mark.parametrize("text", ["🙂", "☃", "❤\ufe0f", "。", "\ue000", "\u0378"])
def test_a_symbol_without_a_font_is_none(installed, text):
    installed("Odd Symbols")
    assert families(text) == [STANDARD]


def test_of_the_fonts_on_this_machine_one_has_the_character_or_the_error_names_it():
    having = [name for name in fonts._installed() if not fonts._lacking(name, ["深"])]
    if having:
        assert families("a深")[0] == STANDARD
        assert families("a深")[1] in having
    else:
        with pytest.raises(TfcliError, match=r"深 \(U\+6DF1\)"):
            families("a深")
    assert fonts._lacking(STANDARD, ["a", "深"]) == ["深"]


def test_a_name_like_a_pattern_is_a_name(monkeypatch):
    entry = next(font for font in fontManager.ttflist if font.name == STANDARD)
    odd = dataclasses.replace(entry, name="Odd-Name:bold")
    monkeypatch.setattr(fontManager, "ttflist", [*fontManager.ttflist, odd])
    assert fonts._lacking("Odd-Name:bold", ["a", "深"]) == ["深"]


def test_fonts_are_found_that_matplotlib_has_not_listed_yet(monkeypatch, tmp_path):
    def entry(name):
        (tmp_path / f"{name}.ttf").touch()
        return SimpleNamespace(name=name, fname=str(tmp_path / f"{name}.ttf"))

    def add(path):
        if path == "broken.ttf":
            raise RuntimeError(path)
        listed.append(new)

    new, gone = entry("New"), SimpleNamespace(name="Gone", fname=str(tmp_path / "gone.ttf"))
    listed = [entry("Old"), gone, entry("Last Resort High-Efficiency"), entry(".LastResort")]
    monkeypatch.setattr(fonts, "fontManager", SimpleNamespace(ttflist=listed, addfont=add))
    on_disk = ["broken.ttf", new.fname, listed[0].fname]
    monkeypatch.setattr(fonts, "findSystemFonts", lambda: on_disk)
    assert fonts._installed.__wrapped__() == ("New", "Old")
    assert listed.count(new) == 1


def labelled(labels, inches, axis="x", **more):
    """The labels of an axis of so many inches: where they are, and how."""
    axes = Figure().add_axes((0, 0, 1, 1))
    with rc_context({"text.parse_math": False}):
        label(getattr(axes, f"{axis}axis"), "title", labels, inches, **more)
        ticks = getattr(axes, f"get_{axis}ticklabels")()
        places = getattr(axes, f"get_{axis}ticks")()
    return dict(zip(places, ticks, strict=True))


def shown(text):
    return labelled([text], 1, "y")[0].get_text()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dog", "dog"),
        ("  dog cat", "␣␣dog cat"),
        (" ", "␣"),
        ("\n", "⏎"),
        ("\t\x1b[0m", "<U+0009><U+001B>[0m"),
        ("\u202e\x7f", "<U+202E><U+007F>"),
        ("\u202e\ud800a\x7f", "<U+202E><U+D800>a<U…"),
        ("\uffff", "<U+FFFF>"),
        ("$a_1$", "$a_1$"),
        ("a" * 20, "a" * 20),
        ("a" * 21, "a" * 19 + "…"),
    ],
)
def test_a_label_is_visible_on_one_line(text, expected):
    assert shown(text) == expected


def test_wide_characters_are_cut_by_their_width(monkeypatch):
    monkeypatch.setattr(fonts, "families", lambda text: [STANDARD])
    assert shown("深" * 11) == "深" * 9 + "…"


@pytest.mark.parametrize(
    ("labels", "inches", "axis", "angle"),
    [
        (["[CLS]", "a"], 0.6, "x", 0),
        (["brown", "a"], 0.6, "x", 45),
        (["brown"] * 100, 7.2, "x", 90),
        (["a"] * 40, 7.2, "x", 0),
        (["", ""], 0.6, "x", 0),
        (["brown", "a"], 0.6, "y", 0),
    ],
)
def test_labels_on_the_top_are_turned_when_they_are_long(labels, inches, axis, angle):
    assert {tick.get_rotation() for tick in labelled(labels, inches, axis).values()} == {angle}


@pytest.mark.parametrize(
    ("count", "step", "size"), [(1, 1, 7), (24, 1, 7), (100, 1, 4.7), (200, 2, 4), (512, 5, 4)]
)
def test_a_crowded_axis_has_smaller_labels_then_fewer(count, step, size):
    found = labelled(list(map(str, range(count))), 7.2, "y")
    assert list(found) == list(range(0, count, step))
    assert {place: tick.get_text() for place, tick in found.items()} == {
        place: str(place) for place in range(0, count, step)
    }
    assert [tick.get_size() for tick in found.values()] == pytest.approx(
        [size] * len(found), abs=0.1
    )


def test_numbers_and_one_word_are_labels_as_well():
    assert {place: tick.get_text() for place, tick in labelled([4, 11], 1, first=0.5).items()} == {
        0.5: "4",
        1.5: "11",
    }
    assert [tick.get_text() for tick in labelled("mean", 1).values()] == ["mean"]


@pytest.mark.parametrize(
    ("fonts_of_it", "embedded"), [(["STIXGeneral"], True), ([STANDARD, "STIXGeneral"], False)]
)
def test_in_a_pdf_another_font_than_the_standard_one_is_drawn_as_outlines(
    monkeypatch, fonts_of_it, embedded
):
    monkeypatch.setattr(fonts, "families", lambda text: fonts_of_it)
    figure, out = Figure(), io.BytesIO()
    label(figure.add_axes((0, 0, 1, 1)).yaxis, "", ["⟗"], 1)
    figure.savefig(out, format="pdf")
    assert (b"STIXGeneral" in out.getvalue()) == embedded


@pytest.mark.parametrize(
    ("numbers", "width", "height", "size"),
    [
        ([".42"] * 576, 0.3, 0.3, 6),
        ([".42"] * 601, 0.3, 0.3, 0),
        ([".42"], 0.15, 0.15, 5.27),
        ([".42"], 0.1, 0.3, 0),
        ([".42"], 0.3, 0.05, 0),
        (["−12.3"], 0.15, 0.3, 0),
        (["", ""], 0.3, 0.3, 6),
        ([], 0.3, 0.3, 0),
    ],
)
def test_numbers_fit_or_are_left_out(numbers, width, height, size):
    assert fitting(numbers, width, height) == pytest.approx(size, abs=0.01)


def test_numbers_are_white_on_dark_and_dark_on_light():
    axes = Figure().add_axes((0, 0, 1, 1))
    shades = np.array([[[1, 1, 1, 1], [0, 0, 0, 1]], [[1, 1, 0, 1], [0, 0, 1, 1]]])
    write(axes, ["a", "b", "c", "d"], 6, shades)
    assert [(text.get_text(), text.get_position(), text.get_color()) for text in axes.texts] == [
        ("a", (0, 0), "#1a1a1a"),
        ("b", (1, 0), "#ffffff"),
        ("c", (0, 1), "#1a1a1a"),
        ("d", (1, 1), "#ffffff"),
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.42, ".42"),
        (0.0051, ".01"),
        (0.0049, ""),
        (0, ""),
        (1, "1.00"),
        (0.996, "1.00"),
        (np.nan, ""),
    ],
)
def test_a_weight_has_two_digits(value, text):
    assert hundredths(np.float32(value)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.04, "0.0"),
        (-0.04, "0.0"),
        (-1.25, "−1.2"),
        (9.94, "9.9"),
        (9.96, "10"),
        (-123.4, "−123"),
        (np.nan, ""),
    ],
)
def test_a_measure_has_about_two(value, text):
    assert tenths(np.float32(value)) == text
