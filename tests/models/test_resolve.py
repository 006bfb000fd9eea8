"""From a name to a folder: option, environment, config file, starter; starter, folder, Hub."""

import os
from pathlib import Path

import pytest
from hub import serving

from tfcli.errors import ModelNotFoundError
from tfcli.models.cache import repo_folder
from tfcli.models.registry import starters
from tfcli.models.resolve import folder_of, go_offline, is_local, model_ref


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

    def test_so_does_the_end_of_a_cached_id(self):
        (repo_folder("org/tiny") / "snapshots" / "0").mkdir(parents=True)
        (repo_folder("org/tiny") / "snapshots" / "0" / "config.json").touch()
        with pytest.raises(ModelNotFoundError) as refused:
            model_ref("tiny")
        assert refused.value.hint == "Did you mean org/tiny?"

    @pytest.mark.parametrize("name", ["./nowhere", "/nowhere/at/all", "a/b/c", "plain", ""])
    def test_what_is_nothing_is_not_found(self, name):
        with pytest.raises(ModelNotFoundError):
            model_ref(name)


class TestAFolderForTheTokenizerAlone:
    @pytest.mark.parametrize("name", ["bert-starter", "model"])
    def test_is_the_models_where_it_is_here(self, name):
        Path("model").mkdir()
        ref = model_ref(name)
        assert folder_of(ref, weights=False) == folder_of(ref)

    def test_has_no_weights_where_they_would_be_fetched(self, hub):
        folder = folder_of(model_ref("org/tiny"), weights=False)
        assert sorted(path.name for path in folder.iterdir()) == ["config.json", "tokenizer.json"]
        assert (folder_of(model_ref("org/tiny")) / "model.safetensors").is_file()
        assert folder_of(model_ref("org/tiny"), weights=False) == folder


class TestIsLocal:
    def test_is_what_lies_here(self, tmp_path):
        Path("org/name").mkdir(parents=True)
        Path("a.gguf").touch()
        for name in ("org", "org/name", "./org", ".", str(tmp_path), "a.gguf", "./a.gguf"):
            assert is_local(name)

    def test_is_nothing_else(self):
        Path("file").touch()
        for name in ("", "file", "absent", "org/absent", "absent.gguf", "bert-starter"):
            assert not is_local(name)


class TestTheHubOnline:
    """The whole program, with a stand-in for the Hub on loopback."""

    @pytest.fixture
    def online(self, classifier):
        names = {0: "bad", 1: "middling", 2: "good"}  # so that there is nothing to note
        with serving("org/tiny", Path(classifier(id2label=names))) as hub:
            yield hub

    def run(self, tfcli, hub, name="org/tiny", **env):
        env = {"HF_ENDPOINT": hub.address, "HF_HUB_OFFLINE": "0", **env}
        return tfcli("sentiment", "good", "-m", name, "-f", "plain", **env)

    def test_a_model_is_fetched_once_and_each_start_asks_once(self, tfcli, online):
        first = self.run(tfcli, online)
        assert (first.status, first.err) == (0, "")
        assert "model.safetensors" in online.fetched()
        online.asked.clear()
        assert self.run(tfcli, online) == first
        assert online.asked == ["GET /api/models/org/tiny"]
        assert self.run(tfcli, online, HF_HUB_OFFLINE="1") == first

    def test_an_unknown_id_is_not_found(self, tfcli, online):
        ended = self.run(tfcli, online, "org/tinny")
        assert ended.status == 4
        assert ended.err == (
            f"Error: The Hub at {online.address} has no model 'org/tinny' that you may read.\n"
            "Hint: Did you mean org/tiny? If it is private, type: hf auth login\n"
        )

    def test_a_hub_that_never_answers_is_given_up(self, tfcli, online):
        online.fail("GET", silent=True)
        ended = self.run(tfcli, online, HF_HUB_ETAG_TIMEOUT="1")
        assert ended.status == 4
        assert ended.err.startswith(f"Error: The Hub at {online.address} cannot be reached (")
        assert "type once online: tfcli models pull org/tiny\n" in ended.err

    def test_an_address_without_its_scheme_is_a_usage_error(self, tfcli, online):
        ended = self.run(tfcli, online, HF_ENDPOINT="hf-mirror.com")
        assert (ended.status, ended.err) == (
            2,
            "Error: HF_ENDPOINT is no address: 'hf-mirror.com'.\n"
            "Hint: export HF_ENDPOINT=https://hf-mirror.com\n",
        )


def test_offline_is_said_to_the_hub_library(monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE")
    go_offline()
    assert os.environ["HF_HUB_OFFLINE"] == "1"
