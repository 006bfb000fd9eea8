"""The program itself: what stands before a command, and what every end of a run looks like."""

import os
import re
import signal
from pathlib import Path

import pytest
from watching import eventually, gone, package

from tfcli import __version__
from tfcli.cli.app import OWN, build, listing

WELCOME = """\
tfcli runs Hugging Face models from the shell. Try:

  tfcli sentiment "It is great to learn deep learning."
  printf 'I love it.\\nI hate it.\\n' | tfcli sentiment -f plain
  tfcli qa "Who wrote it?" --context "The letter is by Ada."
  tfcli generate "Once upon a time"
  tfcli attn "The dog chased its tail." --layer 4 --head 3
  tfcli models

All commands: tfcli --help. One of them: tfcli COMMAND --help
"""
FROM_SHOUT = "from tfcli_shout import Shout\nclass Odd(Shout):\n    name = 'odd'\n"
WITHOUT_COMMAND = [(), ("--help",), ("--version",), ("shout", "--help")]


def test_without_a_command_it_says_what_to_type(tfcli):
    assert tfcli() == (0, WELCOME, "")


def test_version_is_one_line(tfcli):
    assert tfcli("--version") == (0, f"tfcli {__version__}\n", "")


def test_help_lists_the_commands(tfcli):
    status, out, err = tfcli("--help")
    assert (status, err) == (0, "")
    commands = out[out.index("\nCommands:\n") :]
    assert "\n  sentiment   Say whether texts are positive or negative" in commands
    assert "\n  qa          Answer questions with the words of a context." in commands
    assert "\n  attn-stats  Say what attention heads do, on average over many texts.\n" in commands
    assert "\n  models      List the model families; show, fetch, choose, check" in commands
    names = {line.split()[0] for line in commands.splitlines()[2:] if line[:3].strip()}
    assert names >= OWN


def test_the_list_is_that_of_the_commands_with_their_options():
    from typer.testing import CliRunner

    whole, bare = (
        CliRunner().invoke(app, ["--help"], prog_name="tfcli").output
        for app in (build("shout"), listing("shout"))
    )
    assert bare == whole
    assert "  shout " in bare


def test_a_shell_completes_the_name_of_a_command(tfcli):
    asked = {"COMP_WORDS": "tfcli sen", "COMP_CWORD": "1"}
    assert tfcli(_TFCLI_COMPLETE="complete_bash", **asked) == (0, "sentiment\n", "")


def test_h_is_help(tfcli):
    assert tfcli("-h") == tfcli("--help")


def test_an_unknown_command_is_a_usage_error(tfcli):
    assert tfcli("nope") == (2, "", "Error: No such command 'nope'.\nHint: tfcli --help\n")


def test_options_stand_after_the_command(tfcli):
    status, out, err = tfcli("--json", "shout", "hello")
    assert (status, out) == (2, "")
    assert err.startswith("Error: No such option: --json")


def test_an_unknown_option_names_its_like_and_the_help(tfcli):
    status, out, err = tfcli("shout", "--inptu", "x.txt")
    assert (status, out) == (2, "")
    assert err.startswith("Error: No such option: --inptu (Possible options: --input, ")
    assert err.endswith("\nHint: tfcli shout --help\n")


@pytest.mark.parametrize("text", ["-b", "--5 stars"])
def test_a_text_that_begins_with_a_dash_is_refused_with_a_way_out(tfcli, text):
    behind = f"a text that begins with '-' goes behind '--': tfcli shout -- '{text} …'"
    hint = f"tfcli shout --help lists the options; {behind}"
    expected = f"Error: No such option: {text}\nHint: {hint}\n"
    assert tfcli("shout", text) == (2, "", expected)


def test_a_command_of_another_package_is_found(tfcli):
    assert tfcli("shout", "hello", "-f", "plain") == (0, "HELLO\n", "")


def test_a_package_that_does_not_load_is_named(tfcli):
    package("odd", "import a_library_that_is_not_there")
    error = (
        "Error: The package that brings 'odd' does not load: "
        "ModuleNotFoundError: No module named 'a_library_that_is_not_there'\n"
        "Hint: TFCLI_DEBUG=1 tfcli odd shows where it fails.\n"
    )
    assert tfcli("odd", "x") == (1, "", error)


