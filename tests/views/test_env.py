import pytest
from rich.cells import cell_len
from screens import HARMLESS, HOSTILE, drawn

from tfcli.views.env import view

ENV = {
    "index": 0,
    "tfcli": "0.1.0",
    "python": "3.12.1 (/usr/bin/python3)",
    "platform": "Linux-6.1",
    "packages": {"torch": "2.13.0", "transformers": "5.23.0"},
    "processor": {
        "name": "A chip",
        "cores": 8,
        "usable_cores": 1.5,
        "instructions": ["avx2", "amx_bf16"],
    },
    "memory": {"available": 14_800_000_000},
    "torch": {"cuda": None, "rocm": None, "capability": "AVX512", "threads": 2},
    "accelerators": [],
    "device": "cpu",
    "because": "torch can use no accelerator",
    "cache": {"folder": "/cache", "models": 1, "free": 67_700_000_000, "hf": None},
    "settings": {
        "models.qa": ["bert-starter", "starter"],
        "models.fill": [None, "nothing: -m names one"],
        "offline": [False, "default"],
    },
}
CARD = """\
tfcli 0.1.0
  python        3.12.1 (/usr/bin/python3)
  platform      Linux-6.1
  packages      torch: 2.13.0
                transformers: 5.23.0
  processor     A chip, 1.5 of 8 cores, avx2 amx_bf16
  memory        14.8 GB free
  torch         2 threads, AVX512, CUDA none, ROCm none
  accelerators  none
  device        cpu: torch can use no accelerator
  cache         /cache: 1 model, 67.7 GB free
  settings      models.qa: bert-starter (starter)
                offline: false (default)
"""


def test_a_card_for_a_bug_report():
    assert drawn(view, ENV) == CARD


def test_devices_have_their_memory_if_they_have_one():
    devices = [
        {"device": "cuda:0", "name": "A card", "memory": 80_000_000_000, "free": 70_000_000_000},
        {"device": "mps", "name": "Apple GPU", "memory": None, "free": None},
    ]
    text = drawn(view, {**ENV, "accelerators": devices})
    assert "cuda:0 A card (70.0 GB of 80.0 GB free), mps Apple GPU\n" in text


def test_a_machine_that_does_not_tell_its_memory():
    assert "memory" not in drawn(view, {**ENV, "memory": {"available": None}})


@pytest.mark.parametrize("width", [20, 80, 200])
def test_it_keeps_to_the_terminal_and_loses_nothing(width):
    text = drawn(view, {**ENV, "platform": "深度" * 60}, width=width)
    assert max(map(cell_len, text.splitlines())) <= width
    assert text.count("深") == 60


def test_what_could_act_is_made_visible():
    settings = {"models.qa": [HOSTILE, HOSTILE]}
    text = drawn(view, {**ENV, "platform": HOSTILE, "settings": settings}, width=120)
    assert text.count(HARMLESS) == 3


def test_colours():
    assert "\x1b" not in drawn(view, ENV)
    assert "\x1b[1mtfcli 0.1.0\x1b[0m" in drawn(view, ENV, color="always")
