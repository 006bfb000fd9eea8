import pytest
from screens import HARMLESS, HOSTILE, drawn

from tfcli.views.models_verify import view

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def checked(status="ok", message=None, model="org/tiny", revision=COMMIT):
    return {
        "index": 0,
        "model": model,
        "revision": revision,
        "status": status,
        "message": message,
    }


def test_a_mark_and_a_line_each():
    records = [
        checked(model="bert-starter", revision=None),
        checked(),
        checked("partial", "no weights yet"),
        checked("damaged", "x is missing"),
        checked("refused", "it runs code"),
    ]
    assert drawn(view, *records) == (
        "✓ bert-starter\n"
        "✓ org/tiny@0123456\n"
        "○ org/tiny@0123456  partial: no weights yet\n"
        "✗ org/tiny@0123456  damaged: x is missing\n"
        "✗ org/tiny@0123456  refused: it runs code\n"
    )


@pytest.mark.parametrize("width", [20, 80, 200])
def test_the_reason_is_whole_on_any_terminal(width):
    why = "深度学习 " * 30 + "end"
    assert drawn(view, checked("damaged", why), width=width).endswith(f"  damaged: {why}\n")


def test_what_could_act_is_made_visible():
    text = drawn(view, checked("refused", HOSTILE, model=HOSTILE, revision=None))
    assert text == f"✗ {HARMLESS}  refused: {HARMLESS}\n"


@pytest.mark.parametrize(
    ("status", "code"), [("ok", 32), ("partial", 33), ("damaged", 31), ("refused", 31)]
)
def test_marks_have_the_colours_one_expects(status, code):
    assert drawn(view, checked(status, "why"), color="always").startswith(f"\x1b[{code}m")
    assert "\x1b" not in drawn(view, checked(status, "why"))
