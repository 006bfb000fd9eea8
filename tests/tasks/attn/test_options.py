"""What goes together in ``tfcli attn``, and what does not."""

from dataclasses import replace

import pytest

from tfcli.core.options import build, options_of
from tfcli.errors import UsageError
from tfcli.tasks.attn.options import AttnOptions


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"neurons": True}, "--neurons and --token go together"),
        ({"token": 3}, "--neurons and --token go together"),
        ({"rollout": True, "agg": "mean"}, "--rollout does not go together with --agg"),
        ({"entropy": True, "rollout": True}, "--rollout does not go together with --entropy"),
        ({"top_k": 3, "entropy": True}, "--top-k does not go together with --entropy"),
        ({"neurons": True, "token": 1, "merge": "words"}, "--neurons shows one token"),
        ({"rollout": True, "head": "3"}, "--rollout takes the mean of all heads"),
        ({"layer": "four"}, "--layer takes numbers"),
        ({"head": "1,,2"}, "--head takes numbers"),
    ],
)
def test_what_does_not_go_together(options, message):
    with pytest.raises(UsageError, match=message):
        build(AttnOptions, options)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"top_k": 3}, "--top-k"),
        ({"neurons": True, "token": 1}, "--neurons"),
        ({"entropy": True}, "--entropy, --distance and --patterns"),
    ],
)
def test_a_page_shows_maps(options, named):
    with pytest.raises(UsageError, match=f"A page shows maps.*: leave {named} out"):
        replace(build(AttnOptions, options), page=True)


def test_what_a_page_asks_for_is_no_option():
    assert "page" not in [option.name for option in options_of(AttnOptions)]
    with pytest.raises(UsageError, match="There is no option 'page'"):
        build(AttnOptions, {"page": True})


def test_what_is_small():
    small = [{"entropy": True}, {"agg": "mean"}, {"rollout": True}]
    assert all(build(AttnOptions, one).is_small for one in small)
    assert not any(build(AttnOptions, one).is_small for one in ({}, {"top_k": 3}, {"half": True}))
