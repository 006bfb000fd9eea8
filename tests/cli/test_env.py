"""``tfcli env``: what a bug report needs, as valid JSON too."""

import json
import platform
from importlib.metadata import version

import pytest

from tfcli import __version__

KEYS = [
    *("index", "tfcli", "python", "platform", "packages", "processor", "memory", "torch"),
    *("accelerators", "device", "because", "cache", "settings"),
]


@pytest.fixture
def told(typed):
    status, out, err = typed("env", "--json")
    assert (status, err) == (0, "")
    (record,) = json.loads(out)
    return record


def test_json_has_every_key(told):
    assert list(told) == KEYS


def test_versions_are_those_that_are_installed(told):
    assert told["tfcli"] == __version__
    assert told["python"].startswith(platform.python_version())
    for name in ("torch", "transformers", "tokenizers", "huggingface_hub"):
        assert told["packages"][name] == version(name)
    assert "absent" not in told["packages"]


def test_a_package_that_is_not_there_is_left_out(typed, monkeypatch):
    monkeypatch.setattr("tfcli.cli.env.PACKAGES", ("torch", "no-such-package"))
    (record,) = json.loads(typed("env", "--json").out)
    assert list(record["packages"]) == ["torch"]


def test_the_machine_is_told(told):
    assert told["processor"]["cores"] >= 1
    assert 0 < told["processor"]["usable_cores"] <= told["processor"]["cores"]
    assert told["memory"]["available"] > 0
    assert told["torch"]["threads"] >= 1
    assert set(told["cache"]) == {"folder", "models", "free", "hf"}


def test_the_device_is_told_with_its_reason(typed, monkeypatch):
    from tfcli.models.machine import Accelerator

    monkeypatch.setattr("tfcli.models.machine.accelerators", list)
    (record,) = json.loads(typed("env", "--json").out)
    assert (record["accelerators"], record["because"]) == ([], "torch can use no accelerator")

    card = Accelerator("cuda:0", "A card", 80_000_000_000, 70_000_000_000)
    monkeypatch.setattr("tfcli.models.machine.accelerators", lambda: [card])
    (record,) = json.loads(typed("env", "--json").out)
    assert record["accelerators"] == [
        {
            "device": "cuda:0",
            "name": "A card",
            "memory": 80_000_000_000,
            "free": 70_000_000_000,
        }
    ]
    assert "accelerate takes the first" in record["because"]


def test_settings_are_those_of_config(typed, told):
    config = [json.loads(line) for line in typed("config").out.splitlines()]
    assert told["settings"] == {one["key"]: [one["value"], one["origin"]] for one in config}


def test_on_a_terminal_it_is_a_card(typed):
    out = typed("env", "-f", "table").out
    assert out.startswith(f"tfcli {__version__}\n  python ")
    assert f"transformers: {version('transformers')}" in out
    assert "models.sentiment: bert-starter (starter)" in out
    assert "offline: true (HF_HUB_OFFLINE)" in out
