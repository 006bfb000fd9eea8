import pytest
from screens import HARMLESS, HOSTILE, drawn

from tfcli.views.config import view


def setting(key, value, origin):
    return {"index": 0, "value": value, "key": key, "origin": origin}


FILE = "/home/me/.config/tfcli/config.toml"
SETTINGS = (
    setting("config file", FILE, "default"),
    setting("models.qa", "org/mine", FILE),
    setting("models.fill", None, "nothing: -m names one"),
    setting("offline", False, "default"),
    setting("token", "set", "/home/me/.cache/huggingface/token"),
)


def test_a_line_a_setting_with_its_origin_in_a_word():
    assert drawn(view, *SETTINGS) == (
        "setting             from                    value\n"
        f"config file         default                 {FILE}\n"
        "models.qa           config file             org/mine\n"
        "models.fill         nothing: -m names one   —\n"
        "offline             default                 false\n"
        "token               file                    set, in /home/me/.cache/huggingface/token\n"
    )


@pytest.mark.parametrize("width", [20, 80, 200])
def test_a_value_is_whole_on_any_terminal(width):
    name = "org/" + "深" * 60
    text = drawn(view, setting("models.qa", name, "TFCLI_MODEL_QA"), width=width)
    assert text.endswith(f"TFCLI_MODEL_QA          {name}\n")


def test_what_could_act_is_made_visible():
    assert drawn(view, setting("models.qa", HOSTILE, "x")).endswith(f"  {HARMLESS}\n")


def test_colours():
    assert "\x1b" not in drawn(view, *SETTINGS)
    assert "\x1b[1morg/mine\x1b[0m" in drawn(view, *SETTINGS, color="always")
