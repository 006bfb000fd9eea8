"""Text from tokens: whole characters, nothing of a stop text, the same in pieces as at once."""

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from spelling import byte_fallback, splits
from tiny_models import tokenizer_of

from tfcli.models.continuation import CONTEXT, Pieces, Prompt, continued, token, written

WORDS = "a cute ﬁlm — 三只小猪 👩‍👩‍👧 é!"
texts = st.lists(st.characters(exclude_categories=["Cs"]) | st.sampled_from("你好😀é .a")).map(
    "".join
)


BYTE_LEVEL, BYTE_FALLBACK = tokenizer_of("gpt2"), byte_fallback()
KINDS = {"byte level": BYTE_LEVEL, "byte fallback": BYTE_FALLBACK}
tokenizers = pytest.mark.parametrize("tokenizer", KINDS.values(), ids=KINDS)


def ids_of(tokenizer, text):
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def streamed(tokenizer, prompt, ids, stops=()):
    """The pieces that somebody reads, as the tokens come one by one."""
    given = []
    pieces = Pieces(tokenizer, prompt, stops, lambda text, _: given.append(text))
    pieces.put(torch.tensor([prompt.ids]))
    for id in ids:
        pieces.put(torch.tensor([id]))
    pieces.end()
    pieces.finish(whole(tokenizer, prompt, ids, stops).text)
    assert len(given) == len(ids) + 1  # whoever reads along may end it at any token
    return [text for text in given if text]


def whole(tokenizer, prompt, ids, stops=(), ends=(0,)):
    return written(tokenizer, prompt, list(ids), ends, stops)


# Texts as they follow a prompt


@tokenizers
@given(before=texts, after=texts)
@example(before="三只小猪三只小猪", after="三只")
@example(before="x" * 20 + "你", after="好")
def test_a_text_and_what_continues_it_are_the_whole_text(tokenizer, before, after):
    ids = ids_of(tokenizer, before + after)
    plain = tokenizer.decode(ids, clean_up_tokenization_spaces=False)
    for place in range(len(ids)):
        lead = tokenizer.decode(ids[:place], clean_up_tokenization_spaces=False)
        if "\ufffd" not in lead:
            assert lead + continued(tokenizer, ids[:place], ids[place:]) == plain


def test_the_space_that_a_sentencepiece_token_begins_with_is_kept():
    tokenizer = tokenizer_of("t5")
    ids = ids_of(tokenizer, "the film is great")
    assert continued(tokenizer, ids[:1], ids[1:]) == " film is great"
    assert continued(tokenizer, [], ids) == "the film is great"


def test_a_long_run_of_bytes_before_it_does_not_spoil_a_character():
    """Eight tokens of context may begin in the middle of a character."""
    before = ids_of(BYTE_FALLBACK, "三只小猪")
    assert len(before) > CONTEXT
    for dropped in range(4):
        assert continued(BYTE_FALLBACK, before[dropped:], ids_of(BYTE_FALLBACK, "好")[1:]) == "好"


@tokenizers
def test_a_character_that_is_cut_off_spoils_no_other(tokenizer):
    ids = ids_of(tokenizer, "你好😀")
    for missing in (1, 2, 3):
        assert continued(tokenizer, [], ids[:-missing]) == "你好\ufffd"


def test_bytes_that_are_no_text_are_decoded_as_transformers_does():
    invalid = BYTE_LEVEL.convert_tokens_to_ids(["Ģ", "a", "Ģ", "Ģ", "Ģ", "Ģ", "Ģ"])
    assert continued(BYTE_LEVEL, [], invalid) == BYTE_LEVEL.decode(invalid) == "�a�����"


def test_a_token_is_named_as_in_the_vocabulary_and_as_text():
    (space,) = ids_of(BYTE_LEVEL, " ")
    assert token(BYTE_LEVEL, space, []) == {"token": "Ġ", "text": " "}


def test_the_text_of_a_token_is_what_it_adds_to_those_before_it():
    tokenizer = tokenizer_of("t5")
    ids = ids_of(tokenizer, "the film")
    assert token(tokenizer, ids[1], ids[:1]) == {"token": "▁film", "text": " film"}
    end = tokenizer.eos_token_id
    assert token(tokenizer, end, ids) == {"token": "</s>", "text": "</s>"}


