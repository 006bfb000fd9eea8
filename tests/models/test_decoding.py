"""Decoding: whose settings hold, what is drawn from which distribution, where rows end."""

import numpy as np
import pytest
import torch
import transformers
from chi_square import assert_drawn_from
from spelling import splits
from tiny_models import WORDS, speaker, tokenizer_of

from tfcli.core.job import ModelRef
from tfcli.core.task import Loaded
from tfcli.models.continuation import Prompt
from tfcli.models.decoding import WARPERS, decode, settled
from tfcli.models.generative import auto_class
from tfcli.models.load import load
from tfcli.tasks.generate import DEFAULTS, GenerateOptions

TEXT = "a你.b"
GREEDY = GenerateOptions(greedy=True, max_new_tokens=20)


@pytest.fixture
def loaded(writer):
    return lambda family="gpt2", **config: load(
        ModelRef(writer(family, **config), device="cpu"), auto_class
    )


def plan_of(loaded, options=None, **generation):
    """The plan for a checkpoint with these settings."""
    loaded.model.generation_config.update(**generation)
    options = options or GenerateOptions()
    return settled(loaded, options.decoding, DEFAULTS, options.draws, options.count)


def warpers(plan):
    """The settings that shape a distribution, by name."""
    names = {"temperature": "temperature", "top_k": "top_k", "top_p": "top_p", "min_p": "min_p"}
    kinds = {WARPERS[name]: name for name in names}
    return {
        kinds[type(one)]: getattr(one, kinds[type(one)])
        for one in plan.warpers
        if type(one) in kinds
    }


class TestWhoseSettingsHold:
    def test_where_nobody_says_anything_ours_do(self, loaded):
        found = plan_of(loaded())
        assert found.config.max_new_tokens == 64
        assert warpers(found) == {"temperature": 0.8, "top_p": 0.95}

    def test_the_checkpoints_beat_ours(self, loaded):
        found = plan_of(loaded(), max_new_tokens=7, temperature=1.5, top_p=0.5, top_k=9)
        assert found.config.max_new_tokens == 7
        assert warpers(found) == {"temperature": 1.5, "top_p": 0.5, "top_k": 9}

    def test_options_beat_the_checkpoints(self, loaded):
        options = GenerateOptions(
            max_new_tokens=3, temperature=0.3, top_p=0.9, top_k=4, min_p=0.1, repetition_penalty=1.2
        )
        theirs = {"max_new_tokens": 7, "temperature": 1.5, "top_p": 0.5, "top_k": 9, "min_p": 0.2}
        found = plan_of(loaded(), options, repetition_penalty=2.0, **theirs)
        assert found.config.max_new_tokens == 3
        assert found.config.repetition_penalty == 1.2
        assert warpers(found) == {"temperature": 0.3, "top_p": 0.9, "top_k": 4, "min_p": 0.1}

    def test_a_neutral_option_switches_the_checkpoints_off(self, loaded):
        options = GenerateOptions(temperature=1.0, top_p=1.0, min_p=0.0)
        assert plan_of(loaded(), options, temperature=0.7, top_p=0.5, min_p=0.2).warpers == []

    @pytest.mark.parametrize(
        ("generation", "options", "samples", "beams"),
        [
            ({}, {}, True, 1),
            ({"do_sample": True}, {}, True, 1),
            ({"do_sample": False}, {}, False, 1),
            ({"do_sample": False}, {"temperature": 1.0}, True, 1),
            ({"do_sample": False}, {"top_k": 5}, True, 1),
            ({"do_sample": True}, {"greedy": True}, False, 1),
            ({"do_sample": True}, {"num_beams": 3}, False, 3),
            ({"num_beams": 4}, {}, False, 4),
            ({"num_beams": 4}, {"greedy": True}, False, 1),
            ({"num_beams": 4}, {"num_beams": 2}, False, 2),
            ({"num_beams": 4}, {"top_p": 0.5}, True, 1),
            ({"num_beams": 4}, {"num_beams": 1}, True, 1),
        ],
        ids=str,
    )
    def test_how_to_search(self, loaded, generation, options, samples, beams):
        found = plan_of(loaded(), GenerateOptions(**options), **generation)
        assert (found.samples, found.config.num_beams) == (samples, beams)

    def test_a_decoder_with_an_encoder_counts_from_its_first_token(self, loaded):
        assert plan_of(loaded("t5"), max_length=20).config.max_new_tokens == 19
        assert plan_of(loaded("gpt2"), max_length=20).config.max_new_tokens == 64

    def test_the_checkpoints_own_settings_stay_as_they_were(self, loaded):
        model = loaded()
        before = model.model.generation_config.to_dict()
        plan_of(model, GenerateOptions(temperature=0.1, max_new_tokens=2))
        assert model.model.generation_config.to_dict() == before


