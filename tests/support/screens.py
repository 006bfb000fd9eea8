"""What tests of views share: what a view draws, and words that break a layout."""

import io
import re
from collections.abc import Callable, Iterable
from typing import Any

from tfcli.core.record import Columns
from tfcli.views import console_for

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

HOSTILE = "[red]深度[/] :smile: \x1b[2J\u202e\n"
"""The same in one, and what it looks like where it cannot act."""
HARMLESS = "[red]深度[/] :smile: ␛[2J<U+202E>␊"


def drawn(
    view: Callable[..., Iterable[str]], *records: Any, width: int = 80, color: str = "never"
) -> str:
    """What a view draws of records, whose keys are its columns."""
    console = console_for(io.StringIO(), color)
    console.width = width
    names = tuple(name for name in records[0] if name != "index") if records else ()
    return "".join(view(iter(records), Columns(("index",), names), console))
