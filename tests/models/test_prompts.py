"""Prompts: messages by a chat template, and how much room there is before what is to come."""

import pytest

from tfcli.core.job import ModelRef
from tfcli.core.task import Failure
from tfcli.errors import UsageError
from tfcli.models.generative import auto_class
from tfcli.models.load import load
from tfcli.models.prompts import Fitted, as_message, fitted

TEMPLATE = (
    "{% for message in messages %}[{{ message.role }}] {{ message.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant] {% endif %}"
)
NO_SYSTEM = (
    "{% if messages[0].role == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}" + TEMPLATE
)


@pytest.fixture
def loaded(writer):
    return lambda family: load(ModelRef(writer(family), device="cpu"), auto_class)


@pytest.fixture
def tokenizer(loaded):
    def made(template):
        own = loaded("gpt2").tokenizer
        own.chat_template = template
        return own

    return made


class TestMessages:
    def test_a_text_is_the_users_and_the_assistant_is_to_answer(self, tokenizer):
        assert as_message("Hi!", None, tokenizer(TEMPLATE)) == "[user] Hi!\n[assistant] "

    def test_the_system_speaks_first(self, tokenizer):
        written = as_message("Hi!", "Be brief.", tokenizer(TEMPLATE))
        assert written == "[system] Be brief.\n[user] Hi!\n[assistant] "

    def test_what_looks_like_a_template_is_text(self, tokenizer):
        assert "{{ 7 * 7 }}" in as_message("{{ 7 * 7 }}", None, tokenizer(TEMPLATE))

    def test_what_a_template_says_is_wrong_is_said(self, tokenizer):
        with pytest.raises(UsageError, match="chat template: System role not supported"):
            as_message("Hi!", "Be brief.", tokenizer(NO_SYSTEM))
        assert as_message("Hi!", None, tokenizer(NO_SYSTEM))

    @pytest.mark.parametrize("template", ["{% if %}", "{{ 1 / 0 }}"], ids=["broken", "fails"])
    def test_a_broken_template_is_an_error_of_one_line(self, tokenizer, template):
        with pytest.raises(UsageError, match="The model's chat template: ") as wrong:
            as_message("Hi!", None, tokenizer(template))
        assert "\n" not in str(wrong.value)

    def test_without_a_template_there_is_a_hint(self, tokenizer):
        with pytest.raises(UsageError, match="no chat template") as wrong:
            as_message("Hi!", None, tokenizer(None))
        assert "-Instruct" in wrong.value.hint


LONG = "the film " * 40


class TestRoom:
    @pytest.mark.parametrize("family", ["gpt2", "llama"])
    def test_a_causal_model_has_one_room_for_prompt_and_text(self, loaded, family):
        model = loaded(family)
        length = len(model.tokenizer(LONG[:60])["input_ids"])
        for new, fits in [(128 - length, True), (129 - length, False)]:
            (prompt,) = fitted([LONG[:60]], model, new, truncate=False)
            assert isinstance(prompt, Fitted if fits else Failure)

    @pytest.mark.parametrize("family", ["gpt2", "llama"])
    def test_too_long_names_both_lengths(self, loaded, family):
        model = loaded(family)
        length = len(model.tokenizer(LONG)["input_ids"])
        (wrong,) = fitted([LONG], model, 28, truncate=False)
        assert wrong.type == "too_long"
        assert wrong.message == (
            f"{length:,} tokens, and the model has room for 100 beside 28 new ones; "
            "--truncate left cuts the beginning off"
        )

    def test_an_encoder_has_a_room_of_its_own(self, loaded):
        model = loaded("bart")
        (long, short) = fitted([LONG * 3, "the film"], model, 100, truncate=False)
        assert long.type == "too_long"
        assert "has room for 128; --truncate left" in long.message
        assert not short.truncated

    @pytest.mark.parametrize("new", [128, 129, 5000])
    def test_what_is_to_come_may_not_fill_the_model(self, loaded, new):
        with pytest.raises(UsageError, match=f"128 tokens: not for {new:,} new ones"):
            fitted(["a"], loaded("gpt2"), new, truncate=True)

    def test_a_decoder_writes_no_more_than_its_positions(self, loaded):
        assert fitted(["a"], loaded("bart"), 128, truncate=False)
        with pytest.raises(UsageError, match="writes 128 tokens at most, not 129"):
            fitted(["a"], loaded("bart"), 129, truncate=False)

    def test_t5_has_no_positions_to_run_out_of(self, loaded):
        assert fitted(["a"], loaded("t5"), 5000, truncate=False)

    def test_the_beginning_is_cut_off(self, loaded):
        model = loaded("gpt2")
        (prompt, short) = fitted([LONG + "end", "a"], model, 28, truncate=True)
        assert prompt.truncated
        assert not short.truncated
        assert model.tokenizer.decode(prompt.ids) == (LONG + "end")[-100:]

    def test_the_token_that_begins_a_text_is_kept(self, loaded):
        model = loaded("llama")
        tokenizer = model.tokenizer
        tokenizer.add_bos_token = True
        whole = tokenizer(LONG)["input_ids"]
        assert whole[0] == tokenizer.bos_token_id
        (prompt,) = fitted([LONG], model, 28, truncate=True)
        assert prompt.ids == [whole[0], *whole[-99:]]

    def test_a_template_brings_its_own_special_tokens(self, loaded):
        model = loaded("bart")
        with_them, without = (
            fitted(["a"], model, 1, truncate=False, special=special)[0].ids
            for special in (True, False)
        )
        assert with_them == [model.tokenizer.bos_token_id, *without, model.tokenizer.eos_token_id]

    def test_what_is_no_token_is_that_examples_failure(self, loaded):
        model = loaded("gpt2")
        empty, other = fitted(["", "a"], model, 1, truncate=False)
        assert empty.type == "empty"
        assert isinstance(other, Fitted)
