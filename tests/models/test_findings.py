"""What is told of maps: units, weights between them, links, numbers, neurons."""

import numpy as np
import pytest

from tfcli.core.task import Failure
from tfcli.models.axis import Axis
from tfcli.models.findings import Finding, Neurons, Telling, lines

PAIR = Axis(
    ["[CLS]", "a", "[SEP]", "b", "[SEP]"],
    [0, 0, 0, 1, 1],
    [True, False, True, False, True],
    [False, False, True, False, True],
    [0, 1, 2, 3, 4],
    5,
)
RANDOM = np.random.default_rng(7).dirichlet(np.ones(5), size=(2, 3, 5)).astype(np.float32)


def told(layers=(4, 5), heads=(0, 3, 7), maps=RANDOM, axis=PAIR, **how):
    finding = Finding(axis, axis, list(layers), list(heads), Telling(**how))
    for layer in maps:
        assert not finding.complete
        finding.take(layer)
    assert finding.complete
    assert finding.sound
    return finding.record()


def test_all_units_and_all_weights():
    record = told()
    assert record["queries"] == record["keys"] == PAIR.labels
    assert record["segments"] == {"queries": PAIR.segments, "keys": PAIR.segments}
    assert (record["layers"], record["heads"]) == ([4, 5], [0, 3, 7])
    assert (record["attention"] == RANDOM).all()


def test_without_special_tokens_weights_stay_what_they_are():
    record = told(special=False)
    assert record["queries"] == record["keys"] == ["a", "b"]
    assert record["segments"]["keys"] == [0, 1]
    assert (record["attention"] == RANDOM[:, :, [1, 3]][..., [1, 3]]).all()


@pytest.mark.parametrize(
    ("between", "queries", "keys"),
    [("aa", [0, 1, 2], [0, 1, 2]), ("ab", [0, 1, 2], [3, 4]), ("ba", [3, 4], [0, 1, 2])],
)
def test_from_one_text_to_the_other(between, queries, keys):
    record = told(between=between)
    assert record["queries"] == [PAIR.labels[i] for i in queries]
    assert record["keys"] == [PAIR.labels[i] for i in keys]
    assert (record["attention"] == RANDOM[:, :, queries][..., keys]).all()


def test_nothing_but_special_tokens():
    empty = Axis(["[CLS]", "[SEP]"], [0, 0], [True, True], [False, True], [0, 1], 2)
    maps = np.full((1, 1, 2, 2), 0.5, np.float32)
    failure = Failure("empty", "there is nothing but special tokens")
    assert told([0], [0], maps, empty, special=False) == failure


@pytest.mark.parametrize("how", ["mean", "max"])
def test_one_map_of_several(how):
    record = told(aggregate=how)
    assert (record["layers"], record["heads"]) == (how, how)
    expected = RANDOM.mean((0, 1)) if how == "mean" else RANDOM.max((0, 1))
    assert record["attention"].shape == (1, 1, 5, 5)
    assert np.allclose(record["attention"][0, 0], expected)


def test_one_map_of_a_layer_keeps_its_number():
    record = told([4], [0, 3, 7], RANDOM[:1], aggregate="mean")
    assert (record["layers"], record["heads"]) == ([4], "mean")


def test_rollout():
    record = told(aggregate="rollout")
    assert (record["layers"], record["heads"]) == ("rollout", "rollout")
    assert record["attention"].shape == (1, 1, 5, 5)
    assert record["attention"].sum(-1) == pytest.approx(1, abs=1e-6)


def test_the_strongest_links():
    links = told(links=2)["links"]
    assert len(links) == 2 * 3 * 5 * 2
    first, second = links[:2]
    assert (first["layer"], first["head"], first["query"]) == (4, 0, 0)
    best = np.argsort(-RANDOM[0, 0, 0])
    assert [first["key"], second["key"]] == best[:2].tolist()
    assert first["weight"] == pytest.approx(RANDOM[0, 0, 0].max())
    assert "attention" not in told(links=2)


def test_numbers_of_heads_count_all_that_a_query_looks_at():
    record = told(statistics=("entropy", "distance"), special=False)
    rows = RANDOM[:, :, [1, 3]]
    assert np.allclose(record["entropy"], -(rows * np.log(rows)).sum(-1).mean(-1))
    apart = np.abs(np.array([[1], [3]]) - np.arange(5))
    assert np.allclose(record["distance"], (rows * apart).sum(-1).mean(-1))
    assert record["queries"] == ["a", "b"]
    assert "attention" not in record


