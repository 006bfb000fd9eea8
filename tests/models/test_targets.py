"""What decoders read: given targets, and what a model wrote by itself."""

import pytest
from tiny_models import tokenizer_of

from tfcli.core.job import ModelRef
from tfcli.core.task import Failure
from tfcli.errors import UnfitModelError
from tfcli.models.load import load
from tfcli.models.targets import decoder_start, target_of, written_target


def loaded_from(folder):
    return load(ModelRef(folder), lambda config: "AutoModelForSeq2SeqLM")


@pytest.fixture
def t5(reader):
    return loaded_from(reader("t5", decoder_start_token_id=0))


def test_a_decoder_reads_its_start_and_all_but_the_end(t5):
    found = target_of("the film", t5, "none")
    assert found.axis.labels == ["<pad>", "▁the", "▁film"]
    assert len(found.inputs["input_ids"]) == found.axis.tokens == 3
    assert found.inputs["input_ids"][0] == 0
    assert found.axis.special == [True, False, False]


def test_words_of_a_target_begin_one_later(t5):
    found = target_of("great dog", t5, "words")
    assert found.axis.labels == ["<pad>", "great", "dog"]
    assert found.axis.starts == [0, 1, 2]
    assert found.axis.tokens == len(found.inputs["input_ids"])


def test_what_ends_a_text_of_bert_is_no_more_read_than_another_end(reader):
    loaded = loaded_from(reader("bart"))
    swapped = loaded.__class__(
        loaded.model, tokenizer_of("bert"), loaded.config, loaded.max_length, None
    )
    assert target_of("the film", swapped, "none").axis.labels[1:] == ["[CLS]", "the", "film"]


def test_a_target_that_is_too_long(reader):
    failure = target_of("the " * 70, loaded_from(reader("bart")), "none")
    assert isinstance(failure, Failure)
    assert (failure.type, failure.message[:10]) == ("too_long", "the target")


def test_a_model_of_many_languages_is_refused(t5):
    t5.tokenizer.tgt_lang = "fra_Latn"
    with pytest.raises(UnfitModelError, match="has to be told the language"):
        target_of("the film", t5, "none")


def test_what_a_model_wrote_is_taken_token_by_token(t5):
    the, film, end = (t5.tokenizer.convert_tokens_to_ids(one) for one in ("▁the", "▁film", "</s>"))
    found = written_target([0, film, the, end, 0, 0], t5, "none")
    assert found.inputs["input_ids"] == [0, film, the]
    assert found.axis.labels == ["<pad>", "▁film", "▁the"]
    assert found.axis.special == [True, False, False]
    assert written_target([0, film, the], t5, "none").inputs == found.inputs


def test_what_a_model_wrote_is_merged_where_the_tokenizer_cuts_it_so(t5):
    ids = [0, *t5.tokenizer("great dogs")["input_ids"]]
    assert written_target(ids, t5, "words").axis.labels == ["<pad>", "great", "dogs"]
    letters = [0, *t5.tokenizer.convert_tokens_to_ids(["▁", "t", "h", "e"])]
    assert t5.tokenizer.decode(letters[1:]) == "the"
    assert written_target(letters, t5, "words").axis.labels == ["<pad>", "▁", "t", "h", "e"]


def test_what_a_decoder_begins_with(reader):
    assert decoder_start(loaded_from(reader("bart"))) == 2
    assert decoder_start(loaded_from(reader("t5", decoder_start_token_id=0))) == 0


def test_the_words_of_a_target(t5):
    assert target_of("great dogs", t5, "none").axis.words().labels == ["<pad>", "great", "dogs"]
