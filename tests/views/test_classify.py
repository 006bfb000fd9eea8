"""Labels on a terminal: the text, a bar for each."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console
from screens import LABELS

from tfcli.core.record import Columns
from tfcli.views import console_for
from tfcli.views.classify import view

COLUMNS = Columns(("index", "text"), ("label", "score", "scores"))
ERROR = {"type": "empty", "message": "the text is empty", "file": "in.txt", "line": 2}


def record(text="I want it back", **scores):
    ranked = [{"label": name, "score": score} for name, score in (scores or {"a": 0.75}).items()]
    return {"index": 0, "text": text, **ranked[0], "scores": ranked}


def shown(one, width=70, columns=COLUMNS):
    """What a terminal without colours shows."""
    console = Console(file=io.StringIO(), width=width, color_system=None)
    lines = "".join(view([one], columns, console)).split("\n")
    return "\n".join(line.rstrip() for line in lines)


def test_text_and_labels():
    assert shown(record(refund=0.75, question=0.25)) == (
        "I want it back\n"
        "  refund    ███████████████░░░░░  0.7500\n"
        "  question  █████░░░░░░░░░░░░░░░  0.2500\n"
        "\n"
    )


def test_a_narrow_terminal_has_numbers_alone():
    assert shown(record(refund=0.75, question=0.25), width=40).splitlines()[1:3] == [
        "  refund      0.7500",
        "  question    0.2500",
    ]


def test_where_no_label_fits_there_is_a_dash():
    one = {**record(), "label": None, "score": 0.25, "scores": []}
    assert shown(one).splitlines()[1] == "  —  █████░░░░░░░░░░░░░░░  0.2500"


def test_the_best_label_has_a_colour_of_its_own():
    console = console_for(io.StringIO(), "always")
    screen = "".join(view([record(refund=0.75, question=0.25)], COLUMNS, console))
    assert "\x1b[1;32mrefund  \x1b[0m" in screen
    assert "\x1b[1;36mquestion\x1b[0m" in screen


@pytest.mark.parametrize("label", LABELS[:7], ids=ascii)
@pytest.mark.parametrize("width", [20, 44, 80, 200])
def test_nothing_breaks_a_line_and_nothing_acts(label, width):
    screen = shown(record(f"[bold]x[/]\x1b[31m\u202e {label}\n\n{label}", **{label: 0.5}), width)
    lines = screen.splitlines()
    assert len(lines) == 3
    assert all(cell_len(line) <= width for line in lines)
    assert not {"\x1b", "\u202e"} & set(screen)
    assert lines[0].startswith("[bold]x[/]␛")


def test_an_error_says_what_is_wrong_and_where():
    failed = {**record("x"), "label": None, "score": None, "scores": None, "error": ERROR}
    assert shown(failed) == "x\n  error  in.txt:2: the text is empty\n"
    assert shown({**failed, "text": None}) == "\n  error  in.txt:2: the text is empty\n"


def test_kept_columns_stand_before_the_text():
    columns = Columns(("index", "text", "id"), COLUMNS.results)
    assert shown({**record(), "id": 7}, columns=columns).startswith("7 I want it back\n")
