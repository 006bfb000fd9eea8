import threading
from queue import Queue

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfcli.core.batches import (
    WINDOW,
    WINDOW_CHARACTERS,
    arriving,
    batch_size,
    longest_first,
    window_of,
    windows,
)
from tfcli.core.task import Example, Row

lengths = st.lists(st.integers(0, 60), max_size=60)
budgets = st.integers(1, 120)
sizes = st.integers(1, 9)


def examples(count):
    return [Example(i, {"text": str(i)}) for i in range(count)]


def rows(of_lengths):
    return [Row({"input_ids": [0] * length}) for length in of_lengths]


@given(lengths)
def test_every_row_has_one_place_and_the_longest_the_first(of_lengths):
    order = longest_first(rows(of_lengths))
    assert sorted(order) == list(range(len(of_lengths)))
    assert [of_lengths[i] for i in order] == sorted(of_lengths, reverse=True)


def test_rows_of_one_length_keep_their_order():
    assert longest_first(rows([3, 9, 4, 3, 9])) == [1, 4, 2, 0, 3]


@given(st.integers(0, 60), budgets)
def test_a_batch_is_as_full_as_the_budget_allows_and_has_a_row_at_least(length, budget):
    size = batch_size(length, budget)
    assert size == 1 or size * length <= budget
    assert (size + 1) * max(1, length) > budget


@given(st.integers(0, 30), sizes)
def test_windows_keep_every_example_in_order_and_are_full_but_the_last(count, size):
    cut = list(windows(examples(count), size))
    assert [example for window in cut for example in window] == examples(count)
    assert all(len(window) == size for window in cut[:-1])
    assert all(cut)


def test_long_documents_make_small_windows():
    half = "x" * (WINDOW_CHARACTERS // 2)
    documents = [Example(i, {"text": half}) for i in range(5)]
    assert [len(window) for window in windows(documents)] == [2, 2, 1]


def test_a_window_is_not_read_before_it_is_asked_for():
    taken = []
    stream = windows((taken.append(e.index) or e for e in examples(9)), 3)
    next(stream)
    assert taken == [0, 1, 2]


@given(st.integers(0, 30), sizes)
def test_what_arrives_is_kept_in_order_in_windows_that_are_not_empty(count, size):
    cut = list(arriving(examples(count), size))
    assert [example for window in cut for example in window] == examples(count)
    assert all(1 <= len(window) <= size for window in cut)


def live():
    """A queue to put examples into, and the stream of them; None ends it."""
    queue = Queue()
    return queue, iter(queue.get, None)


@pytest.mark.timeout(10)
def test_a_window_does_not_wait_for_more_than_has_arrived():
    queue, stream = live()
    arrived = arriving(stream)
    for example in examples(3):
        queue.put(example)
        assert next(arrived) == [example]
    queue.put(None)
    assert list(arrived) == []


@pytest.mark.timeout(10)
def test_what_has_arrived_meanwhile_is_one_window():
    read = threading.Event()

    def stream():
        yield from examples(5)
        read.set()

    arrived = arriving(stream())
    first = next(arrived)
    read.wait()
    rest = list(arrived)
    assert [*first, *(e for window in rest for e in window)] == examples(5)
    assert len(rest) <= 1


@pytest.mark.timeout(10)
def test_reading_ahead_stops_when_a_window_is_full():
    taken = []
    stream = arriving((taken.append(e.index) or e for e in examples(100)), 4)
    next(stream)
    assert len(taken) <= 4 + 4 + 2  # a window, a full queue, one in each hand


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt()])
@pytest.mark.timeout(10)
def test_what_goes_wrong_in_the_reading_thread_is_raised_after_what_was_read(error):
    def stream():
        yield from examples(2)
        raise error

    seen = []
    with pytest.raises(type(error)) as caught:
        seen.extend(example for window in arriving(stream()) for example in window)
    assert caught.value is error
    assert seen == examples(2)


def test_a_task_may_say_how_many_examples_it_takes_at_a_time():
    class Hasty:
        def window(self, options):
            return options

    assert window_of(Hasty(), 3) == 3
    assert window_of(object(), 3) == WINDOW
