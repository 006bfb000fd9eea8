"""``tfcli attn-stats``: means over texts, in every form that ``tfcli attn`` has."""

import csv
import io
import json

import numpy as np
import pytest

from tfcli import run

TEXTS = ["the film is great", "bad", "i hate it and the plot"]
STATISTICS = {"entropy": True, "distance": True, "patterns": True}


@pytest.fixture
def means(reader):
    """What each text has, weighted by its tokens."""
    found = list(run("attn", TEXTS, model=reader("bert"), **STATISTICS))
    counts = [len(one["queries"]) for one in found]

    def mean(name, pattern=None):
        tables = [one[name] if pattern is None else one[name][pattern] for one in found]
        return np.average(tables, axis=0, weights=counts)

    return mean


def test_means_over_a_corpus(tfcli, reader, means, tmp_path):
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS))
    ended = tfcli("attn-stats", "-i", "texts.txt", "-m", reader("bert"))
    assert (ended.status, ended.err) == (0, "")
    record = json.loads(ended.out)
    assert (record["texts"], record["kind"], record["layers"]) == (3, "self", [0, 1])
    assert np.abs(np.asarray(record["entropy"]) - means("entropy")).max() < 1e-5
    assert np.abs(np.asarray(record["distance"]) - means("distance")).max() < 1e-5
    for name, table in record["patterns"].items():
        assert np.abs(np.asarray(table) - means("patterns", name)).max() < 1e-5
    tokens = sum(len(one["queries"]) for one in run("attn", TEXTS, model=reader("bert")))
    assert record["tokens"] == tokens
    assert not {"text", "queries", "keys"} & set(record)


def test_a_table_has_a_line_for_each_head(tfcli, reader, means):
    options = ("-m", reader("bert"), "-f", "csv", "--layer", "1", "--head", "0,3")
    rows = list(csv.DictReader(io.StringIO(tfcli("attn-stats", *TEXTS, *options).out)))
    assert [(row["layer"], row["head"]) for row in rows] == [("1", "0"), ("1", "3")]
    assert float(rows[1]["entropy"]) == pytest.approx(means("entropy")[1, 3], abs=1e-5)
    assert float(rows[1]["same"]) == pytest.approx(means("patterns", "same")[1, 3], abs=1e-5)


def test_failed_texts_do_not_count(tfcli, reader):
    whole = tfcli("attn-stats", *TEXTS, "-m", reader("bert"))
    ended = tfcli("attn-stats", *TEXTS, " ", "the " * 99, "-m", reader("bert"))
    assert ended.status == 3
    assert ended.out == whole.out
    assert "Note: 2 of 5 examples failed, the first at index 3: the text is empty" in ended.err


def test_between_two_stacks_there_is_only_entropy(tfcli, reader):
    options = ("--kind", "cross", "--target", "not bad", "-m", reader("t5"))
    record = json.loads(tfcli("attn-stats", "the film", *options).out)
    assert record["kind"] == "cross"
    assert "distance" not in record
    assert np.asarray(record["entropy"]).shape == (2, 4)


def test_no_texts_no_means(tfcli, reader):
    ended = tfcli("attn-stats", "-m", reader("bert"), stdin=b"\n")
    assert (ended.status, ended.out) == (0, "")


def test_arrays_of_means(tfcli, reader, means, tmp_path):
    assert tfcli("attn-stats", *TEXTS, "-m", reader("bert"), "-o", "means.npz").status == 0
    with np.load(tmp_path / "means.npz") as stored:
        assert np.abs(stored["patterns_next"] - means("patterns", "next")).max() < 1e-5


def test_it_has_only_options_that_concern_means(tfcli):
    screen = tfcli("attn-stats", "--help", COLUMNS="200").out
    assert "--no-special" in screen
    assert "--rollout" not in screen
    assert tfcli("attn-stats", "x", "--top-k", "3").status == 2


def test_a_table_on_a_terminal(tfcli, reader):
    ended = tfcli("attn-stats", *TEXTS, "-m", reader("bert"), "-f", "table", "--layer", "1")
    title, entropy, *_ = ended.out.splitlines()
    assert title.startswith("3 texts 17 tokens  layer 1")
    assert entropy.startswith("entropy in nats")


def test_a_figure_of_means(tfcli, reader, tmp_path):
    ended = tfcli("attn-stats", *TEXTS, "-m", reader("bert"), "-o", "means.svg")
    assert (ended.status, ended.err) == (0, "")
    assert (tmp_path / "means.svg").read_bytes().startswith(b"<?xml")


def test_means_keep_no_columns(tfcli):
    ended = tfcli("attn-stats", "-i", "x.csv", "--keep", "id")
    assert (ended.status, ended.out) == (2, "")
    assert "keep no columns" in ended.err


def test_texts_that_are_cut_count(tfcli, reader):
    given = ("-m", reader("bert"), "--truncate", "right", "--layer", "0", "--head", "0")
    ended = tfcli("attn-stats", "the " * 99, *given, "-f", "csv")
    assert ended.status == 0
    assert ended.out.splitlines()[1].startswith("0,1,64,0,0,")
