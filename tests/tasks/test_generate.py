"""Texts: equal to generate() of transformers, the same in any batch, ended where asked."""

import csv
import io
import json
import shutil
from functools import cache
from pathlib import Path

import pytest
import torch
import transformers
from hostile import edit
from tiny_models import WRITERS, make_base_model, make_writer

from tfcli import run
from tfcli.errors import UnfitModelError, UsageError
from tfcli.tasks.generate import SEEDS, TASK, GenerateOptions

PROMPTS = ["the film is", "a", "i love deep learning, not the plot", "of it", "good"]
PUBLISHED = json.loads((Path(__file__).parents[1] / "reference" / "generate.json").read_text())
TEMPLATE = (
    "{% for message in messages %}[{{ message.role }}] {{ message.content }}\n{% endfor %}"
    "[assistant] "
)
families = pytest.mark.parametrize("family", WRITERS)


@pytest.fixture
def edited(writer, tmp_path):
    """A copy of a model with other settings of generation, or with a chat template."""

    def made(family="gpt2", chat_template=None, **generation):
        folder = tmp_path / "edited"
        shutil.copytree(writer(family), folder)
        edit(folder / "generation_config.json", **generation)
        if chat_template:
            (folder / "chat_template.jinja").write_text(chat_template)
        return str(folder)

    return made


def write(prompts, folder, **options):
    return list(run("generate", prompts, model=folder, **options))


def one(prompt, folder, **options):
    (record,) = write([prompt], folder, **options)
    return record


@cache
def from_pretrained(folder):
    config = transformers.AutoConfig.from_pretrained(folder)
    kind = transformers.AutoModelForCausalLM
    if config.is_encoder_decoder:
        kind = transformers.AutoModelForSeq2SeqLM
    return kind.from_pretrained(folder), transformers.AutoTokenizer.from_pretrained(folder)


def theirs(folder, prompt, **options):
    """The texts of transformers' own generate(), and how many tokens each has."""
    model, tokenizer = from_pretrained(folder)
    encoded = model.config.is_encoder_decoder
    inputs = tokenizer(prompt, return_tensors="pt")
    inputs = {name: inputs[name] for name in ("input_ids", "attention_mask")}
    if model.generation_config.pad_token_id is None:
        options["pad_token_id"] = tokenizer.eos_token_id
    found = model.generate(**inputs, **options, return_dict_in_generate=False)
    first = 1 if encoded else inputs["input_ids"].shape[1]
    ends = model.generation_config.eos_token_id
    ends = ends if isinstance(ends, list) else [ends]
    texts, counts = [], []
    for ids in found.tolist():
        end = next((i + 1 for i in range(first, len(ids)) if ids[i] in ends), len(ids))
        texts.append(tokenizer.decode(ids[:end], skip_special_tokens=True))
        counts.append(end - first)
    return texts, counts


def of(record):
    return {key: value for key, value in record.items() if key != "index"}


# Search


@families
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"max_new_tokens": 5},
        {"repetition_penalty": 1.8, "max_new_tokens": 20},
        {"num_beams": 3, "max_new_tokens": 12},
        {"num_beams": 4, "num_return_sequences": 3, "max_new_tokens": 12},
        {"num_beams": 2, "repetition_penalty": 1.3, "max_new_tokens": 12},
    ],
    ids=str,
)
def test_what_is_not_drawn_equals_generate(writer, family, options):
    folder = writer(family)
    ours = {"greedy": True, **options} if "num_beams" not in options else options
    settings = {"max_new_tokens": 64, "do_sample": False, **options}
    for record in write(PROMPTS[:3], folder, **ours):
        texts, counts = theirs(folder, record["prompt"], **settings)
        sequences = record.get("sequences", [record])
        assert [sequence["text"] for sequence in sequences] == texts
        assert [sequence["new_tokens"] for sequence in sequences] == counts
        assert record["text"] == texts[0]
        assert record["seed"] is None


