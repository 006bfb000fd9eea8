"""``tfcli models``: help without a command, conversion as a command among others."""

import json
import shlex
import shutil
from pathlib import Path

import pytest
from hostile import MARKER, acting_pickle, tree


@pytest.fixture
def folder(classifier):
    """A classifier whose weights are a pickle."""
    import torch
    from safetensors.torch import load_file

    made = Path(shutil.copytree(classifier(), "old model"))
    torch.save(load_file(made / "model.safetensors"), made / "pytorch_model.bin")
    (made / "model.safetensors").unlink()
    return made


def test_without_a_command_it_shows_its_help(tfcli):
    status, out, err = tfcli("models")
    assert (status, err) == (0, "")
    assert out == tfcli("models", "--help").out
    assert "convert  Turn pickled weights into safetensors" in out


def test_the_program_lists_it(tfcli):
    assert "\n  models      Convert pickled weights." in tfcli("--help").out


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["nope"], "Error: No such command 'nope'.\nHint: tfcli models --help\n"),
        (["convert"], "Error: Missing argument 'DIR'.\nHint: tfcli models convert --help\n"),
        (["convert", "x", "-f", "xls"], "Error: --format"),
    ],
)
def test_a_wrong_command_line_is_a_usage_error(tfcli, arguments, error):
    status, out, err = tfcli("models", *arguments)
    assert (status, out) == (2, "")
    assert err.startswith(error)


def test_the_hint_of_a_refused_pickle_is_the_way_out(tfcli, folder):
    """What the first command hints at makes the third one work."""
    status, out, err = tfcli("sentiment", "good", "-m", str(folder), "-f", "plain")
    assert (status, out) == (5, "")
    assert err.startswith("Error: pytorch_model.bin can run code when it is loaded;")
    hint = err.partition("\nHint: tfcli ")[2].strip()

    status, out, err = tfcli(*shlex.split(hint))
    assert (status, err) == (0, "")
    record = json.loads(out)
    assert list(record)[:3] == ["index", "file", "output"]
    assert record["output"] == str(folder / "model.safetensors")

    status, out, err = tfcli("sentiment", "good", "-m", str(folder), "-f", "plain")
    assert (status, err) == (0, "")
    assert out.startswith("LABEL_")


def test_plain_prints_what_was_made(tfcli, folder):
    out = f"{folder / 'model.safetensors'}\n"
    assert tfcli("models", "convert", str(folder), "-f", "plain") == (0, out, "")


def test_a_hostile_pickle_is_refused_and_everything_stays_as_it_was(tfcli, folder):
    acting_pickle(folder / "pytorch_model.bin")
    before = tree(Path.cwd())
    status, out, err = tfcli("models", "convert", str(folder))
    assert (status, out) == (5, "")
    assert err == "Error: pytorch_model.bin asks for posix.system; nothing of it was run.\n"
    assert not Path(MARKER).exists()
    assert tree(Path.cwd()) == before


def test_a_file_that_cannot_be_written_is_told_before_anything_is_done(tfcli, folder):
    before = tree(folder)
    status, _, err = tfcli("models", "convert", str(folder), "-o", "absent/x.jsonl")
    assert (status, err) == (2, "Error: There is no folder absent to write to.\n")
    assert tree(folder) == before