def test_lines_of_weights():
    record = told([4], [3], RANDOM[:1, :1], special=False)
    assert list(lines(record)) == [
        (4, 3, q, k, "ab"[q], "ab"[k], pytest.approx(float(RANDOM[0, 0, 1 + 2 * q, 1 + 2 * k])))
        for q in (0, 1)
        for k in (0, 1)
    ]


def test_lines_of_links_and_of_numbers():
    first = next(lines(told(links=1)))
    best = int(RANDOM[0, 0, 0].argmax())
    weight = pytest.approx(float(RANDOM[0, 0, 0].max()))
    assert first == (4, 0, 0, best, "[CLS]", PAIR.labels[best], weight)
    numbers = told(statistics=("entropy", "patterns"))
    found = list(lines(numbers))
    assert [line[:2] for line in found] == [(la, h) for la in (4, 5) for h in (0, 3, 7)]
    assert found[0][2] == pytest.approx(float(numbers["entropy"][0, 0]))
    assert found[-1][3] == pytest.approx(float(numbers["patterns"]["previous"][1, 2]))
    assert len(found[0]) == 2 + 1 + 5


def test_lines_of_one_map_of_several_name_it():
    assert next(lines(told(aggregate="mean")))[:2] == ("mean", "mean")


def test_neurons():
    query = np.arange(4, dtype=np.float32).reshape(1, 1, 4)
    key = np.ones((1, 1, 5, 4), np.float32)
    score = np.array([[[1.0, 2.0, 0.0, -np.inf, -np.inf]]], np.float32)
    weights = np.array([[[0.2, 0.7, 0.1, 0.0, 0.0]]], np.float32)
    record = Neurons(PAIR, PAIR, [4], [3], 2, query, key, score, weights).record()
    assert (record["queries"], record["keys"], record["token"]) == (["[SEP]"], PAIR.labels, 2)
    assert (record["product"][0, 0] == np.arange(4)).all()
    assert np.isnan(record["score"][0, 0]).tolist() == [False, False, False, True, True]
    assert record["attention"].shape == (1, 1, 1, 5)
    found = list(lines(record))
    assert found[1] == (4, 3, 2, 1, "[SEP]", "a", 2.0, pytest.approx(0.7))
    assert found[4] == (4, 3, 2, 4, "[SEP]", "[SEP]", None, 0.0)


@pytest.mark.parametrize("aggregate", [None, "mean", "rollout"])
def test_what_is_no_number_is_not_sound(aggregate):
    finding = Finding(PAIR, PAIR, [0], [0, 1, 2], Telling(aggregate))
    maps = RANDOM[0].copy()
    maps[1, 3] = np.nan
    finding.take(maps)
    assert not finding.sound


def paged(axis=PAIR, take=True, **how):
    finding = Finding(axis, axis, [4, 5], [0, 3, 7], Telling(page=True, **how))
    for layer in RANDOM:
        finding.take(layer)
        if take:
            finding.take_vectors(np.ones((3, 5, 4)), np.zeros((3, 5, 4)), 0.5, False)
    return finding.record()


def test_a_page_has_words_and_vectors_too():
    words = PAIR._replace(labels=["[CLS]", "ab"], starts=[0, 1])
    record = paged(PAIR._replace(words=lambda: words))
    assert record["units"]["keys"] == {
        "special": PAIR.special,
        "words": {"starts": [0, 1], "labels": ["[CLS]", "ab"]},
    }
    assert record["vectors"]["query"].shape == record["vectors"]["key"].shape == (2, 3, 5, 4)
    assert (record["vectors"]["scaling"], record["vectors"]["bias"]) == ([0.5, 0.5], False)
    assert record["units"]["whole"] is False
    assert paged(whole=True)["units"]["whole"] is True
    assert (record["attention"] == RANDOM).all()


def test_a_page_of_some_units_has_their_vectors_and_no_words():
    record = paged(PAIR._replace(words=lambda: PAIR), special=False)
    assert record["vectors"]["key"].shape == (2, 3, 2, 4)
    assert record["units"]["queries"] == {"special": [False, False], "words": None}


@pytest.mark.parametrize("how", [{"take": False}, {"aggregate": "mean"}])
def test_a_page_without_vectors(how):
    assert paged(**how)["vectors"] is None
