import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console
from screens import CODES, LABELS

from tfcli.views.attn.links import links
from tfcli.views.pen import Pen


def link(query, key, weight, head=3, layer=4):
    return {"layer": layer, "head": head, "query": query, "key": key, "weight": weight}


def drawn(found, queries, keys=None, width=60, system=None):
    keys = queries if keys is None else keys
    console = Console(
        file=io.StringIO(), width=width, color_system=system, force_terminal=system is not None
    )
    segments = {"queries": [0] * len(queries), "keys": [0] * len(keys)}
    return "".join(links(Pen(console), found, queries, keys, segments))


def test_a_heading_for_each_head_and_a_line_for_each_query():
    found = [link(0, 1, 0.41), link(0, 2, 0.216), link(2, 2, 1.0), link(1, 0, 0.5, head="mean")]
    assert drawn(found, [" it", " street", "animal"]) == (
        "layer 4 · head 3\n"
        "0 ␣it     → ␣street 0.41  animal 0.22\n"
        "2 animal  → animal 1.00\n"
        "layer 4 · mean of heads\n"
        "1 ␣street → ␣it 0.50\n"
    )


def test_a_key_that_is_there_twice_has_its_index():
    keys = ["the", "dog", *["the"] * 9]
    assert drawn([link(0, 0, 0.5), link(0, 1, 0.25), link(0, 10, 0.1)], ["a"], keys) == (
        "layer 4 · head 3\n0 a → the₀ 0.50  dog 0.25  the₁₀ 0.10\n"
    )


def test_what_does_not_fit_is_left_out():
    keys = ["aaaaaa", "bbbbbb", "cccccc"]
    found = [link(0, 0, 0.5), link(0, 1, 0.3), link(0, 2, 0.1)]

    def line(width, **more):
        return drawn(found, ["q" * 9], keys, width, **more).splitlines()[1]

    assert line(51) == "0 qqqqqqqqq → aaaaaa 0.50  bbbbbb 0.30  cccccc 0.10"
    assert line(50) == "0 qqqqqqqqq → aaaaaa 0.50  bbbbbb 0.30 …"
    assert line(40) == "0 qqqqqqqqq → aaaaaa 0.50  bbbbbb 0.30 …"
    assert CODES.sub("", line(40, system="truecolor")) == line(40)


def test_weights_have_colours_up_to_the_highest_of_the_head():
    screen = drawn(
        [link(0, 0, 0.2), link(0, 1, 0.001), link(0, 0, 0.9, head=5)], "ab", None, 60, "truecolor"
    )
    colors = re.findall(r"48;2;(\d+;\d+;\d+)m(\S+?)\x1b", screen)
    assert colors == [("253;231;37", "0.20"), ("68;1;84", "0.00"), ("253;231;37", "0.90")]


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("system", [None, "truecolor"])
def test_no_line_is_wider_than_the_terminal(width, system):
    found = [
        link(query, key, 1 / (key + 1)) for query in range(len(LABELS)) for key in range(0, 126, 7)
    ]
    screen = drawn(found, LABELS, width=width, system=system)
    lines = CODES.sub("", screen).splitlines()
    assert len(lines) == len(LABELS) + 1
    assert max(map(cell_len, lines)) <= width
    assert ("\x1b" in screen) == (system is not None)
    assert lines[1].startswith("  0 [red] ")
    assert all("→" in line and line.endswith(" …") for line in lines[1:])
