import io

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

from tfcli.core.record import Columns
from tfcli.views import console_for
from tfcli.views.embed import view

COLUMNS = Columns(("index", "text"), ("embedding",))
ERROR = {"type": "empty", "message": "the text is empty", "file": "in.txt", "line": 2}
VECTOR = np.array([0.6, -0.8, 0, 0.25], np.float32)


def shown(record, width=80, columns=COLUMNS):
    console = Console(file=io.StringIO(), width=width, color_system=None)
    return "".join(view([record], columns, console))


def record(text, vector=VECTOR, **more):
    return {"index": 0, "text": text, "embedding": vector, **more}


def test_the_text_then_its_vector_in_short():
    assert shown(record("a film"), 100) == (
        "a film\n  4 numbers, length 1.0308  █▁▅▆     0.6000  -0.8000   0.0000   0.2500\n"
    )


def test_of_a_long_vector_as_much_as_fits():
    _, line = shown(record("a", np.ones(384, np.float32))).splitlines()
    assert line == f"  384 numbers, length 19.5959  {'▁' * 24}     1.0000   1.0000 …"


@pytest.mark.parametrize("vector", [np.zeros(3, np.float32), np.full(3, 1e30, np.float32)])
def test_a_vector_without_ups_and_downs_is_drawn(vector):
    assert "▁▁▁" in shown(record("a", vector))


def test_a_failed_example_says_what_is_wrong_and_where():
    assert shown(record(None, None, error=ERROR)) == "\n  error  in.txt:2: the text is empty\n"


def test_kept_columns_stand_before_the_text():
    columns = Columns(("index", "text", "id"), ("embedding",))
    assert shown(record("a", id="[b]7"), columns=columns).startswith("[b]7  a\n".replace("  ", " "))


def test_markup_emoji_codes_and_escape_codes_are_data():
    first, _ = shown(record("[bold]x[/] :smile: \x1b[31m\u202e\n😀")).splitlines()
    assert first == "[bold]x[/] :smile: ␛[31m<U+202E> 😀"


@pytest.mark.parametrize("width", [1, 10, 30, 44, 80, 300])
@pytest.mark.parametrize("text", ["word " * 99, "深度学习" * 99])
def test_a_record_is_two_lines_on_any_terminal(width, text):
    lines = shown(record(text, np.ones(384, np.float32)), width).splitlines()
    assert len(lines) == 2
    assert all(cell_len(line) <= max(width, 1) for line in lines)


def test_colours_are_few():
    lines = list(view([record("a")], COLUMNS, console_for(io.StringIO(), "always")))
    assert lines[0].startswith("\x1b[1ma")
    assert "\x1b[36m█▁▅▆" in lines[1]


def test_records_are_shown_as_they_come():
    def live():
        yield record("a")
        raise AssertionError("asked too early")

    lines = view(live(), COLUMNS, Console(file=io.StringIO(), width=80))
    assert next(lines) == "a\n"
    assert "4 numbers" in next(lines)
