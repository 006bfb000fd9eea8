"""Which models write, and which end of their rows is filled up."""

import pytest
import torch
from transformers import AutoConfig

from tfcli.errors import UnfitModelError
from tfcli.models.generative import auto_class, fills_blanks, padding_side, position_ids


def config(family, *heads, **settings):
    made = AutoConfig.for_model(family, **settings)
    made.architectures = list(heads) or None
    return made


@pytest.mark.parametrize(
    ("family", "heads", "expected"),
    [
        ("gpt2", ("GPT2LMHeadModel",), "AutoModelForCausalLM"),
        ("llama", ("LlamaForCausalLM",), "AutoModelForCausalLM"),
        ("llama", (), "AutoModelForCausalLM"),
        ("bart", ("BartForConditionalGeneration",), "AutoModelForSeq2SeqLM"),
        ("t5", ("T5ForConditionalGeneration",), "AutoModelForSeq2SeqLM"),
        ("marian", ("MarianMTModel",), "AutoModelForSeq2SeqLM"),
    ],
)
def test_the_class_of_a_model_that_writes(family, heads, expected):
    assert auto_class(config(family, *heads)) == expected


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert", "albert"])
def test_a_masked_model_is_refused_in_words(family):
    with pytest.raises(UnfitModelError, match=f"A {family} model fills blanks") as refused:
        auto_class(config(family))
    assert "causal model with -m" in refused.value.hint


def test_a_bert_that_was_made_a_decoder_writes():
    made = config("bert", "BertForMaskedLM", is_decoder=True)
    assert auto_class(made) == "AutoModelForCausalLM"
    assert not fills_blanks(made)


@pytest.mark.parametrize(
    ("family", "expected"),
    [("bert", True), ("modernbert", True), ("bart", True), ("gpt2", False), ("t5", False)],
)
def test_blanks_are_filled_by_models_with_a_masked_head(family, expected):
    assert fills_blanks(config(family)) is expected


def test_causal_rows_end_together_and_others_begin_together():
    assert padding_side(config("gpt2")) == "left"
    assert padding_side(config("bart")) == "right"


def test_positions_count_from_the_first_token_that_is_no_padding():
    mask = torch.tensor([[0, 0, 1, 1], [1, 1, 1, 1]])
    assert position_ids(mask).tolist() == [[0, 0, 0, 1], [0, 1, 2, 3]]
