"""Attention on a terminal: what is drawn for which record, and what stands above it."""

import io
import re

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console
from screens import CODES

from tfcli.core.record import Columns
from tfcli.views import console_for, view_of
from tfcli.views.attn import view

COLUMNS = Columns(("index", "text"), ("kind", "queries", "keys", "attention"))
ERROR = {"type": "long", "message": "the text is [too] long", "file": "in.txt", "line": 2}
TOKENS = ["[CLS]", "dog", "[SEP]"]


def record(layers=(4,), heads=(3,), tokens=TOKENS, text="The dog", **more):
    segments = [0] * len(tokens)
    return {
        "index": 0,
        "text": text,
        "kind": "self",
        "queries": list(tokens),
        "keys": list(tokens),
        "segments": {"queries": segments, "keys": segments},
        "layers": layers if isinstance(layers, str) else list(layers),
        "heads": heads if isinstance(heads, str) else list(heads),
        **more,
    }


def maps(layers=1, heads=1, tokens=3):
    weights = np.random.default_rng(0).random((layers, heads, tokens, tokens), np.float32)
    return weights / weights.sum(-1, keepdims=True)


def neuron():
    product = np.ones((1, 1, 3, 4), np.float32)
    return {
        "queries": ["dog"],
        "token": 1,
        "query": product[:, :, 0],
        "key": product,
        "product": product,
        "score": product.sum(-1),
        "attention": np.full((1, 1, 1, 3), 1 / 3, np.float32),
    }


LINKS = [{"layer": 4, "head": 3, "query": 1, "key": 0, "weight": 0.75}]
TABLE = np.array([[0.5, 0.25]], np.float32)
KINDS = {
    "map": record(attention=maps()),
    "maps": record([0, 1], [0, 1], attention=maps(2, 2)),
    "links": record(links=LINKS),
    "tables": record([4], [0, 1], entropy=TABLE, distance=TABLE, patterns={"next": TABLE}),
    "neurons": record(**neuron()),
}


def drawn(*records, width=60, columns=COLUMNS, system=None):
    console = Console(
        file=io.StringIO(), width=width, color_system=system, force_terminal=system is not None
    )
    return "".join(view(records, columns, console))


def test_this_is_the_view_of_the_task():
    assert view_of("attn") is view


def test_one_head_is_a_map():
    weights = np.array([[[[0.9, 0.1, 0], [0.25, 0.75, 0], [0, 0.004, 0.996]]]], np.float32)
    assert drawn(record(attention=weights)) == (
        "The dog  layer 4 · head 3 · self\n"
        "        [CLS]  dog  [SEP]\n"
        "           0     1     2\n"
        "0 [CLS]   90    10\n"
        "1 dog     25    75\n"
        "2 [SEP]          ·   100\n"
        "numbers in percent, the highest weight is 1; empty: exactly\n"
        "0\n"
        "\n"
    )


def test_several_heads_are_small_pictures():
    weights = np.stack([np.eye(3), np.ones((3, 3)) / 3])[None]
    assert drawn(record([4], [0, 3], attention=weights)) == (
        "The dog  layer 4 · 2 heads · self\n"
        "layers down, heads across\n"
        "   0   3\n"
        "  █   ███\n"
        "4  ██ ███\n"
        "\n"
        "0 ·░▒▓█ the highest weight of each picture; a block of\n"
        "tokens by its highest weight; empty: exactly 0\n"
        "one head: --layer 4 --head 3\n"
        "\n"
    )


def test_links():
    assert drawn(KINDS["links"]) == ("The dog  self\nlayer 4 · head 3\n1 dog   → [CLS] 0.75\n\n")


def test_numbers_of_heads():
    assert drawn(KINDS["tables"]) == (
        "The dog  layer 4 · 2 heads · self\n"
        "entropy in nats  layers down, heads across\n"
        "       0       1\n"
        "4   0.50    0.25\n"
        "mean distance in tokens  layers down, heads across\n"
        "       0       1\n"
        "4    0.5     0.2\n"
        "patterns  layer.head and its mean weight, the 5 strongest\n"
        "next  4.0 0.50  4.1 0.25\n"
        "\n"
    )


@pytest.mark.parametrize("name", ["entropy", "distance", "patterns"])
def test_each_number_alone(name):
    more = {"patterns": {"next": TABLE}} if name == "patterns" else {name: TABLE}
    screen = drawn(record([4], [0, 1], **more))
    assert [word for word in ("entropy", "distance", "patterns") if word in screen] == [name]


def test_neurons():
    assert drawn(KINDS["neurons"]) == (
        "The dog  self\n"
        "layer 4 · head 3\n"
        "        weight   score  0 1 2 3\n"
        "query 1 dog            +9+9+9+9\n"
        "0 [CLS]  0.33     4.00 +9+9+9+9\n"
        "1 dog    0.33     4.00 +9+9+9+9\n"
        "2 [SEP]  0.33     4.00 +9+9+9+9\n"
        "-9 · +9 to 1 for query × key, 1 for the query\n"
        "\n"
    )


