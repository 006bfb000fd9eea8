"""A task becomes a command: fields, options of every type, help."""

import pytest

HELP = """\
Usage: tfcli shout [OPTIONS] [TEXT]...

  Say it louder.

    tfcli shout hello
    echo hello | tfcli shout

Arguments:
  [TEXT]...  Each one example; - for the lines of stdin.

Options:
  --times N      Say it this often.  [default: 1]
  --pause X      Seconds to take for each batch.
  --until N|all  A number or a word.
  --loud LOUD    Ask for status 10 at this word.

Input:
"""


def test_help_shows_the_examples_as_typed_and_the_tasks_own_options_first(tfcli):
    status, out, err = tfcli("shout", "--help")
    assert (status, err) == (0, "")
    assert out.startswith(HELP)


def test_help_has_a_section_for_each_group_of_options(tfcli):
    sections = [line for line in tfcli("shout", "-h").out.splitlines() if line.istitle()]
    assert sections == ["Arguments:", "Options:", "Input:", "Output:", "Model:", "Other:"]


def test_every_field_but_the_first_is_an_option_and_an_option_with_a_file(tfcli):
    arguments = """\
Arguments:
  [WORD]...            Each one example; - for the lines of stdin.
  --context TEXT       The context.
  --context-file FILE  Read the context from a file, whole.
"""
    assert arguments in tfcli("find", "-h").out


def test_a_field_of_many_lines_is_an_option_that_may_be_repeated(tfcli):
    help_text = " ".join(tfcli("similar", "-h").out.split())
    assert "--among TEXT A text to compare with (repeatable; a line each)." in help_text
    assert "--among-file FILE Read the list of candidates from a file, a line each." in help_text


def test_a_switch_that_may_be_left_to_the_model_has_an_opposite(tfcli, encoder):
    asked = ("embed", "good", "-m", encoder(pooling="cls"), "-f", "plain")
    assert "--normalize / --no-normalize" in tfcli("embed", "-h").out
    said, yes, no = (tfcli(*asked, *more).out for more in ([], ["--normalize"], ["--no-normalize"]))
    assert said == yes != no


def test_an_option_has_its_default(tfcli):
    assert tfcli("shout", "ha", "-f", "plain").out == "HA\n"


def test_a_number_is_a_number(tfcli):
    assert tfcli("shout", "ha", "--times", "3", "-f", "plain").out == "HA HA HA\n"


def test_what_is_no_number_is_a_usage_error(tfcli):
    error = "Invalid value for '--times': 'often' is not a valid int."
    expected = f"Error: {error}\nHint: tfcli shout --help\n"
    assert tfcli("shout", "ha", "--times", "often") == (2, "", expected)


@pytest.mark.parametrize("times", ["0", "10"])
def test_a_number_out_of_range_is_a_usage_error_that_names_the_range(tfcli, times):
    expected = f"Error: --times takes a whole number from 1 to 9, not {times}.\n"
    assert tfcli("shout", "ha", "--times", times) == (2, "", expected)


@pytest.mark.parametrize(("given", "until"), [("3", "3"), ("all", '"all"')])
def test_an_option_may_be_a_number_or_a_word(tfcli, given, until):
    record = f'{{"index": 0, "text": "ha", "shouted": "HA", "length": 2, "until": {until}}}\n'
    assert tfcli("shout", "ha", "--until", given) == (0, record, "")


@pytest.mark.parametrize(
    ("given", "told"), [("0", "0"), ("some", "'some'"), ("1.5", "'1.5'"), ("nan", "'nan'")]
)
def test_neither_such_a_number_nor_such_a_word_is_a_usage_error(tfcli, given, told):
    expected = f"Error: --until takes a whole number from 1 up or 'all', not {told}.\n"
    assert tfcli("shout", "ha", "--until", given) == (2, "", expected)


def test_an_option_with_many_values_is_repeated(tfcli):
    assert tfcli("shout", "b", "--loud", "A", "--loud", "B").status == 10


def test_an_option_without_its_value_is_a_usage_error(tfcli):
    status, out, err = tfcli("shout", "ha", "--times")
    assert (status, out) == (2, "")
    assert err == "Error: Option '--times' requires an argument.\nHint: tfcli --help\n"
