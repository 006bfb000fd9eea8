"""Layers and heads as the command line names them."""

import pytest

from tfcli.core.places import places, ranges
from tfcli.errors import UsageError


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("4", [4]),
        ("0,3,5-7", [0, 3, 5, 6, 7]),
        (" 3 , 1 ", [1, 3]),
        ("all", list(range(12))),
        (None, list(range(12))),
        ("-1", [11]),
        ("-12", [0]),
        ("-3--1", [9, 10, 11]),
        ("10--1", [10, 11]),
        ("2,1-3,2", [1, 2, 3]),
        ("5-5", [5]),
    ],
)
def test_what_a_text_names(asked, found):
    assert places(asked, 12, "head") == found


@pytest.mark.parametrize("asked", ["12", "-13", "0-12", "3,99"])
def test_what_is_not_there_names_what_is(asked):
    with pytest.raises(UsageError, match="There is no head") as caught:
        places(asked, 12, "head")
    assert "has 12" in str(caught.value)
    assert caught.value.hint == "0 to 11 are there, or from the end -12 to -1."


@pytest.mark.parametrize(
    "asked", ["", "x", "1,", "1-", "1--", "1.5", "1-2-3", "all,1", "--1", "１２x"]
)
def test_what_is_no_such_text(asked):
    with pytest.raises(UsageError, match="--layer takes numbers"):
        ranges(asked, "layer")


def test_a_range_goes_upwards():
    with pytest.raises(UsageError, match="--head 7-5: head 5 comes before 7"):
        places("7-5", 12, "head")
