from dataclasses import dataclass
from typing import Annotated

import pytest

from tfcli.core.options import Option, build, options_of
from tfcli.core.task import Flag
from tfcli.errors import UsageError

TIMES = Flag("How often.", min=1, max=9)


@dataclass(frozen=True)
class Options:
    times: Annotated[int, TIMES] = 1
    share: Annotated[float, Flag("Between.", min=0, max=1)] = 0.5
    at_least: Annotated[float, Flag("From.", min=-1)] = 0.0
    at_most: Annotated[float, Flag("Up to.", max=5)] = 0.0
    pause: Annotated[float, Flag("Seconds.")] = 0.0
    how: Annotated[str, Flag("How.", choices=("mean", "last"))] = "mean"
    top: Annotated[int | str | None, Flag("N or all.", choices=("all",), min=1)] = None
    words: Annotated[tuple[str, ...], Flag("Words.")] = ()
    kinds: Annotated[tuple[str, ...], Flag("Kinds.", choices=("a", "b"))] = ()


def test_an_option_is_read_from_its_field():
    assert next(options_of(Options)) == Option("times", int, 1, TIMES)


def test_underscores_are_dashes_on_the_command_line():
    assert [o.switch for o in options_of(Options)][2:4] == ["--at-least", "--at-most"]


def test_a_word_of_python_has_an_underscore_in_python_alone():
    @dataclass
    class Route:
        from_: Annotated[str | None, Flag("Where from.")] = None

    assert next(options_of(Route)).switch == "--from"
    assert build(Route, {"from_": "en"}).from_ == "en"


def test_a_field_without_a_flag_is_a_mistake_in_the_task():
    @dataclass
    class Bare:
        times: int = 1

    with pytest.raises(TypeError, match=r"Bare\.times has no Flag"):
        list(options_of(Bare))


def test_nothing_given_is_the_defaults():
    assert build(Options, {}) == Options()


def test_none_is_the_default():
    assert build(Options, {"times": None, "words": None}) == Options()


@pytest.mark.parametrize(
    "given",
    [
        {"times": 1},
        {"times": 9},
        {"share": 0},
        {"at_least": -1},
        {"at_most": 5},
        {"how": "last"},
        {"top": 3},
        {"top": "all"},
        {"words": ("any", "word")},
        {"kinds": ("a", "b")},
    ],
)
def test_values_that_fit_are_taken_as_they_are(given):
    ((name, value),) = given.items()
    assert getattr(build(Options, given), name) == value


def test_a_number_is_a_word_where_words_are_taken():
    assert build(Options, {"words": 4}).words == ("4",)


def test_one_word_is_enough_where_many_are_taken():
    assert build(Options, {"words": "word"}).words == ("word",)


def test_a_list_becomes_a_tuple_so_that_a_job_stays_a_value():
    assert build(Options, {"words": ["a", "b"]}).words == ("a", "b")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"times": 0}, "--times takes a whole number from 1 to 9, not 0."),
        ({"times": 10}, "--times takes a whole number from 1 to 9, not 10."),
        ({"times": "two"}, "--times takes a whole number from 1 to 9, not 'two'."),
        ({"share": float("nan")}, "--share takes a number from 0 to 1, not nan."),
        ({"pause": float("nan")}, "--pause takes a number, not nan."),
        ({"at_least": -2}, "--at-least takes a number from -1 up, not -2."),
        ({"at_most": 6}, "--at-most takes a number up to 5, not 6."),
        ({"how": "first"}, "--how takes one of mean, last, not 'first'."),
        ({"top": 0}, "--top takes a whole number from 1 up or 'all', not 0."),
        ({"top": "most"}, "--top takes a whole number from 1 up or 'all', not 'most'."),
        ({"times": 1.5}, "--times takes a whole number from 1 to 9, not 1.5."),
        ({"times": [1, 2]}, "--times takes a whole number from 1 to 9, not [1, 2]."),
        ({"times": True}, "--times takes a whole number from 1 to 9, not True."),
        ({"words": [3]}, "--words takes str, not 3."),
        ({"kinds": ["a", "c"]}, "--kinds takes one of a, b, not 'c'."),
    ],
)
def test_values_that_do_not_fit_are_refused_with_those_that_do(given, message):
    with pytest.raises(UsageError) as caught:
        build(Options, given)
    assert str(caught.value) == message


def test_a_misspelt_option_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match=r"There is no option 'time'\.") as caught:
        build(Options, {"time": 2})
    assert caught.value.hint == "Did you mean 'times'?"


def test_an_option_like_no_other_is_answered_with_all():
    with pytest.raises(UsageError) as caught:
        build(Options, {"zzz": 2})
    assert caught.value.hint == (
        "Options: times, share, at_least, at_most, pause, how, top, words, kinds"
    )
