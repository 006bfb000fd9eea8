"""Blanks: where masks stand, and words written in their place as the tokenizer means them."""

import pytest
from tiny_models import tokenizer_of
from transformers import AddedToken

from tfcli.models.blanks import Word, filled, for_model, parts, targets_at, word


def swallowing(family):
    """The family's tokenizer; its mask takes the space before it, as in published checkpoints."""
    tokenizer = tokenizer_of(family)
    mask = AddedToken(tokenizer.mask_token, lstrip=True, special=True)
    tokenizer.add_special_tokens({"mask_token": mask})
    return tokenizer


BERT, SEEING = tokenizer_of("bert"), tokenizer_of("roberta")
ROBERTA, ALBERT = swallowing("roberta"), swallowing("albert")


def ids_of(tokenizer, text):
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def put(tokenizer, text, *tokens):
    """A text with tokens, as the vocabulary spells them, at its masks."""
    cut = parts(text, tokenizer)
    ids = ids_of(tokenizer, for_model(cut, tokenizer))
    words = {}
    for number, token in enumerate(tokens):
        place = ids.index(tokenizer.mask_token_id)
        id = tokenizer.convert_tokens_to_ids(token)
        words[number] = word(id, ids[:place], tokenizer)
        ids[place] = id
    return filled(cut, words)


class TestParts:
    def test_text_and_masks_in_turn(self):
        assert parts("a [MASK] b[MASK]", BERT) == ["a ", "[MASK]", " b", "[MASK]", ""]
        assert parts("none", BERT) == ["none"]

    def test_each_models_own_mask_and_the_common_one(self):
        cut = parts("a <mask> b [MASK]", ROBERTA)
        assert cut == ["a ", "<mask>", " b ", "[MASK]", ""]
        assert for_model(cut, ROBERTA) == "a <mask> b <mask>"

    def test_what_is_another_models_is_text(self):
        assert parts("a <mask> [mask]", BERT) == ["a <mask> [mask]"]


class TestFilled:
    def test_the_text_stays_as_it_is_written(self):
        assert put(BERT, "The FILM  is [MASK], é!", "great") == "The FILM  is great, é!"

    def test_masks_without_a_word_stay(self):
        cut = parts("<mask> [MASK]", ROBERTA)
        assert filled(cut, {}) == "<mask> [MASK]"
        assert filled(cut, {1: Word("b", glued=False, spaced=False)}) == "<mask> b"

    @pytest.mark.parametrize(
        ("tokenizer", "text", "token", "expected"),
        [
            (BERT, "a film [MASK] it", "##ing", "a filming it"),
            (BERT, "a film\n[MASK] it", "##ing", "a filming it"),
            (BERT, "a film\n[MASK] it", "of", "a film\nof it"),
            (BERT, "a [MASK]!", ".", "a.!"),
            (BERT, "[MASK] film", "great", "great film"),
            (BERT, " [MASK] film", "##ing", " ##ing film"),
            (BERT, "film[MASK]", "good", "filmgood"),
            (ROBERTA, "a <mask> film", "Ġgreat", "a great film"),
            (ROBERTA, "a<mask> film", "Ġgreat", "a great film"),
            (ROBERTA, "a\n<mask> film", "Ġgreat", "a\ngreat film"),
            (ROBERTA, "a <mask> film", "s", "as film"),
            (ROBERTA, "<mask> film", "Ġgreat", "great film"),
            (SEEING, "a <mask> film", "s", "a s film"),
            (SEEING, "a <mask> film", "Ġgreat", "a great film"),
            (ALBERT, "a [MASK] film", "▁great", "a great film"),
            (ALBERT, "a [MASK] film", "s", "as film"),
            (ALBERT, "[MASK] film", "▁great", "great film"),
        ],
    )
    def test_a_token_stands_where_it_belongs(self, tokenizer, text, token, expected):
        assert put(tokenizer, text, token) == expected

    def test_chinese_gets_no_spaces(self):
        import transformers

        pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"法国的首都是巴黎。"]
        tokenizer = transformers.BertTokenizer(vocab={one: i for i, one in enumerate(pieces)})
        text = "法国的首都是[MASK][MASK]。"
        assert put(tokenizer, text, "巴", "黎") == "法国的首都是巴黎。"

    def test_a_word_follows_what_was_put_in_before(self):
        assert put(BERT, "[MASK] [MASK]", "film", "##ing") == "filming"
        assert put(BERT, "[MASK] [MASK]", "the", "film") == "the film"

    def test_what_is_no_text_is_shown(self):
        assert put(BERT, "a [MASK]", "[UNK]") == "a [UNK]"


class TestTargets:
    def found(self, tokenizer, text, *targets):
        (one,) = targets_at([parts(text, tokenizer)], targets, tokenizer)
        if isinstance(one, str):
            return one
        return [tokenizer.convert_ids_to_tokens(ids) for ids in one]

    def test_a_word_is_the_token_that_it_is_there(self):
        """With the space before it, in the case that the model reads."""
        assert self.found(BERT, "the [MASK]", "Film", "good") == [["film", "good"]]
        assert self.found(ROBERTA, "the <mask>.", "film") == [["Ġfilm"]]
        assert self.found(ALBERT, "the [MASK]", "film") == [["▁film"]]

    def test_each_mask_has_its_own(self):
        assert self.found(ROBERTA, "a<mask> <mask>", "s", "Ġfilm") == [
            ["s", "Ġfilm"],
            ["s", "Ġfilm"],
        ]
        assert self.found(BERT, "[MASK] [MASK]", "film") == [["film"], ["film"]]

    def test_else_it_is_spelled_as_in_the_vocabulary(self):
        assert self.found(BERT, "film [MASK]", "##ing") == [["##ing"]]
        assert self.found(ROBERTA, "the <mask>", "Ġfilm") == [["Ġfilm"]]

    def test_two_that_are_one_token_are_one(self):
        assert self.found(BERT, "the [MASK]", "film", "Film") == [["film"]]

    def test_a_long_text_counts_only_near_the_mask(self):
        assert self.found(BERT, "film " * 99 + "[MASK]" + " good" * 99, "bad") == [["bad"]]
        assert self.found(BERT, "[MASK] " * 30, "bad") == [["bad"]] * 30

    def test_of_several_tokens_none_is_taken(self):
        said = self.found(BERT, "the [MASK]", "good", "films")
        assert said == "'films' is 2 tokens there, not one: film ##s"

    @pytest.mark.parametrize("target", ["好", "😀"])
    def test_what_the_model_does_not_know_is_none(self, target):
        said = self.found(BERT, "the [MASK]", target)
        assert said == f"{target!r} is no token of the model"

    def test_several_texts_at_once(self):
        cuts = [parts(text, BERT) for text in ("a [MASK]", "none", "[MASK] [MASK]")]
        good, bad = BERT.convert_tokens_to_ids(["good", "bad"])
        found = list(targets_at(cuts, ["good", "bad"], BERT))
        assert found == [[[good, bad]], [], [[good, bad], [good, bad]]]

    def test_no_targets(self):
        assert list(targets_at([parts("a [MASK]", BERT)], [], BERT)) == [[[]]]
