"""Heads switched off: which, and what the model does then."""

import logging

import pytest

from tfcli import run
from tfcli.core.job import ModelRef
from tfcli.errors import UnfitModelError, UsageError
from tfcli.models.ablation import Part, all_on, parts
from tfcli.models.load import load
from tfcli.models.tap import tap_of

TEXT = "the film is great and it is not bad"


def test_heads_and_layers():
    assert parts("4.3,5") == [Part(None, 4, 3), Part(None, 5, None)]
    assert parts(" cross.-1.0 ,encoder.2") == [Part("cross", -1, 0), Part("encoder", 2, None)]


@pytest.mark.parametrize("asked", ["", "x", "4.", ".3", "4.3.2.1", "4-5", "4.3;5"])
def test_what_names_no_heads(asked):
    with pytest.raises(UsageError, match="--ablate takes heads"):
        parts(asked)


def off_in(folder, asked, auto_class="AutoModelForSequenceClassification"):
    loaded = load(ModelRef(folder, ablate=asked), lambda config: auto_class)
    return dict(tap_of(loaded.model).off)


def test_which_heads_are_off(classifier):
    assert off_in(classifier("bert"), "1.3,0,1.0,1.3") == {
        ("self", 1): [0, 3],
        ("self", 0): [0, 1, 2, 3],
    }
    assert off_in(classifier("bert"), "-1.-1") == {("self", 1): [3]}


@pytest.mark.parametrize(("asked", "noun"), [("2.0", "layer 2"), ("0.4", "head 4")])
def test_heads_that_are_not_there(classifier, asked, noun):
    with pytest.raises(UsageError, match=f"There is no {noun}"):
        off_in(classifier("bert"), asked)


def test_a_kind_that_is_not_there(classifier):
    with pytest.raises(UsageError, match="the model has no cross attention") as caught:
        off_in(classifier("bert"), "cross.0.1")
    assert caught.value.hint == "self"


def test_a_model_of_two_stacks_wants_to_know_which(writer):
    with pytest.raises(UsageError, match="say which attention") as caught:
        off_in(writer("bart"), "1.0", "AutoModelForSeq2SeqLM")
    assert caught.value.hint == "encoder.1 or decoder.1 or cross.1"
    found = off_in(writer("bart"), "cross.1.0,encoder.0", "AutoModelForSeq2SeqLM")
    assert found == {("cross", 1): [0], ("encoder", 0): [0, 1, 2, 3]}


@pytest.mark.parametrize("family", ["xlnet", "deberta"])
def test_a_model_outside_the_interface_says_so(answerer, classifier, family):
    folder = answerer("xlnet") if family == "xlnet" else classifier("deberta")
    kind = "AutoModelForQuestionAnswering"
    if family == "deberta":
        kind = "AutoModelForSequenceClassification"
    with pytest.raises(UnfitModelError, match=f"The heads of a {family} model"):
        off_in(folder, "0.0", kind)


@pytest.mark.parametrize("family", ["bert", "distilbert", "albert", "gpt2"])
def test_a_classifier_without_heads_says_something_else(classifier, family):
    def score(ablate=None):
        return next(run("sentiment", TEXT, model=classifier(family), ablate=ablate))["score"]

    assert score("0.0") != score()
    assert score("0,1") != score("0.0")


@pytest.mark.parametrize("family", ["gpt2", "llama", "t5"])
def test_writing_without_heads(writer, family):
    def text(ablate=None):
        options = {"greedy": True, "max_new_tokens": 8}
        return next(run("generate", TEXT, model=writer(family), ablate=ablate, **options))["text"]

    first = "encoder.0,decoder.0,cross.0" if family == "t5" else "0"
    assert text(first) != text()


def test_questions_without_heads(answerer):
    def score(ablate=None):
        options = {"context": TEXT, "model": answerer("bert"), "ablate": ablate}
        return next(run("qa", "is it bad?", **options))["score"]

    assert score("1.2") != score()


def test_for_a_while_all_work(classifier):
    loaded = load(
        ModelRef(classifier("bert"), ablate="1"), lambda c: "AutoModelForSequenceClassification"
    )
    tap = tap_of(loaded.model)
    with all_on(loaded.model):
        assert tap.off == {}
    assert tap.off == {("self", 1): [0, 1, 2, 3]}


def test_how_many_are_off_is_said(classifier, caplog):
    caplog.set_level(logging.INFO, "tfcli")
    off_in(classifier("bert"), "1.3,0")
    assert "5 of 8 attention heads are off" in caplog.text


def test_what_changed_is_said(tfcli, classifier):
    model = classifier("bert")
    whole = tfcli("sentiment", TEXT, "bad", "-m", model, "-f", "csv").out.splitlines()
    ended = tfcli("sentiment", TEXT, "bad", "-m", model, "--ablate", "0,1", "-v", "-f", "csv")
    assert ended.status == 0
    for index in (0, 1):
        before = float(whole[1 + index].split(",")[-2])
        after = float(ended.out.splitlines()[1 + index].split(",")[-2])
        (said,) = [line for line in ended.err.splitlines() if line.startswith(f"record {index}:")]
        assert f"score {before:.4f} → {after:.4f}" in said
    assert "heads are off" not in tfcli("sentiment", "bad", "-m", model, "--ablate", "0").err


def test_a_record_says_which_heads_were_off(tfcli, classifier):
    options = ("-m", classifier("bert"), "--ablate", "1.3", "--provenance", "-f", "csv")
    header, line = tfcli("sentiment", "bad", *options).out.splitlines()
    assert header.endswith("model,revision,dtype,device,ablate,error")
    assert line.endswith("float32,cpu,1.3,")


def test_a_typing_error_loads_no_model(tfcli):
    ended = tfcli("sentiment", "bad", "--ablate", "four")
    assert ended.status == 2
    assert ended.err.startswith("Error: --ablate takes heads, not 'four'.")
