"""From a name to a folder: option, environment, config file, starter; starter, folder, Hub."""

import os
from pathlib import Path

import pytest

from tfcli.errors import ModelNotFoundError, UsageError
from tfcli.models.registry import starters
from tfcli.models.resolve import folder_of, go_offline, model_name, model_ref

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def config_file():
    path = Path(os.environ["XDG_CONFIG_HOME"]) / "tfcli" / "config.toml"
    path.parent.mkdir(parents=True)
    return path


class TestWhichModel:
    def test_the_starter_unless_somebody_says_otherwise(self):
        assert model_name("sentiment", None) == "bert-starter"

    def test_the_config_file_beats_the_starter(self, config_file):
        config_file.write_text('[models]\nsentiment = "org/configured"\n')
        assert model_name("sentiment", None) == "org/configured"

    def test_the_environment_beats_the_config_file(self, config_file, monkeypatch):
        config_file.write_text('[models]\nsentiment = "org/configured"\n')
        monkeypatch.setenv("TFCLI_MODEL_SENTIMENT", "org/environment")
        assert model_name("sentiment", None) == "org/environment"

    def test_the_option_beats_the_environment(self, monkeypatch):
        monkeypatch.setenv("TFCLI_MODEL_SENTIMENT", "org/environment")
        assert model_name("sentiment", "org/option") == "org/option"

    @pytest.mark.parametrize("text", ["[models", "[models]\nsentiment = 3\n", "\xff"])
    def test_a_broken_config_file_is_said(self, config_file, text):
        config_file.write_bytes(text.encode("latin-1"))
        with pytest.raises(UsageError, match=r"config\.toml"):
            model_name("sentiment", None)

    def test_a_task_without_a_starter_needs_a_name(self):
        with pytest.raises(ModelNotFoundError, match="No model for shout"):
            model_name("shout", None)


class TestWhatANameMeans:
    def test_a_starter(self):
        ref = model_ref("bert-starter")
        assert folder_of(ref) == starters()["bert-starter"].folder

    def test_a_folder(self, tmp_path):
        (tmp_path / "org" / "name").mkdir(parents=True)
        assert folder_of(model_ref("org/name")) == Path("org/name")

    def test_an_id_with_a_revision(self):
        ref = model_ref("org/name@v1", dtype="bfloat16", device="cpu")
        assert (ref.checkpoint, ref.revision) == ("org/name", "v1")
        assert str(ref) == "org/name@v1"

    def test_a_slip_of_the_finger_gets_the_near_name(self):
        with pytest.raises(ModelNotFoundError) as refused:
            model_ref("bert-startr")
        assert refused.value.hint == "Did you mean bert-starter?"

    @pytest.mark.parametrize("name", ["./nowhere", "/nowhere/at/all", "a/b/c", "plain"])
    def test_what_is_nothing_is_not_found(self, name):
        with pytest.raises(ModelNotFoundError):
            model_ref(name)


class TestTheHub:
    """With a folder in the layout of the Hub's cache, and no network."""

    @pytest.fixture
    def cached(self, tmp_path, monkeypatch):
        import huggingface_hub.constants as hub

        monkeypatch.setattr(hub, "HF_HUB_CACHE", str(tmp_path / "hub"))
        repo = tmp_path / "hub" / "models--org--name"
        snapshot = repo / "snapshots" / COMMIT
        snapshot.mkdir(parents=True)
        (snapshot / "config.json").write_text("{}")
        (repo / "refs").mkdir()
        (repo / "refs" / "main").write_text(COMMIT)
        return snapshot

    def test_a_cached_id_is_found_offline(self, cached):
        assert folder_of(model_ref("org/name")) == cached

    def test_so_is_its_commit(self, cached):
        assert folder_of(model_ref(f"org/name@{COMMIT}")) == cached

    @pytest.mark.parametrize("name", ["org/other", "org/name@v2"])
    def test_what_is_not_cached_is_not_found(self, cached, name):
        with pytest.raises(ModelNotFoundError, match="not on this machine") as refused:
            folder_of(model_ref(name))
        assert "hf download org/" in refused.value.hint

    def test_an_impossible_id_is_not_found(self):
        with pytest.raises(ModelNotFoundError):
            folder_of(model_ref("org/na--me.."))


def test_offline_is_said_to_the_hub_library(monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE")
    go_offline()
    assert os.environ["HF_HUB_OFFLINE"] == "1"
