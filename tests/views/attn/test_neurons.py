import io
import re

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console
from screens import CODES, LABELS

from tfcli.views.attn.neurons import neurons
from tfcli.views.pen import Pen

BLUE, ORANGE, NOTHING = "79;163;255", "255;150;40", "38;38;38"
QUERY = [1.0, -2.0, 0.0, 0.5]
KEYS = [[1.0, 1.0, 1.0, 1.0], [2.0, -0.5, 0.0, 0.0], [9.0, 9.0, 9.0, 9.0]]


def softmax(scores):
    weights = np.exp(np.where(np.isnan(scores), -np.inf, scores - np.nanmax(scores)))
    return weights / weights.sum(-1, keepdims=True)


def record(query=QUERY, keys=KEYS, labels=("a", " the", "x"), token=1, hidden=(2,), **more):
    query, keys = np.array(query, np.float32), np.array(keys, np.float32)
    product = query * keys  # (key, dim)
    score = product.sum(-1)
    score[list(hidden)] = np.nan
    return {
        "queries": [labels[token]],
        "keys": list(labels),
        "segments": {"queries": [0], "keys": [0] * len(labels)},
        "layers": [4],
        "heads": [3],
        "token": token,
        "query": query[None, None],
        "key": keys[None, None],
        "product": product[None, None],
        "score": score[None, None],
        "attention": softmax(score)[None, None, None],
        **more,
    }


def drawn(one, width=60, system=None):
    console = Console(
        file=io.StringIO(), width=width, color_system=system, force_terminal=system is not None
    )
    return "".join(neurons(Pen(console), one))


def strip(line):
    """The colours of a strip and how many cells each has."""
    found = re.findall(r"\x1b\[48;2;(\d+;\d+;\d+)m( +)\x1b", line)
    return [(color, len(cells)) for color, cells in found]


def test_the_query_and_its_product_with_each_key():
    assert drawn(record()) == (
        "layer 4 · head 3\n"
        "       weight   score  0 1 2 3\n"
        "query 1 ␣the          +4-9 ·+2\n"
        "0 a     0.03    -0.50 +4-9 ·+2\n"
        "1 ␣the  0.97     3.00 +9+4 · ·\n"
        "2 x       –       –\n"
        "-9 · +9 to 2 for query × key, 2 for the query\n"
    )


def test_what_is_above_0_is_blue_and_what_is_below_orange():
    lines = drawn(record(), system="truecolor").splitlines()
    assert strip(lines[2])[1:3] == [(ORANGE, 2), (NOTHING, 2)]
    assert strip(lines[4])[0] == (BLUE, 2)
    assert strip(lines[4])[2:] == [(NOTHING, 4)]
    assert "\x1b[38;2;0;0;0;48;2;253;231;37m 0.97 \x1b[0m" in lines[4]
    assert lines[5] == "\x1b[2m2\x1b[0m x    \x1b[2m   –       –\x1b[0m"
    assert CODES.sub("", lines[6]) == f"- {' ' * 17} + to 2 for query × key, 2 for the query"


def test_a_strip_that_is_too_long_has_sums():
    query, keys = [1.0] * 64, [[1.0] * 32 + [-1.0] * 32, [1.0, 1.0] + [0.0] * 62]
    one = record(query, keys, ("a", "b"), hidden=())
    lines = drawn(one, 60, "truecolor").splitlines()
    assert CODES.sub("", lines[1]) == "    weight   score 0    10   20   30   40   50   60"
    assert sum(cells for _, cells in strip(lines[2])) == 32
    assert strip(lines[3]) == [(BLUE, 16), (ORANGE, 16)]
    assert strip(lines[4]) == [(BLUE, 1), (NOTHING, 31)]
    assert "".join(lines[5:]).endswith("a cell is the sum of 2 dimensions\x1b[0m")


def test_a_wide_terminal_has_wide_cells():
    one = record([1.0] * 64, [[1.0] * 64] * 2, ("a", "b"), hidden=())
    for width, cells in ((83, 64), (146, 64), (147, 128), (200, 128)):
        lines = drawn(one, width, "truecolor").splitlines()
        assert sum(size for _, size in strip(lines[2])) == cells


def test_a_heading_for_each_head():
    one = record()
    for name in ("query", "key", "product", "score", "attention"):
        one[name] = np.concatenate([one[name], one[name] * (name != "product")], 1)
    screen = drawn({**one, "heads": [3, 7]})
    assert screen.index("layer 4 · head 3\n") < screen.index("layer 4 · head 7\n")
    # The products of the second are all 0.
    assert screen.count("+4-9 ·+2") == 3
    assert screen.count(" · · · ·\n") == 2


def test_large_scores_keep_to_their_column():
    screen = drawn(record(np.array(QUERY) * 1e6))
    assert "-5.0e+05 +4-9" in screen
    assert len({line.index(" +4") for line in screen.splitlines() if "+4-9" in line}) == 1


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("system", [None, "truecolor"])
@pytest.mark.parametrize("dims", [1, 64, 256])
def test_no_line_is_wider_than_the_terminal(width, system, dims):
    random = np.random.default_rng(0)
    keys = random.normal(size=(126, dims))
    one = record(random.normal(size=dims), keys, LABELS, 1, hidden=range(100, 126))
    screen = drawn(one, width, system)
    lines = CODES.sub("", screen).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert ("\x1b" in screen) == (system is not None)
    assert sum(line.endswith("–       –") for line in lines) == 26
