import pytest
from screens import HARMLESS, HOSTILE, drawn

from tfcli.views.models_pull import view

PULLED = {
    "index": 0,
    "model": "org/tiny@0123456",
    "revision": "0123456789abcdef0123456789abcdef01234567",
    "bytes": 269_300_000,
    "converted": False,
    "default_for": None,
}


def test_a_model_has_its_size_and_its_commit():
    assert drawn(view, PULLED) == "org/tiny@0123456\n  269.3 MB, commit 0123456\n"


def test_what_was_converted_says_so():
    text = drawn(view, {**PULLED, "converted": True})
    assert text.endswith("  269.3 MB, converted from pickles, commit 0123456\n")


def test_a_folder_without_a_commit_has_none():
    assert drawn(view, {**PULLED, "revision": None}).endswith("  269.3 MB\n")


def test_a_task_that_uses_it_says_how_to_go_back():
    text = drawn(view, {**PULLED, "default_for": "qa"})
    assert text.endswith("\n  qa uses it from now on; back again: tfcli models use qa --reset\n")


@pytest.mark.parametrize("width", [20, 80, 200])
def test_nothing_is_cut_off(width):
    name = "org/" + "n" * 120
    assert drawn(view, {**PULLED, "model": name}, width=width).startswith(f"{name}\n")


def test_what_could_act_is_made_visible():
    assert drawn(view, {**PULLED, "model": HOSTILE}).startswith(f"{HARMLESS}\n")


def test_colours():
    assert "\x1b" not in drawn(view, {**PULLED, "default_for": "qa"})
    text = drawn(view, {**PULLED, "default_for": "qa"}, color="always")
    assert "\x1b[36mtfcli models use qa --reset\x1b[0m" in text
