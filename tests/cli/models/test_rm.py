"""``tfcli models rm``: asks first, deletes what was named, and says who will miss it."""

import json
import os
import re

import pytest
from hub import COMMIT

from tfcli.models.cache import repo_folder

OTHER = "89abcdef0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def _pulled(hub, typed):
    assert typed("models", "pull", "org/tiny").status == 0


@pytest.fixture
def kept(typed):
    return lambda: typed("models", "cached", "-f", "plain").out.split()


@pytest.fixture
def second(hub, typed):
    """A second revision of the model, which shares most of its files."""
    hub.commits |= {"v2": OTHER, OTHER: OTHER}
    hub.files["config.json"] += b"\n"
    assert typed("models", "pull", "org/tiny@v2").status == 0


class TestYes:
    def test_deletes_without_a_question(self, typed, kept):
        status, out, err = typed("models", "rm", "org/tiny", "--yes")
        record = json.loads(out)
        assert (status, err) == (0, "")
        assert list(record) == ["index", "model", "revision", "bytes"]
        assert (record["model"], record["revision"]) == ("org/tiny", COMMIT)
        assert record["bytes"] > 50_000
        assert kept() == []
        assert not repo_folder("org/tiny").exists()

    def test_of_a_revision_deletes_that_alone(self, typed, kept, second):
        typed("models", "rm", "org/tiny@v2", "--yes")
        assert kept() == ["org/tiny"]
        assert typed("models", "verify", "org/tiny").status == 0

    def test_of_a_commit_too(self, typed, kept, second):
        record = json.loads(typed("models", "rm", f"org/tiny@{OTHER[:8]}", "--yes").out)
        assert record["revision"] == OTHER

    def test_of_a_model_deletes_all_its_revisions(self, typed, kept, second):
        out = typed("models", "rm", "org/tiny", "--yes", "-f", "plain").out
        assert (out, kept()) == ("org/tiny\norg/tiny\n", [])

    def test_of_the_same_twice_deletes_it_once(self, typed):
        out = typed("models", "rm", "org/tiny", "org/tiny@main", "--yes", "-f", "plain").out
        assert out == "org/tiny\n"

    @pytest.mark.parametrize("name", ["org/absent", "org/tiny@v9", "bert-starter"])
    def test_of_what_is_not_cached_deletes_nothing(self, typed, kept, name):
        error = f"Error: {name} is not in the cache.\nHint: What is there: tfcli models cached\n"
        assert typed("models", "rm", "org/tiny", name, "--yes") == (4, "", error)
        assert kept() == ["org/tiny"]


class TestTheQuestion:
    def test_without_a_terminal_nobody_is_asked_and_nothing_deleted(self, typed, kept):
        error = "Error: Deleting asks first, and nobody is there to answer.\nHint: --yes\n"
        assert typed("models", "rm", "org/tiny") == (2, "", error)
        assert kept() == ["org/tiny"]

    @pytest.fixture
    def answered(self, start, terminal):
        """What a person at a terminal sees who answers so, and the status."""

        def run(answer):
            program = start(
                *("models", "rm", "org/tiny", "--color", "never"),
                **dict.fromkeys(("stdin", "stdout", "stderr"), terminal.theirs),
                preexec_fn=_in_charge,
            )
            terminal.until("[y/N] ")
            os.write(terminal.ours, answer)
            shown = terminal.to_the_end()
            return program.wait(timeout=60), shown

        return run

    @pytest.mark.parametrize("answer", [b"y\n", b"Yes\n"])
    def test_yes_deletes(self, answered, kept, answer):
        status, shown = answered(answer)
        assert status == 0
        asked, rest = shown.split("[y/N] ")
        assert re.fullmatch(r"org/tiny@0123456  \d+\.\d kB\nDelete\? ", asked)
        assert f"org/tiny\n  revision  {COMMIT}\n" in rest
        assert kept() == []

    @pytest.mark.parametrize("answer", [b"n\n", b"\n", b"what?\n", b"\x04"])
    def test_anything_else_does_not(self, answered, kept, answer):
        status, shown = answered(answer)
        assert (status, shown.splitlines()[-1]) == (1, "Error: Nothing was deleted.")
        assert kept() == ["org/tiny"]

    def test_nor_does_control_c(self, answered, kept):
        status, shown = answered(b"\x03")
        assert status == 130
        assert "Error" not in shown
        assert kept() == ["org/tiny"]


def _in_charge():
    """Make the terminal the one of a session of its own, so that Ctrl-C is a signal."""
    import fcntl
    import termios

    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class TestADefault:
    def test_that_goes_is_said(self, typed):
        typed("models", "use", "sentiment", "org/tiny")
        err = typed("models", "rm", "org/tiny", "--yes").err
        back = "tfcli models use sentiment --reset"
        assert err == f"Note: sentiment uses org/tiny by default; {back}\n"
        assert typed(*back.split()[1:]).status == 0

    def test_of_the_environment_is_said_too(self, typed, monkeypatch):
        monkeypatch.setenv("TFCLI_MODEL_QA", "org/tiny@main")
        err = typed("models", "rm", "org/tiny", "--yes").err
        assert err == "Note: qa uses org/tiny@main by default; unset TFCLI_MODEL_QA\n"

    def test_of_which_a_revision_stays_is_still_one(self, typed, second):
        typed("models", "use", "sentiment", "org/tiny")
        assert typed("models", "rm", "org/tiny@v2", "--yes").err == ""

    def test_of_another_model_does_not_matter(self, typed):
        typed("models", "use", "sentiment", "org/other")
        assert typed("models", "rm", "org/tiny", "--yes").err == ""


def test_a_cache_that_cannot_be_written_to_is_said(typed, kept, monkeypatch):
    def foreign(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("shutil.rmtree", foreign)
    monkeypatch.setattr(os, "unlink", foreign)
    status, out, err = typed("models", "rm", "org/tiny", "--yes")
    assert (status, out) == (1, "")
    assert err.startswith("Error: Cannot delete ")
    assert kept() == ["org/tiny"]
