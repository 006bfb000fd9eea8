import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from tfcli.core.record import Columns
from tfcli.views import console_for
from tfcli.views.summarize import view

COLUMNS = Columns(("index",), ("summary", "parts", "finish_reason"))
ERROR = {"type": "empty", "message": "the text is empty", "file": "in.txt", "line": 2}


def shown(*records, width=60, columns=COLUMNS):
    """What a terminal without colours shows."""
    console = Console(file=io.StringIO(), width=width, color_system=None)
    return "".join(view(records, columns, console))


def record(summary, parts=1, reason="stop", **more):
    return {"index": 0, "summary": summary, "parts": parts, "finish_reason": reason, **more}


def test_a_summary_is_wrapped_and_stands_alone():
    assert shown(record("A word and more. " * 5), width=40) == (
        "A word and more. A word and more. A word\nand more. A word and more. A word and\nmore.\n"
    )


def test_lines_are_not_longer_than_is_good_to_read():
    assert max(map(len, shown(record("word " * 99), width=300).splitlines())) <= 88


@pytest.mark.parametrize(
    ("parts", "reason", "told"),
    [
        (1, "stop", ""),
        (3, "stop", "(of 3 parts)\n"),
        (1, "length", "(length: it ended at the most tokens)\n"),
        (1200, "length", "(of 1,200 parts; length: it ended at the most tokens)\n"),
    ],
)
def test_below_it_is_what_it_is_of_and_how_it_ended(parts, reason, told):
    assert shown(record("a", parts, reason)) == f"a\n{told}"


def test_between_records_is_a_blank_line():
    assert shown(record("a"), record("b")) == "a\n\nb\n"


def test_a_failed_example_says_what_is_wrong_and_where():
    failed = record(None, None, None, error=ERROR)
    assert shown(failed) == "  error  in.txt:2: the text is empty\n"


def test_kept_columns_stand_above():
    columns = Columns(("index", "text", "id"), COLUMNS.results)
    assert shown(record("a", id="x7", text="long"), columns=columns) == "x7\na\n"
    (first, _) = view([record("a", id="x7")], columns, console_for(io.StringIO(), "always"))
    assert first == "\x1b[36mx7\x1b[0m\n"


def test_markup_emoji_codes_and_escape_codes_are_data():
    assert shown(record("[bold]x[/] :smile: \x1b[31m\u202e")) == (
        "[bold]x[/] :smile: ␛[31m<U+202E>\n"
    )


@pytest.mark.parametrize("width", [2, 20, 88, 300])
@pytest.mark.parametrize("text", ["word " * 60, "深度学习，" * 40, "a" * 300])
def test_nothing_is_wider_than_the_terminal_and_nothing_is_lost(width, text):
    out = shown(record(text), width=width)
    assert max(map(cell_len, out.splitlines())) <= width
    assert "".join(out.split()) == "".join(text.split())
