"""Long texts as windows that overlap."""

from itertools import pairwise

import pytest
import transformers

from tfcli.core.task import Loaded
from tfcli.models.windows import windows


@pytest.fixture
def loaded(classifier):
    tokenizer = transformers.AutoTokenizer.from_pretrained(classifier())
    return Loaded(tokenizer=tokenizer, max_length=12)  # ten tokens and [CLS], [SEP]


def test_a_short_text_is_one_row_as_the_tokenizer_makes_it(loaded):
    ((row,),) = windows(["the film is great"], loaded, overlap=3)
    assert dict(row.inputs) == dict(loaded.tokenizer("the film is great"))
    assert row.note == 4


def test_a_long_text_is_covered_token_by_token(loaded):
    text = "the film is great and not bad of it all very good i love it"
    (rows,) = windows([text], loaded, overlap=3)
    ids = []
    for row in rows:
        inner = list(row.inputs["input_ids"])[1:-1]
        ids += inner[len(inner) - row.note :]
    assert ids == loaded.tokenizer(text, add_special_tokens=False)["input_ids"]
    assert len(rows) > 1


def test_windows_overlap_and_none_is_too_long(loaded):
    (rows,) = windows(["good film " * 20], loaded, overlap=3)
    inner = [list(row.inputs["input_ids"])[1:-1] for row in rows]
    assert all(row.length <= 12 for row in rows)
    assert all(a[-3:] == b[:3] for a, b in pairwise(inner))


def test_the_overlap_is_a_quarter_of_a_window_at_most(loaded):
    (rows,) = windows(["good film " * 20], loaded, overlap=11)
    assert [row.note for row in rows[:3]] == [10, 7, 7]


def test_texts_do_not_mix(loaded):
    first, second = windows(["good " * 30, "bad " * 30], loaded, overlap=3)
    good, bad = (loaded.tokenizer.convert_tokens_to_ids(word) for word in ("good", "bad"))
    assert all(set(row.inputs["input_ids"]) == {2, good, 3} for row in first)
    assert all(set(row.inputs["input_ids"]) == {2, bad, 3} for row in second)


def test_a_tokenizer_in_python_gives_the_same_windows(tmp_path):
    """BERTweet and PhoBERT have no fast tokenizer; their windows are cut by hand."""
    (tmp_path / "vocab.txt").write_text("th@@ 1\ne 1\ngood 1\nfilm 1\n")
    (tmp_path / "bpe.codes").write_text("t h 1\n#version\n")
    tokenizer = transformers.PhobertTokenizer(
        str(tmp_path / "vocab.txt"), str(tmp_path / "bpe.codes")
    )
    assert not tokenizer.is_fast
    text = "good film " * 10
    loaded = Loaded(tokenizer=tokenizer, max_length=12)
    rows, (short,) = windows([text, "good"], loaded, overlap=3)
    ids = []
    for row in rows:
        inner = list(row.inputs["input_ids"])[1:-1]
        ids += inner[len(inner) - row.note :]
        assert row.length <= 12
    assert ids == tokenizer(text, add_special_tokens=False)["input_ids"]
    assert list(short.inputs["input_ids"]) == tokenizer("good")["input_ids"]
