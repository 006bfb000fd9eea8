import pytest
from rich.cells import cell_len
from screens import HARMLESS, HOSTILE, drawn

from tfcli.views.models_show import view

FAMILY = {
    "index": 0,
    "slug": "gpt2",
    "name": "GPT-2",
    "model_type": "gpt2",
    "year": 2019,
    "objectives": ["CLM"],
    "removed_in": None,
    "classes": {
        "AutoModel": ["GPT2Model"],
        "AutoModelForCausalLM": ["GPT2LMHeadModel"],
        "AutoModelForPreTraining": ["GPT2LMHeadModel"],
    },
    "commands": ["tfcli models show openai-community/gpt2"],
}
MODEL = {
    "index": 0,
    "family": "distilbert",
    "name": "org/tiny",
    "kind": "hub",
    "parameters": 22019,
    "labels": ["NEGATIVE", "POSITIVE"],
    "bytes": 98052,
    "files": {"config.json": 52, "model.safetensors": 98000},
    "cached": False,
    "refused": None,
    "commands": ["tfcli sentiment good -m org/tiny"],
}


def test_a_family_has_each_class_once_and_its_year_without_thousands():
    assert drawn(view, FAMILY) == (
        "GPT-2\n"
        "  model type  gpt2\n"
        "  year        2019\n"
        "  objectives  CLM\n"
        "  classes     GPT2Model, GPT2LMHeadModel\n"
        "  try  tfcli models show openai-community/gpt2\n"
    )


def test_a_model_has_its_files_and_whether_it_is_here():
    assert drawn(view, MODEL) == (
        "org/tiny\n"
        "  family           distilbert\n"
        "  kind             hub\n"
        "  parameters       22,019\n"
        "  labels           NEGATIVE, POSITIVE\n"
        "  files            2, 98.1 kB\n"
        "  on this machine  not yet; tfcli models pull fetches it\n"
        "  try  tfcli sentiment good -m org/tiny\n"
    )


@pytest.mark.parametrize("cached", [True, None])
def test_of_what_is_here_nothing_is_said(cached):
    assert "on this machine" not in drawn(view, {**MODEL, "cached": cached})


def test_a_refusal_is_told_and_no_command():
    text = drawn(view, {**MODEL, "refused": "it runs code (status 5)", "commands": []})
    assert "\n  refused          it runs code (status 5)\n" in text
    assert "try" not in text


@pytest.mark.parametrize("width", [20, 80, 200])
def test_facts_keep_to_the_terminal_and_commands_are_whole(width):
    command = "tfcli attn -m " + "n" * 200
    text = drawn(view, {**MODEL, "labels": ["深度学习"] * 40, "commands": [command]}, width=width)
    *facts, typed = text.splitlines()
    assert max(map(cell_len, facts)) <= width
    assert typed == f"  try  {command}"


def test_what_could_act_is_made_visible():
    record = {**MODEL, "name": HOSTILE, "labels": [HOSTILE], "refused": HOSTILE}
    text = drawn(view, {**record, "commands": [HOSTILE]})
    assert text.count(HARMLESS) == 4
    assert not {"\x1b", "\u202e"} & set(text)
