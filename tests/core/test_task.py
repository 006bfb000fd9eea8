import dataclasses

import pytest

from tfcli.core.task import (
    Example,
    Failure,
    Field,
    Flag,
    Loaded,
    NoOptions,
    Row,
    fits_of,
    standard_of,
)


def test_a_row_is_as_long_as_its_tokens():
    assert Row({"input_ids": [101, 7592, 102], "attention_mask": [1, 1, 1]}).length == 3


def test_an_example_needs_no_more_than_its_place_and_its_fields():
    assert dataclasses.asdict(Example(0, {"text": "hello"})) == {
        "index": 0,
        "fields": {"text": "hello"},
        "kept": {},
        "file": None,
        "line": None,
        "failure": None,
    }


def test_examples_do_not_share_what_they_keep():
    assert Example(0, {}).kept is not Example(1, {}).kept


def test_a_field_is_required_and_read_line_by_line_unless_it_says_so():
    assert Field("text") == Field("text", required=True, whole=False)


@pytest.mark.parametrize(
    "value", [Example(0, {}), Row({}), Field("text"), Flag("help"), NoOptions()]
)
def test_values_that_cross_rooms_are_frozen(value):
    with pytest.raises((dataclasses.FrozenInstanceError, TypeError)):
        value.index = 1


def test_a_field_is_called_by_its_name_unless_it_has_a_better_one():
    assert Field("context").called == "context"
    assert Field("among", noun="list of candidates").called == "list of candidates"


def test_a_standard_checkpoint_may_depend_on_the_options():
    class One:
        standard = "org/one"

    class Many(One):
        def standard_for(self, options):
            return f"org/{options}"

    assert [standard_of(task, "two") for task in (One(), Many())] == ["org/one", "org/two"]


def test_which_starters_will_do_may_depend_on_the_options():
    class Any:
        pass

    class Some:
        def fits(self, config, options):
            return config["size"] >= options

    assert fits_of(Any(), 3) is None
    assert [fits_of(Some(), 3)({"size": size}) for size in (2, 3)] == [False, True]


def test_what_is_made_with_a_model_is_kept_with_it_alone():
    one, other = Loaded(), Loaded()
    one.cache["a"] = 1
    assert one == other
    assert other.cache == {}


def test_a_failure_is_a_word_and_a_sentence():
    assert Failure("empty", "the text is empty")._asdict() == {
        "type": "empty",
        "message": "the text is empty",
    }
