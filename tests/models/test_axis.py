"""What tokens are called, and how they make words and characters, in each kind of vocabulary."""

import pytest
from tiny_models import tokenizer_of

from tfcli.core.task import Failure, Loaded
from tfcli.errors import UnfitModelError
from tfcli.models.axis import encoded


class Config:
    model_type = "tiny"
    type_vocab_size = 2


def loaded_with(tokenizer, longest=64):
    return Loaded(tokenizer=tokenizer, config=Config(), max_length=longest)


def axis_of(family, text, merge="none", pair=None):
    (found,) = encoded([(text, pair)], loaded_with(tokenizer_of(family)), merge, truncate=False)
    return found.axis


def test_word_pieces_are_spelled_as_in_the_vocabulary():
    axis = axis_of("bert", "The dog")
    assert axis.labels == ["[CLS]", "the", "d", "##o", "##g", "[SEP]"]
    assert axis.special == [True, False, False, False, False, True]
    assert axis.separator == [False] * 5 + [True]
    assert (axis.starts, axis.tokens) == ([0, 1, 2, 3, 4, 5], 6)


def test_word_pieces_to_words():
    axis = axis_of("bert", "The dog, learned!", "words")
    assert axis.labels == ["[CLS]", "The", "dog", ",", "learned", "!", "[SEP]"]
    assert axis.starts[:4] == [0, 1, 2, 5]


def test_word_pieces_are_whole_characters_already():
    axis = axis_of("bert", "dog", "chars")
    assert axis.labels == ["[CLS]", "d", "o", "g", "[SEP]"]


def test_bytes_are_spelled_as_text():
    assert axis_of("gpt2", "a b!").labels == ["a", " ", "b", "!"]


def test_bytes_of_a_character_are_numbers():
    assert axis_of("gpt2", "你a").labels == ["<0xE4>", "<0xBD>", "<0xA0>", "a"]


@pytest.mark.parametrize("merge", ["words", "chars"])
def test_bytes_make_chinese_characters(merge):
    axis = axis_of("gpt2", "好不好", merge)
    assert axis.labels == ["好", "不", "好"]
    assert (axis.starts, axis.tokens) == ([0, 3, 6], 9)


def test_bytes_make_words():
    assert axis_of("gpt2", "hot dogs, 好的!", "words").labels == [
        "hot",
        "dogs",
        ",",
        "好",
        "的",
        "!",
    ]


def test_characters_are_what_people_see():
    family = "👩‍👩‍👧"
    assert axis_of("gpt2", f"a{family}é", "chars").labels == ["a", family, "é"]


@pytest.mark.parametrize("family", ["t5", "llama", "albert", "xlnet"])
def test_pieces_of_sentencepiece_make_words(family):
    labels = axis_of(family, "the great dog", "words").labels
    words = [label for label in labels if "<" not in label and "[" not in label]
    assert words == ["the", "great", "dog"]


def test_the_second_text_begins_with_its_own_first_token():
    axis = axis_of("bert", "the film", pair="is good")
    assert axis.labels == ["[CLS]", "the", "film", "[SEP]", "is", "good", "[SEP]"]
    assert axis.segments == [0, 0, 0, 0, 1, 1, 1]


def test_two_separators_stand_between_texts_of_roberta():
    axis = axis_of("roberta", "the film", pair="is good")
    assert axis.labels[0] == "<s>"
    second = axis.segments.index(1)
    assert axis.labels[second - 2 : second] == ["</s>", "</s>"]


def test_words_of_two_texts_stay_apart():
    axis = axis_of("gpt2", "dog", "words", pair="dog")
    assert (axis.labels, axis.segments) == (["dog", "dog"], [0, 1])


def test_single_texts_and_pairs_together_keep_their_places():
    texts = [("the film", "is"), ("good", None), ("bad", "of"), ("a", None)]
    found = encoded(texts, loaded_with(tokenizer_of("bert")), "none", truncate=False)
    assert [one.axis.labels[1] for one in found] == ["the", "good", "bad", "a"]
    assert [max(one.axis.segments) for one in found] == [1, 0, 1, 0]
    assert found[0].inputs["token_type_ids"] == found[0].axis.segments


def test_too_long_a_text_is_an_error_that_names_both_sizes():
    (found,) = encoded([("the " * 9, None)], loaded_with(tokenizer_of("bert"), 8), "none", False)
    message = "11 tokens, and the model has room for 8; --truncate right cuts the end off"
    assert found == Failure("too_long", message)


def test_a_text_that_is_cut_says_so():
    loaded = loaded_with(tokenizer_of("bert"), 5)
    cut, whole = encoded([("the a film is", None), ("the", None)], loaded, "none", truncate=True)
    assert cut.axis.labels == ["[CLS]", "the", "a", "film", "[SEP]"]
    assert (cut.truncated, whole.truncated) == (True, False)


def test_whole_texts_are_cut_by_nobody_and_bring_their_places():
    loaded = loaded_with(tokenizer_of("bert"), 5)
    (found,) = encoded([("the a film is", None)], loaded, "none", truncate=False, whole=True)
    assert len(found.inputs["input_ids"]) == 6
    assert found.encoding.offsets[1:5] == [(0, 3), (4, 5), (6, 10), (11, 13)]
    assert found.encoding.word_ids[1:5] == [0, 1, 2, 3]


class Slow:
    """A tokenizer that knows no places."""

    is_fast = False
    sep_token_id = eos_token_id = 9
    truncation_side = "left"

    def __call__(self, texts, verbose, **how):
        class Batch(dict):
            encodings = None

        return Batch(input_ids=[[7, 8, 9] for _ in texts])

    def get_special_tokens_mask(self, ids, already_has_special_tokens):
        return [0, 0, 1]

    def convert_ids_to_tokens(self, id):
        return f"token{id}"


def test_slow_tokenizers_give_tokens():
    (found,) = encoded([("a", None)], loaded_with(Slow()), "none", truncate=False)
    assert found.axis.labels == ["token7", "token8", "token9"]
    assert found.axis.special == [False, False, True]
    assert found.axis.segments == [0, 0, 0]
    assert found.encoding is None


def test_slow_tokenizers_give_no_words():
    with pytest.raises(UnfitModelError, match="slow") as caught:
        encoded([("a", None)], loaded_with(Slow()), "words", truncate=False)
    assert caught.value.hint == "Leave --merge out."


def test_tokens_know_the_words_that_they_make():
    axis = axis_of("bert", "the great dogs")
    assert axis.words().labels == axis_of("bert", "the great dogs", "words").labels
    assert axis_of("bert", "the great dogs", "words").words is None
