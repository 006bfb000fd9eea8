"""Which model answers: option, environment, config file, starter; and how a choice is kept."""

import os
import stat
import tomllib
from pathlib import Path

import pytest

from tfcli.errors import ModelNotFoundError, TfcliError, UsageError
from tfcli.models.defaults import Default, choose, config_file, default_for, model_name


@pytest.fixture(name="config_file")
def _config_file():
    path = Path(os.environ["XDG_CONFIG_HOME"]) / "tfcli" / "config.toml"
    path.parent.mkdir(parents=True)
    assert path == config_file()
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

    def test_what_somebody_says_need_not_fit(self, monkeypatch):
        def never(config):
            return False

        with pytest.raises(ModelNotFoundError):
            model_name("sentiment", None, fits=never)
        monkeypatch.setenv("TFCLI_MODEL_SENTIMENT", "org/environment")
        assert model_name("sentiment", None, fits=never) == "org/environment"

    def test_a_task_without_a_starter_needs_a_name(self):
        with pytest.raises(ModelNotFoundError, match="No model for shout") as refused:
            model_name("shout", None)
        assert refused.value.hint == "Name one with -m."
        with pytest.raises(ModelNotFoundError) as refused:
            model_name("shout", None, "org/loud")
        assert refused.value.hint == "tfcli models pull org/loud, then -m org/loud"


class TestAChoice:
    def test_it_is_the_default_from_then_on(self):
        choose("sentiment", "org/mine@v1")
        assert default_for("sentiment") == Default("org/mine@v1", str(config_file()))
        assert default_for("qa") == Default("bert-starter", "starter")

    def test_it_is_valid_toml_whatever_the_name(self):
        choose("sentiment", 'C:\\models\\"x" 模型')
        assert model_name("sentiment", None) == 'C:\\models\\"x" 模型'

    def test_comments_and_other_settings_stay(self, config_file):
        config_file.write_text('# mine\n[other]\na = 1  # one\n\n[models]\n# best\nqa = "org/q"\n')
        choose("sentiment", "org/s")
        text = config_file.read_text()
        assert "# mine\n[other]\na = 1  # one\n" in text
        assert '# best\nqa = "org/q"\n' in text
        assert tomllib.loads(text)["models"] == {"qa": "org/q", "sentiment": "org/s"}

    def test_taken_back_the_starter_answers_again(self, config_file):
        choose("sentiment", "org/s")
        choose("sentiment", None)
        assert default_for("sentiment") == Default("bert-starter", "starter")

    def test_nothing_to_take_back_writes_nothing(self, config_file):
        choose("sentiment", None)
        assert not config_file.exists()

    def test_a_broken_file_is_not_overwritten(self, config_file):
        config_file.write_text("[models")
        with pytest.raises(UsageError, match="broken"):
            choose("sentiment", "org/s")
        assert config_file.read_text() == "[models"

    def test_a_link_to_a_file_elsewhere_stays_one(self, config_file, tmp_path):
        kept = tmp_path / "dotfiles.toml"
        kept.write_text("# kept\n")
        config_file.symlink_to(kept)
        choose("sentiment", "org/s")
        assert config_file.is_symlink()
        assert kept.read_text().startswith("# kept\n")
        assert model_name("sentiment", None) == "org/s"

    def test_the_rights_of_the_file_stay(self, config_file):
        config_file.write_text("")
        config_file.chmod(0o600)
        choose("sentiment", "org/s")
        assert stat.S_IMODE(config_file.stat().st_mode) == 0o600

    def test_a_folder_that_cannot_be_made_is_said_and_nothing_is_left(self, monkeypatch, tmp_path):
        (tmp_path / "file").touch()
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
        with pytest.raises(TfcliError, match="Cannot write"):
            choose("sentiment", "org/s")

    def test_a_full_disk_leaves_the_old_file(self, config_file, monkeypatch):
        choose("sentiment", "org/old")

        def full(handle):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(TfcliError, match="No space left"):
            choose("sentiment", "org/new")
        assert model_name("sentiment", None) == "org/old"
        assert [path.name for path in config_file.parent.iterdir()] == ["config.toml"]
