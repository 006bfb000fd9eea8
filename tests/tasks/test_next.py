"""What comes next: the model's own softmax, alone and in a batch, for a token and for a text."""

import csv
import io
import json
import math
from functools import cache
from pathlib import Path

import pytest
import torch
import transformers
from hostile import edit
from spelling import byte_fallback
from tiny_models import make_base_model, make_writer

from tfcli import run
from tfcli.errors import UnfitModelError, UsageError
from tfcli.tasks.next import TASK, NextOptions

TEXTS = ["the film is", "a", "i love deep learning, not the plot", "of it"]
CONTINUATIONS = (" a", " great plot", "s", "é ü", ".")
PUBLISHED = json.loads((Path(__file__).parents[1] / "reference" / "next.json").read_text())
families = pytest.mark.parametrize("family", ["gpt2", "llama"])


def ask(texts, folder, **options):
    return list(run("next", texts, model=folder, **options))


def one(text, folder, **options):
    (record,) = ask([text], folder, **options)
    return record


@cache
def from_pretrained(folder):
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    return model, transformers.AutoTokenizer.from_pretrained(folder)


@torch.inference_mode()
def logs_behind(folder, ids):
    """The log probabilities of every token, behind each token of a row."""
    model, _ = from_pretrained(folder)
    return model(torch.tensor([ids])).logits[0].double().log_softmax(-1)  # (token, vocabulary)


def save_llama(folder, tokenizer):
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=64,
    )
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.model_max_length = 64
    tokenizer.save_pretrained(folder)


@families
class TestNext:
    def test_is_the_softmax_of_the_models_logits(self, writer, family):
        folder = writer(family)
        _, tokenizer = from_pretrained(folder)
        for text in TEXTS:
            logs = logs_behind(folder, tokenizer(text)["input_ids"])[-1]
            record = one(text, folder, top_k=6)
            ids = logs.topk(6).indices.tolist()
            assert [n["token"] for n in record["next"]] == tokenizer.convert_ids_to_tokens(ids)
            before = tokenizer(text)["input_ids"]
            lead = tokenizer.decode(before, skip_special_tokens=True)
            for likely, id in zip(record["next"], ids, strict=True):
                whole = tokenizer.decode([*before, id], skip_special_tokens=True)
                assert likely["text"] == (whole.removeprefix(lead) or tokenizer.decode([id]))
            for said, id in zip(record["next"], ids, strict=True):
                assert said["logprob"] == pytest.approx(float(logs[id]), abs=1e-4)
                assert said["probability"] == pytest.approx(math.exp(logs[id]), abs=1e-5)
            assert record["likeliest"] == record["next"][0]["text"]

    def test_the_probabilities_of_all_tokens_are_one_and_give_the_entropy(self, writer, family):
        record = one("the film", writer(family), top_k=10**6)
        probabilities = [said["probability"] for said in record["next"]]
        assert sum(probabilities) == pytest.approx(1, abs=1e-5)
        assert probabilities == sorted(probabilities, reverse=True)
        entropy = -sum(p * math.log(p) for p in probabilities if p)
        assert record["entropy"] == pytest.approx(entropy, abs=1e-4)

    def test_a_batch_equals_single_texts(self, writer, family):
        folder = writer(family)
        for record in ask(TEXTS, folder, of=CONTINUATIONS):
            alone = one(record["text"], folder, of=CONTINUATIONS)
            assert [n["token"] for n in record["next"]] == [n["token"] for n in alone["next"]]
            for name in ("next", "of"):
                assert [said["logprob"] for said in record[name]] == pytest.approx(
                    [said["logprob"] for said in alone[name]], abs=1e-4
                )
            assert record["entropy"] == pytest.approx(alone["entropy"], abs=1e-4)

    def test_a_text_of_several_tokens_has_the_product_of_their_probabilities(self, writer, family):
        folder = writer(family)
        _, tokenizer = from_pretrained(folder)
        for text in TEXTS:
            record = one(text, folder, of=CONTINUATIONS)
            start = len(tokenizer(text)["input_ids"])
            assert [said["text"] for said in record["of"]] == list(CONTINUATIONS)
            for said in record["of"]:
                ids = tokenizer(text + said["text"])["input_ids"]
                logs = logs_behind(folder, ids)
                total = sum(float(logs[i - 1, ids[i]]) for i in range(start, len(ids)))
                assert said["tokens"] == tokenizer.convert_ids_to_tokens(ids[start:])
                assert said["logprob"] == pytest.approx(total, abs=1e-4)
                assert said["probability"] == pytest.approx(math.exp(total), rel=1e-3)
        assert max(len(said["tokens"]) for said in record["of"]) > 5

    def test_a_text_of_one_token_is_found_among_the_next(self, writer, family):
        record = one("the film", writer(family), top_k=10**6, of=["s"])
        (among,) = [said for said in record["next"] if said["text"] == "s"]
        assert record["of"][0]["logprob"] == pytest.approx(among["logprob"], abs=1e-5)


