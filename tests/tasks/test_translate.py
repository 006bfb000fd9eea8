"""Translations: those of transformers 4.57, sentence by sentence, and not a line is lost."""

import hashlib
import json
import logging
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
import torch
import transformers
from tiny_seq2seq import TRANSLATORS

from tfcli import run
from tfcli.core.options import options_of
from tfcli.errors import UnfitModelError, UsageError
from tfcli.tasks.translate import TASK, TranslateOptions

pytestmark = pytest.mark.filterwarnings("ignore:Recommended")

RECORDED = json.loads((Path(__file__).parents[1] / "reference" / "translate.json").read_text())
GERMAN = {"from_": "en", "to": "de"}
LETTER = "\n  The film is great. I love it!\r\n\r\n---\n\tGood plot, 42 films. It \n"
families = pytest.mark.parametrize("family", TRANSLATORS)


def translate(texts, folder, **options):
    return list(run("translate", texts, model=folder, **options))


def one(text, folder, **options):
    (record,) = translate([text], folder, **options)
    return record


class TestPipelineOf4:
    """tests/reference/translate.py records what is compared here."""

    @pytest.mark.parametrize("family", RECORDED["sha256"])
    def test_single_sentences_are_translated_the_same(self, seq2seq, family):
        folder = seq2seq(family)
        weights = (Path(folder) / "model.safetensors").read_bytes()
        assert hashlib.sha256(weights).hexdigest() == RECORDED["sha256"][family]
        cases = [case for case in RECORDED["cases"] if case["model"] == family]
        assert len(cases) >= 12
        ways = {(case["from"], case["to"], str(case["settings"])) for case in cases}
        for source, target, settings in ways:
            same = [
                case
                for case in cases
                if (case["from"], case["to"], str(case["settings"])) == (source, target, settings)
            ]
            texts = [case["text"] for case in same]
            records = translate(texts, folder, from_=source, to=target, **same[0]["settings"])
            assert [record["translation"] for record in records] == [
                case["translation"] for case in same
            ]


@cache
def from_pretrained(folder):
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder)
    return model, transformers.AutoTokenizer.from_pretrained(folder)


@torch.inference_mode()
def theirs(folder, text, **options):
    """What generate() itself makes of a sentence."""
    model, tokenizer = from_pretrained(folder)
    found = model.generate(**tokenizer(text, return_tensors="pt"), **options)
    return tokenizer.decode(found[0], skip_special_tokens=True)


def test_the_first_mbart_begins_with_the_language(seq2seq):
    """As its documentation says; the pipeline wrote it twice."""
    folder = seq2seq("mbart")
    german = from_pretrained(folder)[1].convert_tokens_to_ids("de_DE")
    expected = theirs(folder, "the film", decoder_start_token_id=german)
    assert one("the film", folder, **GERMAN)["translation"] == expected


def test_a_prefix_of_names_is_what_t5_is_told(seq2seq):
    expected = theirs(seq2seq("t5"), "translate German to English: a film", num_beams=2)
    record = one("a film", seq2seq("t5"), from_="de", to="en", num_beams=2)
    assert record["translation"] == expected


@families
class TestTexts:
    def test_lines_and_all_that_is_no_sentence_stay(self, seq2seq, family):
        record = one(LETTER, seq2seq(family), **GERMAN)
        alone = [
            one(text, seq2seq(family), **GERMAN)["translation"]
            for text in ("The film is great.", "I love it!", "Good plot, 42 films.", "It")
        ]
        first, second, third, fourth = alone
        assert record["translation"].startswith(f"\n  {first}")
        assert f"{second}\r\n\r\n---\n\t{third}" in record["translation"]
        assert record["translation"].endswith(f"{fourth} \n")
        assert record["translation"].count("\n") == LETTER.count("\n")

    def test_a_batch_equals_single_texts(self, seq2seq, family):
        texts = ["the film is great", "good", LETTER, "i hate it. very bad plot, and of it a 42"]
        together = translate(texts, seq2seq(family), **GERMAN)
        for record in together:
            alone = one(record["text"], seq2seq(family), **GERMAN)
            assert {**alone, "index": record["index"]} == record


class TestLongSentences:
    def test_are_cut_into_parts_and_a_note_says_so(self, seq2seq, caplog):
        folder = seq2seq("marian")
        long = "The film is great, " + "the film is great, " * 11 + "and of it."  # 64 tokens
        with caplog.at_level(logging.WARNING, "tfcli"):
            _, second = translate(["good", f"Good. {long} It"], folder)
        assert caplog.messages == [
            "1 of 2 texts: a sentence is longer than the model, and is translated in parts; "
            "the first at index 1"
        ]
        borders = [place for place in range(len(long)) if long[place - 2 : place] == ", "]
        middle = min(borders, key=lambda place: abs(place - len(long) / 2))
        read = ("Good.", long[: middle - 1], long[middle:], "It")
        parts = [one(text, folder)["translation"] for text in read]
        assert second["translation"] == " ".join(parts)

    def test_without_any_border_nothing_is_lost(self, seq2seq):
        assert one("a" * 1000, seq2seq("marian"))["translation"].count(" ") >= 15


