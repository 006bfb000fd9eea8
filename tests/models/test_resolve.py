"""From a name to a folder: option, environment, config file, starter; starter, folder, Hub."""

import os
from pathlib import Path

import pytest
from hub import COMMIT, serving

from tfcli.errors import ModelNotFoundError, UsageError
from tfcli.models.registry import starters
from tfcli.models.resolve import folder_of, go_offline, model_name, model_ref


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

    @pytest.mark.parametrize("text", ["[models", "[models]\nsentiment = 3\n", "models = 3", "\xff"])
    def test_a_broken_config_file_is_said(self, config_file, text):
        config_file.write_bytes(text.encode("latin-1"))
        with pytest.raises(UsageError, match=r"config\.toml"):
            model_name("sentiment", None)

    def test_a_home_folder_in_it_is_found(self, config_file, monkeypatch):
        monkeypatch.setenv("HOME", "/home/me")
        config_file.write_text('[models]\nsentiment = "~/model"\n')
        assert model_name("sentiment", None) == "/home/me/model"

    def test_an_empty_option_is_no_option_left_out(self):
        assert model_name("sentiment", "") == ""

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

    @pytest.mark.parametrize("name", ["./nowhere", "/nowhere/at/all", "a/b/c", "plain", ""])
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
        repo, _, revision = name.partition("@")
        typed = f"hf download {repo}" + (f" --revision {revision}" if revision else "")
        assert refused.value.hint.endswith(typed)

    def test_an_impossible_id_is_not_found(self):
        with pytest.raises(ModelNotFoundError):
            folder_of(model_ref("org/na--me.."))


class TestTheHubOnline:
    """With a stand-in for the Hub on loopback."""

    def test_an_id_is_fetched_once_and_then_answers_without_the_hub(self, tfcli, classifier):
        command = ("sentiment", "good", "-m", "org/tiny", "-f", "plain")
        with serving("org/tiny", Path(classifier())) as hub:
            first = tfcli(*command, HF_ENDPOINT=hub.address, HF_HUB_OFFLINE="0")
        assert (first.status, first.err) == (0, "")
        assert any(path.endswith("/model.safetensors") for path in hub.asked)
        assert tfcli(*command, "--offline", HF_HUB_OFFLINE="0") == first

    def test_an_unknown_id_is_not_found(self, tfcli, classifier):
        with serving("org/tiny", Path(classifier())) as hub:
            online = {"HF_ENDPOINT": hub.address, "HF_HUB_OFFLINE": "0"}
            ended = tfcli("sentiment", "good", "-m", "org/other", **online)
        assert ended.status == 4
        assert ended.err.startswith("Error: The Hub has no model 'org/other' that you may read.\n")

    def test_an_address_where_nobody_answers_is_said(self, tfcli):
        online = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "0"}
        ended = tfcli("sentiment", "good", "-m", "org/tiny", **online)
        assert ended.status == 4
        assert ended.err.startswith("Error: org/tiny is not on this machine, and the Hub cannot")


def test_offline_is_said_to_the_hub_library(monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE")
    go_offline()
    assert os.environ["HF_HUB_OFFLINE"] == "1"