@pytest.mark.parametrize(
    ("family", "generation"),
    [
        ("gpt2", {"eos_token_id": [0, 106, 72, 50]}),
        ("gpt2", {"no_repeat_ngram_size": 2}),
        ("gpt2", {"bad_words_ids": [[242], [72, 72]]}),
        ("gpt2", {"suppress_tokens": [242, 72], "begin_suppress_tokens": [106]}),
        ("llama", {"min_new_tokens": 20, "eos_token_id": [2, 30, 31, 32]}),
        ("llama", {"min_length": 25, "eos_token_id": [2, 30, 31, 32]}),
        ("llama", {"repetition_penalty": 1.7, "num_beams": 3}),
        ("llama", {"return_dict_in_generate": True, "output_logits": True}),
        ("bart", {"forced_bos_token_id": 0, "num_beams": 4, "length_penalty": 2.0}),
        ("bart", {"forced_bos_token_id": 40, "min_length": 9, "early_stopping": True}),
        ("bart", {"encoder_no_repeat_ngram_size": 1, "no_repeat_ngram_size": 3}),
        ("t5", {"max_length": 20}),
        ("t5", {"max_new_tokens": 9, "min_length": 7}),
    ],
    ids=str,
)
def test_the_checkpoints_own_settings_hold(edited, writer, family, generation):
    folder = edited(family, do_sample=False, **generation)
    length = {} if {"max_length", "max_new_tokens"} & set(generation) else {"max_new_tokens": 30}
    changed = False
    for prompt in PROMPTS[:3]:
        record = one(prompt, folder, **length)
        texts, counts = theirs(folder, prompt, **length)
        assert ([record["text"]], [record["new_tokens"]]) == (texts, counts)
        plain = one(prompt, writer(family), greedy=True, **length)
        changed = changed or of(plain) != of(record)
    assert changed or "return_dict_in_generate" in generation


class TestWhoseSettingsHold:
    def test_an_option_beats_the_checkpoint_which_beats_ours(self, edited, writer):
        greedy = {"greedy": True}
        folder = edited("gpt2", max_new_tokens=3, no_repeat_ngram_size=1)
        assert one("a", writer("gpt2", eos_token_id=None), **greedy)["new_tokens"] == 64
        assert one("a", folder, **greedy)["new_tokens"] == 3
        assert one("a", folder, max_new_tokens=5, **greedy)["new_tokens"] == 5

    def test_greedy_beats_a_checkpoint_that_draws_or_searches(self, edited, writer):
        folder = edited("gpt2", do_sample=True, num_beams=3, temperature=3.0)
        assert of(one("a", folder, greedy=True)) == of(one("a", writer("gpt2"), greedy=True))

    def test_a_checkpoint_that_draws_nothing_draws_when_asked(self, edited):
        folder = edited("gpt2", do_sample=False)
        assert one("a", folder)["seed"] is None
        assert one("a", folder, temperature=0.8)["seed"] is not None

    def test_a_checkpoints_temperature_and_filters_hold(self, edited, writer):
        folder = edited("gpt2", temperature=3.0, top_p=1.0, top_k=3)
        same = {"temperature": 3.0, "top_p": 1.0, "top_k": 3, "seed": 1}
        assert one("a", folder, seed=1) == one("a", writer("gpt2"), **same)
        assert one("a", folder, seed=1) != one("a", writer("gpt2"), seed=1)

    def test_ours_are_a_temperature_of_0_8_and_a_top_p_of_0_95(self, writer):
        said = {"temperature": 0.8, "top_p": 0.95, "max_new_tokens": 64, "seed": 1}
        assert one("a", writer(), seed=1) == one("a", writer(), **said)


# Batches and seeds


