import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from tfcli.core.record import Columns
from tfcli.views import console_for
from tfcli.views.translate import view

COLUMNS = Columns(("index", "text"), ("translation", "finish_reason"))
ERROR = {"type": "empty", "message": "the text is empty", "file": "in.txt", "line": 2}


def shown(*records, width=60, columns=COLUMNS):
    """What a terminal without colours shows."""
    console = Console(file=io.StringIO(), width=width, color_system=None)
    return "".join(view(records, columns, console))


def record(text, translation, reason="stop", **more):
    found = {"index": 0, "text": text, "translation": translation, "finish_reason": reason}
    return {**found, **more}


def test_a_translation_stands_under_its_line():
    letter = record("Good day. Bye.\n\n  Ada\n", "Guten Tag. Ade.\n\n  Ada\n")
    assert shown(letter) == "Good day. Bye.\nGuten Tag. Ade.\n\n  Ada\n  Ada\n"


def test_on_a_wide_terminal_it_stands_beside_it():
    letter = record("Good day. " * 6 + "\n\nAda", "Guten Tag. " * 6 + "\n\nAda")
    assert shown(letter, width=100) == (
        "Good day. Good day. Good day. Good day. Good       "
        "Guten Tag. Guten Tag. Guten Tag. Guten Tag.\n"
        "day. Good day.                                     Guten Tag. Guten Tag.\n"
        "\n"
        "Ada                                                Ada\n"
    )


def test_between_records_is_a_blank_line():
    assert shown(record("a", "b"), record("c", "d")) == "a\nb\n\nc\nd\n"


def test_lines_that_do_not_match_are_shown_all_the_same():
    assert shown(record("a", "b\nc")) == "a\nb\n\nc\n"
    assert shown(record("a\nb", "c")) == "a\nc\nb\n\n"


def test_the_text_is_dim_and_the_translation_bold():
    lines = list(view([record("a", "b")], COLUMNS, console_for(io.StringIO(), "always")))
    assert lines == ["\x1b[2ma\x1b[0m\n", "\x1b[1mb\x1b[0m\n"]


def test_a_translation_that_was_cut_off_says_so():
    assert shown(record("a", "b", "length")).endswith(
        "b\n(length: a sentence ended at the most tokens)\n"
    )


def test_a_failed_example_says_what_is_wrong_and_where():
    failed = record("x", None, None, error=ERROR)
    assert shown(failed) == "x\n  error  in.txt:2: the text is empty\n"
    assert shown({**failed, "text": None}) == "  error  in.txt:2: the text is empty\n"


def test_kept_columns_stand_above():
    columns = Columns(("index", "text", "id"), ("translation", "finish_reason"))
    assert shown(record("a", "b", id=7), columns=columns) == "7\na\nb\n"


def test_markup_emoji_codes_and_escape_codes_are_data():
    text = "[bold]x[/] :smile: \x1b[31m\u202e"
    assert shown(record(text, text)) == "[bold]x[/] :smile: ␛[31m<U+202E>\n" * 2


@pytest.mark.parametrize("width", [2, 20, 99, 100, 160])
@pytest.mark.parametrize(
    "text", ["word " * 60, "深度学习，" * 40, "a" * 300, "👩‍👩‍👧 e\u0301" * 20]
)
def test_nothing_is_wider_than_the_terminal_and_nothing_is_lost(width, text):
    out = shown(record(text, text.upper()), width=width)
    assert max(map(cell_len, out.splitlines())) <= width
    assert sorted("".join(out.split())) == sorted("".join((text + text.upper()).split()))


def test_records_are_shown_as_they_come():
    def live():
        yield record("a", "b")
        raise AssertionError("asked too early")

    lines = view(live(), COLUMNS, Console(file=io.StringIO(), width=80))
    assert next(lines) == "a\n"
