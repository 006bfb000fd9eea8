import pytest
from screens import HARMLESS, HOSTILE, drawn

from tfcli.views.models_cached import view

CACHED = {
    "index": 0,
    "model": "org/tiny",
    "revision": "0123456789abcdef0123456789abcdef01234567",
    "refs": ["main", "v1"],
    "bytes": 98052,
    "last_used": "2026-01-31T12:00:00+00:00",
    "whole": True,
    "folder": "/cache",
}


def test_a_line_a_revision_and_their_sum():
    partial = {**CACHED, "model": "org/other", "refs": [], "bytes": 2_000_000, "whole": False}
    assert drawn(view, CACHED, partial) == (
        "size       last used   commit   model\n"
        "98.1 kB    2026-01-31  0123456  org/tiny (main, v1)\n"
        "2.0 MB     2026-01-31  0123456  org/other  not whole\n"
        "2 in all, 2.1 MB\n"
    )


def test_an_empty_cache_says_so():
    assert drawn(view).endswith("\n0 in all, 0 bytes\n")


@pytest.mark.parametrize("width", [20, 80, 200])
def test_a_name_is_whole_on_any_terminal(width):
    name = "org/" + "n" * 120
    assert f"  {name} (main, v1)\n" in drawn(view, {**CACHED, "model": name}, width=width)


def test_what_could_act_is_made_visible():
    text = drawn(view, {**CACHED, "model": HOSTILE, "refs": ["深度", "\x1b[1m"]})
    assert f"{HARMLESS} (深度, ␛[1m)\n" in text


def test_what_is_not_whole_is_yellow():
    assert "\x1b[33morg/tiny" in drawn(view, {**CACHED, "whole": False}, color="always")
    assert "\x1b[33m" not in drawn(view, CACHED, color="always")
    assert "\x1b" not in drawn(view, {**CACHED, "whole": False})
