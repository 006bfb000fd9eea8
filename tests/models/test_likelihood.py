"""Rows that tell surprisals: each token once, with as much around it as a row holds."""

import pytest
import torch
from tiny_models import tokenizer_of

from tfcli.core.task import Batch, Loaded
from tfcli.models.axis import encoded
from tfcli.models.likelihood import (
    LOGITS,
    Text,
    causal_rows,
    causal_surprisals,
    masked_rows,
    text_of,
)

MASK = 99


def text_of_length(count, before=0, after=0):
    special = [True] * before + [False] * (count - before - after) + [True] * after
    inputs = {"input_ids": list(range(count)), "attention_mask": [1] * count}
    return Text("x" * count, inputs, [""] * count, special, [None] * count)


def read(family, text, begin=None):
    tokenizer = tokenizer_of(family)
    loaded = Loaded(tokenizer=tokenizer)
    (found,) = encoded([(text, None)], loaded, "none", truncate=False, whole=True)
    return text_of(text, found, begin)


class TestText:
    def test_tokens_have_their_characters(self):
        text = read("bert", "The films")
        assert text.labels == ["[CLS]", "the", "film", "##s", "[SEP]"]
        assert text.spans == [None, (0, 3), (4, 8), (8, 9), None]
        assert text.body == range(1, 4)

    def test_what_is_special_in_the_middle_belongs_to_the_body(self):
        text = text_of_length(5)._replace(special=[True, False, True, False, True])
        assert text.body == range(1, 4)
        assert text_of_length(2, before=2).body == range(0)

    def test_a_first_token_is_put_before_it_once(self):
        text = read("gpt2", "ab", begin=0)
        assert (text.ids[0], len(text.ids)) == (0, 3)
        assert (text.labels, text.special) == (["", "a", "b"], [True, False, False])
        assert text.spans == [None, (0, 1), (1, 2)]
        begun = tokenizer_of("bert").cls_token_id
        assert read("bert", "a", begin=begun) == read("bert", "a")

    @pytest.mark.parametrize(
        ("family", "text", "token", "expected"),
        [
            ("gpt2", "ab é", 0, 5),
            ("gpt2", "ab é", 1, 4),
            ("gpt2", "é", 1, 2),  # the rest of a character counts as all of it
            ("roberta", "the film", 0, 8),
            ("roberta", "the film", 1, 8),  # behind <s>
            ("roberta", "the film", 2, 7),
            ("bert", "é 好", 2, 4),
        ],
    )
    def test_bytes_from_a_token_on(self, family, text, token, expected):
        assert read(family, text).bytes_from(token) == expected

    def test_without_offsets_all_bytes_count(self):
        assert text_of_length(5).bytes_from(3) == 5


class TestCausalRows:
    def rows(self, count, longest, overlap):
        rows = list(causal_rows(text_of_length(count), longest, overlap, 10))
        return [(row.inputs["input_ids"], row.note.first, row.note.place) for row in rows]

    def test_what_fits_is_one_row_without_its_first_token(self):
        assert self.rows(4, 4, 2) == [([0, 1, 2, 3], 1, 1)]

    def test_windows_share_tokens_and_tell_each_once(self):
        assert self.rows(9, 4, 2) == [
            ([0, 1, 2, 3], 1, 1),
            ([2, 3, 4, 5], 4, 2),
            ([4, 5, 6, 7], 6, 2),
            ([6, 7, 8], 8, 2),
        ]

    @pytest.mark.parametrize("overlap", [1, 2, 3])
    @pytest.mark.parametrize("count", range(2, 13))
    def test_every_token_but_the_first_is_told_once(self, count, overlap):
        told = []
        for ids, first, place in self.rows(count, 4, overlap):
            assert ids[place] == first
            assert len(ids) <= 4
            assert place == (overlap if told else 1)
            told += ids[place:]
        assert told == list(range(1, count))

    def test_a_row_takes_room_for_its_numbers_over_the_vocabulary(self):
        (row,) = causal_rows(text_of_length(4), 4, 2, 3 * LOGITS)
        assert row.length == 4 + 4 * 3


class TestMaskedRows:
    def rows(self, longest, **text):
        text = text_of_length(**text)
        found = []
        for row in masked_rows(text, longest, MASK, 10):
            assert set(row.inputs) == {"input_ids"}
            ids = row.inputs["input_ids"].tolist()
            assert ids[row.note.place] == MASK
            found.append((ids, row.note.first))
        return found

    def test_each_token_is_masked_in_turn_but_no_special_one(self):
        assert self.rows(8, count=5, before=1, after=1) == [
            ([0, MASK, 2, 3, 4], 1),
            ([0, 1, MASK, 3, 4], 2),
            ([0, 1, 2, MASK, 4], 3),
        ]

    def test_in_a_long_text_it_stands_in_the_middle_of_a_row(self):
        rows = self.rows(5, count=9, before=1, after=1)
        assert [first for _, first in rows] == list(range(1, 8))
        assert rows[0][0] == [0, MASK, 2, 3, 8]
        assert rows[3][0] == [0, 3, MASK, 5, 8]
        assert rows[6][0] == [0, 5, 6, MASK, 8]

    def test_without_special_tokens(self):
        assert self.rows(3, count=4)[3] == ([1, 2, MASK], 3)

    def test_nothing_to_mask(self):
        assert self.rows(8, count=2, before=1, after=1) == []


def test_padding_tells_nothing():
    """Surprisals of a row of 2 tokens beside one of 4, from logits that are known."""

    class Model:
        logits = torch.arange(2 * 4 * 3, dtype=torch.float32).reshape(2, 4, 3).sin()

        def forward(self, input_ids):
            raise NotImplementedError

        def __call__(self, input_ids):
            return self

    rows = [
        next(causal_rows(text_of_length(count), 8, 4, 3))
        for count in (2, 3)  # tokens 0, 1 and 0, 1, 2
    ]
    ids = torch.tensor([[0, 1, 0, 0], [0, 1, 2, 0]])
    found = causal_surprisals(Loaded(Model()), Batch(rows, {"input_ids": ids}))
    logs = Model.logits.log_softmax(-1)
    assert found[0] == pytest.approx([-float(logs[0, 0, 1])])
    assert found[1] == pytest.approx([-float(logs[1, 0, 1]), -float(logs[1, 1, 2])])