def test_a_package_that_does_not_load_is_in_nobodys_way(tfcli):
    package("odd", "import a_library_that_is_not_there")
    assert tfcli("shout", "hello", "-f", "plain") == (0, "HELLO\n", "")


def test_the_help_lists_what_packages_bring(tfcli):
    package("odd", FROM_SHOUT + "    summary = 'Say it oddly.'\nTASK = Odd()")
    package("lost", "import a_library_that_is_not_there")
    status, out, err = tfcli("--help")
    assert status == 0
    assert re.search(r"odd +Say it oddly\.", out)
    why = "ModuleNotFoundError: No module named 'a_library_that_is_not_there'"
    assert err == f"Note: The package that brings 'lost' does not load: {why}\n"


@pytest.mark.parametrize("name", ["config", "models", "sentiment"])
def test_no_package_is_asked_for_a_command_of_ours(tfcli, name):
    package(name, "open('loaded', 'w')")
    assert tfcli(name, "-h").status == 0
    assert not Path("loaded").exists()


UNEXPECTED = (
    "Error: KeyError: 'k'\n"
    "Hint: This should not happen. TFCLI_DEBUG=1 in front of the command shows where it did.\n"
)


def test_an_exception_that_nobody_expected_is_one_line_and_a_hint(tfcli):
    package("odd", FROM_SHOUT + "    def forward(self, *_): raise KeyError('k')\nTASK = Odd()")
    assert tfcli("odd", "x") == (1, "", UNEXPECTED)


def test_a_panic_of_a_library_in_rust_is_no_traceback_either(tfcli):
    panic = "class Panic(BaseException): pass\n"
    raising = "    def forward(self, *_): raise Panic('zero width')\nTASK = Odd()"
    package("odd", panic + FROM_SHOUT + raising)
    assert tfcli("odd", "x") == (1, "", UNEXPECTED.replace("KeyError: 'k'", "Panic: zero width"))


def test_tfcli_debug_adds_the_traceback(tfcli):
    package("odd", FROM_SHOUT + "    def forward(self, *_): raise KeyError('k')\nTASK = Odd()")
    status, out, err = tfcli("odd", "x", TFCLI_DEBUG="1")
    assert (status, out) == (1, "")
    assert err.startswith(UNEXPECTED + "Traceback (most recent call last):\n")
    assert err.endswith("\nKeyError: 'k'\n")


def test_what_the_system_refuses_is_told_in_its_words(tfcli):
    package("odd", FROM_SHOUT + "    def forward(self, *_): open('absent')\nTASK = Odd()")
    error = "Error: [Errno 2] No such file or directory: 'absent'\n"
    assert tfcli("odd", "x") == (1, "", error)


@pytest.mark.parametrize("arguments", WITHOUT_COMMAND, ids=" ".join)
def test_help_into_a_closed_pipe_ends_quietly(start, arguments):
    program = start(*arguments, stdout=gone())
    assert program.communicate() == (None, b"")
    assert program.returncode == 0


@pytest.mark.parametrize("arguments", WITHOUT_COMMAND, ids=" ".join)
def test_help_on_a_full_disk_is_an_error_of_one_line(start, arguments):
    with Path("/dev/full").open("w") as full:
        program = start(*arguments, stdout=full)
    assert program.communicate() == (None, b"Error: [Errno 28] No space left on device\n")
    assert program.returncode == 1


@pytest.mark.parametrize(
    ("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
def test_a_signal_before_the_run_has_begun_ends_it_without_a_word(start, sent, status):
    package("odd", "import time\nopen('loading', 'w')\ntime.sleep(60)")
    program = start("odd", "x")
    eventually(Path("loading").exists)
    program.send_signal(sent)
    assert program.communicate() == (b"", b"")
    assert program.returncode == status


def test_the_status_is_the_same_when_nobody_can_hear_the_error(start):
    program = start("shout", "--nope", stderr=None, preexec_fn=lambda: os.close(2))
    assert program.wait(timeout=60) == 2


def test_records_are_written_though_standard_error_is_closed(start):
    command = ("shout", "hello", "", "-f", "plain")
    program = start(*command, stderr=None, preexec_fn=lambda: os.close(2))
    assert program.communicate() == (b"HELLO\n\n", None)
    assert program.returncode == 3
