"""``tfcli run``: the old command line in new words."""

import json
from pathlib import Path

import pytest

from tfcli.cli.transformers_run import OLD_NAMES, RunOptions, arguments
from tfcli.errors import UsageError
from tfcli.tasks import BUILT_IN


@pytest.mark.parametrize("old", sorted(OLD_NAMES.keys() - {"zero-shot-classification"}))
def test_every_old_pipeline_for_text_has_a_command(old):
    assert arguments(old, RunOptions())[0] in BUILT_IN


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"input": "a.csv"}, ["-i", "a.csv"]),
        ({"input": "a", "format": "json"}, ["-i", "a", "--input-format", "json"]),
        ({}, ["-i", "-"]),
        ({"format": "pipe"}, ["-i", "-"]),
        ({"column": "text"}, ["-i", "-", "-c", "text"]),
        ({"column": "question=q,context=c"}, ["-i", "-", "-c", "question=q", "-c", "context=c"]),
        ({"device": -1}, ["-i", "-", "--device", "cpu"]),
        ({"device": 1}, ["-i", "-", "--device", "cuda:1"]),
        ({"model": "org/m", "tokenizer": "org/m"}, ["-i", "-", "-m", "org/m"]),
        ({"output": "new.json"}, ["-i", "-", "-o", "new.json"]),
    ],
    ids=str,
)
def test_every_old_option_has_a_new_one(given, words):
    assert arguments("qa", RunOptions(**given)) == ["qa", *words]


def test_the_task_may_stand_alone_or_behind_its_option():
    assert arguments(None, RunOptions(task="ner")) == arguments("ner", RunOptions())


def test_the_languages_of_a_translation_are_options():
    expected = ["translate", "--from", "en", "--to", "de", "-i", "-"]
    assert arguments("translation_en_to_de", RunOptions()) == expected


@pytest.mark.parametrize(
    ("task", "given", "message"),
    [
        (None, {}, "Name one task"),
        ("qa", {"task": "ner"}, "Name one task"),
        ("image-classification", {}, "There is no task 'image-classification'"),
        ("qa", {"tokenizer": "org/other"}, "runs with its own tokenizer"),
        ("qa", {"config": "c", "model": "m"}, "runs with its own config"),
        ("qa", {"format": "pipe", "input": "a.csv"}, "--format pipe reads standard input"),
    ],
    ids=str,
)
def test_what_cannot_be_is_a_usage_error(task, given, message):
    with pytest.raises(UsageError, match=message):
        arguments(task, RunOptions(**given))


def test_labels_have_no_option():
    with pytest.raises(UsageError, match="wants labels") as refused:
        arguments("zero-shot-classification", RunOptions(input="a.csv", column="text"))
    labels = "--labels refund,praise,question"
    assert refused.value.hint == f"tfcli classify -i a.csv -c text {labels}"


def test_an_output_that_is_there_is_replaced_only_if_that_is_asked_for():
    Path("out.json").touch()
    with pytest.raises(UsageError, match=r"out\.json is there already"):
        arguments("qa", RunOptions(output="out.json"))
    assert arguments("qa", RunOptions(output="out.json", overwrite=True))[-1] == "out.json"


def test_it_runs_the_command_and_gives_its_status(tfcli):
    Path("reviews.csv").write_text("id,review\n1,Splendid!\n2,\n")
    options = ["--input", "reviews.csv", "--column", "review", "--output", "out.json"]
    status, out, err = tfcli("run", "--task", "sentiment-analysis", *options)
    assert (status, out) == (3, "")
    same = "tfcli sentiment -i reviews.csv -c review -o out.json"
    assert err.startswith(f"Note: the same in tfcli's words: {same}\n")
    first, second = json.loads(Path("out.json").read_text())
    assert first["label"] == "POSITIVE"
    assert second["error"]["type"] == "empty"