# Drawing


@pytest.mark.parametrize(
    "options",
    [
        {"temperature": 1.0, "top_p": 1.0},
        {"temperature": 0.5, "top_p": 1.0},
        {"temperature": 1.7, "top_p": 0.8},
        {"temperature": 1.0, "top_p": 1.0, "top_k": 7},
        {"temperature": 1.0, "top_p": 1.0, "min_p": 0.1},
        {"temperature": 1.3, "top_p": 0.9, "top_k": 20, "min_p": 0.02},
        {},
    ],
    ids=str,
)
def test_tokens_are_drawn_from_the_distribution_of_transformers_own_warpers(loaded, options):
    model = loaded()
    ids = model.tokenizer("a", return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        scores = model.model(ids).logits[:, -1]
    holding = {"temperature": 0.8, "top_p": 0.95, **options}
    for name in ("temperature", "top_k", "top_p", "min_p"):  # the order of generate()
        if name in holding:
            scores = WARPERS[name](holding[name])(ids, scores)
    probabilities = scores.softmax(-1)[0].double().numpy()

    rows = 3000
    settings = plan_of(model, GenerateOptions(max_new_tokens=1, **options))
    inputs = {"input_ids": ids.repeat(rows, 1), "attention_mask": torch.ones(rows, 1).long()}
    prompts = [Prompt("", ids[0].tolist(), seed=seed) for seed in range(rows)]
    with torch.inference_mode():
        texts = decode(model, inputs, prompts, settings, logprobs=0)
    named = [text.logprobs[0]["token"] for (text,) in texts]
    drawn = model.tokenizer.convert_tokens_to_ids(named)
    assert_drawn_from(np.bincount(drawn, minlength=len(probabilities)), probabilities)


# Ends


def spoken(tokenizer, ids, stops=(), emit=None, limit=40):
    """What comes of a model that says these tokens, and how often it was asked."""
    model = speaker(ids, tokenizer)
    asked = []
    model.register_forward_hook(lambda *_: asked.append(1))
    tokenizer.pad_token = tokenizer.eos_token
    loaded = Loaded(model, tokenizer, model.config, 128)
    inputs = tokenizer(["x"], return_tensors="pt")
    prompt = Prompt("", inputs["input_ids"][0].tolist())
    options = GenerateOptions(greedy=True, max_new_tokens=limit)
    settings = settled(loaded, options.decoding, DEFAULTS, False, 1)
    with torch.inference_mode():
        ((text,),) = decode(loaded, inputs, [prompt], settings, stops=stops, emit=emit)
    return text, len(asked)


class TestStops:
    @pytest.mark.parametrize("stop", ["a", "你", ".", "b", "a你", "你.b", TEXT])
    def test_a_row_ends_with_the_token_that_completes_a_stop_text(self, stop):
        tokenizer, ways = splits(TEXT)
        more = tokenizer(" and so on")["input_ids"]
        for ids in ways:
            pieces = []
            emit = lambda text, given, into=pieces: into.append(text)  # noqa: E731
            text, asked = spoken(tokenizer, [*ids, *more], [stop, "never"], emit)
            assert text.text == TEXT[: TEXT.index(stop)]
            assert text.finish_reason == "stop"
            assert stop in tokenizer.decode(ids[: text.new_tokens])
            assert stop not in tokenizer.decode(ids[: text.new_tokens - 1])
            assert asked == text.new_tokens
            assert "".join(pieces) == text.text

    def test_a_long_stop_text_far_from_the_prompt(self):
        tokenizer = tokenizer_of("gpt2")
        text = "The cat. " * 6 + "学习 ends here"
        ids = tokenizer(text)["input_ids"]
        found, asked = spoken(tokenizer, ids, ["学习 ends"], limit=100)
        assert found.text == "The cat. " * 6
        assert (
            found.new_tokens == asked == len(tokenizer("The cat. " * 6 + "学习 ends")["input_ids"])
        )

    @pytest.mark.parametrize("family", ["gpt2", "llama", "bart", "t5"])
    def test_rows_of_a_batch_end_each_for_itself(self, loaded, family):
        model = loaded(family)
        tokenizer = model.tokenizer
        texts = WORDS.split()[:6]
        settings = plan_of(model, GREEDY)
        side = "right" if model.config.is_encoder_decoder else "left"

        def written(texts, stops):
            inputs = tokenizer(texts, padding=True, padding_side=side, return_tensors="pt")
            inputs = {name: inputs[name] for name in ("input_ids", "attention_mask")}
            ids = [[] if side == "right" else tokenizer(text)["input_ids"] for text in texts]
            with torch.inference_mode():
                found = decode(
                    model, inputs, [Prompt("", one) for one in ids], settings, stops=stops
                )
            return [text for (text,) in found]

        freely = [text.text for text in written(texts, [])]
        places = {one: {text.find(one) for text in freely} for one in set("".join(freely))}
        stops = [max(sorted(places), key=lambda one: len(places[one]))]
        together = written(texts, stops)
        assert len({text.new_tokens for text in together}) > 1
        for text, alone in zip(together, texts, strict=True):
            assert [text] == written([alone], stops)
            assert not any(stop in text.text for stop in stops)


class TestPieces:
    TEXT = "Once 三只小猪 👩‍👩‍👧 lived.\n"

    def test_the_prompt_comes_first_and_then_the_text_in_whole_characters(self, loaded):
        tokenizer = tokenizer_of("gpt2")
        pieces = []
        ids = tokenizer(self.TEXT)["input_ids"]
        text, _ = spoken(tokenizer, [*ids, 0], emit=lambda *piece: pieces.append(piece), limit=60)
        assert pieces[0] == ("", True)
        assert [piece for piece, _ in pieces[1:] if piece] == list(self.TEXT)
        assert not any(given for _, given in pieces[1:])
        assert (text.text, text.finish_reason) == (self.TEXT, "stop")

    @pytest.mark.parametrize("family", ["gpt2", "llama", "bart", "t5"])
    def test_joined_they_are_the_text(self, loaded, family):
        model = loaded(family)
        inputs = model.tokenizer("the film", return_tensors="pt")
        inputs = {name: inputs[name] for name in ("input_ids", "attention_mask")}
        ids = [] if family in ("bart", "t5") else inputs["input_ids"][0].tolist()
        pieces = []
        options = GenerateOptions(seed=1, temperature=1.5)
        with torch.inference_mode():
            ((text,),) = decode(
                model,
                inputs,
                [Prompt("shown", ids, seed=1)],
                plan_of(model, options),
                emit=lambda text, given: pieces.append(text),
            )
        assert pieces[0] == "shown"
        assert "".join(pieces[1:]) == text.text
        assert len(pieces) > 3


# Log probabilities


def test_log_probabilities_are_those_of_the_models_own_logits(loaded):
    """Before temperature, filters and penalties."""
    model = loaded()
    inputs = model.tokenizer("the film is", return_tensors="pt")
    ids = inputs["input_ids"][0].tolist()
    options = GenerateOptions(
        max_new_tokens=12, temperature=2.0, top_k=5, repetition_penalty=1.5, seed=3
    )
    with torch.inference_mode():
        ((text,),) = decode(
            model, inputs, [Prompt("", ids, seed=3)], plan_of(model, options), logprobs=4
        )
        new = model.tokenizer.convert_tokens_to_ids([one["token"] for one in text.logprobs])
        logits = model.model(torch.tensor([[*ids, *new]])).logits[0, len(ids) - 1 : -1]
    expected = logits.log_softmax(-1)  # (token, vocabulary)
    assert len(new) == text.new_tokens == 12
    assert any(one["logprob"] < one["top"][0]["logprob"] for one in text.logprobs)
    for one, id, logs in zip(text.logprobs, new, expected, strict=True):
        assert one["logprob"] == pytest.approx(float(logs[id]), abs=1e-4)
        values, tokens = logs.topk(4)
        assert [top["logprob"] for top in one["top"]] == pytest.approx(values.tolist(), abs=1e-4)
        assert [top["token"] for top in one["top"]] == model.tokenizer.convert_ids_to_tokens(tokens)


def test_the_model_is_left_without_a_hook(loaded):
    model = loaded()
    inputs = model.tokenizer("a", return_tensors="pt")
    decode(model, inputs, [Prompt("", [1])], plan_of(model, GREEDY), logprobs=1)
    assert not model.model._forward_hooks


# What a checkpoint may bring


@pytest.mark.parametrize(
    "generation", [{"return_dict_in_generate": True, "output_scores": True}], ids=str
)
def test_a_checkpoint_may_ask_generate_for_more(loaded, generation):
    model = loaded()
    inputs = model.tokenizer("a", return_tensors="pt")
    expected = decode(model, inputs, [Prompt("", [1])], plan_of(model, GREEDY))
    found = decode(model, inputs, [Prompt("", [1])], plan_of(model, GREEDY, **generation))
    assert found == expected


def test_stop_strings_of_a_checkpoint_end_a_text_too(loaded):
    model = loaded()
    inputs = model.tokenizer("a", return_tensors="pt")
    ((plain,),) = decode(model, inputs, [Prompt("", [1])], plan_of(model, GREEDY))
    for own in (["never", plain.text[3]], plain.text[3]):
        settings = plan_of(model, GREEDY, stop_strings=own)
        ((found,),) = decode(model, inputs, [Prompt("", [1])], settings)
        assert found.text == plain.text[: plain.text.index(plain.text[3])]
        assert found.finish_reason == "stop"


def test_an_end_that_is_forced_is_none_of_the_models(loaded):
    model = loaded("bart")
    inputs = model.tokenizer("a", return_tensors="pt")
    forced = {"forced_eos_token_id": model.tokenizer.eos_token_id}
    options = GenerateOptions(greedy=True, max_new_tokens=5)
    for settings in ({}, forced):
        ((found,),) = decode(model, inputs, [Prompt("", ())], plan_of(model, options, **settings))
        assert (found.new_tokens, found.finish_reason) == (5, "length")


def test_the_order_of_warpers_is_that_of_generate(loaded):
    model = loaded()
    names = {"temperature": 0.5, "top_k": 5, "top_p": 0.5, "min_p": 0.1, "typical_p": 0.5}
    names |= {"epsilon_cutoff": 0.1, "eta_cutoff": 0.1}
    config = transformers.GenerationConfig(do_sample=True, **names)
    model.model._prepare_special_tokens(config)
    theirs = model.model._get_logits_processor(config, input_ids_seq_length=1)
    ours = plan_of(model, **names).warpers
    assert [type(one) for one in ours] == [type(one) for one in theirs]