def test_a_failed_example_says_what_is_wrong_and_where():
    nothing = dict.fromkeys(["kind", "queries", "keys", "segments", "layers", "heads", "attention"])
    failed = {"index": 0, "text": "The dog", **nothing, "error": ERROR}
    said = "  error  in.txt:2: the text is [too] long\n"
    assert drawn(failed) == f"The dog\n{said}"
    assert drawn({**failed, "text": None}) == f"\n{said}"


def test_a_long_reason_goes_on_in_the_next_line():
    nothing = dict.fromkeys(["kind", "queries", "keys", "segments", "layers", "heads", "attention"])
    error = ERROR | {"message": "word " * 40 + "end"}
    shown = drawn({"index": 0, "text": "The dog", **nothing, "error": error})
    assert len(shown.splitlines()) > 2
    assert shown.endswith("end\n")


def first_line(one, **more):
    return drawn(one, **more).splitlines()[0]


def test_what_else_is_known_stands_above_the_picture():
    one = record(attention=maps(), pair="A\tcat\n", id=7, truncated=True)
    columns = Columns(("index", "text", "pair", "id"), COLUMNS.results)
    shown = first_line(one, columns=columns, width=80)
    assert shown == "7 The dog · A cat  layer 4 · head 3 · self · truncated"
    assert "truncated" not in first_line(record(attention=maps(), truncated=False))
    assert first_line(record(attention=maps(), pair=None)) == "The dog  layer 4 · head 3 · self"


@pytest.mark.parametrize(
    ("layers", "heads", "named"),
    [
        ("rollout", "rollout", "rollout"),
        ("mean", "mean", "mean of layers · mean of heads"),
        ([4], "max", "layer 4 · max of heads"),
    ],
)
def test_an_aggregated_head_is_a_map_with_a_name(layers, heads, named):
    screen = drawn(record(layers, heads, attention=maps()))
    assert screen.startswith(f"The dog  {named} · self\n        [CLS]  dog  [SEP]\n")


def test_heads_of_several_layers_stand_side_by_side():
    screen = drawn(record([2, 11], "mean", attention=maps(2)))
    assert screen.startswith(
        "The dog  2 layers · mean of heads · self\nheads down, layers across\n"
    )
    assert "\nmean " in screen


def test_numbers_of_an_aggregated_head():
    table = {"entropy": TABLE[:, :1], "patterns": {"next": TABLE[:, :1]}}
    screen = drawn(record("mean", "mean", **table))
    assert "\nmean   0.50\n" in screen
    assert "\nnext  mean.mean 0.50\n" in screen


def test_a_long_text_is_cut_and_goes_above_what_is_shown_where_that_is_narrow():
    one = record(text="word " * 50, attention=maps())
    assert first_line(one) == f"{'word ' * 6}word…  layer 4 · head 3 · self"
    lines = drawn(one, width=40).splitlines()
    assert lines[:2] == [f"{'word ' * 7}word…", "layer 4 · head 3 · self"]


def test_nothing_in_a_text_acts():
    shown = first_line(record(text="\x1b[2J[red]\u202e深", attention=maps()))
    assert shown.startswith("␛[2J[red]<U+202E>深  layer")


def test_the_text_is_bold_and_what_is_shown_dim():
    shown = first_line(KINDS["map"], system="truecolor")
    assert shown == "\x1b[1mThe dog\x1b[0m  \x1b[2mlayer 4 · head 3 · self\x1b[0m"


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("width", [40, 80, 200])
def test_lines_fit_and_have_codes_only_where_there_are_colours(name, width):
    plain = drawn(KINDS[name], width=width)
    coloured = drawn(KINDS[name], width=width, system="truecolor")
    assert "\x1b" not in plain
    assert re.search(r"\x1b\[[\d;]*48;2;", coloured)
    for screen in (plain, CODES.sub("", coloured)):
        assert max(map(cell_len, screen.splitlines())) <= width
        assert screen.endswith("\n\n")


@pytest.mark.parametrize("name", KINDS)
def test_no_color_is_heard(name):
    console = Console(
        file=io.StringIO(), width=60, color_system="truecolor", force_terminal=True, no_color=True
    )
    screen = "".join(view([KINDS[name]], COLUMNS, console))
    assert CODES.sub("", screen) == drawn(KINDS[name])
    assert set(CODES.findall(screen)) <= {"\x1b[0m", "\x1b[1m", "\x1b[2m"}


def test_colour_never_means_no_code_at_all():
    screen = "".join(view([KINDS["map"]], COLUMNS, console_for(io.StringIO(), "never")))
    assert "\x1b" not in screen
    assert "[CLS]" in screen


def test_512_tokens():
    tokens = [f"t{number}" for number in range(512)]
    screen = drawn(record(tokens=tokens, attention=maps(tokens=512)), width=80, system="truecolor")
    assert screen.count("t511") == screen.count("keys ") == 8


def test_records_are_drawn_as_they_come():
    def live():
        yield KINDS["map"]
        raise AssertionError("asked too early")

    lines = view(live(), COLUMNS, Console(file=io.StringIO(), width=60, color_system=None))
    assert "highest weight" in "".join(next(lines) for _ in range(7))
