"""``tfcli models lock``, and runs that are held to it by ``--locked``."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from hostile import edit
from hub import COMMIT

from tfcli.models.registry import starters

OTHER = "89abcdef0123456789abcdef0123456789abcdef"


def lock():
    return json.loads(Path("tfcli.lock").read_text())["models"]


@pytest.fixture
def locked(typed):
    """Write a lock of these models; its records."""

    def records(*names):
        status, out, err = typed("models", "lock", *names)
        assert (status, err) == (0, "")
        return [json.loads(line) for line in out.splitlines()]

    return records


@pytest.fixture
def folder(classifier):
    return Path(shutil.copytree(classifier("distilbert"), "mine"))


class TestTheLock:
    def test_holds_a_model_of_the_hub_by_its_commit(self, locked, hub):
        assert locked("org/tiny") == [
            {"index": 0, "model": "org/tiny", "revision": COMMIT, "sha256": None}
        ]
        assert lock() == {"org/tiny": {"revision": COMMIT}}

    def test_holds_a_folder_by_its_files(self, locked, folder):
        (record,) = locked("mine")
        assert (record["model"], record["revision"]) == ("mine", None)
        read = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
        files = {name: (folder / name).read_bytes() for name in read}
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        assert record["sha256"] == digests
        assert lock() == {"mine": {"sha256": digests}}

    def test_holds_the_defaults_where_nothing_is_named(self, locked, typed, folder):
        typed("models", "use", "sentiment", "mine")
        models = [record["model"] for record in locked()]
        assert str(folder.absolute()) in models
        assert set(models) >= {"gpt2-starter", "bert-starter"}
        assert len(models) == len(set(models))

    def test_keeps_what_it_held_of_others(self, locked, folder):
        locked("bert-starter")
        locked("mine")
        assert set(lock()) == {"bert-starter", "mine"}

    def test_is_the_same_however_often_it_is_written(self, locked):
        locked("bert-starter", "gpt2-starter")
        first = Path("tfcli.lock").read_bytes()
        locked("gpt2-starter")
        locked("bert-starter", "bert-starter")
        assert Path("tfcli.lock").read_bytes() == first
        assert [path.name for path in Path().glob("*tfcli.lock*")] == ["tfcli.lock"]

    def test_plain_is_the_models(self, typed):
        assert typed("models", "lock", *starters(), "-f", "plain").out.split() == list(starters())

    def test_is_a_card_each_on_a_terminal(self, typed, hub):
        out = typed("models", "lock", "org/tiny", "-f", "table").out
        assert out == f"org/tiny\n  revision  {COMMIT}\n"

    def test_of_what_is_not_there_is_not_written(self, typed):
        assert typed("models", "lock", "bert-starter", "nope").status == 4
        assert not Path("tfcli.lock").exists()

    def test_that_is_broken_is_left_as_it_is(self, typed):
        Path("tfcli.lock").write_text("{")
        status, out, err = typed("models", "lock", "bert-starter")
        assert (status, out) == (2, "")
        assert err.startswith("Error: tfcli.lock is broken: ")
        assert Path("tfcli.lock").read_text() == "{"


class TestALockedRun:
    def test_runs_what_is_held(self, typed, locked, folder):
        locked("mine")
        ended = typed("sentiment", "good", "-m", "mine", "--locked", "-f", "plain")
        assert ended.status == 0
        assert ended.out.startswith("LABEL_")

    def test_runs_the_commit_though_the_branch_has_moved_on(self, typed, locked, hub):
        locked("org/tiny")
        hub.commits = {"main": OTHER, OTHER: OTHER, COMMIT: COMMIT}
        run = ("sentiment", "good", "-m", "org/tiny", "--provenance")
        assert json.loads(typed(*run, "--locked").out)["revision"] == COMMIT
        assert json.loads(typed(*run).out)["revision"] == OTHER

    def test_fetches_the_commit_where_it_is_not_cached(self, typed, locked, hub):
        locked("org/tiny")
        typed("models", "rm", "org/tiny", "--yes")
        hub.commits = {"main": OTHER, OTHER: OTHER, COMMIT: COMMIT}
        run = ("sentiment", "good", "-m", "org/tiny", "--provenance", "--locked")
        assert json.loads(typed(*run).out)["revision"] == COMMIT

    def test_refuses_files_that_have_changed(self, typed, locked, folder):
        locked("mine")
        edit(folder / "config.json", note="changed")
        error = (
            "Error: config.json of mine is not the one that tfcli.lock holds.\n"
            "Hint: If the change is yours: tfcli models lock mine\n"
        )
        assert typed("sentiment", "good", "-m", "mine", "--locked") == (5, "", error)
        assert typed("sentiment", "good", "-m", "mine").status == 0

    def test_refuses_a_file_more(self, typed, locked, folder):
        locked("mine")
        (folder / "added_tokens.json").write_text("{}")
        assert typed("sentiment", "good", "-m", "mine", "--locked").status == 5

    def test_refuses_what_is_not_held(self, typed, locked):
        locked("gpt2-starter")
        error = (
            "Error: tfcli.lock does not hold bert-starter.\nHint: tfcli models lock bert-starter\n"
        )
        assert typed("sentiment", "good", "--locked") == (2, "", error)

    def test_refuses_another_revision(self, typed, locked, hub):
        locked("org/tiny")
        status, out, err = typed("sentiment", "good", "-m", f"org/tiny@{OTHER}", "--locked")
        assert (status, out) == (2, "")
        assert f"tfcli.lock holds org/tiny at {COMMIT[:7]}, not at {OTHER}" in err

    def test_needs_a_lock(self, typed):
        error = (
            "Error: There is no tfcli.lock in this folder.\n"
            "Hint: tfcli models lock MODEL writes one.\n"
        )
        assert typed("sentiment", "good", "--locked") == (2, "", error)


@pytest.mark.parametrize("where", ["file", "environment"])
def test_a_default_without_a_starter_is_held_too(locked, typed, folder, monkeypatch, where):
    monkeypatch.setattr("tfcli.models.defaults.starter_for", lambda task, fits: None)
    if where == "file":
        typed("models", "use", "sentiment", "mine")
    else:
        monkeypatch.setenv("TFCLI_MODEL_SENTIMENT", str(folder.absolute()))
    assert [record["model"] for record in locked()] == [str(folder.absolute())]


@pytest.mark.parametrize("names", [("org/tiny@main", "org/tiny@v2"), ("org/tiny", "org/tiny@v2")])
def test_two_revisions_of_a_model_are_refused_and_nothing_is_written(typed, hub, names):
    status, out, err = typed("models", "lock", *names)
    said = "Error: The lock holds one revision of a model, and {} and {} are two.\n"
    assert (status, out, err) == (2, "", said.format(*names))
    assert (hub.asked, Path("tfcli.lock").exists()) == ([], False)
