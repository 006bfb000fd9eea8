"""The tasks by name, and those that a model serves."""

from pathlib import Path

import pytest

import tfcli.tasks
from tfcli.errors import UsageError
from tfcli.models.families import FOR_ALL, families
from tfcli.tasks import BUILT_IN, task_named, tasks_for

CLASSIFIER, CAUSAL = "AutoModelForSequenceClassification", "AutoModelForCausalLM"


def test_each_file_is_a_task_of_its_name():
    files = {path.stem for path in Path(tfcli.tasks.__file__).parent.glob("[!_]*.py")}
    assert files <= set(BUILT_IN)
    assert all(task_named(name).name == name for name in BUILT_IN)


def test_an_installed_package_may_bring_one():
    assert task_named("shout").name == "shout"


@pytest.mark.parametrize("name", ["", "nope", "Sentiment", "__init__", "../qa"])
def test_what_is_none_is_a_usage_error(name):
    with pytest.raises(UsageError, match=f"There is no task '{name}'") as refused:
        task_named(name)
    assert "sentiment" in refused.value.hint


class TestTasksFor:
    def test_are_those_that_one_of_the_classes_serves(self):
        assert "sentiment" in tasks_for([CLASSIFIER])
        assert "qa" not in tasks_for([CLASSIFIER])
        assert {"generate", "next"} <= set(tasks_for([CAUSAL, *FOR_ALL]))

    def test_are_none_where_nothing_loads_it(self):
        assert tasks_for([]) == tasks_for(["AutoModelForImageClassification"]) == []

    def test_are_all_where_everything_does(self):
        known = {name for name in BUILT_IN if task_named(name).auto_classes}
        classes = {c for name in BUILT_IN for c in task_named(name).auto_classes}
        assert set(tasks_for(classes, "t5")) == known

    def test_say_first_what_a_model_is_for(self):
        fit = tasks_for([*FOR_ALL, CLASSIFIER])
        any_model = tasks_for(FOR_ALL)
        assert any_model
        assert fit[-len(any_model) :] == any_model
        assert "sentiment" in fit[: -len(any_model)]

    def test_of_a_family_are_told_by_its_classes(self):
        assert "fill" in tasks_for(families()["bert"].auto_classes)
        assert "generate" not in tasks_for(families()["bert"].auto_classes)
        assert "generate" in tasks_for(families()["gpt2"].auto_classes)
        assert tasks_for(families()["transfo-xl"].auto_classes) == []


class TestTasksThatLookAtMoreThanTheClass:
    def test_a_family_is_told_apart_by_its_type(self):
        def of(slug):
            return tasks_for(families()[slug].auto_classes, families()[slug].model_type)

        assert {"translate", "summarize"} & {*of("marian")} == {"translate"}
        assert {"translate", "summarize"} & {*of("pegasus")} == {"summarize"}
        assert {"translate", "summarize"} <= {*of("t5")}
        assert {"next", "score", "fill"}.isdisjoint(of("marian"))
        assert {"generate", "next"} <= {*of("reformer")}
        assert {"fill", "attn"}.isdisjoint(of("reformer"))
        assert {"embed", "similar"}.isdisjoint(of("dpr"))

    def test_only_a_model_of_inference_has_labels_for_classify(self):
        assert "classify" in tasks_for([CLASSIFIER], "bert", ["ENTAILMENT", "neutral"])
        assert "classify" not in tasks_for([CLASSIFIER], "bert", ["POSITIVE", "NEGATIVE"])
        assert "classify" in tasks_for([CLASSIFIER], "bert")
