"""From scores of tokens to entities: schemes, words, strategies."""

from types import SimpleNamespace

import numpy as np
import pytest
from tiny_models import tokenizer_of

from tfcli.core.task import Loaded
from tfcli.models.pairs import pair_windows
from tfcli.models.tagging import Tagged, tagged, tags_of, words_of

LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def read(text, family="bert"):
    """The tokens of a text, and the model whose tokenizer made them."""
    config = SimpleNamespace(model_type=family, type_vocab_size=2, id2label=dict(enumerate(LABELS)))
    loaded = Loaded(None, tokenizer_of(family), config, 64)
    ((row,),) = pair_windows([(None, text)], loaded, 64, 0)
    return row.note.context, loaded


def sure(*labels, of=0.75):
    """Scores where each token is this sure of its label."""
    scores = np.full((len(labels), len(LABELS)), (1 - of) / (len(LABELS) - 1))
    for token, label in enumerate(labels):
        scores[token, LABELS.index(label)] = of
    return scores


def found(labels, strategy="simple"):
    """Label, first and last token of what is found where each word is a token."""
    tokens, loaded = read("the film " * (len(labels) // 2) + "the" * (len(labels) % 2))
    some = tagged("", tokens, sure(*labels), loaded, strategy)
    return [(one.label, one.first, one.last) for one in some]


class TestSchemes:
    def test_bio(self):
        assert tags_of(LABELS) == {
            "O": ("O", False),
            "B-PER": ("PER", True),
            "I-PER": ("PER", False),
            "B-LOC": ("LOC", True),
            "I-LOC": ("LOC", False),
        }

    def test_bioes_and_bilou_where_the_model_has_them(self):
        labels = ["B-X", "I-X", "E-X", "L-X", "S-X", "U-X"]
        assert {tag for tag, _ in tags_of(labels).values()} == {"X"}
        assert [begins for _, begins in tags_of(labels).values()] == [
            *(True, False, False, False, True, True)
        ]

    def test_a_hyphen_alone_is_no_scheme(self):
        labels = ["E-mail", "S-Bahn", "PER-SON", "B2", "B-"]
        tags = {label: (label, False) for label in labels} | {"B-": ("", True)}
        assert tags_of(labels) == tags


class TestEntities:
    def test_neighbours_with_one_tag_are_one(self):
        assert found(["O", "B-PER", "I-PER", "O", "B-LOC"]) == [
            *(("O", 0, 0), ("PER", 1, 2), ("O", 3, 3), ("LOC", 4, 4))
        ]

    def test_a_beginning_begins_anew(self):
        assert found(["B-PER", "B-PER", "I-PER"]) == [("PER", 0, 0), ("PER", 1, 2)]

    def test_another_tag_ends_it(self):
        assert found(["B-PER", "I-LOC", "I-PER"]) == [("PER", 0, 0), ("LOC", 1, 1), ("PER", 2, 2)]

    def test_it_needs_no_beginning(self):
        assert found(["I-PER", "I-PER", "O"]) == [("PER", 0, 1), ("O", 2, 2)]

    def test_none_joins_nothing_and_keeps_the_scheme(self):
        assert found(["B-PER", "I-PER"], "none") == [("B-PER", 0, 0), ("I-PER", 1, 1)]

    def test_it_scores_the_mean(self):
        tokens, loaded = read("the film")
        scores = np.concatenate([sure("B-PER", of=0.5), sure("I-PER", of=0.75)])
        (one,) = tagged("the film", tokens, scores, loaded, "simple")
        assert one == Tagged("PER", 0.625, 0, 1)


class TestWords:
    """``filmer`` is ``film`` and ``##er``."""

    def scored(self, strategy, *scores):
        tokens, loaded = read("filmer")
        (one,) = tagged("filmer", tokens, np.concatenate(scores), loaded, strategy)
        return one

    def test_first_takes_the_first_tokens_label(self):
        one = self.scored("first", sure("B-PER", of=0.5), sure("B-LOC", of=0.9))
        assert one == Tagged("PER", 0.5, 0, 1)

    def test_max_takes_the_surest_tokens_label(self):
        one = self.scored("max", sure("B-PER", of=0.5), sure("B-LOC", of=0.9))
        assert one == Tagged("LOC", 0.9, 0, 1)

    def test_average_takes_the_best_mean(self):
        mixed = np.array([[0.0, 0.4, 0.0, 0.35, 0.25]]), np.array([[0.5, 0.0, 0.0, 0.45, 0.05]])
        one = self.scored("average", *mixed)
        assert one.label == "LOC"
        assert one.score == pytest.approx(0.4)

    @pytest.mark.parametrize("strategy", ["first", "average", "max"])
    def test_words_make_entities(self, strategy):
        text = "filmer film, plot"
        tokens, loaded = read(text)
        scores = sure("B-PER", "O", "I-PER", "O", "B-LOC")
        if strategy == "average":
            scores[1] = scores[0]
        some = [(t.label, t.first, t.last) for t in tagged(text, tokens, scores, loaded, strategy)]
        assert some == [("PER", 0, 2), ("O", 3, 3), ("LOC", 4, 4)]

    @pytest.mark.parametrize(
        ("family", "text", "words"),
        [
            ("bert", "filming, a film", ["filming", ",", "a", "film"]),
            ("bert", "cafe\u0301 a", ["cafe", "a"]),  # the accent is no token, and no word either
            ("bert", "the 深度", ["the", "深", "度"]),
            ("xlm-roberta", "the film. a深度", ["the", "film.", "a", "深度"]),  # an unknown one
            ("roberta", "the film,\nthe plot", ["the", "film,", "the", "plot"]),
        ],
    )
    def test_begin_where_the_vocabulary_or_a_space_says(self, family, text, words):
        tokens, loaded = read(text, family)
        firsts = words_of(text, tokens, loaded.tokenizer)
        ends = [*firsts[1:], len(tokens.ids)]
        spans = [
            text[tokens.offsets[first, 0] : tokens.offsets[end - 1, 1]].strip()
            for first, end in zip(firsts, ends, strict=True)
        ]
        assert [span for span in spans if span] == words
