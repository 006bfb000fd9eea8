"""The Hub's cache as it lies on disk: names, revisions, and what is missing."""

import json
import os
from pathlib import Path

import pytest
from hub import COMMIT

from tfcli.models.cache import (
    cache_folder,
    cached_models,
    commit_of,
    is_described,
    is_pinned,
    missing,
    repo_folder,
    snapshot,
    token_file,
)

OTHER = "01234560" + COMMIT[8:]
WEIGHTS = "model.safetensors"


@pytest.fixture
def model():
    """``org/name`` as huggingface_hub lays it out: blobs, links to them, and a ref."""
    repo = repo_folder("org/name")
    folder = repo / "snapshots" / COMMIT
    for place in (folder, repo / "refs", repo / "blobs"):
        place.mkdir(parents=True)
    for name in ("config.json", "tokenizer.json", WEIGHTS):
        (repo / "blobs" / name).write_text("{}")
        (folder / name).symlink_to(f"../../blobs/{name}")
    (repo / "refs" / "main").write_text(COMMIT)
    return folder


class TestWhereItIs:
    def test_in_the_home_folder_unless_the_environment_says_otherwise(self, monkeypatch):
        monkeypatch.delenv("HF_HOME")
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        monkeypatch.setenv("HOME", "/home/me")
        assert cache_folder() == Path("/home/me/.cache/huggingface/hub")

    @pytest.mark.parametrize(
        "said",
        [
            {"XDG_CACHE_HOME": "/caches", "HF_HOME": ""},
            {"HF_HOME": "~/models"},
            {"HF_HOME": "$HOME/models"},
            {"HF_HOME": "/unused", "HF_HUB_CACHE": "/hub"},
            {"HUGGINGFACE_HUB_CACHE": "/hub", "HF_HUB_CACHE": ""},
        ],
        ids=str,
    )
    def test_as_huggingface_hub_reads_it(self, monkeypatch, said):
        import subprocess
        import sys

        for name, value in said.items():
            monkeypatch.setenv(name, value)
            if not value:
                monkeypatch.delenv(name)
        code = "from huggingface_hub.constants import HF_HUB_CACHE as c; print(c)"
        theirs = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        assert str(cache_folder()) == os.fsdecode(theirs.stdout).strip()


class TestWhatIsThere:
    def test_the_ids_of_models(self, model):
        (cache_folder() / "models--org--empty" / "refs").mkdir(parents=True)
        (cache_folder() / "datasets--org--data" / "snapshots").mkdir(parents=True)
        assert cached_models() == ["org/name"]

    def test_without_a_cache_none(self):
        assert cached_models() == []

    @pytest.mark.parametrize("revision", [None, "main", COMMIT, COMMIT[:7], COMMIT[:12]])
    def test_a_revision_by_all_its_names(self, model, revision):
        assert snapshot("org/name", revision) == model

    @pytest.mark.parametrize(
        "revision", ["v1", COMMIT[:6], "f" * 40, "../snapshots", "a\0b", "x" * 300]
    )
    def test_what_is_no_revision_of_it_is_not_found(self, model, revision):
        assert snapshot("org/name", revision) is None

    def test_digits_that_could_be_two_commits_are_neither(self, model):
        (model.parent / (COMMIT[:8] + "f" * 32)).mkdir()
        assert snapshot("org/name", COMMIT[:8]) is None
        assert snapshot("org/name", COMMIT) == model

    def test_only_a_commit_is_pinned(self, model):
        assert is_pinned(COMMIT, model)
        assert is_pinned(COMMIT[:7], model)
        assert not any(is_pinned(moving, model) for moving in (None, "main", "fedcba9"))


