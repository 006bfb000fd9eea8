"""``tfcli models use``: a task's default, kept so that it means the same from anywhere."""

import json
import os
from pathlib import Path

import pytest

from tfcli.models.defaults import Default, config_file, default_for
from tfcli.tasks import BUILT_IN, task_named


@pytest.fixture
def uses(typed):
    """The record of a choice."""

    def record(*arguments):
        status, out, err = typed("models", "use", *arguments)
        assert (status, err) == (0, "")
        return json.loads(out)

    return record


class TestAChoice:
    def test_is_kept(self, uses):
        assert uses("generate", "org/mine@v1") == {
            "index": 0,
            "model": "org/mine@v1",
            "task": "generate",
            "origin": str(config_file()),
        }
        assert default_for("generate") == Default("org/mine@v1", str(config_file()))

    def test_is_what_answers(self, uses, typed, classifier):
        uses("sentiment", classifier("distilbert"))
        assert typed("sentiment", "good", "-f", "plain").out.startswith("LABEL_")

    def test_of_a_starter_is_its_name(self, uses):
        assert uses("sentiment", "bert-starter")["model"] == "bert-starter"

    @pytest.mark.parametrize("given", ["mine", "./mine", "sub/../mine", "mine/"])
    def test_of_a_folder_means_the_same_from_anywhere(self, uses, typed, given):
        Path("mine").mkdir()
        Path("sub").mkdir()
        here = Path.cwd()
        assert uses("sentiment", given)["model"] == str(here / "mine")
        os.chdir("/")
        assert typed("config", "-f", "plain").out.count(str(here / "mine")) == 1

    def test_a_link_to_a_folder_stays_one(self, uses):
        Path("version-2").mkdir()
        Path("latest").symlink_to("version-2")
        assert uses("sentiment", "latest")["model"] == str(Path.cwd() / "latest")

    def test_of_a_folder_at_home_is_found(self, uses, monkeypatch):
        monkeypatch.setenv("HOME", str(Path.cwd()))
        Path("mine").mkdir()
        assert uses("sentiment", "~/mine")["model"] == str(Path.cwd() / "mine")

    def test_of_a_gguf_file_too(self, uses):
        pytest.importorskip("gguf")
        Path("tiny.gguf").touch()
        assert uses("generate", "tiny.gguf")["model"] == str(Path.cwd() / "tiny.gguf")

    def test_an_environment_that_says_otherwise_goes_before_it(self, uses, monkeypatch):
        monkeypatch.setenv("TFCLI_MODEL_SENTIMENT", "org/other")
        record = uses("sentiment", "org/mine")
        assert (record["model"], record["origin"]) == ("org/other", "TFCLI_MODEL_SENTIMENT")

    @pytest.mark.parametrize("task", [t for t in BUILT_IN if task_named(t).standard])
    def test_of_every_task_with_a_model(self, uses, task):
        assert uses(task, "org/mine")["task"] == task

    def test_is_a_card_on_a_terminal(self, typed):
        out = typed("models", "use", "sentiment", "org/mine", "-f", "table").out
        assert out.startswith("org/mine\n  task    sentiment\n  origin  ")


class TestReset:
    def test_takes_the_choice_back(self, uses):
        uses("sentiment", "org/mine")
        record = uses("sentiment", "--reset")
        assert (record["model"], record["origin"]) == ("bert-starter", "starter")

    def test_leaves_those_of_other_tasks(self, uses):
        uses("sentiment", "org/mine")
        uses("qa", "org/other")
        uses("sentiment", "--reset")
        assert default_for("qa").model == "org/other"

    def test_of_nothing_writes_nothing(self, uses):
        uses("sentiment", "--reset")
        assert not config_file().exists()


class TestAMistake:
    @pytest.mark.parametrize("arguments", [(), ("org/mine", "--reset")], ids=["neither", "both"])
    def test_a_model_and_reset_exclude_each_other(self, typed, arguments):
        error = (
            "Error: Name a model, or take the choice back with --reset.\n"
            "Hint: tfcli models use sentiment MODEL\n"
        )
        assert typed("models", "use", "sentiment", *arguments) == (2, "", error)

    def test_an_unknown_task_is_told_which_there_are(self, typed):
        status, out, err = typed("models", "use", "drive", "org/mine")
        assert (status, out) == (2, "")
        assert err.startswith("Error: There is no task 'drive'.\nHint: Tasks: ")
        assert "sentiment" in err

    @pytest.mark.parametrize(
        ("model", "error"),
        [
            ("nope", "There is no model 'nope'."),
            ("./absent", "There is no folder ./absent."),
            ("~nobody-of-that-name/x", "There is no folder ~nobody-of-that-name/x."),
            ("absent.gguf", "There is no file absent.gguf."),
            ("gpt2-startr", "There is no model 'gpt2-startr'."),
        ],
    )
    def test_an_unknown_model_is_not_found_and_not_kept(self, typed, model, error):
        status, out, err = typed("models", "use", "sentiment", model)
        assert (status, out) == (4, "")
        assert err.startswith(f"Error: {error}\n")
        assert not config_file().exists()

    def test_a_broken_config_file_is_said_and_left(self, typed):
        config_file().parent.mkdir(parents=True)
        config_file().write_text("[models")
        status, out, err = typed("models", "use", "sentiment", "org/mine")
        assert (status, out) == (2, "")
        assert err.startswith(f"Error: {config_file()} is broken: ")
        assert config_file().read_text() == "[models"


@pytest.mark.parametrize("task", ["qa", "generate", "ner"])
def test_a_model_of_another_kind_is_refused_and_nothing_is_kept(typed, classifier, task):
    status, out, err = typed("models", "use", task, classifier())
    assert (status, out) == (2, "")
    assert f"is no model for {task}.\nHint: It fits: " in err
    assert not config_file().exists()
