"""Matches: cosines of the vectors of embed, in order; candidates are read once."""

import csv
import io
import json
import logging
from pathlib import Path

import numpy as np
import pytest
from tiny_models import GAP, make_forgetful

from tfcli import run
from tfcli.errors import UsageError
from tfcli.models import embedding
from tfcli.tasks import similar
from tfcli.tasks.similar import TASK, SimilarOptions

TEXTS = ["the film is great", "i hate the plot", "good"]
AMONG = ["a great film", "deep learning", "i love it", "not a good plot, é"]
LONG = "the film is awful " * 30


def ask(texts, folder, among=AMONG, **options):
    return list(run("similar", texts, model=folder, among=among, **options))


def cosines(texts, among, folder, **options):
    """Of every text with every candidate, by the vectors of embed."""
    found = []
    for side in (texts, among):
        rows = np.stack([r["embedding"] for r in run("embed", side, model=folder, **options)])
        found.append(rows / np.linalg.norm(rows, axis=1, keepdims=True))
    return found[0] @ found[1].T


@pytest.mark.parametrize(
    ("family", "said"),
    [
        ("bert", {}),
        ("roberta", {"pooling": "cls", "normalize": False}),
        ("llama", {"pooling": "lasttoken"}),
    ],
)
def test_scores_are_the_cosines_of_the_vectors_of_embed(encoder, family, said):
    folder = encoder(family, **said)
    records = ask([*TEXTS, LONG], folder, [*AMONG, LONG + "x"], top_k=5)
    expected = cosines([*TEXTS, LONG], [*AMONG, LONG + "x"], folder)
    for record, row in zip(records, expected, strict=True):
        found = {match["line"] - 1: match["score"] for match in record["matches"]}
        assert [found[i] for i in range(5)] == pytest.approx(list(row), abs=1e-5)
        scores = [match["score"] for match in record["matches"]]
        assert scores == sorted(scores, reverse=True)
        assert (record["match"], record["score"]) == (record["matches"][0]["text"], scores[0])


def test_options_for_vectors_are_those_of_embed(encoder):
    records = ask(TEXTS, encoder(), pooling="max", prompt="is it: ", among_prompt="so: ", top_k=4)
    asked = [f"is it: {text}" for text in TEXTS]
    expected = cosines(asked, [f"so: {text}" for text in AMONG], encoder(), pooling="max")
    for record, row in zip(records, expected, strict=True):
        assert [m["score"] for m in record["matches"]] == pytest.approx(
            sorted(row, reverse=True), abs=1e-5
        )


def test_a_text_is_most_like_itself(encoder):
    for text, record in zip(AMONG, ask(AMONG, encoder()), strict=True):
        assert record["match"] == text
        assert record["score"] == pytest.approx(1, abs=1e-5)
        assert record["score"] <= 1


class TestCandidates:
    def test_are_lines_and_those_that_are_blank_are_none(self, encoder):
        among = "\n  \na great film\r\n\ndeep learning\n"
        (record,) = ask(["the film"], encoder(), among, top_k=9)
        assert {m["line"]: m["text"] for m in record["matches"]} == {
            3: "a great film",
            5: "deep learning",
        }

    def test_that_stand_there_twice_count_once(self, encoder):
        (record,) = ask(["the film"], encoder(), ["good", "bad", "good"], top_k=9)
        assert sorted(m["line"] for m in record["matches"]) == [1, 2]

    @pytest.mark.parametrize("sizes", [{"CHUNK": 3}, {"AT_ONCE": 1}], ids=str)
    def test_in_parts_are_compared_as_together(self, encoder, sizes, monkeypatch):
        expected = ask([*TEXTS, LONG], encoder(), [*AMONG, LONG, *TEXTS], top_k=3)
        for name, value in sizes.items():
            monkeypatch.setattr(embedding if name == "CHUNK" else similar, name, value)
        found = ask([*TEXTS, LONG], encoder(), [*AMONG, LONG, *TEXTS], top_k=3)
        for one, other in zip(found, expected, strict=True):
            assert [m["line"] for m in one["matches"]] == [m["line"] for m in other["matches"]]
            assert one["score"] == pytest.approx(other["score"], abs=1e-5)

    def test_are_read_once_a_run(self, encoder, read):
        records = ask(TEXTS * 400, encoder())
        assert len(records) == 1200
        assert read.count(AMONG[0]) == 1

    def test_that_many_rows_have_for_themselves_are_read_together(self, encoder, read):
        pairs = [{"text": t, "among": a} for t, a in zip(TEXTS, AMONG[:3], strict=True)]
        records = list(run("similar", pairs * 2, model=encoder()))
        assert [r["match"] for r in records] == AMONG[:3] * 2
        assert [r["score"] for r in records[:3]] == pytest.approx(
            list(np.diag(cosines(TEXTS, AMONG[:3], encoder()))), abs=1e-5
        )
        assert sorted(read) == sorted(AMONG[:3])

    @pytest.fixture
    def read(self, monkeypatch):
        """The candidates that were tokenized."""
        seen = []
        usual = embedding.rows_of

        def rows_of(texts, loaded, plan):
            seen.extend(texts)
            return usual(texts, loaded, plan)

        monkeypatch.setattr(embedding, "rows_of", rows_of)
        return seen

    def test_are_read_by_the_model_whose_heads_are_off(self, encoder, caplog):
        expected = ask(TEXTS, encoder(), ablate="0")
        caplog.set_level(logging.INFO, "tfcli")
        found = ask(TEXTS, encoder(), ablate="0")
        assert "record 0: " in caplog.text
        assert [r["score"] for r in found] == pytest.approx([r["score"] for r in expected])
        assert [r["score"] for r in found] != pytest.approx(
            [r["score"] for r in ask(TEXTS, encoder())], abs=1e-3
        )


