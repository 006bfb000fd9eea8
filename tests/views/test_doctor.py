import pytest
from screens import HARMLESS, HOSTILE, drawn

from tfcli.views.doctor import view


def finding(status, message, fix=None, check="space"):
    return {"index": 0, "message": message, "check": check, "status": status, "fix": fix}


def test_a_mark_each_and_the_command_that_mends_it():
    records = [
        finding("ok", "all is well", "not needed", check="versions"),
        finding("warning", "little is left", "export HF_HOME=/a"),
        finding("problem", "nothing is left"),
    ]
    assert drawn(view, *records) == (
        "✓ versions all is well\n"
        "! space    little is left\n"
        "           export HF_HOME=/a\n"
        "✗ space    nothing is left\n"
    )


@pytest.mark.parametrize("width", [20, 80, 200])
def test_a_command_is_whole_on_any_terminal(width):
    fix = "export HF_HOME=" + "深" * 90
    text = drawn(view, finding("problem", "m" * 120, fix), width=width)
    assert text == f"✗ space    {'m' * 120}\n           {fix}\n"


def test_what_could_act_is_made_visible():
    text = drawn(view, finding("problem", HOSTILE, HOSTILE))
    assert text == f"✗ space    {HARMLESS}\n           {HARMLESS}\n"


@pytest.mark.parametrize(("status", "code"), [("ok", 32), ("warning", 33), ("problem", 31)])
def test_marks_have_the_colours_one_expects(status, code):
    assert drawn(view, finding(status, "m"), color="always").startswith(f"\x1b[{code}m")
    assert "\x1b" not in drawn(view, finding(status, "m"))