@families
@pytest.mark.parametrize(
    "options",
    [
        {"greedy": True, "max_new_tokens": 12},
        {"greedy": True, "repetition_penalty": 1.5, "max_new_tokens": 12},
        {"num_beams": 3, "num_return_sequences": 2, "max_new_tokens": 12},
    ],
    ids=str,
)
def test_a_batch_equals_single_prompts(writer, family, options):
    folder = writer(family)
    together = write(PROMPTS, folder, **options)
    assert [of(record) for record in together] == [
        of(one(prompt, folder, **options)) for prompt in PROMPTS
    ]


def test_a_checkpoints_least_length_is_the_same_in_a_batch(edited):
    """It counts the prompt, and no padding."""
    folder = edited("llama", min_length=12, eos_token_id=list(range(2, 30)))
    for options in ({"greedy": True}, {"num_beams": 2}):
        together = write(["a", "the film is good"], folder, max_new_tokens=20, **options)
        assert of(together[0]) == of(one("a", folder, max_new_tokens=20, **options))
        assert together[0]["new_tokens"] > 9 > together[1]["new_tokens"]


@families
class TestSeeds:
    def test_the_seed_of_a_record_alone_repeats_it(self, writer, family):
        folder = writer(family)
        together = write(PROMPTS, folder, seed=7, max_new_tokens=12)
        assert [record["seed"] for record in together] == [7, 8, 9, 10, 11]
        for record in together:
            alone = one(record["prompt"], folder, seed=record["seed"], max_new_tokens=12)
            assert of(alone) == of(record)

    def test_each_of_several_texts_has_a_seed_of_its_own(self, writer, family):
        folder = writer(family)
        together = write(PROMPTS[:3], folder, seed=7, num_return_sequences=2, max_new_tokens=8)
        seeds = [[s["seed"] for s in record["sequences"]] for record in together]
        assert seeds == [[7, 8], [9, 10], [11, 12]]
        for record in together:
            for sequence in record["sequences"]:
                alone = one(record["prompt"], folder, seed=sequence["seed"], max_new_tokens=8)
                assert {key: alone[key] for key in sequence} == sequence

    def test_the_first_of_several_texts_is_the_records_own(self, writer, family):
        record = one("a", writer(family), seed=7, num_return_sequences=2, max_new_tokens=6)
        first, second = record["sequences"]
        assert {key: record[key] for key in first} == first
        assert first != second


def test_without_a_seed_one_is_drawn_and_said(writer):
    first, second = (one("a", writer()) for _ in range(2))
    assert first["seed"] != second["seed"]
    assert first["text"] != second["text"]
    assert 0 <= first["seed"] < SEEDS
    assert of(one("a", writer(), seed=first["seed"])) == of(first)


def test_a_longer_text_begins_with_the_shorter_one(writer):
    folder = writer("llama")
    short, long = (one("the", folder, seed=5, max_new_tokens=n) for n in (4, 20))
    assert long["text"].startswith(short["text"])


# Records


def test_a_record(speaker):
    assert one("x", speaker("你好 😀."), greedy=True) == {
        "index": 0,
        "prompt": "x",
        "text": "x你好 😀.",
        "finish_reason": "stop",
        "new_tokens": 13,
        "seed": None,
    }


def test_finish_reason_says_whether_the_limit_cut_it(speaker):
    folder = speaker("你好 😀.")
    cut = one("x", folder, greedy=True, max_new_tokens=6)
    assert (cut["text"], cut["finish_reason"], cut["new_tokens"]) == ("x你好", "length", 6)
    whole = one("x", folder, greedy=True, max_new_tokens=13)
    assert (whole["text"], whole["finish_reason"]) == ("x你好 😀.", "stop")


def test_a_stop_text_is_no_part_of_the_text(speaker):
    folder = speaker("one, two. three 你好😀.")
    for stops, text, count in [
        ([", "], "xone", 5),
        (["three", "."], "xone, two", 9),
        (["好😀"], "xone, two. three 你", 26),
    ]:
        record = one("x", folder, greedy=True, stop=stops, max_new_tokens=60)
        assert (record["text"], record["new_tokens"]) == (text, count)
        assert record["finish_reason"] == "stop"


