import random

import pytest
from bert_starter.data import POSITIVITY, Question, swapped_sentences, trim
from bert_starter.rows import CLS, SEP, SpanSource, answer_tokens, span_row, tokenize_questions
from bert_starter.text import parse_tree
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import BertPreTokenizer

CONTEXT = "Data science should abandon significance and apply machine learning ."


@pytest.fixture
def tokenizer() -> Tokenizer:
    words = ["[UNK]", *dict.fromkeys(f"{CONTEXT} What is the future ?".split())]
    tokenizer = Tokenizer(WordLevel({word: 200 + i for i, word in enumerate(words)}, "[UNK]"))
    tokenizer.pre_tokenizer = BertPreTokenizer()
    return tokenizer


def test_answer_tokens_touch_the_answer() -> None:
    offsets = [(0, 4), (5, 8), (8, 9), (10, 14)]
    assert answer_tokens(offsets, 5, 9) == (1, 2)
    assert answer_tokens(offsets, 6, 7) == (1, 1)
    assert answer_tokens(offsets, 4, 5) is None


def test_span_labels_point_at_the_answer(tokenizer: Tokenizer) -> None:
    answer = "apply machine learning"
    question = Question("What is the future ?", CONTEXT, answer, CONTEXT.index(answer), "qamr")
    (source,) = tokenize_questions(tokenizer, [question])
    row = span_row(source, 384, random.Random(0))
    words = tokenizer.encode(answer).ids
    assert row.ids[row.first : row.last + 1] == words
    assert row.ids[0] == CLS
    assert row.ids[row.second - 1] == row.ids[-1] == SEP


@pytest.mark.parametrize("seed", range(20))
def test_answer_survives_windows_and_neighbours(seed: int) -> None:
    context = list(range(1000, 1300))
    source = SpanSource([7, 8, 9], context, 250, 254, "paragraphs")
    others = [[1] * 20, [2] * 30]
    row = span_row(source, 64, random.Random(seed), others)
    assert len(row.ids) == 64
    assert row.ids[row.first : row.last + 1] == context[250:255]
    assert row.ids[: row.second] == [CLS, 7, 8, 9, SEP]


def test_long_answer_is_cut_to_the_window() -> None:
    row = span_row(SpanSource([7], list(range(1000, 1100)), 10, 90, "x"), 32, random.Random(0))
    assert row.ids[row.first] == 1010
    assert row.last < len(row.ids) - 1


def test_trim_drops_outer_punctuation() -> None:
    answer, start = trim(' "too small," ', 10)
    assert (answer, start) == ("too small", 12)


def test_swapped_sentences_keep_label_and_length() -> None:
    trees = [
        parse_tree("(3 (2 It) (4 (2 is) (4 (3 so) (4 lovely))))"),
        parse_tree("(1 (2 That) (1 (2 was) (4 (3 very) (4 good))))"),
    ]
    made = swapped_sentences(trees, 5, random.Random(3))
    assert {phrase.positivity for phrase in made} == {POSITIVITY[3], POSITIVITY[1]}
    assert {len(phrase.sst2.split()) for phrase in made} == {4}
    assert {"it is so lovely", "it is very good"} >= {p.sst2 for p in made if p.positivity > 0.5}
