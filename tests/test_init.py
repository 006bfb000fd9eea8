"""``tfcli.run``: from Python, the same records as on the command line."""

import json
from pathlib import Path

import pytest

from tfcli import run
from tfcli.errors import UsageError


def test_a_text_is_one_record():
    record = {"index": 0, "text": "a", "shouted": "A", "length": 1}
    assert list(run("shout", "a")) == [record]


@pytest.mark.parametrize(
    "texts", [["a", "too long", "", "b\nc \u202e\x1b"], ["a"], []], ids=["some", "one", "none"]
)
def test_records_are_those_of_the_command_line(tfcli, texts):
    printed = tfcli("shout", "--", *texts).out if texts else ""
    assert list(run("shout", texts)) == [json.loads(line) for line in printed.splitlines()]


def test_options_are_those_of_the_command_line(tfcli):
    printed = tfcli("shout", "a", "--times", "2", "--until", "all").out
    assert list(run("shout", "a", times=2, until="all")) == [json.loads(printed)]


def test_a_model_may_be_a_path(classifier):
    folder = classifier("bert")
    assert list(run("sentiment", "fine", model=Path(folder))) == list(
        run("sentiment", "fine", model=str(folder))
    )


def test_an_example_of_several_fields_is_a_mapping():
    example = {"word": "b", "context": "a b"}
    assert list(run("find", [example])) == [{"index": 0, "word": "b", "at": 2}]


def test_one_mapping_is_one_example():
    example = {"word": "b", "context": "a b"}
    assert list(run("find", example)) == [{"index": 0, "word": "b", "at": 2}]


def test_a_field_that_is_missing_is_that_examples_error():
    (record,) = run("find", [{"word": "b"}])
    assert record["error"]["message"] == "no 'context' here"


@pytest.mark.parametrize("example", [None, 3, float("nan"), b"a", ["a"]], ids=repr)
def test_what_is_no_text_is_that_examples_error(example):
    """As in a column of a table with gaps."""
    first, wrong, last = run("shout", ["a", example, "b"])
    assert (first["shouted"], last["shouted"]) == ("A", "B")
    assert wrong["error"]["type"] == "column"


def test_examples_need_not_end():
    def endless():
        while True:
            yield "a"

    records = run("shout", endless())
    assert [next(records)["index"] for _ in range(3)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("given", "error", "hint"),
    [
        ({"tims": 2}, "There is no option 'tims'.", "Did you mean 'times'?"),
        ({"zzz": 2}, "There is no option 'zzz'.", "Options: times, pause, until, loud"),
        ({"times": 0}, "--times takes a whole number from 1 to 9, not 0.", ""),
    ],
    ids=["nearly", "unknown", "out of range"],
)
def test_wrong_options_are_usage_errors_before_anything_runs(given, error, hint):
    with pytest.raises(UsageError) as raised:
        run("shout", "a", **given)
    assert (str(raised.value), raised.value.hint) == (error, hint)


def test_an_unknown_task_is_a_usage_error():
    with pytest.raises(UsageError, match=r"There is no task 'nope'\."):
        run("nope", "a")