class TestEnds:
    def test_a_limit_is_told_as_such(self, seq2seq):
        """Also where Marian's own end is forced upon it."""
        folder = seq2seq("marian")
        cut, whole = (one("good", folder, max_new_tokens=n) for n in (3, 60))
        assert cut["finish_reason"] == "length"
        assert len(whole["translation"]) > len(cut["translation"])

    def test_one_sentence_that_is_cut_off_is_enough(self, seq2seq):
        mixed = {**GERMAN, "max_new_tokens": 20, "num_beams": 1}
        tells = {
            text: one(text, seq2seq("mbart50"), **mixed)["finish_reason"]
            for text in ("The film is great.", "Good.", "I love it.", "Very bad.", "Bad 42.")
        }
        for first, second in pairwise(tells):
            record = one(f"{first} {second}", seq2seq("mbart50"), **mixed)
            assert record["finish_reason"] == min(tells[first], tells[second])
        assert set(tells.values()) == {"length", "stop"}

    def test_where_there_is_nothing_to_say(self, seq2seq):
        record = one(" --- 😀\n", seq2seq("marian"))
        assert (record["translation"], record["finish_reason"]) == (" --- 😀\n", "stop")


class TestRecords:
    def test_keys_depend_on_nothing(self, seq2seq):
        keys = ["index", "text", "translation", "finish_reason"]
        for options in ({}, GERMAN):
            assert list(one("a", seq2seq("marian"), **options)) == keys

    def test_an_error_keeps_its_place(self, seq2seq):
        first, second, third = translate(["good", "  ", "a"], seq2seq("marian"))
        assert second["error"]["type"] == "empty"
        assert (first["translation"], third["translation"]) == tuple(
            one(text, seq2seq("marian"))["translation"] for text in ("good", "a")
        )

    def test_numbers_that_overflow_are_that_examples_failure(self, seq2seq):
        from tfcli.core.job import ModelRef
        from tfcli.core.task import Example, Row
        from tfcli.models.load import load

        loaded = load(ModelRef(seq2seq("marian")), lambda config: "AutoModelForSeq2SeqLM")
        rows = [Row({"input_ids": [1]}, (0, 1))]
        example = Example(0, {"text": "a"})
        failure = TASK.postprocess(example, rows, [None], loaded, TranslateOptions())
        assert failure.type == "overflow"


class TestWhatCannotBe:
    def test_the_wrong_way(self, seq2seq):
        with pytest.raises(UnfitModelError, match="translates en to de, not de to en") as refused:
            one("a", seq2seq("marian"), from_="de", to="en")
        name = "Helsinki-NLP/opus-mt-de-en"
        assert refused.value.hint == f"tfcli models pull {name}, then -m {name}"
        with pytest.raises(UnfitModelError, match="translates en to de, not xx to en") as refused:
            one("a", seq2seq("marian"), from_="xx", to="en")
        assert refused.value.hint == "Languages are called en, de, zh …"

    def test_an_unknown_language(self, seq2seq):
        with pytest.raises(UsageError, match="--to xx: the model has no such language"):
            one("a", seq2seq("nllb"), from_="en", to="xx")

    def test_a_model_that_does_not_translate(self, seq2seq, classifier):
        with pytest.raises(UnfitModelError, match="A bart model does not translate"):
            one("a", seq2seq("bart"))
        with pytest.raises(UnfitModelError, match="A bert model does not translate"):
            one("a", classifier("bert"))

    def test_more_tokens_than_the_model_can_write(self, seq2seq):
        with pytest.raises(UsageError, match="writes 64 tokens at most, not 65"):
            one("a", seq2seq("marian"), max_new_tokens=65)

    def test_what_the_starter_cannot_do(self):
        with pytest.raises(UnfitModelError, match="translates en to de, not en to zh") as refused:
            translate("a", None, from_="en", to="zh")
        name = "Helsinki-NLP/opus-mt-en-zh"
        assert refused.value.hint == f"tfcli models pull {name}, then -m {name}"


class TestStarter:
    """The bundled translator, English to German."""

    def test_everyday_sentences(self):
        texts = ["I am tired.", "Where is the station?", "It is very cold today."]
        found = [record["translation"] for record in translate(texts, None)]
        assert found == ["Ich bin müde.", "Wo ist der Bahnhof?", "Heute ist es sehr kalt."]

    def test_languages_may_be_named(self):
        (named,) = translate("I am tired.", None, from_="en", to="de")
        assert named["translation"] == "Ich bin müde."

    def test_paragraphs_are_kept(self):
        (record,) = translate("I am tired.\n\n  Where is the station?\n", None)
        assert record["translation"] == "Ich bin müde.\n\n  Wo ist der Bahnhof?\n"


def test_from_is_an_option_though_python_has_the_word():
    assert [option.switch for option in options_of(TranslateOptions)] == [
        *("--from", "--to", "--num-beams", "--max-new-tokens")
    ]


def test_on_the_command_line(tfcli, seq2seq):
    arguments = ("-m", seq2seq("marian"), "--from", "en", "--to", "de")
    ended = tfcli("translate", *arguments, "--whole", "-f", "plain", stdin=b"good\n\n a\n")
    good, a = (one(text, seq2seq("marian"))["translation"] for text in ("good", "a"))
    assert ended == (0, f"{good}\\n\\n {a}\\n\n", "")


def test_without_a_model_on_the_command_line(tfcli):
    ended = tfcli("translate", "Good morning.", "--to", "fr")
    name = "Helsinki-NLP/opus-mt-en-fr"
    assert (ended.status, ended.out) == (2, "")
    assert f"Hint: tfcli models pull {name}, then -m {name}\n" in ended.err
    assert tfcli("translate", "I am tired.", "-f", "plain") == (0, "Ich bin müde.\n", "")
