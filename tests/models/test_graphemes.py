"""Spans that cut no character, as people see them."""

import pytest

from tfcli.models.graphemes import LONGEST, whole_characters

FAMILY, THUMB, FLAG = "👩‍👩‍👧", "👍🏽", "🇩🇪"


@pytest.mark.parametrize(
    ("text", "span", "whole"),
    [
        ("cafe noir", (0, 4), "cafe"),
        ("cafe\u0301 noir", (0, 4), "cafe\u0301"),
        ("cafe\u0301 noir", (4, 5), "e\u0301"),
        (f"a{FAMILY}b", (1, 2), FAMILY),
        (f"a{FAMILY}b", (3, 4), FAMILY),
        (f"a{THUMB}b", (2, 3), THUMB),
        (f"{FLAG}{FLAG}", (1, 2), FLAG),
        ("深度学习", (1, 3), "度学"),
        ("नमस्ते", (0, 1), "न"),
    ],
)
def test_a_span_is_widened_to_whole_characters(text, span, whole):
    start, end = whole_characters(text, *span)
    assert text[start:end] == whole


def test_a_character_without_end_may_be_cut():
    text = "a" + "\u0301" * 500
    start, end = whole_characters(text, 0, 1)
    assert (start, end) == (0, 1)
    assert end - start <= LONGEST
