"""Likelihood: transformers' own loss, token by token, in windows, and masked one by one."""

import csv
import io
import math
from functools import cache

import pytest
import torch
import transformers
from hostile import edit

from tfcli import run
from tfcli.errors import UnfitModelError, UsageError
from tfcli.tasks.score import TASK, ScoreOptions

TEXTS = ["the film is great", "ab", "i love deep learning, not the plot. é 好", "of it"]
LONG = "the film is bad. " * 20
CAUSAL, MASKED = ("gpt2", "llama", "gemma2"), ("bert", "roberta", "albert", "modernbert")
causal = pytest.mark.parametrize("family", CAUSAL)
masked = pytest.mark.parametrize("family", MASKED)


@pytest.fixture(scope="session")
def folder_of(writer, reader, filler):
    """The folder of a tiny language model of a family."""

    def folder(family):
        if family in MASKED:
            return filler(family)
        return reader(family, head="CausalLM") if family == "gemma2" else writer(family)

    return folder


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A GPT-2 whose tokenizer puts its first token before each text."""
    from tiny_models import make_writer
    from tokenizers.processors import TemplateProcessing

    folder = make_writer(tmp_path_factory.mktemp("begun"), "gpt2")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    begin = tokenizer.bos_token
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{begin} $A", special_tokens=[(begin, tokenizer.bos_token_id)]
    )
    tokenizer.save_pretrained(folder)
    return str(folder)


def ask(texts, folder, **options):
    return list(run("score", texts, model=folder, **options))


def one(text, folder, **options):
    (record,) = ask([text], folder, **options)
    return record


@cache
def from_pretrained(folder, kind):
    model = getattr(transformers, kind).from_pretrained(folder).eval()
    return model, transformers.AutoTokenizer.from_pretrained(folder)


@torch.inference_mode()
def loss(folder, text, *before):
    """The mean loss, and how many tokens it is of."""
    model, tokenizer = from_pretrained(folder, "AutoModelForCausalLM")
    ids = torch.tensor([[*before, *tokenizer(text)["input_ids"]]])
    return float(model(ids, labels=ids).loss), ids.shape[1] - 1


@torch.inference_mode()
def pseudo(folder, text):
    """For each token the negative log probability when it alone is masked."""
    model, tokenizer = from_pretrained(folder, "AutoModelForMaskedLM")
    inputs = tokenizer(text, return_tensors="pt", return_special_tokens_mask=True)
    special = inputs.pop("special_tokens_mask")[0]
    ids = inputs["input_ids"][0]
    found = []
    for place in (special == 0).nonzero()[:, 0]:
        hidden = ids.clone()
        hidden[place] = tokenizer.mask_token_id
        logits = model(**{**inputs, "input_ids": hidden[None]}).logits[0, place]
        found.append(-float(logits.double().log_softmax(-1)[ids[place]]))
    return found


@causal
class TestCausal:
    def test_perplexity_is_that_of_the_models_own_loss(self, folder_of, family):
        folder = folder_of(family)
        for record, text in zip(ask(TEXTS, folder), TEXTS, strict=True):
            mean, count = loss(folder, text)
            assert record["scored"] == count
            assert math.log(record["perplexity"]) == pytest.approx(mean, abs=1e-5)
            assert record["surprisal"] == pytest.approx(mean * count, abs=1e-5 * count)
            assert record["objective"] == "causal"

    def test_a_batch_equals_single_texts(self, folder_of, family):
        for record in ask(TEXTS, folder_of(family), tokens=True):
            alone = one(record["text"], folder_of(family), tokens=True)
            assert [told["token"] for told in record["tokens"]] == [
                told["token"] for told in alone["tokens"]
            ]
            for told, other in zip(record["tokens"], alone["tokens"], strict=True):
                assert told["surprisal"] == pytest.approx(other["surprisal"], abs=1e-5)

    @pytest.mark.parametrize("stride", [None, 1, 40])
    def test_long_texts_are_those_of_the_documented_loop(self, folder_of, family, stride):
        """transformers' docs, "Perplexity of fixed-length models", with exact counts."""
        folder = folder_of(family)
        model, tokenizer = from_pretrained(folder, "AutoModelForCausalLM")
        longest = min(tokenizer.model_max_length, model.config.max_position_embeddings)
        ids = tokenizer(LONG, return_tensors="pt")["input_ids"]
        length, step = ids.shape[1], longest - (longest // 2 if stride is None else stride)
        assert length > 2 * longest
        total, count, before = 0.0, 0, 0
        for begin in range(0, length, step):
            end = min(begin + longest, length)
            window = ids[:, begin:end]
            targets = window.clone()
            targets[:, : -(end - before)] = -100
            with torch.inference_mode():
                mean = float(model(window, labels=targets).loss)
            told = int((targets[:, 1:] != -100).sum())
            total, count, before = total + mean * told, count + told, end
            if end == length:
                break
        record = one(LONG, folder, stride=stride)
        assert record["scored"] == count == length - 1
        assert record["surprisal"] / count == pytest.approx(total / count, abs=1e-5)

    def test_the_first_token_counts_behind_a_token_of_the_beginning(self, folder_of, family):
        folder = folder_of(family)
        _, tokenizer = from_pretrained(folder, "AutoModelForCausalLM")
        begin = tokenizer.bos_token_id
        missing = [] if tokenizer("a")["input_ids"][0] == begin else [begin]
        for record in ask(TEXTS, folder, bos=True):
            mean, count = loss(folder, record["text"], *missing)
            assert (record["scored"], math.log(record["perplexity"])) == (
                count,
                pytest.approx(mean, abs=1e-5),
            )


@masked
class TestMasked:
    def test_surprisals_are_those_of_a_loop_over_the_tokens(self, folder_of, family):
        folder = folder_of(family)
        for record in ask(TEXTS, folder, tokens=True):
            expected = pseudo(folder, record["text"])
            found = [told["surprisal"] for told in record["tokens"]]
            assert found == pytest.approx(expected, abs=1e-5)
            assert record["scored"] == len(expected)
            mean = sum(expected) / len(expected)
            assert math.log(record["perplexity"]) == pytest.approx(mean, abs=1e-5)
            assert record["objective"] == "masked"

    def test_a_batch_equals_single_texts(self, folder_of, family):
        for record in ask(TEXTS, folder_of(family)):
            alone = one(record["text"], folder_of(family))
            assert record["surprisal"] == pytest.approx(alone["surprisal"], abs=1e-4)

    def test_long_texts_are_read_around_each_token(self, folder_of, family):
        """The last token behind as many as a row holds, one in the middle between others."""
        folder = folder_of(family)
        model, tokenizer = from_pretrained(folder, "AutoModelForMaskedLM")
        text = "a film " * 60 + "plot"
        first, *ids, last = tokenizer(text, verbose=False)["input_ids"]
        assert len(ids) > 120
        record = one(text, folder, tokens=True)
        assert record["scored"] == len(ids)
        for token, begin in ((len(ids) - 1, len(ids) - 62), (70, 70 - 31)):
            row = torch.tensor([[first, *ids[begin : begin + 62], last]])
            row[0, 1 + token - begin] = tokenizer.mask_token_id
            with torch.inference_mode():
                logs = model(row).logits[0, 1 + token - begin].double().log_softmax(-1)
            found = record["tokens"][token]["surprisal"]
            assert found == pytest.approx(-float(logs[ids[token]]), abs=1e-5)


# Records


class TestBitsPerByte:
    def test_are_of_the_bytes_behind_the_first_token(self, writer):
        record = one("é好", writer())  # 5 tokens, of which 4 are told, and 5 bytes
        assert record["bits_per_byte"] == pytest.approx(record["surprisal"] / math.log(2) / 5)
        record = one("abé", writer())
        assert record["bits_per_byte"] == pytest.approx(record["surprisal"] / math.log(2) / 3)

    def test_with_a_first_token_are_of_all_bytes(self, writer, filler, begun):
        for folder, options in ((writer(), {"bos": True}), (begun, {}), (filler(), {})):
            record = one("abé", folder, **options)
            assert record["bits_per_byte"] == pytest.approx(record["surprisal"] / math.log(2) / 4)


class TestTokens:
    def test_the_first_has_no_surprisal_and_they_make_up_the_text(self, writer):
        text = "the film"
        told = one(text, writer(), tokens=True)["tokens"]
        assert [text[t["start"] : t["end"]] for t in told] == list(text)
        assert told[0]["surprisal"] is None
        assert all(t["surprisal"] > 0 for t in told[1:])

    def test_add_up_to_the_whole(self, writer):
        record = one("the film", writer(), tokens=True, bos=True)
        told = [t["surprisal"] for t in record["tokens"]]
        assert sum(told) == pytest.approx(record["surprisal"])
        assert len(told) == record["scored"]

    def test_special_tokens_stand_there_only_if_they_are_told(self, filler, begun):
        for folder in (filler(), begun):
            record = one("a", folder, tokens=True)
            assert [(t["start"], t["end"]) for t in record["tokens"]] == [(0, 1)]
            assert record["scored"] == 1

    def test_bytes_that_are_no_character_are_shown_as_such(self, writer):
        told = one("é", writer(), tokens=True)["tokens"]
        assert [t["token"] for t in told] == ["<0xC3>", "<0xA9>"]


@pytest.mark.parametrize(("options", "more"), [({}, []), ({"tokens": True}, ["tokens"])], ids=str)
def test_keys_depend_on_the_options_alone(writer, options, more):
    first, wrong, third = ask(["ab", "", "the film"], writer(), **options)
    numbers = ["perplexity", "bits_per_byte", "surprisal", "scored", "objective"]
    assert list(first) == list(third) == ["index", "text", *numbers, *more]
    assert list(wrong) == [*first, "error"]
    assert wrong["error"]["type"] == "empty"


def test_a_view_asks_for_the_tokens():
    assert TASK.for_view(ScoreOptions(bos=True)) == ScoreOptions(bos=True, tokens=True)


def test_smaller_windows_are_shorter_memories(writer):
    whole, cut = one(LONG[:100], writer()), one(LONG[:100], writer(), max_seq_len=8)
    assert whole["scored"] == cut["scored"]
    assert whole["surprisal"] != pytest.approx(cut["surprisal"], abs=1e-3)
    assert one(LONG[:100], writer(), max_seq_len=999) == whole


# What is wrong


def test_a_lone_token_has_nothing_before_it(writer):
    wrong, right = ask(["a", "ab"], writer())
    assert wrong["error"]["type"] == "too_short"
    assert "--bos" in wrong["error"]["message"]
    assert right["scored"] == 1
    assert one("a", writer(), bos=True)["scored"] == 1


def test_what_a_tokenizer_drops_is_empty(filler):
    assert one("\u200b", filler())["error"]["type"] == "empty"


def test_windows_have_to_move_on(writer):
    with pytest.raises(UsageError, match="--stride 8: windows have 8 tokens"):
        one("ab", writer(), stride=8, max_seq_len=8)


def test_a_model_without_a_first_token_has_no_bos(tmp_path):
    from tiny_models import make_writer

    folder = make_writer(tmp_path, "gpt2", tokenizer="bert")
    with pytest.raises(UsageError, match="--bos: the model's tokenizer has no token"):
        one("the film", str(folder), bos=True)


@pytest.mark.parametrize("options", [{"bos": True}, {"stride": 4}], ids=str)
def test_options_of_causal_models_mean_nothing_to_a_masked_one(filler, options):
    with pytest.raises(UsageError, match="is for causal models"):
        one("the film", filler(), **options)


@pytest.mark.parametrize("family", ["bart", "t5"])
def test_a_model_that_answers_is_refused(writer, family):
    with pytest.raises(UnfitModelError, match=f"A {family} model answers a text"):
        one("a film", writer(family))


def test_a_model_without_a_trained_output_layer_is_refused(reader):
    with pytest.raises(UnfitModelError, match="without a trained head"):
        one("a film", reader("bert"))


def test_numbers_that_overflow_are_that_examples_failure(writer, tmp_path):
    import shutil

    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(writer(), tmp_path / "broken")
    weights = load_file(folder / "model.safetensors")
    weights["lm_head.weight"][:] = float("nan")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    assert one("ab", str(folder))["error"]["type"] == "overflow"


def test_a_bert_that_was_made_a_decoder_is_causal(tmp_path, filler):
    import shutil

    folder = shutil.copytree(filler(), tmp_path / "decoder")
    edit(folder / "config.json", is_decoder=True, architectures=["BertLMHeadModel"])
    record = one("the film", str(folder))
    assert (record["objective"], record["scored"]) == ("causal", 3)


# Formats


def test_csv_has_a_line_for_each_token(tfcli, writer):
    ended = tfcli("score", "ab", "", "-m", writer(), "--tokens", "-f", "csv")
    first, second, failed = csv.DictReader(io.StringIO(ended.out))
    assert list(first) == ["index", "token", "surprisal", "start", "end", "error"]
    assert (first["token"], first["surprisal"], first["end"]) == ("a", "", "1")
    assert float(second["surprisal"]) > 0
    assert "empty" in failed["error"]
    assert ended.status == 3


def test_plain_is_the_perplexity_or_tokens_with_their_surprisal(tfcli):
    assert TASK.columns(ScoreOptions())[0] == "perplexity"
    lines = tfcli("score", "The dog barked.", "--tokens", "-f", "plain").out.splitlines()
    assert lines[0] == "The\t"
    assert lines[1].startswith(" dog\t")


def test_a_picture_has_the_tokens_without_being_asked(tfcli):
    lines = tfcli("score", "The dog barked.", "-f", "table").out.splitlines()
    assert lines[0].split() == ["The", "␣dog", "␣bar", "ked", "."]
    assert len(lines[1].split()) == 5
    assert lines[2].startswith("perplexity ")


# The starter


def test_the_starter_scores_as_its_card_counts():
    """Bits per byte behind the token that ends its texts: `bos` of the tokenizer."""
    text = "The dog ran into the forest because it was afraid of the old man."
    record = next(run("score", text, bos=True))
    model, tokenizer = from_pretrained(starter(), "AutoModelForCausalLM")
    ids = torch.tensor([[tokenizer.eos_token_id, *tokenizer(text)["input_ids"]]])
    with torch.inference_mode():
        nats = float(model.float()(ids, labels=ids).loss) * (ids.shape[1] - 1)
    assert record["bits_per_byte"] == pytest.approx(nats / math.log(2) / len(text), abs=1e-5)


def starter():
    from tfcli.models.registry import starter_for

    return str(starter_for("score").folder)


@pytest.mark.parametrize(
    ("likelier", "other"),
    [
        ("The dogs are in the garden.", "The dogs is in the garden."),
        ("She opened the door.", "Door the opened she."),
        ("He said that he was tired.", "Hxe sajd thxt hye wqs tirxd."),
    ],
)
def test_the_starter_tells_english_from_what_is_none(likelier, other):
    first, second = run("score", [likelier, other], bos=True)
    assert first["surprisal"] < second["surprisal"]
