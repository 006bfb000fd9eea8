"""``tfcli models verify``: sound, damaged or refused; one status of all."""

import dataclasses
import io
import json
import shutil
from pathlib import Path

import pytest
from hostile import acting_pickle, edit
from hub import COMMIT

from tfcli.models.cache import repo_folder
from tfcli.models.registry import starters


@pytest.fixture
def verified(typed):
    """The status, and what each model is found to be."""

    def found(*names):
        status, out, err = typed("models", "verify", *names)
        assert err == ""
        return status, [json.loads(line) for line in out.splitlines()]

    return found


@pytest.fixture
def snapshot(hub, typed):
    """The folder of a model that was pulled."""
    assert typed("models", "pull", "org/tiny").status == 0
    return repo_folder("org/tiny") / "snapshots" / COMMIT


@pytest.fixture
def folder(classifier):
    return Path(shutil.copytree(classifier("distilbert"), "mine"))


def spoil(path):
    """Change one byte of a file, and leave its name and size."""
    path = path.resolve()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


class TestSound:
    def test_all_that_is_here_without_names(self, verified, snapshot):
        status, found = verified()
        assert status == 0
        assert [one["model"] for one in found] == [*starters(), "org/tiny"]
        assert {(one["status"], one["message"]) for one in found} == {("ok", None)}
        assert list(found[0]) == ["index", "model", "revision", "status", "message"]
        assert [one["revision"] for one in found] == [None] * len(starters()) + [COMMIT]

    def test_the_starters_where_nothing_is_cached(self, verified):
        assert [one["model"] for one in verified()[1]] == list(starters())

    def test_only_those_that_are_named(self, verified, snapshot, folder):
        _, found = verified("org/tiny", "bert-starter", "mine")
        assert sorted(one["model"] for one in found) == ["bert-starter", "mine", "org/tiny"]

    @pytest.mark.parametrize("name", ["org/tiny@main", f"org/tiny@{COMMIT[:7]}"])
    def test_of_a_revision(self, verified, snapshot, name):
        assert verified(name)[1][0]["revision"] == COMMIT

    def test_on_a_terminal_is_a_mark(self, typed, snapshot):
        out = typed("models", "verify", "org/tiny", "-f", "table").out
        assert out == f"✓ org/tiny@{COMMIT[:7]}\n"

    def test_converted_weights_are_of_the_pickle_beside_them(self, verified, hub, typed):
        import torch
        from safetensors.torch import load

        tensors, pickle = load(hub.files.pop("model.safetensors")), io.BytesIO()
        torch.save(tensors, pickle)
        hub.files["pytorch_model.bin"] = pickle.getvalue()
        typed("models", "pull", "org/tiny")
        assert verified("org/tiny")[0] == 0
        spoil(repo_folder("org/tiny") / "snapshots" / COMMIT / "pytorch_model.bin")
        assert verified("org/tiny")[0] == 1


class TestDamaged:
    @pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
    def test_a_file_that_is_another(self, verified, snapshot, name):
        spoil(snapshot / name)
        status, (found,) = verified("org/tiny")
        assert (status, found["status"]) == (1, "damaged")
        assert found["message"] == f"{name} is not as the Hub has it"

    def test_a_file_that_has_gone(self, verified, snapshot):
        (snapshot / "model.safetensors").resolve().unlink()
        status, (found,) = verified("org/tiny")
        assert (status, found["message"]) == (1, "model.safetensors is missing")

    def test_a_model_that_is_not_whole(self, verified, snapshot):
        (snapshot / "config.json").unlink()
        status, (found,) = verified("org/tiny")
        assert (status, found["status"]) == (1, "damaged")
        assert "config.json" in found["message"]

    def test_a_starter_that_is_another(self, verified, monkeypatch):
        known = starters()
        changed = {name: dataclasses.replace(one, sha256="0" * 64) for name, one in known.items()}
        monkeypatch.setattr("tfcli.cli.models.verify.starters", lambda: changed)
        status, found = verified("bert-starter")
        assert status == 1
        assert found[0]["message"] == "model.safetensors is not the one that came with tfcli"

    def test_pulling_again_mends_it(self, verified, snapshot, typed):
        (snapshot / "model.safetensors").resolve().unlink()
        assert typed("models", "pull", "org/tiny").status == 0
        assert verified("org/tiny")[0] == 0

    def test_on_a_terminal_the_reason_is_told_whole(self, typed, snapshot):
        spoil(snapshot / "model.safetensors")
        out = typed("models", "verify", "org/tiny", "-f", "table").out
        why = "damaged: model.safetensors is not as the Hub has it"
        assert out == f"✗ org/tiny@{COMMIT[:7]}  {why}\n"


