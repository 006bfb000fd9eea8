"""What is made of maps, on examples that can be followed by hand."""

import math

import numpy as np
import pytest

from tfcli.models import maps
from tfcli.models.axis import Axis


def axis(starts, tokens, separator=()):
    units = len(starts)
    marks = [i in separator for i in range(units)]
    return Axis([str(i) for i in range(units)], [0] * units, marks, marks, list(starts), tokens)


THREE = axis([0, 1, 2], 3)


def test_to_a_word_is_summed_and_from_it_averaged():
    map = np.array([[0.5, 0.25, 0.25], [0.2, 0.4, 0.4], [0.0, 0.8, 0.2]], np.float32)
    word = axis([0, 1], 3)  # the last two tokens are one word
    expected = [[0.5, 0.5], [0.1, 0.9]]
    assert np.allclose(maps.merged(map, word, word), expected)


def test_merging_keeps_rows_at_one():
    map = np.random.default_rng(7).dirichlet(np.ones(9), size=(2, 3, 5)).astype(np.float32)
    found = maps.merged(map, axis([0, 2], 5), axis([0, 1, 4, 8], 9))
    assert found.shape == (2, 3, 2, 4)
    assert found.sum(-1) == pytest.approx(1, abs=1e-6)


def test_maps_of_single_tokens_stay_as_they_are():
    map = np.eye(3, dtype=np.float32)
    assert maps.merged(map, THREE, THREE) is map


def joined(layers, how):
    """What layers of heads, (layer, head, query, key), come to."""
    one = None
    for layer in layers:
        one = maps.joined(one, np.asarray(layer), how, len(layers))
    return one


def test_mean_and_maximum_over_layers_and_heads():
    layers = [[[[1.0, 0.0]], [[0.0, 1.0]]], [[[0.5, 0.5]], [[0.5, 0.5]]]]  # 2 heads, 1 query
    assert joined(layers, "mean").tolist() == [[0.5, 0.5]]
    assert joined(layers, "max").tolist() == [[1.0, 1.0]]
    assert joined(layers[::-1], "max").tolist() == [[1.0, 1.0]]


def test_rollout_goes_through_all_layers_and_keeps_half_of_each_token():
    # Both layers send token 1 to token 0; half of a token stays where it is at each layer.
    layer = [[[1.0, 0.0], [1.0, 0.0]]]
    assert joined([layer, layer], "rollout").tolist() == [[1.0, 0.0], [0.75, 0.25]]


def test_rollout_multiplies_later_layers_from_the_left():
    first = np.array([[0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    second = np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    half = np.eye(3) / 2
    expected = (second / 2 + half) @ (first / 2 + half)
    assert np.allclose(joined([[first], [second]], "rollout"), expected)
    assert not np.allclose(expected, (first / 2 + half) @ (second / 2 + half))


def test_rollout_averages_heads():
    heads = [np.eye(2), np.array([[0.0, 1.0], [1.0, 0.0]])]
    assert joined([heads], "rollout").tolist() == [[0.75, 0.25], [0.25, 0.75]]


def test_entropy_is_that_of_each_query_on_average():
    map = np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])
    assert maps.entropy(map) == pytest.approx(math.log(2) / 2)


def test_distance_counts_places():
    map = np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    assert maps.distance(map, [0, 1, 2]) == pytest.approx((0.5 + 1.0 + 0.0) / 3)
    assert maps.distance(map[[1]], [1]) == pytest.approx(1.0)


def test_patterns_are_what_goes_there_on_average():
    map = np.array(
        [
            [0.1, 0.6, 0.2, 0.1],
            [0.3, 0.1, 0.5, 0.1],
            [0.2, 0.4, 0.1, 0.3],
            [0.7, 0.1, 0.1, 0.1],
        ]
    )
    found = maps.patterns(map, [0, 1, 2, 3], axis([0, 1, 2, 3], 4, separator=[3]))
    assert list(found) == ["previous", "next", "first", "same", "separator"]
    assert found["previous"] == pytest.approx((0.3 + 0.4 + 0.1) / 3)
    assert found["next"] == pytest.approx((0.6 + 0.5 + 0.3) / 3)
    assert found["first"] == pytest.approx((0.1 + 0.3 + 0.2 + 0.7) / 4)
    assert found["same"] == pytest.approx((0.1 + 0.1 + 0.1 + 0.1) / 4)
    assert found["separator"] == pytest.approx((0.1 + 0.1 + 0.3 + 0.1) / 4)


def test_a_pattern_that_no_query_has_is_zero():
    found = maps.patterns(np.array([[1.0]]), [0], axis([0], 1))
    assert (found["previous"], found["next"], found["separator"]) == (0, 0, 0)
    assert found["same"] == 1


def test_statistics_are_given_by_name_for_each_head():
    several = np.tile(np.eye(3, dtype=np.float32), (4, 1, 1))
    found = maps.statistics(several, [0, 1, 2], THREE, ("entropy", "patterns"))
    assert list(found) == ["entropy", *maps.PATTERNS]
    assert found["entropy"].tolist() == [0.0] * 4
    assert found["same"].tolist() == [1.0] * 4


def test_the_strongest_come_first_and_equal_ones_in_order():
    assert maps.strongest(np.array([[0.1, 0.6, 0.1, 0.2]]), 3).tolist() == [[1, 3, 0]]
    assert maps.strongest(np.array([[0.5, 0.5]]), 9).tolist() == [[0, 1]]
