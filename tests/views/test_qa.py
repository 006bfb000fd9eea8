"""Answers on a terminal: scores, marks in the context, cuts around them."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from tfcli.core.record import Columns
from tfcli.views import console_for
from tfcli.views.qa import LINES, view

COLUMNS = Columns(("index", "question", "context"), ("answer", "score", "start", "end"))
LETTER = "The letter is by Ada, of May 1843."


def record(question, context, *answers):
    """A record whose answers are (text, score); each stands where it is first found."""
    found = []
    for text, score in answers:
        start = context.index(text) if text else None
        end = start + len(text) if text else None
        found.append({"answer": text, "score": score, "start": start, "end": end})
    return {"index": 0, "question": question, "context": context, **found[0], "answers": found}


def shown(record, width=60, columns=COLUMNS):
    console = Console(file=io.StringIO(), width=width, color_system=None)
    return "".join(view([record], columns, console))


def marked(record, width=60):
    console = console_for(io.StringIO(), "always")
    console.width = width
    return "".join(view([record], COLUMNS, console))


def test_question_answers_and_context():
    one = record("Who wrote it?", LETTER, ("Ada", 0.75), ("by Ada", 0.125))
    assert shown(one) == (
        "Who wrote it?\n"
        "  ████████░░  0.7500  Ada\n"
        "  █░░░░░░░░░  0.1250  by Ada\n"
        "  The letter is by Ada, of May 1843.\n"
        "\n"
    )


def test_without_top_k_the_record_is_the_answer():
    one = record("Who?", LETTER, ("Ada", 0.75))
    del one["answers"]
    assert "0.7500  Ada" in shown(one)


def test_answers_are_marked_in_the_context_and_the_best_one_wins():
    screen = marked(record("?", LETTER, ("Ada", 0.5), ("by Ada", 0.3), ("1843", 0.1)))
    context = screen.splitlines()[-2]
    assert context.count("\x1b[0;1;4;32mAda") + context.count("\x1b[1;4;32mAda") == 1
    assert "4;32m1843" in context
    assert "4;32mby" not in context


def test_no_answer_is_said():
    assert "no answer" in shown(record("Who?", LETTER, ("", 0.9)))


def test_without_a_context_there_are_only_answers():
    one = record("Who?", LETTER, ("Ada", 0.75))
    del one["context"]
    assert shown(one).splitlines()[-2].endswith("Ada")


@pytest.mark.parametrize(
    "filler", ["word " * 500, "深度学习" * 400, "x" * 3000, "a\n\tb\r\n" * 300]
)
@pytest.mark.parametrize("width", [20, 60, 200])
def test_a_long_context_is_cut_around_the_answer(filler, width):
    for context in (f"{filler} HERE {filler}", f"HERE {filler}", f"{filler} HERE"):
        screen = shown(record("Where?", context, ("HERE", 0.5)), width)
        lines = screen.splitlines()[2:-1]
        assert "HERE" in "".join(lines)
        assert len(lines) <= LINES + 1
        assert all(cell_len(line) <= width for line in lines)
        assert lines[0].startswith("  … ") == (not context.startswith("HERE"))


def test_nothing_in_question_answer_or_context_acts():
    context = "\x1b[31mred [bold]Ada[/bold]\u202e"
    one = record("\x1b]0;title\x07[red]Who?", context, ("[bold]Ada", 0.5))
    screen = shown(one)
    assert "\x1b" not in screen
    assert "\u202e" not in screen
    assert "[red]Who?" in screen
    assert "[bold]Ada[/bold]" in screen


def test_an_error_says_what_is_wrong_and_where():
    error = {"type": "too_long", "message": "the question has 400 tokens", "file": "a", "line": 2}
    failed = {**record("Who?", LETTER, ("Ada", 0.5)), "answer": None, "error": error}
    assert "error  a:2: the question has 400 tokens" in shown(failed)


def test_kept_columns_stand_before_the_question():
    columns = Columns(("index", "question", "context", "id"), COLUMNS.results)
    one = {**record("Who?", LETTER, ("Ada", 0.5)), "id": 7}
    assert shown(one, columns=columns).startswith("7  Who?\n")
