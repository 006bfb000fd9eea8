"""The engine in this process: records of all windows, in order, as they come."""

from tfcli.core.batches import windows
from tfcli.core.job import Job
from tfcli.core.options import build
from tfcli.core.task import Example
from tfcli.engines import local
from tfcli.tasks import task_named

SHOUT = task_named("shout")
JOB = Job("shout", None, build(SHOUT.options_type, {}))


def texts(*given: str) -> list[Example]:
    return [Example(i, {"text": text}) for i, text in enumerate(given)]


def test_there_is_one_record_for_each_example_in_order():
    records = local.run(JOB, windows(texts("a", "bb b", "c"), 2))
    assert list(records) == [
        {"index": 0, "text": "a", "shouted": "A", "length": 1},
        {"index": 1, "text": "bb b", "shouted": "BB B", "length": 4},
        {"index": 2, "text": "c", "shouted": "C", "length": 1},
    ]


def test_where_windows_are_cut_makes_no_difference():
    examples = texts("a", "", "too long", "b c", "d")
    whole = list(local.run(JOB, windows(examples)))
    assert all(list(local.run(JOB, windows(examples, n))) == whole for n in (1, 2, 3, 4))


def test_no_examples_are_no_records():
    assert list(local.run(JOB, [])) == []


def test_a_record_does_not_wait_for_the_next_window():
    def live():
        yield texts("a")
        raise AssertionError("the next window was asked for")

    assert next(local.run(JOB, live()))["shouted"] == "A"


def test_an_example_that_fails_keeps_its_place():
    records = local.run(JOB, windows(texts("a", "too long", "b")))
    assert [record["shouted"] for record in records] == ["A", None, "B"]