def test_only_new_leaves_the_prompt_out(writer):
    for prompt in PROMPTS[:3]:
        whole = one(prompt, writer("llama"), seed=1)
        new = one(prompt, writer("llama"), seed=1, only_new=True)
        assert prompt + new["text"] == whole["text"]
        assert new["prompt"] == prompt


@pytest.mark.parametrize("family", ["bart", "t5"])
def test_an_answer_never_holds_the_prompt(writer, family):
    whole, new = (one("film", writer(family), seed=1, only_new=new) for new in (False, True))
    assert whole == new


def test_a_prompt_may_hold_anything(writer):
    for prompt in ["两只小猪 👩‍👩‍👧", "<|endoftext|>", "[bold] \x1b[31m", "e\u0301\n\n"]:
        record = one(prompt, writer(), seed=1, max_new_tokens=4)
        assert record["text"].startswith(prompt)
        assert record["new_tokens"] == 4


class TestKeys:
    @pytest.mark.parametrize(
        ("options", "more"),
        [
            ({}, []),
            ({"logprobs": 0}, ["logprobs"]),
            ({"num_return_sequences": 1}, ["sequences"]),
            ({"truncate": "left"}, ["truncated"]),
            (
                {"logprobs": 2, "num_return_sequences": 2, "truncate": "left"},
                ["logprobs", "sequences", "truncated"],
            ),
        ],
        ids=str,
    )
    def test_depend_on_the_options_alone(self, writer, options, more):
        keys = ["index", "prompt", "text", "finish_reason", "new_tokens", "seed", *more]
        for count in (1, 3):
            for record in write(PROMPTS[:count], writer(), max_new_tokens=3, **options):
                assert list(record) == keys

    def test_an_error_keeps_its_place(self, writer):
        first, second, third = write(["a", "", "b"], writer(), greedy=True, logprobs=1)
        assert second["error"]["type"] == "empty"
        assert list(second) == [*first, "error"]
        assert {second[key] for key in first if key not in ("index", "prompt")} == {None}
        alone = one("b", writer(), greedy=True, logprobs=1)
        assert third["text"] == alone["text"]
        assert [t["token"] for t in third["logprobs"]] == [t["token"] for t in alone["logprobs"]]

    def test_an_error_does_not_move_the_seeds(self, writer):
        seeds = [record["seed"] for record in write(["a", "the film " * 50, "b"], writer(), seed=3)]
        assert seeds == [3, None, 5]


class TestLogprobs:
    @families
    def test_are_of_the_models_own_logits(self, writer, family):
        """Whatever temperature and filters, of the text as it stands there."""
        folder = writer(family)
        options = {"temperature": 1.7, "top_k": 9, "repetition_penalty": 1.4, "seed": 2}
        record = one("the film is", folder, logprobs=3, max_new_tokens=9, **options)
        assert len(record["logprobs"]) == record["new_tokens"]
        model, tokenizer = from_pretrained(folder)
        new = tokenizer.convert_tokens_to_ids([one["token"] for one in record["logprobs"]])
        ids = tokenizer("the film is")["input_ids"]
        with torch.inference_mode():
            if family in ("gpt2", "llama"):
                logits = model(torch.tensor([[*ids, *new]])).logits[0, len(ids) - 1 : -1]
            else:
                before = torch.tensor([[model.config.decoder_start_token_id, *new[:-1]]])
                logits = model(torch.tensor([ids]), decoder_input_ids=before).logits[0]
        for said, id, logs in zip(record["logprobs"], new, logits.log_softmax(-1), strict=True):
            assert said["logprob"] == pytest.approx(float(logs[id]), abs=1e-4)
            best = [top["logprob"] for top in said["top"]]
            assert best == pytest.approx(logs.topk(3).values.tolist(), abs=1e-4)

    def test_are_the_same_in_a_batch(self, writer):
        options = {"seed": 4, "logprobs": 2, "max_new_tokens": 9}
        for record in write(PROMPTS, writer(), **options):
            alone = one(record["prompt"], writer(), **{**options, "seed": record["seed"]})
            for ours, single in zip(record["logprobs"], alone["logprobs"], strict=True):
                assert ours["token"] == single["token"]
                assert ours["logprob"] == pytest.approx(single["logprob"], abs=1e-4)

    def test_more_than_the_vocabulary_is_all_of_it(self, writer):
        record = one("a", writer("llama"), greedy=True, logprobs=10**6, max_new_tokens=1)
        size = len(transformers.AutoTokenizer.from_pretrained(writer("llama")))
        assert len(record["logprobs"][0]["top"]) == size

    def test_each_sequence_has_its_own(self, writer):
        record = one("a", writer(), seed=1, logprobs=0, num_return_sequences=2, max_new_tokens=4)
        assert record["logprobs"] == record["sequences"][0]["logprobs"]
        assert record["logprobs"] != record["sequences"][1]["logprobs"]


