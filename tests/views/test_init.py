import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from tfcli.core.characters import visible
from tfcli.views import console_for, cut, error_text, rendered, sentiment, table, view_of

# A list, because st.text would make one alphabet of both, in which the difficult ones are rare.
any_text = st.lists(
    st.characters(exclude_categories=())
    | st.sampled_from("ab 深度学习\u200d\ufe0f👩❤👍🏽e\u0301🇩🇪\u00ad…\x1b\n\u202e\ud800")
).map("".join)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("COLORTERM", raising=False)
    return Terminal()


def test_a_task_has_its_own_view_or_the_table():
    assert view_of("sentiment") is sentiment.view
    assert view_of("shout") is view_of("attn-stats") is table.view


@given(any_text, st.integers(0, 40))
def test_cut_text_is_exactly_as_wide_as_asked(text, width):
    assert cell_len(cut(text, width)) == width


@given(any_text, st.integers(0, 40))
def test_nothing_in_cut_text_acts(text, width):
    assert visible(cut(text, width)) == cut(text, width)


@given(any_text)
def test_text_that_fits_is_not_cut(text):
    shown = visible(text)
    whole = cut(text, cell_len(shown) + 2)
    assert whole.startswith(shown)
    assert whole[len(shown) :].strip(" ") == ""


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("hello", 5, "hello"),
        ("hello", 4, "hel…"),
        ("hello", 1, "…"),
        ("hello", 0, ""),
        ("深度学习", 8, "深度学习"),
        ("深度学习", 7, "深度学…"),
        ("深度学习", 6, "深度… "),
        ("a b c d", 5, "a b… "),
    ],
)
def test_a_cut_ends_in_dots(text, width, shown):
    assert cut(text, width) == shown


STYLED = Text("x", style="bold red")


def test_colours_are_for_terminals(terminal):
    assert rendered(console_for(terminal, "auto"), STYLED) == "\x1b[1;31mx\x1b[0m\n"
    assert rendered(console_for(io.StringIO(), "auto"), STYLED) == "x\n"


def test_never_means_no_escape_code_at_all(terminal):
    assert rendered(console_for(terminal, "never"), STYLED) == "x\n"


def test_always_means_colours_in_a_pipe_whatever_the_environment_says(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert rendered(console_for(io.StringIO(), "always"), STYLED) == "\x1b[1;31mx\x1b[0m\n"


def test_no_color_is_heard(terminal, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert "31" not in rendered(console_for(terminal, "auto"), STYLED)


def test_force_color_is_heard(terminal, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "31" in rendered(console_for(io.StringIO(), "auto"), STYLED)


def test_a_line_is_cropped_and_never_wrapped():
    console = Console(file=io.StringIO(), width=8)
    assert rendered(console, "0123", Text("456789")) == "01234567\n"


def test_parts_of_a_line_are_never_markup():
    console = Console(file=io.StringIO(), width=40)
    assert rendered(console, "[bold]x[/]", Text(" :smile: 12")) == "[bold]x[/] :smile: 12\n"


def test_an_error_names_its_place_and_cannot_act():
    error = {"message": "bad \x1b[2J", "file": "a\nb.txt", "line": 3}
    assert error_text({"error": error}).plain == "a␊b.txt:3: bad ␛[2J"
    assert error_text({"error": {**error, "file": None}}).plain == "bad ␛[2J"
