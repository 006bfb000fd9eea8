"""What is said on standard error: notes, progress, the introduction of a starter."""

import logging
import os
import warnings
from pathlib import Path

import pytest

from tfcli.cli.messages import introduce, listen, log

NOTE = "Note: 1 of 2 examples failed\n"


def test_failed_examples_are_counted(tfcli):
    assert tfcli("shout", "a", "").err == NOTE


def test_quiet_says_nothing_of_them(tfcli):
    assert tfcli("shout", "a", "", "-q").err == ""


def test_quiet_does_not_hide_an_error(tfcli):
    error = "Error: Cannot read absent.txt: No such file or directory.\n"
    assert tfcli("shout", "-q", "-i", "absent.txt") == (2, "", error)


def test_all_is_well_without_a_word(tfcli):
    assert tfcli("shout", "a").err == ""


@pytest.mark.timeout(60)
def test_progress_counts_records_on_a_terminal(start, terminal):
    program = start("shout", stderr=terminal.theirs, env={"TERM": "xterm"})
    program.stdin.write(b"a\n")
    assert "1 records" in terminal.until("1 records")
    program.communicate()
    assert program.returncode == 0


def test_progress_in_a_file_shows_how_much_is_done(start, terminal):
    Path("some.txt").write_text("a\n" * 600)
    program = start("shout", "-i", "some.txt", stderr=terminal.theirs, env={"TERM": "xterm"})
    program.communicate()
    assert "100%" in terminal.to_the_end()


def test_progress_clears_up_behind_itself(start, terminal):
    program = start("shout", "a", stderr=terminal.theirs, env={"TERM": "xterm"})
    program.communicate()
    shown = terminal.to_the_end()
    assert shown.rindex(SHOW_CURSOR) > shown.rindex(HIDE_CURSOR)
    assert shown.endswith("\x1b[2K")


SHOW_CURSOR = "\x1b[?25h"
HIDE_CURSOR = "\x1b[?25l"


def test_progress_is_gone_before_an_error_is_said(start, terminal):
    with Path("/dev/full").open("w") as full:
        program = start("shout", "a", stdout=full, stderr=terminal.theirs, env={"TERM": "xterm"})
    shown = terminal.to_the_end()
    assert shown.endswith("Error: Cannot write to standard output: No space left on device.\n")
    assert SHOW_CURSOR in shown[: shown.index("Error")]
    assert program.wait(timeout=60) == 1


@pytest.mark.parametrize("arguments", [("a", "-q"), ("a", "-i", "x")], ids=["quiet", "an error"])
def test_no_progress(start, terminal, arguments):
    program = start("shout", *arguments, stderr=terminal.theirs, env={"TERM": "xterm"})
    program.communicate()
    assert "\x1b" not in terminal.to_the_end()


def test_no_progress_over_the_records_on_a_terminal(watched):
    assert "records" not in watched("shout", "a")[1]


def test_on_a_terminal_a_long_example_shows_how_far_it_is_until_its_record_comes(watched):
    words = " ".join(["x" * 100] * 50)
    status, shown = watched("shout", words, "--pause", "0.3", "--color", "never", TERM="xterm")
    assert status == 0
    assert "part 20 of 50" in shown
    assert "part 40 of 50" in shown
    cleared = shown.rindex("\x1b[2K")
    assert shown.rindex("part ") < cleared < shown.index("XXX")


def test_a_terminal_that_takes_nothing_back_shows_no_progress(watched):
    words = " ".join(["x" * 100] * 50)
    assert "part" not in watched("shout", words, TERM="dumb")[1]


@pytest.fixture
def introduced(monkeypatch, terminal, caplog):
    """What a person at a terminal is told when these starters answer."""

    def told(*starters):
        with monkeypatch.context() as patched, os.fdopen(os.dup(terminal.theirs), "w") as screen:
            patched.setattr("sys.stderr", screen)
            for starter in starters:
                introduce(starter, "qa")
        return caplog.messages

    return told


def test_a_starter_says_what_it_is_and_how_to_get_the_standard_checkpoint(introduced):
    assert introduced("little") == [
        "little answers, a small model that comes with tfcli. The task's standard checkpoint is "
        "larger and better: tfcli models pull qa"
    ]


def test_a_starter_is_introduced_once(introduced):
    assert len(introduced("little", "little")) == 1


def test_each_starter_is_introduced(introduced):
    assert len(introduced("little", "other", "little")) == 2


def test_quiet_introduces_nobody(introduced, caplog):
    caplog.set_level(logging.ERROR, "tfcli")
    assert introduced("little") == []


def test_a_log_file_is_introduced_to_nobody(monkeypatch, caplog):
    with Path("log").open("w") as log:
        monkeypatch.setattr("sys.stderr", log)
        introduce("little", "qa")
    assert caplog.messages == []


def test_a_home_that_cannot_be_written_to_is_no_hindrance(introduced, monkeypatch):
    Path("file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(Path("file").absolute()))
    assert len(introduced("little")) == 1


@pytest.mark.parametrize(("verbose", "heard"), [(False, 0), (True, 1)])
def test_what_libraries_warn_of_is_heard_by_verbose_users_alone(verbose, heard, monkeypatch):
    for name in ("handlers", "propagate", "level"):
        monkeypatch.setattr(log, name, getattr(log, name))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        listen(quiet=False, verbose=verbose)
        warnings.warn("use another argument", UserWarning, stacklevel=1)
    assert len(caught) == heard
