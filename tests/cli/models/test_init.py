"""``tfcli models`` as a whole: what it does without a command, and what it offers."""

import json

import pytest


def listed(out):
    return [json.loads(line)["slug"] for line in out.splitlines()]


def test_alone_it_lists_the_families(typed):
    ended = typed("models")
    assert ended == typed("models", "list")
    assert (ended.status, ended.err) == (0, "")
    assert {"bert", "gpt2", "t5"} <= set(listed(ended.out))


@pytest.mark.parametrize(
    "options",
    [
        ("--task", "qa"),
        ("--architecture", "decoder", "-f", "plain"),
        ("--json", "--status=removed"),
        ("-f", "csv"),
        ("--all",),
    ],
    ids=" ".join,
)
def test_options_alone_are_those_of_list(typed, options):
    ended = typed("models", *options)
    assert ended == typed("models", "list", *options)
    assert ended.status == 0
    assert ended.out != typed("models").out


def test_an_option_that_list_does_not_have_is_a_usage_error(typed):
    status, out, err = typed("models", "--creater", "Google")
    assert (status, out) == (2, "")
    assert err.startswith("Error: No such option: --creater (Possible options: --creator")


@pytest.mark.parametrize("asked", ["-h", "--help"])
def test_help_is_that_of_all_its_commands(typed, asked):
    status, out, err = typed("models", asked)
    assert (status, err) == (0, "")
    assert "    tfcli models show bert\n" in out
    commands = [line.split()[0] for line in out[out.index("Commands:") :].splitlines()[1:]]
    names = ["list", "show", "pull", "use", "cached", "rm", "verify", "lock", "convert"]
    assert [command for command in commands if command in names] == names


def test_an_unknown_command_is_a_usage_error(typed):
    error = "Error: No such command 'nope'.\nHint: tfcli models --help\n"
    assert typed("models", "nope") == (2, "", error)


def test_a_family_is_no_command(typed):
    assert typed("models", "bert").status == 2
