import threading
from queue import Queue

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfcli.core.batches import arriving, batches, windows
from tfcli.core.task import Example, Row

lengths = st.lists(st.integers(0, 60), max_size=60)
budgets = st.integers(1, 120)
sizes = st.integers(1, 9)


def examples(count):
    return [Example(i, {"text": str(i)}) for i in range(count)]


def rows(of_lengths):
    return [Row({"input_ids": [0] * length}) for length in of_lengths]


@given(lengths, budgets)
def test_every_row_is_in_exactly_one_batch(of_lengths, budget):
    batched = [i for batch in batches(rows(of_lengths), budget) for i in batch]
    assert sorted(batched) == list(range(len(of_lengths)))


@given(lengths, budgets)
def test_a_padded_batch_keeps_the_budget_unless_it_is_one_long_row(of_lengths, budget):
    for batch in batches(rows(of_lengths), budget):
        padded = len(batch) * max(of_lengths[i] for i in batch)
        assert padded <= budget or len(batch) == 1


@given(lengths, budgets)
def test_the_longest_rows_come_first(of_lengths, budget):
    batched = [of_lengths[i] for batch in batches(rows(of_lengths), budget) for i in batch]
    assert batched == sorted(of_lengths, reverse=True)


def test_rows_of_like_length_share_a_batch():
    assert list(batches(rows([3, 9, 4, 3, 8]), budget=18)) == [[1, 4], [2, 0, 3]]


def test_batches_are_as_full_as_the_budget_allows():
    assert [len(batch) for batch in batches(rows([5] * 7), budget=15)] == [3, 3, 1]


@given(st.integers(0, 30), sizes)
def test_windows_keep_every_example_in_order_and_are_full_but_the_last(count, size):
    cut = list(windows(examples(count), size))
    assert [example for window in cut for example in window] == examples(count)
    assert all(len(window) == size for window in cut[:-1])
    assert all(cut)


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