def test_windows_are_full_though_candidates_are_many(encoder):
    """Else each text would be a batch of its own."""
    from tfcli.core.batches import WINDOW_CHARACTERS, shared_fields, windows
    from tfcli.core.task import Example

    among = "x" * WINDOW_CHARACTERS
    examples = [Example(i, {"text": "a", "among": among}) for i in range(9)]
    assert [len(w) for w in windows(examples, 4, shared_fields(TASK))] == [1, 4, 4]
    own = [Example(i, {"text": "a", "among": among + str(i)}) for i in range(3)]
    assert [len(w) for w in windows(own, 4, shared_fields(TASK))] == [1, 1, 1]


# Records


@pytest.mark.parametrize(
    ("options", "more"), [({}, []), ({"top_k": 1}, ["matches"]), ({"top_k": 9}, ["matches"])]
)
def test_keys_depend_on_the_options_alone(encoder, options, more):
    first, wrong, last = ask(["a", "", "the film"], encoder(), **options)
    keys = ["index", "text", "match", "score", *more]
    assert list(first) == list(last) == keys
    assert list(wrong) == [*keys, "error"]
    assert wrong["error"]["type"] == "empty"


def test_rows_without_candidates_fail_alone(encoder):
    rows = [{"text": "a", "among": " "}, {"text": "a"}, {"text": "a", "among": "b"}]
    empty, without, sound = run("similar", rows, model=encoder())
    assert empty["error"]["message"] == "the list of candidates is empty"
    assert without["error"]["message"] == "no 'among' here"
    assert sound["match"] == "b"


def test_candidates_in_which_there_is_nothing_to_read_are_refused(tmp_path):
    folder = str(make_forgetful(tmp_path))
    with pytest.raises(UsageError, match="--among: nothing in it is text to the model"):
        ask(["a"], folder, [GAP])
    (record,) = ask(["a"], folder, [GAP, "a"], top_k=2)
    assert [match["line"] for match in record["matches"]] == [2, 1]
    assert record["matches"][1]["score"] == 0


@pytest.mark.parametrize("side", ["text", "among"])
def test_numbers_that_overflow_are_that_examples_failure(encoder, side, monkeypatch):
    usual = similar.pooled

    def pooled(loaded, batch, pooling):
        vectors = usual(loaded, batch, pooling)
        if isinstance(batch.rows[0].note, similar.Compared) == (side == "text"):
            vectors[0] = float("nan")
        return vectors

    monkeypatch.setattr(similar, "pooled", pooled)
    (record,) = ask(["good"], encoder())
    assert record["error"]["type"] == "overflow"


# On the command line


class TestCommandLine:
    def test_candidates_as_options_or_as_standard_input(self, tfcli, encoder):
        asked = ("similar", "the film", "-m", encoder(), "--top-k", "2")
        options = [part for text in AMONG for part in ("--among", text)]
        given = tfcli(*asked, *options)
        piped = tfcli(*asked, stdin="\n".join(AMONG).encode())
        assert given == piped
        assert (
            json.loads(given.out)["matches"] == ask(["the film"], encoder(), top_k=2)[0]["matches"]
        )

    def test_of_several_matches_each_has_a_line(self, tfcli, encoder):
        Path("among.txt").write_text("\n".join(AMONG))
        asked = ("similar", "-m", encoder(), "--among-file", "among.txt", "--top-k", "2")
        ended = tfcli(*asked, "-f", "csv", stdin="\n".join(TEXTS).encode())
        rows = list(csv.DictReader(io.StringIO(ended.out)))
        expected = ask(TEXTS, encoder(), top_k=2)
        assert [(row["text"], row["match"], int(row["line"])) for row in rows] == [
            (record["text"], m["text"], m["line"]) for record in expected for m in record["matches"]
        ]
        plain = tfcli(*asked, "-f", "plain", stdin=TEXTS[0].encode())
        assert plain.out.splitlines() == [m["text"] for m in expected[0]["matches"]]

    def test_pairs_are_columns(self, tfcli, encoder):
        Path("pairs.csv").write_text("a,b\nthe film,the plot\ngood,bad\n")
        columns = ("-c", "text=a", "-c", "among=b")
        ended = tfcli("similar", "-i", "pairs.csv", *columns, "-m", encoder(), "-f", "plain")
        assert ended == (0, "the plot\nbad\n", "")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--among", ""], "--among: the list of candidates is empty."),
            (["--among-file", "empty.txt"], "empty.txt is empty."),
            (["--among-file", "a.csv"], "--among-file reads a list of candidates line by line"),
            (["--among-file", "a.jsonl.gz"], "--among-file reads a list of candidates line by"),
        ],
        ids=str,
    )
    def test_no_candidates_are_an_error_in_words(self, tfcli, encoder, arguments, message):
        Path("empty.txt").write_text(" \n")
        ended = tfcli("similar", "a", *arguments, "-m", encoder())
        assert ended.status == 2
        assert ended.err.startswith(f"Error: {message}")


def test_without_a_number_of_matches_there_is_one_line_a_record():
    assert TASK.long_form(SimilarOptions()) is None