def test_all_that_may_stand_behind_a_token_is_as_likely_as_the_token(writer):
    alphabet = [said["text"] for said in one("a", writer("llama"), top_k=10**6)["next"]]
    letters = [text for text in alphabet if text.isascii() and text.isalnum() and len(text) == 1]
    assert len(letters) == 36
    behind = one("as", writer("llama"), top_k=10**6)["next"]
    share = sum(said["probability"] for said in behind if said["text"] in letters)
    record = one("a", writer("llama"), of=["s", *(f"s{letter}" for letter in letters)])
    alone, *together = (said["probability"] for said in record["of"])
    assert sum(together) == pytest.approx(alone * share, rel=1e-3)


def test_the_parts_of_a_text_multiply(writer):
    folder = writer()
    both = one("the", folder, of=[" film"])["of"][0]["logprob"]
    first = one("the", folder, of=[" fi"])["of"][0]["logprob"]
    second = one("the fi", folder, of=["lm"])["of"][0]["logprob"]
    assert both == pytest.approx(first + second, abs=1e-4)


class TestTokensOfAText:
    def test_a_sentencepiece_space_stands_where_the_text_has_one(self, writer):
        record = one("the film", writer("llama"), of=[" is", "is"])
        assert record["of"][0]["tokens"] == ["▁", "i", "s"]
        assert record["of"][1]["tokens"] == ["i", "s"]

    def test_what_is_read_otherwise_together_is_read_alone(self, tmp_path):
        """'fil' + 'm' is one token: it does not begin with those of 'fil'."""
        folder = tmp_path / "merging"
        alphabet = sorted({*"thefilms", "Ġ"})
        merges = [("f", "i"), ("fi", "l"), ("fil", "m")]
        words = ["<|endoftext|>", *alphabet, *("".join(pair) for pair in merges)]
        tokenizer = transformers.GPT2Tokenizer(
            vocab={word: i for i, word in enumerate(words)}, merges=merges, model_max_length=32
        )
        config = transformers.GPT2Config(
            vocab_size=len(words), n_embd=8, n_layer=1, n_head=1, n_positions=32
        )
        transformers.GPT2LMHeadModel(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        assert tokenizer.tokenize("film") == ["film"]
        (said,) = one("fil", str(folder), of=["ms"])["of"]
        assert said["tokens"] == ["m", "s"]

    def test_what_is_read_alone_gets_no_space_that_it_has_not(self, tmp_path):
        """'fil' + 'm' is one token here, too, and 'ms' alone would be ' ms'."""
        merges = [("f", "i"), ("fi", "l"), ("fil", "m")]
        words = ["<unk>", "<s>", "</s>", "<0x0A>", "▁", *"films", *("".join(m) for m in merges)]
        tokenizer = transformers.LlamaTokenizer(
            vocab={word: i for i, word in enumerate(words)}, merges=merges, model_max_length=32
        )
        save_llama(tmp_path / "merging", tokenizer)
        assert "film" in tokenizer.tokenize("film")
        record = one("fil", str(tmp_path / "merging"), of=["ms", " m"])
        assert [said["tokens"] for said in record["of"]] == [["m", "s"], ["▁", "m"]]

    def test_bytes_of_characters_without_a_token(self, tmp_path):
        tokenizer = byte_fallback()
        save_llama(tmp_path / "llama", tokenizer)
        (said,) = one("a 你", str(tmp_path / "llama"), of=["好"])["of"]
        assert said["tokens"] == ["<0xE5>", "<0xA5>", "<0xBD>"]


# A doubt


class TestGlued:
    def test_a_word_without_a_space_is_doubted_once(self, writer, caplog):
        ask(["the film", "a"] * 300, writer(), of=["is", "好", " was", "."], top_k=1)
        assert caplog.messages == [
            '--of "is" goes on in the last word; the next one: --of " is"',
        ]

    @pytest.mark.parametrize("text", ["the film ", "(", "the film."])
    def test_behind_anything_else_it_is_not(self, writer, caplog, text):
        one(text, writer(), of=["is"])
        assert not caplog.messages


# Room


class TestTooLong:
    LONG = "the film is bad. " * 20

    def test_names_both_lengths_and_the_others_are_answered(self, writer):
        first, wrong, third = ask(["a", self.LONG, "b"], writer())
        assert wrong["error"]["message"] == (
            f"{len(self.LONG)} tokens, and the model has room for 128; "
            "--truncate left cuts the beginning off"
        )
        assert first["next"]
        assert third["next"]

    def test_truncate_keeps_the_end(self, writer):
        record, short = ask([self.LONG, "a"], writer(), truncate="left")
        assert (record["truncated"], short["truncated"]) == (True, False)
        alone = one(self.LONG[-128:], writer())
        assert record["entropy"] == pytest.approx(alone["entropy"], abs=1e-4)
        assert record["likeliest"] == alone["likeliest"]

    def test_truncate_leaves_room_for_what_is_asked(self, writer):
        record = one(self.LONG, writer(), truncate="left", of=[" abc"])
        (said,) = record["of"]
        ids = from_pretrained(writer())[1]((self.LONG)[-124:] + " abc")["input_ids"]
        logs = logs_behind(writer(), ids)
        total = sum(float(logs[i - 1, ids[i]]) for i in range(124, len(ids)))
        assert said["tokens"] == ["Ġ", "a", "b", "c"]
        assert said["logprob"] == pytest.approx(total, abs=1e-4)

    def test_a_sentencepiece_text_that_was_cut_goes_on_as_it_is_read(self, writer):
        record = one(self.LONG, writer("llama"), truncate="left", of=["is", " is"])
        assert [said["tokens"] for said in record["of"]] == [["i", "s"], ["▁", "i", "s"]]

    def test_what_is_asked_may_not_fill_the_model(self, writer):
        with pytest.raises(UsageError, match="room for 128 tokens"):
            one("a", writer(), of=["x" * 128])


# Records


@pytest.mark.parametrize(
    ("options", "more"),
    [
        ({}, []),
        ({"of": [" a"]}, ["of"]),
        ({"truncate": "left"}, ["truncated"]),
        ({"of": [" a", " b"], "truncate": "left"}, ["of", "truncated"]),
    ],
    ids=str,
)
def test_keys_depend_on_the_options_alone(writer, options, more):
    first, wrong, third = ask(["a", "", "the film"], writer(), **options)
    keys = ["index", "text", "likeliest", "next", "entropy", *more]
    assert list(first) == list(third) == keys
    assert list(wrong) == [*keys, "error"]
    assert wrong["error"]["type"] == "empty"


def test_ten_tokens_are_given_unless_more_are_asked_for(writer):
    assert len(one("a", writer())["next"]) == 10
    assert len(one("a", writer(), top_k=3)["next"]) == 3


def test_numbers_that_overflow_are_that_examples_failure(writer):
    from tfcli.core.job import ModelRef
    from tfcli.core.task import Example, Row
    from tfcli.models.load import load
    from tfcli.tasks.next import Ahead, Distribution

    loaded = load(ModelRef(writer()), lambda config: "AutoModelForCausalLM")
    row = Row({"input_ids": [1]}, Ahead())
    broken = Distribution([1], [float("nan")], float("nan"))
    failure = TASK.postprocess(Example(0, {"text": "a"}), [row], [broken], loaded, NextOptions())
    assert failure.type == "overflow"


# What is refused


@pytest.mark.parametrize("family", ["bart", "t5"])
def test_a_model_that_answers_is_refused(writer, family):
    with pytest.raises(UnfitModelError, match=f"A {family} model answers a text") as refused:
        one("a", writer(family))
    assert "tfcli generate" in refused.value.hint


def test_a_model_that_fills_blanks_is_refused(tmp_path):
    folder = make_base_model(tmp_path / "bert")
    edit(folder / "config.json", architectures=["BertForMaskedLM"])
    with pytest.raises(UnfitModelError, match="A bert model fills blanks"):
        one("a", str(folder))


def test_an_empty_continuation_is_a_usage_error():
    with pytest.raises(UsageError, match="--of is empty"):
        NextOptions(of=(" a", ""))


# Formats


def test_csv_holds_nested_values_as_json(tfcli, writer):
    ended = tfcli("next", "the film", "-m", writer(), "--of", " is", "--top-k", "2", "-f", "csv")
    (row,) = csv.DictReader(io.StringIO(ended.out))
    record = one("the film", writer(), of=[" is"], top_k=2)
    assert json.loads(row["next"]) == record["next"]
    assert json.loads(row["of"]) == record["of"]
    assert float(row["entropy"]) == record["entropy"]


# Published numbers


@pytest.mark.parametrize("case", PUBLISHED, ids=lambda case: case["text"])
def test_published_tokens_come_out_again_with_their_distances(case, standard_checkpoint):
    """Logits are known up to a constant by their log probabilities."""
    record = one(case["text"], standard_checkpoint(TASK.standard))
    wanted = case["likeliest"]
    found = record["next"][: len(wanted)]
    assert [said["text"] for said in found] == [said["text"] for said in wanted]
    assert [said["logprob"] - found[0]["logprob"] for said in found] == pytest.approx(
        [said["logit"] - wanted[0]["logit"] for said in wanted], abs=1e-3
    )


def test_a_continuation_that_is_no_token_is_refused(tmp_path):
    make_writer(tmp_path, "gpt2", tokenizer="bert")
    with pytest.raises(UsageError, match="nothing in it is text to the model"):
        one("the film", str(tmp_path), of=[" "])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Once upon a", " time"),
        ("She did not know what to", " do"),
        ("He said, \"I don't", " know"),
    ],
)
def test_the_starter_knows_common_words(text, expected):
    assert next(run("next", text))["next"][0]["text"] == expected