class TestWhatIsMissing:
    def test_of_a_whole_model_nothing(self, model):
        assert missing(model) == ""

    @pytest.mark.parametrize("name", ["config.json", "tokenizer.json", WEIGHTS])
    @pytest.mark.parametrize("lost", ["link", "blob"])
    def test_a_file_or_its_blob(self, model, name, lost):
        ((model / name) if lost == "link" else (model / name).resolve()).unlink()
        assert missing(model) == name

    def test_a_shard_that_the_index_names(self, model):
        (model / WEIGHTS).unlink()
        shards = [f"model-0000{i}-of-00002.safetensors" for i in (1, 2)]
        index = {"weight_map": dict(zip("ab", shards, strict=True))}
        (model / f"{WEIGHTS}.index.json").write_text(json.dumps(index))
        (model / shards[0]).touch()
        assert missing(model) == shards[1]
        (model / shards[1]).touch()
        assert missing(model) == ""

    @pytest.mark.parametrize("text", ["{", "[]", "{}", '{"weight_map": []}', "\xff"])
    def test_an_index_that_cannot_be_read(self, model, text):
        (model / WEIGHTS).unlink()
        (model / f"{WEIGHTS}.index.json").write_bytes(text.encode("latin-1"))
        assert missing(model) == f"{WEIGHTS}.index.json"

    def test_weights_that_the_config_names(self, model):
        (model / "config.json").write_text('{"transformers_weights": "other.safetensors"}')
        assert missing(model) == "other.safetensors"

    def test_code_of_its_own_belongs_to_a_model_that_is_trusted(self, model):
        mapped = {"auto_map": {"AutoConfig": "mine.Config", "AutoModel": "org/other--their.Model"}}
        (model / "config.json").write_text(json.dumps(mapped))
        mapped = {"auto_map": {"AutoTokenizer": ["words.Slow", None]}}
        (model / "tokenizer_config.json").write_text(json.dumps(mapped))
        assert missing(model) == ""
        assert missing(model, trust_remote_code=True) == "mine.py"
        (model / "mine.py").touch()
        assert missing(model, trust_remote_code=True) == "words.py"
        (model / "words.py").touch()
        assert missing(model, trust_remote_code=True) == ""

    def test_a_pickle_is_for_others_to_refuse(self, model):
        for name in ("pytorch_model.bin", "weights.PT", "tf_model.h5", "tiny.gguf"):
            next(p for p in (model / WEIGHTS, model / "it") if p.is_symlink()).rename(model / name)
            assert missing(model) == ""
            (model / name).rename(model / "it")
        (model / "it").rename(model / "training_args.bin")
        assert missing(model) == WEIGHTS


def test_the_commit_of_a_snapshot(model, tmp_path):
    commit = "0123456789abcdef0123456789abcdef01234567"
    assert commit_of(tmp_path / "models--a--b" / "snapshots" / commit) == commit
    assert commit_of(tmp_path / commit) is None
    assert commit_of(tmp_path / "snapshots" / "mine") is None


@pytest.mark.parametrize(
    ("lost", "described"),
    [
        ({"model.safetensors"}, True),
        ({"model.safetensors", "tokenizer.json"}, False),
        ({"model.safetensors", "config.json"}, False),
        (set(), False),
    ],
    ids=lambda lost: "+".join(sorted(lost)) or "none" if isinstance(lost, set) else "",
)
def test_a_model_is_described_if_the_weights_alone_are_missing(tmp_path, lost, described):
    for name in {"config.json", "tokenizer.json", "model.safetensors"} - lost:
        (tmp_path / name).write_text("{}")
    assert is_described(tmp_path) is described


def test_a_model_that_has_lost_its_weights_is_not_only_described(tmp_path):
    for name in ("config.json", "tokenizer.json"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "model.safetensors").symlink_to("nowhere")
    assert not is_described(tmp_path)


def test_the_token_lies_in_the_folder_of_all_that_is_the_hubs(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("HF_HOME", "~/hf")
    monkeypatch.setenv("HF_HUB_CACHE", "/data")
    assert (str(token_file()), str(cache_folder())) == ("/home/me/hf/token", "/data")