# Chats


class TestChat:
    def test_the_prompt_is_a_message_and_the_text_an_answer(self, edited):
        folder = edited("gpt2", TEMPLATE)
        written = one("[user] Hi!\n[assistant] ", folder, greedy=True, only_new=True)
        answered = one("Hi!", folder, greedy=True, chat=True)
        assert answered["prompt"] == "Hi!"
        assert answered["text"] == written["text"]

    def test_the_system_message_stands_before_it(self, edited):
        folder = edited("gpt2", TEMPLATE)
        prompt = "[system] Be kind.\n[user] Hi!\n[assistant] "
        written = one(prompt, folder, greedy=True, only_new=True)
        answered = one("Hi!", folder, greedy=True, chat=True, system="Be kind.")
        assert answered["text"] == written["text"]

    def test_without_a_template_it_is_a_usage_error(self, tfcli, writer):
        ended = tfcli("generate", "Hi!", "--chat", "-m", writer())
        assert (ended.status, ended.out) == (2, "")
        assert ended.err.startswith("Error: --chat: the model has no chat template.\nHint: ")


# Room


class TestTooLong:
    LONG = "the film is bad. " * 20

    def test_names_both_lengths_and_the_others_are_written(self, writer):
        first, wrong, third = write(["a", self.LONG, "b"], writer(), greedy=True)
        assert wrong["error"]["message"] == (
            f"{len(self.LONG)} tokens, and the model has room for 64 beside 64 new ones; "
            "--truncate left cuts the beginning off"
        )
        assert first["new_tokens"]
        assert third["new_tokens"]

    def test_truncate_keeps_the_end(self, writer):
        options = {"greedy": True, "max_new_tokens": 28, "truncate": "left", "only_new": True}
        record, short = write([self.LONG, "a"], writer(), **options)
        assert (record["truncated"], short["truncated"]) == (True, False)
        assert record["text"] == one(self.LONG[-100:], writer(), **options)["text"]

    def test_an_encoder_is_filled_by_the_prompt_alone(self, writer):
        options = {"greedy": True, "max_new_tokens": 100, "truncate": "left"}
        (record,) = write(["x" * 127], writer("bart"), **options)
        assert record["truncated"]
        (record,) = write(["x" * 126], writer("bart"), **options)  # between <s> and </s>
        assert not record["truncated"]

    def test_the_text_shows_the_whole_prompt(self, writer):
        record = one(self.LONG, writer(), greedy=True, truncate="left")
        assert record["text"].startswith(self.LONG)

    def test_a_model_is_filled_to_its_last_position(self, writer):
        folder = writer("gpt2", eos_token_id=None)
        assert one("x" * 28, folder, greedy=True, max_new_tokens=100)["new_tokens"] == 100

    @pytest.mark.parametrize("family", ["bart", "t5"])
    def test_a_decoder_writes_to_its_last_position(self, writer, family):
        folder = writer(family, eos_token_id=None, forced_eos_token_id=None)
        assert one("a", folder, greedy=True, max_new_tokens=128)["new_tokens"] == 128

    @pytest.mark.parametrize("family", ["gpt2", "bart"])
    def test_more_new_tokens_than_the_model_has_room_for(self, writer, family):
        with pytest.raises(UsageError, match=r"128 tokens.* not (for )?1,000"):
            one("a", writer(family), max_new_tokens=1000)