class TestRefused:
    def test_a_folder_that_would_be(self, verified, folder):
        edit(folder / "config.json", attn_implementation="evil/kernel")
        status, (found,) = verified("mine")
        assert (status, found["status"]) == (5, "refused")
        assert "evil/kernel" in found["message"]

    def test_pickles(self, verified, folder):
        (folder / "model.safetensors").unlink()
        acting_pickle(folder / "pytorch_model.bin")
        assert verified("mine")[0] == 5

    def test_comes_before_damage_in_the_status(self, verified, folder, snapshot):
        edit(folder / "config.json", attn_implementation="evil/kernel")
        spoil(snapshot / "config.json")
        status, found = verified("org/tiny", "mine", "bert-starter")
        assert sorted(one["status"] for one in found) == ["damaged", "ok", "refused"]
        assert status == 5

    def test_a_gguf_file_is_looked_through_too(self, verified, writer):
        from tiny_gguf import make_gguf

        make_gguf(Path("tiny.gguf"), Path(writer("llama")))
        assert verified("tiny.gguf")[0] == 0
        content = Path("tiny.gguf").read_bytes()
        Path("tiny.gguf").write_bytes(content[: len(content) // 2])
        status, (found,) = verified("tiny.gguf")
        assert (status, found["status"]) == (1, "damaged")
        assert found["message"]


@pytest.mark.parametrize("name", ["org/absent", "nope"])
def test_what_is_not_here_is_not_found(typed, name):
    error = f"Error: {name} is not in the cache.\nHint: What is there: tfcli models cached\n"
    assert typed("models", "verify", "bert-starter", name) == (4, "", error)


class TestPartial:
    @pytest.fixture(params=["show", "tokens"])
    def looked_at(self, hub, typed, request):
        """A model of which somebody wanted to know no more than this."""
        how = ("models", "show", "org/tiny") if request.param == "show" else None
        assert typed(*(how or ("tokens", "good", "-m", "org/tiny"))).status == 0
        return repo_folder("org/tiny") / "snapshots" / COMMIT

    def test_is_what_has_no_weights_yet(self, verified, looked_at, typed):
        status, (found,) = verified("org/tiny")
        assert (status, found["status"]) == (0, "partial")
        command = found["message"].removeprefix("no weights yet: tfcli ")
        assert typed(*command.split()).status == 0
        assert verified("org/tiny")[1][0]["status"] == "ok"

    def test_is_not_what_is_damaged_besides(self, verified, looked_at):
        spoil(looked_at / "tokenizer.json")
        assert verified("org/tiny")[1][0]["status"] == "damaged"

    def test_is_not_what_would_be_refused(self, verified, looked_at):
        path = looked_at / "config.json"
        content = json.loads(path.read_text()) | {"attn_implementation": "evil/kernel"}
        path.unlink()
        path.write_text(json.dumps(content))
        status, (found,) = verified("org/tiny")
        assert (status, found["status"]) == (5, "refused")

    def test_is_not_a_folder_of_ones_own(self, verified, folder):
        (folder / "model.safetensors").unlink()
        assert verified("mine")[1][0]["status"] == "damaged"
