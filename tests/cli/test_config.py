"""``tfcli config``: every setting, where it comes from, and not a character of a token."""

import json
from pathlib import Path

import pytest

from tfcli.models.cache import cache_folder
from tfcli.models.defaults import config_file
from tfcli.tasks import BUILT_IN, task_named

TOKEN = "hf_QxZvKjWqYpBnMrTs"


@pytest.fixture
def settings(typed):
    """Value and origin by name."""

    def told():
        status, out, err = typed("config")
        assert (status, err) == (0, "")
        records = [json.loads(line) for line in out.splitlines()]
        assert all(list(one) == ["index", "value", "key", "origin"] for one in records)
        return {one["key"]: (one["value"], one["origin"]) for one in records}

    return told


def test_every_task_with_a_model_is_told(settings):
    keys = [f"models.{name}" for name in BUILT_IN if task_named(name).standard]
    assert list(settings()) == ["config file", *keys, "cache", "endpoint", "offline", "token"]


class TestAModel:
    def test_is_the_starter_s_unless_somebody_says_otherwise(self, settings):
        assert settings()["models.sentiment"] == ("bert-starter", "starter")

    def test_of_the_config_file(self, settings, typed):
        typed("models", "use", "qa", "org/mine")
        assert settings()["models.qa"] == ("org/mine", str(config_file()))

    def test_of_the_environment(self, settings, typed, monkeypatch):
        typed("models", "use", "qa", "org/mine")
        monkeypatch.setenv("TFCLI_MODEL_QA", "org/other")
        assert settings()["models.qa"] == ("org/other", "TFCLI_MODEL_QA")

    def test_of_a_task_without_one_is_none(self, settings, monkeypatch):
        monkeypatch.setattr("tfcli.models.defaults.starter_for", lambda task, fits: None)
        assert settings()["models.generate"] == (None, "nothing: -m names one")


class TestTheConfigFile:
    def test_is_named_though_it_is_not_there(self, settings):
        assert settings()["config file"] == (str(config_file()), "not there")

    def test_that_is_there(self, settings, typed, monkeypatch):
        typed("models", "use", "qa", "org/mine")
        assert settings()["config file"] == (str(config_file()), "XDG_CONFIG_HOME")
        monkeypatch.delenv("XDG_CONFIG_HOME")
        monkeypatch.setenv("HOME", str(Path.cwd()))
        typed("models", "use", "qa", "org/mine")
        assert settings()["config file"] == (str(config_file()), "default")

    def test_that_is_broken_is_a_usage_error(self, typed):
        config_file().parent.mkdir(parents=True)
        config_file().write_text("[models")
        status, _, err = typed("config")
        assert status == 2
        assert err.startswith(f"Error: {config_file()} is broken: ")


class TestTheHub:
    @pytest.mark.parametrize("name", ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME"])
    def test_its_cache(self, settings, monkeypatch, name):
        monkeypatch.delenv("HF_HOME")
        monkeypatch.setenv(name, "/data/cache")
        assert settings()["cache"] == (str(cache_folder()), name)
        assert settings()["cache"][0].startswith("/data/cache")

    def test_its_cache_where_nobody_names_one(self, settings, monkeypatch):
        monkeypatch.delenv("HF_HOME")
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        monkeypatch.setenv("HOME", "/home/me")
        assert settings()["cache"] == ("/home/me/.cache/huggingface/hub", "default")

    def test_its_address(self, settings, monkeypatch):
        assert settings()["endpoint"] == ("https://huggingface.co", "default")
        monkeypatch.setenv("HF_ENDPOINT", "https://hf-mirror.com")
        assert settings()["endpoint"] == ("https://hf-mirror.com", "HF_ENDPOINT")

    def test_whether_it_is_asked(self, settings, monkeypatch):
        assert settings()["offline"] == (True, "HF_HUB_OFFLINE")
        monkeypatch.delenv("HF_HUB_OFFLINE")
        assert settings()["offline"] == (False, "default")
        monkeypatch.setenv("TRANSFORMERS_OFFLINE", "1")
        assert settings()["offline"] == (True, "TRANSFORMERS_OFFLINE")


class TestAToken:
    def test_none_says_how_to_get_one(self, settings):
        assert settings()["token"] == (None, "none: hf auth login")

    @pytest.mark.parametrize("name", ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"])
    def test_of_the_environment_is_set(self, settings, monkeypatch, name):
        monkeypatch.setenv(name, TOKEN)
        assert settings()["token"] == ("set", name)

    def test_of_a_file_is_set(self, settings, monkeypatch):
        path = Path(cache_folder().parent, "token")
        path.parent.mkdir(parents=True)
        path.write_text(TOKEN)
        assert settings()["token"] == ("set", str(path))

    def test_of_a_file_that_is_named_is_set(self, settings, monkeypatch):
        Path("secret").write_text(TOKEN)
        monkeypatch.setenv("HF_TOKEN_PATH", "secret")
        assert settings()["token"] == ("set", "secret")

    @pytest.mark.parametrize("form", ["table", "plain", "jsonl", "json", "csv", "tsv"])
    @pytest.mark.parametrize("command", ["config", "env"])
    @pytest.mark.parametrize("where", ["environment", "file"])
    def test_shows_no_character_of_itself(self, typed, monkeypatch, form, command, where):
        if where == "environment":
            monkeypatch.setenv("HF_TOKEN", TOKEN)
        else:
            Path("secret").write_text(TOKEN)
            monkeypatch.setenv("HF_TOKEN_PATH", "secret")
        status, out, err = typed(command, "-f", form, "-v")
        assert status == 0
        assert "token" in out or form == "plain"
        pieces = {TOKEN[i : i + 4] for i in range(3, len(TOKEN) - 3)}
        assert not [piece for piece in pieces if piece in out + err]

    def test_in_an_address_is_not_shown_either(self, typed, monkeypatch):
        monkeypatch.setenv("HF_ENDPOINT", f"https://me:{TOKEN}@hub.example/x")
        out = typed("config").out
        assert TOKEN not in out
        assert "https://…@hub.example/x" in out


def test_plain_is_the_values(typed):
    values = typed("config", "-f", "plain").out.splitlines()
    assert values[0] == str(config_file())
    assert "bert-starter" in values


def test_on_a_terminal_it_is_a_line_each(typed):
    lines = typed("config", "-f", "table").out.splitlines()
    assert lines[0].split() == ["setting", "from", "value"]
    assert lines[1].split()[-1] == str(config_file())


def test_the_second_example_of_its_help_tells_what_is_set(typed):
    assert 'select(.origin != "default")' in typed("config", "-h").out


class TestATokenOfTheHub:
    @pytest.fixture
    def home(self, monkeypatch):
        monkeypatch.delenv("HF_HOME")
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        monkeypatch.setenv("HOME", str(Path.cwd()))
        return Path.cwd()

    def keep(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TOKEN)
        return "set", str(path)

    def test_is_not_beside_a_cache_elsewhere(self, settings, monkeypatch, home):
        kept = self.keep(home / ".cache" / "huggingface" / "token")
        monkeypatch.setenv("HF_HUB_CACHE", "/data/cache")
        assert settings()["token"] == kept

    def test_is_found_from_the_home_folder(self, settings, monkeypatch, home):
        kept = self.keep(home / "models" / "token")
        monkeypatch.setenv("HF_HOME", "~/models")
        assert settings()["token"] == kept
        monkeypatch.delenv("HF_HOME")
        monkeypatch.setenv("HF_TOKEN_PATH", "~/models/token")
        assert settings()["token"] == kept
