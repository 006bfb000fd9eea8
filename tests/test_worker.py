"""The worker: one record for each example, whatever batch its rows ran in."""

import pytest
import torch
from tfcli_shout import ShoutOptions

from tfcli.core.job import PROVENANCE, Job, ModelRef
from tfcli.core.record import only_records
from tfcli.core.task import Example, Failure, Progress
from tfcli.errors import ResourceError
from tfcli.tasks.sentiment import SentimentOptions
from tfcli.worker import Worker


def window(*texts):
    return [Example(i, {"text": text}) for i, text in enumerate(texts)]


@pytest.fixture
def shout():
    return Worker(Job("shout", None, ShoutOptions()))


@pytest.fixture
def sentiment(classifier):
    return Worker(Job("sentiment", ModelRef(classifier(), device="cpu"), SentimentOptions()))


def test_records_come_in_the_order_of_the_examples(shout):
    records = list(shout(window("a bb ccc", "dddd", "e f")))
    assert [r["shouted"] for r in records] == ["A BB CCC", "DDDD", "E F"]
    assert [r["index"] for r in records] == [0, 1, 2]


def test_rows_run_longest_first_within_the_budget(shout):
    seen = []
    forward = shout.task.forward

    class Watched(type(shout.task)):
        def forward(self, model, batch, options):
            seen.append([row.inputs["text"] for row in batch["rows"]])
            return forward(model, batch, options)

    shout.task, shout.budget = Watched(), 6
    list(shout(window("a bb ccc", "dddd", "ee f")))
    assert seen == [["dddd"], ["ccc", "bb"], ["ee", "a", "f"]]


def test_it_says_how_far_it_is_before_the_records(shout):
    shout.budget = 6
    progress = list(shout(window("a bb ccc", "dddd", "ee f")))[:3]
    assert progress[:2] == [Progress(1, 6), Progress(3, 6)]
    assert isinstance(progress[2], dict)


def test_a_window_of_one_batch_is_quiet(shout):
    assert len(list(shout(window("a", "b")))) == 2


class TestProvenance:
    def test_every_record_says_what_it_was_made_with(self, classifier):
        ref = ModelRef(classifier(), device="cpu", dtype="bfloat16")
        worker = Worker(Job("sentiment", ref, SentimentOptions(), provenance=True))
        broken = Example(0, {}, failure=Failure("empty", "the text is empty"))
        for record in worker([broken, Example(1, {"text": "good"})]):
            said = [record[name] for name in PROVENANCE]
            assert said == [classifier(), None, "bfloat16", "cpu"]

    def test_a_task_without_a_model_says_so(self):
        worker = Worker(Job("shout", None, ShoutOptions(), provenance=True))
        (record,) = worker(window("a"))
        assert {record[name] for name in PROVENANCE} == {None}


def test_a_failed_example_keeps_its_place_and_the_others_are_answered(shout):
    broken = Example(1, {}, file="a.csv", line=3, failure=Failure("empty", "the text is empty"))
    first, _, third = window("a", "", "c")
    assert list(shout([first, broken, third]))[1] == {
        "index": 1,
        "text": None,
        "shouted": None,
        "length": None,
        "error": {
            "type": "empty",
            "message": "the text is empty",
            "file": "a.csv",
            "line": 3,
        },
    }


def test_a_task_may_fail_an_example_itself(shout):
    first, second = shout(window("too long", "a"))
    assert first["error"]["type"] == "too_long"
    assert second["shouted"] == "A"


def test_a_window_of_failures_runs_no_model(shout, monkeypatch):
    monkeypatch.setattr(type(shout.task), "preprocess", None)
    broken = Example(0, {}, failure=Failure("empty", "the text is empty"))
    (record,) = shout([broken])
    assert record["error"]["type"] == "empty"


def test_an_empty_window_has_no_records(shout):
    assert list(shout([])) == []


class TestOutOfMemory:
    """A model that holds only so many tokens at a time."""

    @pytest.fixture
    def small(self, sentiment, monkeypatch):
        def shrink(tokens, error):
            forward = type(sentiment.loaded.model).forward

            def limited(model, input_ids, **inputs):
                if input_ids.numel() > tokens:
                    raise error
                return forward(model, input_ids=input_ids, **inputs)

            monkeypatch.setattr(type(sentiment.loaded.model), "forward", limited)
            return sentiment

        return shrink

    TEXTS = window(*["the film is great"] * 40, *["good"] * 40, "a film " * 25)

    @pytest.mark.parametrize(
        "error",
        [
            torch.OutOfMemoryError("CUDA out of memory."),
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: 8 bytes"),
            MemoryError(),
        ],
        ids=["cuda", "cpu", "python"],
    )
    def test_the_batch_is_halved_and_the_run_goes_on(self, small, sentiment, caplog, error):
        expected = list(only_records(sentiment(self.TEXTS)))
        found = list(only_records(small(100, error)(self.TEXTS)))
        assert [r["label"] for r in found] == [r["label"] for r in expected]
        assert [r["score"] for r in found] == pytest.approx(
            [r["score"] for r in expected], abs=1e-5
        )
        assert 50 <= sentiment.budget <= 100
        assert 1 <= caplog.text.count("Out of memory: going on with batches of") <= 8

    def test_one_row_that_does_not_fit_ends_the_run(self, small):
        with pytest.raises(ResourceError, match="one row of 52 tokens") as failed:
            list(small(10, torch.OutOfMemoryError("out of memory"))(self.TEXTS))
        assert failed.value.status == 6

    def test_another_error_is_not_mistaken_for_it(self, small):
        with pytest.raises(RuntimeError, match="shapes"):
            list(small(10, RuntimeError("shapes differ"))(self.TEXTS))
