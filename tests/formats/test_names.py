"""What the name of a file says, and which files a glob means."""

from pathlib import Path

import pytest

from tfcli.errors import UsageError
from tfcli.formats.names import expand, format_of, named_format


def test_globs_are_expanded_in_order_and_names_stay_names():
    for name in ("b.txt", "a.txt", "x[1].txt", "sub/c.txt"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    assert expand(["[ab].txt", "x[1].txt", "none.txt", "-", "./**/c.txt"]) == [
        "a.txt",
        "b.txt",
        "x[1].txt",
        "none.txt",
        "-",
        "./sub/c.txt",
    ]


def test_a_glob_that_matches_nothing_is_a_usage_error():
    with pytest.raises(UsageError, match=r"No file matches \*\.csv\."):
        expand(["*.csv"])


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("in.txt", "txt"),
        ("in.text", "txt"),
        ("in.CSV", "csv"),
        ("in.tsv.gz", "tsv"),
        ("in.v2.ndjson", "jsonl"),
        ("in.json", "json"),
    ],
)
def test_the_extension_names_the_format(path, name):
    assert format_of(path) == named_format(path) == name


@pytest.mark.parametrize("path", ["in", "in.log", "in.gz", ".csv"])
def test_an_extension_that_names_no_format_is_a_usage_error(path):
    with pytest.raises(UsageError) as caught:
        format_of(path)
    assert named_format(path) is None
    assert str(caught.value) == f"The name of {path} does not say what format it has."
    assert caught.value.hint == "Say it with --input-format txt, csv, tsv, json, jsonl or parquet."


def test_an_empty_name_is_a_usage_error():
    with pytest.raises(UsageError, match=r"--input was given an empty name\."):
        format_of("")
