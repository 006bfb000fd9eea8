"""What tests of views share: how to leave colours out, and labels that break a layout."""

import re

CODES = re.compile(r"\x1b\[[\d;]*m")

LABELS = [
    "[red]",
    "深度学习" * 4,
    "\x1b[2J",
    "e\u0301\u200b",
    "👩‍👩‍👧" * 9,
    "",
    *["x" * 30] * 120,
]
"""Markup, wide characters, an escape code, characters of several code points, nothing; and many."""
