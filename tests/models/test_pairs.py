"""Pairs: windows of a context, each with its question, as the tokenizer itself would make them."""

import numpy as np
import pytest

from tfcli.core.task import Loaded, Row
from tfcli.models.pairs import pair_windows, unpadded

CONTEXT = "the film is great, and i love deep learning. " * 14
FAMILIES = ["bert", "roberta", "distilbert", "albert", "xlnet", "llama"]


@pytest.fixture
def loaded(answerer):
    def of(family):
        import transformers

        folder = answerer(family)
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        return Loaded(None, tokenizer, transformers.AutoConfig.from_pretrained(folder), 128)

    return of


def rows_of(loaded, question, context, longest=60, overlap=16, least=4):
    [rows] = pair_windows([(question, context)], loaded, longest, overlap, least)
    return rows


def assert_same(ours, theirs):
    """Rows of ours have the ids, types and offsets that the tokenizer gave."""
    assert [row.inputs["input_ids"].tolist() for row in ours] == theirs["input_ids"]
    if "token_type_ids" in ours[0].inputs:
        types = [row.inputs["token_type_ids"].tolist() for row in ours]
        assert types == theirs["token_type_ids"]
    for row, encoding in zip(ours, theirs.encodings, strict=True):
        note = row.note
        part = slice(note.start, note.start + note.size)
        inside = slice(note.begin, note.begin + note.size)
        assert note.context.offsets[part].tolist() == [list(o) for o in encoding.offsets[inside]]


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_are_what_the_tokenizer_makes_of_pairs(loaded, family):
    it = loaded(family)
    left = it.tokenizer.padding_side == "left"
    texts = ("film?", CONTEXT)
    theirs = it.tokenizer(
        *(texts[::-1] if left else texts),
        truncation="only_first" if left else "only_second",
        max_length=60,
        stride=16,
        return_overflowing_tokens=True,
        return_token_type_ids=True,
    )
    ours = rows_of(it, *texts)
    assert_same(ours, theirs)


@pytest.mark.parametrize("family", ["bert", "roberta", "albert", "xlnet"])
@pytest.mark.parametrize("question", ["film?", None], ids=["first of a pair", "alone"])
def test_contexts_may_stand_first_or_alone(loaded, family, question):
    it = loaded(family)
    theirs = it.tokenizer(
        *([CONTEXT] if question is None else [CONTEXT, question]),
        truncation="only_first",
        max_length=60,
        stride=16,
        return_overflowing_tokens=True,
        return_token_type_ids=True,
    )
    [ours] = pair_windows([(question, CONTEXT)], it, 60, 16, context_first=True)
    assert len(ours) > 2
    assert_same(ours, theirs)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("overlap", [0, 1, 7, 16])
def test_each_token_is_owned_by_one_window(loaded, family, overlap):
    rows = rows_of(loaded(family), "film?", CONTEXT, overlap=overlap)
    assert len(rows) > 2
    owned = []
    for row in rows:
        note = row.note
        owned += range(note.start + note.own.start, note.start + note.own.stop)
    assert owned == list(range(len(rows[0].note.context.ids)))


def test_a_question_that_leaves_no_room_says_how_many_tokens_too_many(loaded):
    it = loaded("bert")
    assert list(pair_windows([("film " * 60, "good")], it, 60, 16, 4)) == [60 + 3 + 4 - 60]


def test_a_context_without_tokens_is_a_row(loaded):
    [row] = rows_of(loaded("bert"), "film?", "\u0301")
    assert row.note.size == 0


def test_cls_is_the_special_token_and_no_text_that_looks_like_it(loaded):
    """XLNet's stands at the end of the row."""
    it = loaded("xlnet")
    [row] = rows_of(it, "film?", f"{it.tokenizer.cls_token} good")
    assert row.note.cls == row.length - 1


def test_contexts_are_tokenized_once(loaded, monkeypatch):
    it = loaded("bert")
    rows = list(pair_windows([("a", CONTEXT), ("film", CONTEXT)], it, 60, 16, 4))
    assert rows[0][0].note.context is rows[1][0].note.context


def test_a_book_is_tokenized_in_pieces(loaded, monkeypatch):
    it = loaded("bert")
    whole = rows_of(it, "film?", CONTEXT)[0].note.context
    monkeypatch.setattr("tfcli.models.pairs._PIECE", 5)
    pieces = rows_of(it, "film?", CONTEXT)[0].note.context
    for one, other in zip(whole, pieces, strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize(("family", "own"), [("bert", [1, 2]), ("xlnet", [3, 4])])
def test_padding_is_taken_off_the_side_where_it_was_put(loaded, family, own):
    row = Row({"input_ids": [5, 6]})
    assert unpadded(np.array([1, 2, 3, 4]), row, loaded(family)).tolist() == own
