import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfcli.core.record import record_of, to_json
from tfcli.core.task import Example, Failure

FIELDS = ("text",)
COLUMNS = ("label", "score")
EXAMPLE = Example(4, {"text": "good"}, kept={"id": 7}, file="in.csv", line=9)


def test_a_record_is_index_fields_kept_columns_and_results_in_this_order():
    record = record_of(EXAMPLE, FIELDS, COLUMNS, {"score": 0.5, "label": "POSITIVE"})
    assert list(record.items()) == [
        ("index", 4),
        ("text", "good"),
        ("id", 7),
        ("label", "POSITIVE"),
        ("score", 0.5),
    ]


def test_a_failed_example_keeps_its_place_and_what_it_brought():
    record = record_of(EXAMPLE, FIELDS, COLUMNS, Failure("too_long", "600 tokens; 512 at most"))
    assert list(record.items()) == [
        ("index", 4),
        ("text", "good"),
        ("id", 7),
        ("label", None),
        ("score", None),
        (
            "error",
            {
                "type": "too_long",
                "message": "600 tokens; 512 at most",
                "file": "in.csv",
                "line": 9,
            },
        ),
    ]


def test_a_field_that_is_not_there_is_null():
    assert record_of(Example(0, {}), FIELDS, (), {}) == {"index": 0, "text": None}


def test_only_the_columns_asked_for_are_in_the_record():
    record = record_of(Example(0, {}), (), ("label",), {"label": "A", "secret": 1})
    assert record == {"index": 0, "label": "A"}


def test_a_result_that_a_task_forgot_is_a_mistake_and_no_null():
    with pytest.raises(KeyError, match="score"):
        record_of(EXAMPLE, FIELDS, COLUMNS, {"label": "A"})


def test_json_keeps_chinese_and_escapes_what_would_act():
    assert to_json({"text": "学习\x1b[31m\u202e"}) == r'{"text": "学习\u001b[31m\u202e"}'


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_json_is_one_line_and_gives_back_the_value(value):
    text = to_json(value)
    assert json.loads(text) == value
    assert text.splitlines() == [text]


def test_arrays_are_lists_in_json_and_what_is_no_number_is_null():
    array = np.array([[0.5, np.nan], [1.0, 0.0]], np.float32)
    assert to_json({"a": array}) == '{"a": [[0.5, null], [1.0, 0.0]]}'
    assert to_json({"a": np.float16([2])}) == '{"a": [2.0]}'
    assert to_json({"a": np.array([np.inf, -np.inf, 1])}) == '{"a": [null, null, 1.0]}'
    assert to_json({"a": np.array(["b"])}) == '{"a": ["b"]}'