# Pieces


@tokenizers
@settings(max_examples=50)
@given(text=texts, stops=st.lists(texts.filter(bool), max_size=2))
@example(text="你好😀", stops=[])
@example(text="one. two.", stops=[". t"])
def test_pieces_joined_are_the_text(tokenizer, text, stops):
    ids = ids_of(tokenizer, text)
    for length in range(len(ids) + 1):  # ended at any token, in a character too
        pieces = streamed(tokenizer, Prompt("", ()), ids[:length], stops)
        assert "".join(pieces) == whole(tokenizer, Prompt("", ()), ids[:length], stops).text


@tokenizers
def test_a_piece_is_of_whole_characters(tokenizer):
    ids = ids_of(tokenizer, WORDS)
    prompt = Prompt("", ids_of(tokenizer, "begun: 小"))
    pieces = streamed(tokenizer, prompt, ids)
    assert not any("\ufffd" in piece for piece in pieces)
    assert "👩" in pieces


def test_pieces_come_with_their_tokens():
    assert streamed(BYTE_LEVEL, Prompt("", ()), ids_of(BYTE_LEVEL, "a b")) == ["a", " ", "b"]


def test_the_beginning_of_a_stop_text_is_held_back_until_it_is_none():
    prompt = Prompt("", ())
    ids = ids_of(BYTE_LEVEL, "a\n\nb\nc")
    assert streamed(BYTE_LEVEL, prompt, ids, ["\n\nQ"]) == ["a", "\n\nb", "\nc"]
    assert streamed(BYTE_LEVEL, prompt, ids, ["\nc"]) == ["a", "\n", "\nb"]


def test_what_is_held_back_at_the_end_is_given_then():
    ids = ids_of(BYTE_LEVEL, "a STO")
    assert streamed(BYTE_LEVEL, Prompt("", ()), ids, ["STOP"]) == ["a", " ", "STO"]


# Ends

TEXT = "a你.b"


@pytest.mark.parametrize(
    "stop", [TEXT[i:j] for i in range(len(TEXT)) for j in range(i + 1, len(TEXT) + 1)]
)
def test_a_stop_text_is_found_at_every_split_of_a_text_into_tokens(stop):
    tokenizer, ways = splits(TEXT)
    assert len(ways) == 2 ** (len(TEXT.encode()) - 1)
    expected = TEXT[: TEXT.index(stop)]
    for ids in ways:
        assert tokenizer.decode(ids) == TEXT
        found = whole(tokenizer, Prompt("", ()), ids, [stop])
        assert (found.text, found.finish_reason) == (expected, "stop")
        assert stop in tokenizer.decode(ids[: found.new_tokens])
        assert stop not in tokenizer.decode(ids[: found.new_tokens - 1])
        assert "".join(streamed(tokenizer, Prompt("", ()), ids, [stop])) == expected


def test_of_several_stop_texts_the_first_in_the_text_ends_it():
    ids = ids_of(BYTE_LEVEL, "one, two. three")
    for stops in ([".", ","], [",", "."], ["three", ", t"]):
        assert whole(BYTE_LEVEL, Prompt("", ()), ids, stops).text == "one"


def test_a_stop_text_in_the_prompt_ends_nothing():
    prompt = Prompt("one. ", ids_of(BYTE_LEVEL, "one. "))
    found = whole(BYTE_LEVEL, prompt, ids_of(BYTE_LEVEL, "two"), ["e. t", "one"])
    assert found == ("two", "length", 3, None)


def test_the_end_of_text_ends_it_and_is_no_text():
    ids = [*ids_of(BYTE_LEVEL, "one"), 0, *ids_of(BYTE_LEVEL, " more"), 0]
    assert whole(BYTE_LEVEL, Prompt("", ()), ids) == ("one", "stop", 4, None)


def test_any_of_several_ends_ends_it():
    ids = ids_of(BYTE_LEVEL, "one")
    assert whole(BYTE_LEVEL, Prompt("", ()), ids, ends=(0, ids[1])).new_tokens == 2
