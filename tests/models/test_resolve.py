"""From a name to a folder: option, environment, config file, starter; starter, folder, Hub."""

import os
from pathlib import Path

import pytest
from hub import serving

from tfcli.errors import ModelNotFoundError, UsageError
from tfcli.models.cache import repo_folder
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


class TestTheHubOnline:
    """The whole program, with a stand-in for the Hub on loopback."""

    @pytest.fixture
    def online(self, classifier):
        with serving("org/tiny", Path(classifier())) as hub:
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
        assert "type once online: hf download org/tiny\n" in ended.err

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