# What is refused


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"greedy": True, "temperature": 1.0}, "--greedy draws nothing: --temperature"),
        ({"greedy": True, "seed": 1}, "--greedy draws nothing: --seed"),
        ({"greedy": True, "top_k": 3}, "--greedy draws nothing: --top-k"),
        ({"num_beams": 2, "top_p": 0.5}, "--num-beams draws nothing: --top-p"),
        ({"num_beams": 2, "min_p": 0.5}, "--num-beams draws nothing: --min-p"),
        ({"greedy": True, "num_beams": 2}, "choose one"),
        ({"greedy": True, "num_return_sequences": 2}, "--greedy has one result"),
        ({"num_beams": 2, "num_return_sequences": 3}, "2 beams give at most 2 texts"),
        ({"num_beams": 2, "logprobs": 1}, "not of beams"),
        ({"system": "Be kind."}, "--system is a message of a chat"),
        ({"stop": ("a", "")}, "--stop is empty"),
    ],
    ids=str,
)
def test_options_that_contradict_each_other_are_usage_errors(options, said):
    with pytest.raises(UsageError, match=said):
        GenerateOptions(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"greedy": True, "num_beams": 1, "num_return_sequences": 1, "logprobs": 0},
        {"num_beams": 3, "num_return_sequences": 3},
        {"num_beams": 1, "temperature": 0.5, "num_return_sequences": 9},
    ],
    ids=str,
)
def test_options_that_go_together_do(writer, options):
    assert one("a", writer(), max_new_tokens=2, **options)["new_tokens"] == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--greedy", "--top-p", "0.5"), "--greedy draws nothing: --top-p has no meaning"),
        (("--top-p", "1.5"), "--top-p"),
        (("--temperature", "0"), "--temperature"),
        (("--max-new-tokens", "0"), "--max-new-tokens"),
        (("-n", "0"), "--num-return-sequences"),
        (("--truncate", "right"), "--truncate"),
    ],
    ids=" ".join,
)
def test_wrong_options_are_usage_errors_before_a_model_is_loaded(tfcli, arguments, said):
    ended = tfcli("generate", "a", "-m", "absent", *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err


class TestACheckpointThatSearches:
    def test_gives_no_more_texts_than_it_has_beams(self, edited):
        folder = edited("gpt2", num_beams=3)
        assert len(one("a", folder, num_return_sequences=3)["sequences"]) == 3
        with pytest.raises(UsageError, match="with 3 beams: no 4 texts") as refused:
            one("a", folder, num_return_sequences=4)
        assert refused.value.hint == "Add --temperature to draw them."
        many = one("a", folder, num_return_sequences=4, temperature=1.0, max_new_tokens=3)
        assert len(many["sequences"]) == 4

    def test_has_no_log_probabilities(self, edited):
        folder = edited("gpt2", num_beams=3)
        with pytest.raises(UsageError, match="decodes with 3 beams") as refused:
            one("a", folder, logprobs=1)
        assert refused.value.hint == "Add --greedy."
        assert one("a", folder, logprobs=1, greedy=True)["logprobs"]


def test_a_model_that_fills_blanks_is_refused(tmp_path, tfcli):
    folder = make_base_model(tmp_path / "bert")
    edit(folder / "config.json", architectures=["BertForMaskedLM"])
    with pytest.raises(UnfitModelError, match="A bert model fills blanks"):
        one("a", str(folder))
    ended = tfcli("generate", "a", "-m", str(folder))
    assert ended.status == 2
    assert "Hint: Name a causal model with -m: GPT-2, Llama …; or see tfcli fill.\n" in ended.err


# Formats and other programs


def test_csv_holds_nested_values_as_json(tfcli, speaker):
    folder = speaker("one, two")
    arguments = ("--greedy", "--logprobs", "1", "-f", "csv", "--max-new-tokens", "3")
    ended = tfcli("generate", "x", "-m", folder, *arguments)
    (row,) = csv.DictReader(io.StringIO(ended.out))
    assert (row["text"], row["seed"], row["error"]) == ("xone", "", "")
    assert [token["text"] for token in json.loads(row["logprobs"])] == ["o", "n", "e"]


def test_plain_is_the_text_on_one_line(tfcli, speaker):
    ended = tfcli("generate", "x", "y", "--greedy", "-m", speaker("a\n\tb"), "-f", "plain")
    assert ended == (0, "xa\\n\\tb\nya\\n\\tb\n", "")


def test_each_of_several_texts_has_a_line(tfcli):
    given = ("generate", "The dog", "The cat", "-n", "2", "--seed", "5", "--max-new-tokens", "8")
    rows = list(csv.DictReader(io.StringIO(tfcli(*given, "-f", "csv").out)))
    assert [(row["prompt"], row["seed"]) for row in rows] == [
        ("The dog", "5"),
        ("The dog", "6"),
        ("The cat", "7"),
        ("The cat", "8"),
    ]
    lines = tfcli(*given, "-f", "plain").out.splitlines()
    assert lines == [row["text"].replace("\n", r"\n") for row in rows]


def test_the_same_records_from_the_shell_and_from_python(tfcli, writer):
    arguments = ("--seed", "5", "-n", "2", "--stop", "e", "--stop", "o", "--max-new-tokens", "9")
    ended = tfcli("generate", *PROMPTS, "-m", writer("llama"), *arguments)
    options = {"seed": 5, "num_return_sequences": 2, "stop": ["e", "o"], "max_new_tokens": 9}
    records = [json.loads(line) for line in ended.out.splitlines()]
    assert records == write(PROMPTS, writer("llama"), **options)


# Published texts


@pytest.mark.parametrize("case", PUBLISHED, ids=lambda case: f"{case['prompt']} {case['options']}")
def test_published_texts_come_out_again(case, standard_checkpoint):
    record = one(case["prompt"], standard_checkpoint(TASK.standard), **case["options"])
    assert record["text"] == case["text"]


class TestSettingsOfCheckpoints:
    """What a checkpoint says about decoding, and what is not heard of it."""

    @pytest.mark.parametrize(
        "generation",
        [
            {"penalty_alpha": 0.6, "top_k": 4},
            {"prompt_lookup_num_tokens": 3},
            {"num_beam_groups": 2, "num_beams": 2},
            {"guidance_scale": 1.5},
            {"return_dict_in_generate": True, "output_scores": True},
            {"max_length": 5},
        ],
        ids=str,
    )
    def test_other_ways_of_decoding_are_not_gone(self, edited, writer, generation):
        record = one("the film", edited(**generation), greedy=True, max_new_tokens=8)
        assert record == one("the film", writer("gpt2"), greedy=True, max_new_tokens=8)

    def test_a_temperature_of_nothing_is_greedy(self, edited, writer):
        record = one("the film", edited(temperature=0.0))
        assert record == one("the film", writer("gpt2"), greedy=True)

    def test_whole_numbers_do_for_numbers(self, edited, writer):
        expected = one("the film", writer("gpt2"), seed=1, temperature=2.0)
        assert one("the film", edited(temperature=2), seed=1) == expected

    def test_more_new_tokens_than_there_is_room_for_are_fewer(self, edited):
        assert one("the film", edited(max_new_tokens=500), greedy=True)["new_tokens"] <= 64

    @pytest.mark.parametrize("stop", ["m_", "e", "film"])
    def test_stop_strings_are_sought_in_what_is_new_alone(self, edited, stop):
        folder = edited(stop_strings=[stop])
        alone = one("the film", folder, greedy=True)
        together = write(["the film", "a longer text than that"], folder, greedy=True)
        assert together[0] == alone
        assert stop not in alone["text"].removeprefix("the film")

    def test_a_seed_draws_where_the_checkpoint_would_not(self, edited):
        folder = edited(do_sample=False)
        assert one("the film", folder)["seed"] is None
        assert one("the film", folder, seed=3)["seed"] == 3

    def test_a_top_k_is_switched_off_by_0(self, edited):
        only = edited(top_k=1)
        greedy = one("the film", only, greedy=True)["text"]
        assert one("the film", only, seed=1)["text"] == greedy
        assert one("the film", only, seed=1, top_k=0, temperature=2)["text"] != greedy


def test_scores_that_are_no_numbers_are_that_examples_failure(writer, tmp_path):
    folder = tmp_path / "broken"
    model, tokenizer = from_pretrained(writer("gpt2"))
    model = type(model).from_pretrained(writer("gpt2"))
    with torch.no_grad():
        model.transformer.wte.weight[tokenizer("x")["input_ids"][0]] = torch.nan
        model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.nan_to_num())
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    for options in ({"greedy": True}, {"seed": 1}, {"num_beams": 2}):
        broken, sound = write(["x", "a film"], str(folder), max_new_tokens=4, **options)
        assert broken["error"]["type"] == "overflow"
        assert sound["text"].startswith("a film")


