"""Likelihood on a terminal: colours where there are any, numbers where there are none."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console
from screens import CODES

from tfcli.core.record import Columns
from tfcli.views import console_for
from tfcli.views.score import view

COLUMNS = Columns(("index", "text"), ("perplexity",))
ERROR = {"type": "empty", "message": "the text is empty", "file": "in.txt", "line": 2}
NUMBERS = "perplexity 1,234.50 · 1.250 bits per byte · 7.00 nats in 2 tokens\n"


def token(label, nats, start=None, end=None):
    return {"token": label, "surprisal": nats, "start": start, "end": end}


THE_DOG = (token("The", None, 0, 3), token(" dog", 6.5, 3, 7), token(".", 0.5, 7, 8))


def record(text="The dog.", tokens=THE_DOG, objective="causal", **more):
    return {
        "index": 0,
        "text": text,
        "perplexity": 1234.5,
        "bits_per_byte": 1.25,
        "surprisal": 7.0,
        "scored": 2,
        "objective": objective,
        "tokens": list(tokens),
        **more,
    }


def plain(one, width=80, columns=COLUMNS):
    """What a terminal without colours shows."""
    console = Console(file=io.StringIO(), width=width, color_system=None)
    return "".join(view([one], columns, console))


def coloured(one, color_system="truecolor", width=80):
    console = Console(
        file=io.StringIO(), width=width, color_system=color_system, force_terminal=True
    )
    return "".join(view([one], COLUMNS, console))


def background(one, color_system="truecolor"):
    """The text of a screen, below the legend, as pieces that each have one background."""
    body = coloured(one, color_system).split("\n\n", 1)[1]
    return [piece for piece in body.splitlines()[0].split("\x1b[0m") if piece]


class TestWithoutColours:
    def test_each_token_has_its_number(self):
        assert plain(record()) == "The ␣dog .\n·   6.50 0.50\n" + NUMBERS + "\n"

    def test_no_color_is_heard(self, monkeypatch):
        monkeypatch.setenv("NO_COLOR", "1")
        console = Console(
            file=io.StringIO(), width=80, color_system="standard", force_terminal=True
        )
        assert "6.50" in CODES.sub("", "".join(view([record()], COLUMNS, console)))

    def test_tokens_without_a_place_are_shown(self):
        one = record(tokens=[token("a", 1.0), token("</s>", 2.0)])
        assert plain(one).splitlines()[:2] == ["a    </s>", "1.00 2.00"]


class TestWithColours:
    def test_the_text_is_as_it_was(self):
        lines = CODES.sub("", coloured(record("A  dog,\nand [b]it[/]."))).splitlines()
        assert lines[0].startswith("surprisal: 0 ")
        assert lines[2:4] == ["A  dog,", "and [b]it[/]."]

    def test_what_surprises_is_brighter(self):
        first, second = background(record())
        assert first.startswith("The\x1b[")  # of which nothing is known
        assert first.endswith("m dog")
        assert self.brightness(first) > self.brightness(second)

    def brightness(self, piece):
        *_, red, green, blue = CODES.search(piece)[0][2:-1].split(";")
        return int(red) + int(green) + int(blue)

    def test_a_surprise_beyond_all_is_the_brightest(self):
        pieces = [background(record("a", [token("a", n, 0, 1)]))[0] for n in (10, 99)]
        assert pieces[0] == pieces[1]

    def test_sixteen_colours_will_do(self):
        assert [CODES.findall(piece) for piece in background(record(), "standard")] == [
            ["\x1b[30;43m"],
            ["\x1b[97;44m"],
        ]

    def test_parts_of_a_character_are_one_with_the_sum_of_their_surprisals(self):
        parts = [token("<0xE4>", 3.0, 0, 1), token("<0xBD>", None, 0, 1), token("<0xA0>", 4, 0, 1)]
        whole = [token("你", 7.0, 0, 1)]
        assert background(record("你", parts)) == background(record("你", whole))

    def test_the_legend_comes_once(self):
        console = console_for(io.StringIO(), "always")
        screen = "".join(view([record(), record()], COLUMNS, console))
        assert screen.count("nats and more") == 1

    @pytest.mark.parametrize("width", [20, 44, 200])
    @pytest.mark.parametrize("filler", ["word ", "深度学习", "[red]\x1b[31m\u202e"])
    def test_long_texts_go_on_in_the_next_line(self, width, filler):
        text = filler * 50
        one = record(text, [token(filler, 1.0, i, i + 1) for i in range(len(text))])
        screen = CODES.sub("", coloured(one, width=width))
        assert all(cell_len(line) <= max(40, width) for line in screen.splitlines())
        assert not set("\x1b\u202e") & set(screen)


def test_a_masked_model_has_a_pseudo_perplexity():
    assert "pseudo-perplexity 1,234.50 · " in plain(record(objective="masked"))


def test_kept_columns_stand_above():
    columns = Columns(("index", "text", "id"), COLUMNS.results)
    assert plain(record(id=7), columns=columns).startswith("7\nThe ")


@pytest.mark.parametrize("text", ["The [b]dog", None])
def test_a_failed_example_says_what_is_wrong_and_where(text):
    failed = {"index": 0, "text": text, "tokens": None, "error": ERROR}
    assert plain(failed) == f"{text or ''}\n  error  in.txt:2: the text is empty\n"


def test_records_are_shown_as_they_come():
    def live():
        yield record()
        raise AssertionError("asked too early")

    lines = view(live(), COLUMNS, Console(file=io.StringIO(), width=80))
    assert "nats" in "".join(next(lines) for _ in range(2))
