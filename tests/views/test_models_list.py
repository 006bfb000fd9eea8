import pytest
from rich.cells import cell_len
from screens import HARMLESS, HOSTILE, drawn

from tfcli.views.models_list import view


def family(slug="bert", **facts):
    return {
        "index": 0,
        "slug": slug,
        "creator": "Google",
        "year": 2018,
        "architecture": "encoder",
        "objectives": ["MLM", "NSP"],
        "tasks": ["fill", "qa", "attn"],
        "status": "supported",
        "removed_in": None,
        "instead": None,
        **facts,
    }


GONE = {"tasks": [], "status": "removed", "removed_in": "5.0.0", "instead": "xlnet"}


def test_a_line_for_each_family_and_how_to_see_more():
    assert drawn(view, family(), family("t5", architecture="encoder-decoder", year=2019)) == (
        "family               year  creator        architecture     tasks\n"
        "bert                 2018  Google         encoder          fill qa attn\n"
        "t5                   2019  Google         encoder-decoder  fill qa attn\n"
        "2 families. One of them: tfcli models show NAME\n"
    )


def test_a_wide_terminal_has_room_for_the_objectives():
    heading, line, _ = drawn(view, family(), width=120).splitlines()
    assert heading.split() == [
        *("family", "year", "creator", "architecture", "objectives", "tasks"),
    ]
    assert "  MLM, NSP  " in line


def test_what_is_gone_says_what_to_see():
    assert "decoder          gone, see xlnet\n" in drawn(
        view, family("transfo-xl", **GONE, architecture="decoder")
    )


def test_what_is_gone_without_another_says_since_when():
    assert "gone since 5.0.0\n" in drawn(view, family("odd", **{**GONE, "instead": None}))


def test_what_nobody_has_described_leaves_its_cells_empty():
    unknown = family("olmo", creator=None, year=None, architecture=None, objectives=[])
    assert drawn(view, unknown).splitlines()[1].split() == ["olmo", "fill", "qa", "attn"]


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (0, "No such family. All of them: tfcli models list\n"),
        (1, "1 family. One of them: tfcli models show NAME\n"),
    ],
)
def test_how_many_there_are(count, told):
    assert drawn(view, *[family()] * count).endswith(f"\n{told}")


@pytest.mark.parametrize("width", [20, 80, 109, 110, 200])
def test_a_family_is_one_line_on_any_terminal(width):
    long = family("深度学习" * 9, creator="c" * 50, objectives=["o" * 30], tasks=["t" * 30] * 9)
    lines = drawn(view, long, family(**GONE), width=width).splitlines()
    assert len(lines) == 4
    assert max(map(cell_len, lines)) <= width


def test_what_could_act_is_made_visible():
    text = drawn(view, family("x", tasks=[HOSTILE]), width=200)
    assert HARMLESS in text
    assert not {"\x1b", "\u202e"} & set(text)


def test_the_three_architectures_have_colours_and_what_is_gone_has_none():
    text = drawn(view, family(), family("gpt2", architecture="decoder"), color="always")
    assert "\x1b[32mencoder" in text
    assert "\x1b[33mdecoder" in text
    assert "\x1b[32m" not in drawn(view, family(**GONE), color="always")