def test_token_types_are_not_for_models_that_write(tmp_path):
    """GPT-2 with BERT's tokenizer, as Chinese ones have it, would add them as words."""
    make_writer(tmp_path, "gpt2", tokenizer="bert")
    expected, _ = theirs(str(tmp_path), "the film", do_sample=False, max_new_tokens=6)
    record = one("the film", str(tmp_path), greedy=True, max_new_tokens=6)
    assert record["new_tokens"] == 6
    assert expected[0].endswith(record["text"].removeprefix("the film"))


@pytest.mark.parametrize("name", ["temperature", "repetition_penalty"])
def test_a_whole_number_does_for_a_number(writer, name):
    whole, broken = ({name: number, "seed": 1} for number in (2, 2.0))
    assert one("the film", writer(), **whole) == one("the film", writer(), **broken)


def test_nothing_is_drawn_at_temperature_0():
    with pytest.raises(UsageError, match="draws nothing") as refused:
        GenerateOptions(temperature=0.0)
    assert "--greedy" in refused.value.hint


# The starter.


def test_the_starter_writes_what_transformers_writes_with_it():
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from tfcli.models.registry import starter_for

    folder = starter_for("generate").folder
    model, tokenizer = (
        AutoModelForCausalLM.from_pretrained(folder),
        AutoTokenizer.from_pretrained(folder),
    )
    for prompt in ("Once upon a time", "The running dog was", "It was a cold, dark night, and"):
        ids = tokenizer(prompt, return_tensors="pt")
        theirs = model.generate(**ids, do_sample=False, max_new_tokens=32)
        ours = next(run("generate", prompt, greedy=True, max_new_tokens=32))
        assert ours["text"] == tokenizer.decode(theirs[0], skip_special_tokens=True)


def test_every_line_of_a_pipe_is_written_on(tfcli):
    prompts = b"Once upon a time\n" * 100
    ended = tfcli("generate", "--max-new-tokens", "20", "-f", "jsonl", stdin=prompts)
    records = [json.loads(line) for line in ended.out.splitlines()]
    assert len(records) == 100
    assert len({record["text"] for record in records}) > 90
    assert all(record["text"].startswith("Once upon a time") for record in records)
