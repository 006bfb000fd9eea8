"""``tfcli models convert``: from the refusal that names it to the model that runs."""

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


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ([], "Error: Missing argument 'DIR'.\nHint: tfcli models convert --help\n"),
        (["x", "-f", "xls"], "Error: --format"),
    ],
)
def test_a_wrong_command_line_is_a_usage_error(tfcli, arguments, error):
    status, out, err = tfcli("models", "convert", *arguments)
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
    assert set(record) == {
        *("index", "file", "output", "sha256", "output_sha256", "tensors", "bytes"),
    }
    assert record["output"] == str(folder / "model.safetensors")

    ended = tfcli("sentiment", "good", "-m", str(folder), "-f", "plain")
    assert ended.status == 0
    assert ended.out.startswith("LABEL_")


def test_a_folder_that_is_not_there_is_not_found(tfcli):
    status, out, err = tfcli("models", "convert", "absent")
    assert (status, out) == (4, "")
    assert "absent" in err


def test_plain_prints_what_was_made(tfcli, folder):
    out = f"{folder / 'model.safetensors'}\n"
    assert tfcli("models", "convert", str(folder), "-f", "plain") == (0, out, "")


def test_it_is_told_as_a_card_and_a_second_time_there_is_nothing_to_do(tfcli, folder):
    title, *facts = tfcli("models", "convert", str(folder), "-f", "table").out.splitlines()
    assert title == str(folder / "model.safetensors")
    assert [fact.split("  ")[1] for fact in facts][:2] == ["file", "sha256"]
    before = tree(folder)
    status, out, err = tfcli("models", "convert", str(folder), "-f", "table")
    assert (status, out) == (2, "")
    assert err.startswith("Error: old model has model.safetensors already.\nHint: It is ready: ")
    assert tree(folder) == before


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
