"""Parts of texts that are too long: they fit, nothing is lost, and cuts fall where they may."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfcli.models.parts import fitting

TEXTS = st.text(alphabet="ab ,.。，\n😀\u0301", max_size=120)


def by_character(texts):
    return [list(map(ord, text)) for text in texts]


def cut(text, room):
    """The parts of a text for a model that reads ``room`` characters."""
    begin, end = len(text) - len(text.lstrip()), len(text.rstrip())
    (parts,) = fitting([text], [[(begin, end)] if begin < end else []], by_character, room)
    return [text[one.begin : one.end] for one in parts]


@given(TEXTS, st.integers(1, 30))
def test_parts_fit_and_nothing_but_white_space_is_lost(text, room):
    parts = cut(text, room)
    assert all(len(part) <= room for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "room", "parts"),
    [
        ("it fits", 7, ["it fits"]),
        ("a. b\n\nc. d e", 11, ["a. b", "c. d e"]),
        ("aa b. c\nd e. f", 12, ["aa b. c", "d e. f"]),
        ("a b c. D e f", 10, ["a b c.", "D e f"]),
        ("a bc, d ef", 8, ["a bc,", "d ef"]),
        ("一二三，四五六", 6, ["一二三，", "四五六"]),
        ("aaa bbb", 5, ["aaa", "bbb"]),
        ("aaabbb", 4, ["aaa", "bbb"]),
        ("e\u0301e\u0301e\u0301", 4, ["e\u0301e\u0301", "e\u0301"]),
    ],
)
def test_a_cut_falls_on_the_best_border_that_is_near(text, room, parts):
    assert cut(text, room) == parts


def test_parts_are_of_like_size():
    """No last part of a word or two, which nobody could summarize."""
    sizes = list(map(len, cut("a word and ten more. " * 60, 500)))
    assert len(sizes) == 4
    assert max(sizes) < 1.5 * min(sizes)


def test_all_texts_share_a_call():
    calls = []

    def tokenize(texts):
        calls.append(len(texts))
        return by_character(texts)

    texts = ["aaaa bbbb", "c", "dddd eeee ffff"]
    fitting(texts, [[(0, len(text))] for text in texts], tokenize, 5)
    assert calls[0] == 3
    assert len(calls) <= 3


def test_spans_that_fit_stay_apart():
    (parts,) = fitting(["a. b."], [[(0, 2), (3, 5)]], by_character, 9)
    assert [one[:2] for one in parts] == [(0, 2), (3, 5)]
    assert parts[1].ids == [98, 46]


def test_a_character_is_not_cut():
    """Should it have more tokens than the room, it is a part all the same."""
    (parts,) = fitting(["😀"], [[(0, 1)]], lambda texts: [[1] * 9 for _ in texts], 4)
    assert [one[:2] for one in parts] == [(0, 1)]
