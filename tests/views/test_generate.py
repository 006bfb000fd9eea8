"""Generated text on a terminal: whole or in pieces, prompts dim, nothing that acts."""

import io

import pytest
from rich.console import Console

from tfcli.core.record import Columns
from tfcli.core.task import Piece
from tfcli.errors import TfcliError
from tfcli.views import console_for
from tfcli.views.generate import view

COLUMNS = Columns(("index", "prompt"), ("text", "finish_reason", "new_tokens", "seed"))
END = "(seed 7, 3 tokens, stop)\n"
ERROR = {"type": "too_long", "message": "90 tokens", "file": "in.txt", "line": 2}


def record(text, prompt="Once", **more):
    given = {"index": 0, "prompt": prompt, "text": text}
    return {**given, "finish_reason": "stop", "new_tokens": 3, "seed": 7, **more}


def shown(*records, width=40, columns=COLUMNS):
    """What a terminal without colours shows."""
    console = Console(file=io.StringIO(), width=width, color_system=None)
    return "".join(view(iter(records), columns, console))


def coloured(*records):
    return "".join(view(iter(records), COLUMNS, console_for(io.StringIO(), "always")))


def pieces(prompt, *texts):
    return [Piece(0, prompt, True), *(Piece(0, text, False) for text in texts)]


def test_a_text_is_shown_whole_whatever_the_width():
    text = "Once " + "upon a time " * 20
    assert shown(record(text)) == text + "\n" + END


def test_lines_of_a_text_stay_lines():
    assert shown(record("Once\n\n  upon a\n")) == "Once\n\n  upon a\n\n" + END


def test_a_blank_line_stands_between_two_texts():
    assert shown(record("Once a"), record("Once b")) == f"Once a\n{END}\nOnce b\n{END}"


def test_the_prompt_is_dim_and_what_is_new_bold():
    assert coloured(record("Once upon")).startswith("\x1b[2mOnce\x1b[0m\x1b[1m upon\x1b[0m")


def test_without_the_prompt_all_is_new():
    assert coloured(record(" upon")).startswith("\x1b[1m upon\x1b[0m")


def test_what_repeats_a_text_stands_below_each_of_several():
    several = record("Once a", sequences=[record("Once a"), record("Once b", seed=8)])
    assert shown(several) == f"Once a\n{END}Once b\n{END.replace('7', '8')}"


def test_what_was_not_drawn_has_no_seed():
    assert shown(record("Once a", seed=None)) == "Once a\n(3 tokens, stop)\n"


def test_kept_columns_stand_before_the_text():
    columns = Columns(("index", "prompt", "id"), COLUMNS.results)
    assert shown(record("Once a", id=7), columns=columns) == "7  Once a\n" + END


@pytest.mark.parametrize(("prompt", "line"), [("Once", "Once  "), (None, "  ")])
def test_a_failed_example_says_what_is_wrong_and_where(prompt, line):
    failed = record(None, prompt, error=ERROR)
    assert shown(failed, record("Once b")) == f"{line}in.txt:2: 90 tokens\n\nOnce b\n{END}"


@pytest.mark.parametrize("in_pieces", [False, True])
def test_nothing_in_a_text_acts(in_pieces):
    evil = "[bold]x[/] :smile: \x1b[31m\u202e\r"
    one = record(evil, "\x1b]0;title\x07")
    given = [*pieces(one["prompt"], *evil), one] if in_pieces else [one]
    screen = shown(*given)
    assert screen.endswith("[bold]x[/] :smile: ␛[31m<U+202E>␍\n" + END)
    assert not set("\x1b\x07\u202e\r") & set(screen)


class TestPieces:
    def test_each_is_shown_before_the_next_is_asked_for(self):
        def live():
            yield from pieces("Once", " upon")
            raise AssertionError("asked too early")

        console = Console(file=io.StringIO(), width=40, color_system=None)
        chunks = view(live(), COLUMNS, console)
        assert [next(chunks), next(chunks)] == ["Once", " upon"]

    def test_look_as_the_whole_record_does(self):
        one = record("Once upon\na time")
        assert shown(*pieces("Once", " upon", "\n", "a time"), one) == shown(one)

    def test_have_its_colours(self):
        screen = coloured(*pieces("Once", " upon"), record("Once upon"))
        assert screen == coloured(record("Once upon"))

    def test_texts_in_pieces_and_whole_ones_follow_each_other(self):
        a, b, c = (record(f"Once {name}") for name in "abc")
        screen = shown(*pieces("Once", " a"), a, b, *pieces("Once", " c"), c)
        assert screen == f"Once a\n{END}\nOnce b\n{END}\nOnce c\n{END}"

    def test_what_went_wrong_on_the_way_is_told_below(self):
        broken = record(None, error=ERROR)
        assert shown(*pieces("Once", " up"), broken) == "Once up\nin.txt:2: 90 tokens\n"

    def test_a_text_that_ends_too_soon_ends_its_line(self):
        assert shown(*pieces("Once", " up")) == "Once up\n"

    @pytest.mark.parametrize("error", [KeyboardInterrupt(), TfcliError("broken")], ids=repr)
    @pytest.mark.parametrize("begun", [False, True])
    def test_a_line_that_was_begun_is_ended_before_an_error(self, begun, error):
        def breaking():
            yield from pieces("Once", " up") if begun else ()
            raise error

        console = Console(file=io.StringIO(), width=40, color_system=None)
        chunks = []
        with pytest.raises(type(error)):
            collect(view(breaking(), COLUMNS, console), chunks)
        assert "".join(chunks) == ("Once up\n" if begun else "")

    def test_that_nobody_reads_to_the_end_end_quietly(self):
        console = Console(file=io.StringIO(), width=40, color_system=None)
        chunks = view(iter(pieces("Once", " upon")), COLUMNS, console)
        next(chunks)
        chunks.close()
        assert list(chunks) == []


def collect(stream, into):
    """Take what a stream gives before it breaks off."""
    for chunk in stream:
        into.append(chunk)
