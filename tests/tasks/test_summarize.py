"""Summaries: those of transformers 4.57, and of long texts round by round until it is one."""

import hashlib
import json
from pathlib import Path

import pytest
from tiny_seq2seq import SUMMARIZERS

from tfcli import run
from tfcli.core.job import ModelRef
from tfcli.core.task import Example, Row
from tfcli.errors import ModelNotFoundError, UnfitModelError, UsageError
from tfcli.models.load import load
from tfcli.models.parts import fitting
from tfcli.tasks.summarize import TASK, SummarizeOptions

RECORDED = json.loads((Path(__file__).parents[1] / "reference" / "summarize.json").read_text())
LONG = "The film is great, and I love it. A very bad plot was not in it.\n\n" * 6
families = pytest.mark.parametrize("family", SUMMARIZERS)


def summarize(texts, folder, **options):
    return list(run("summarize", texts, model=folder, **options))


def one(text, folder, **options):
    (record,) = summarize([text], folder, **options)
    return record


class TestPipelineOf4:
    """tests/reference/summarize.py records what is compared here."""

    @families
    def test_texts_that_fit_have_the_same_summaries(self, seq2seq, family):
        """But for the space that BART begins with."""
        folder = seq2seq(family)
        weights = (Path(folder) / "model.safetensors").read_bytes()
        assert hashlib.sha256(weights).hexdigest() == RECORDED["sha256"][family]
        cases = [case for case in RECORDED["cases"] if case["model"] == family]
        assert len(cases) == 9
        for case in cases:
            record = one(case["text"], folder, **case["settings"])
            assert record["summary"] == case["summary"].strip()
            assert record["parts"] == 1


@families
class TestLongTexts:
    def test_are_the_summary_of_the_summaries_of_their_parts(self, seq2seq, family):
        folder = seq2seq(family)
        options = {"max_new_tokens": 8, "min_new_tokens": 0}
        loaded = load(ModelRef(folder), lambda config: "AutoModelForSeq2SeqLM")
        before = {"bart": " ", "t5": "summarize: "}.get(family, "")

        def tokenize(texts):
            return loaded.tokenizer([before + text for text in texts])["input_ids"]

        text, counts = LONG.strip(), []
        while True:
            (parts,) = fitting([text], [[(0, len(text))]], tokenize, 64)
            counts.append(len(parts))
            read = [text[part.begin : part.end] for part in parts]
            text = "\n".join(one(part, folder, **options)["summary"] for part in read)
            if len(parts) == 1:
                break
        record = one(LONG, folder, **options)
        assert record["summary"] == text
        assert record["parts"] == counts[0] > 2

    def test_a_batch_equals_single_texts(self, seq2seq, family):
        texts = ["the film is great", LONG, "good", LONG[:200] * 3]
        together = summarize(texts, seq2seq(family), max_new_tokens=6, min_new_tokens=0)
        for text, record in zip(texts, together, strict=True):
            alone = one(text, seq2seq(family), max_new_tokens=6, min_new_tokens=0)
            assert {**alone, "index": record["index"]} == record


def test_summaries_as_long_as_what_they_are_of_come_to_no_end(seq2seq):
    """Each part's summary is as long as a part: that is said, and the run goes on."""
    never = {"exponential_decay_length_penalty": None, "eos_token_id": 90}
    folder = seq2seq("pegasus", generation=never)
    first, second = summarize([LONG, "good"], folder, max_new_tokens=60)
    assert first["error"]["type"] == "too_long"
    assert "try a lower --max-new-tokens" in first["error"]["message"]
    assert second["parts"] == 1


class TestLengths:
    def test_options_beat_the_checkpoints(self, seq2seq):
        whole, short, long = (
            one("the film is great", seq2seq("t5"), **options)["summary"]
            for options in ({}, {"max_new_tokens": 4}, {"min_new_tokens": 20})
        )
        assert len(short) < len(whole) < len(long)

    def test_a_limit_is_told_as_such(self, seq2seq):
        assert one("good", seq2seq("bart"), max_new_tokens=3)["finish_reason"] == "length"
        assert one("good", seq2seq("bart"), max_new_tokens=60)["finish_reason"] == "stop"

    def test_two_that_contradict_each_other(self):
        with pytest.raises(UsageError, match="--min-new-tokens 5 is more than --max-new-tokens 4"):
            SummarizeOptions(max_new_tokens=4, min_new_tokens=5)


class TestRecords:
    def test_the_text_stays_out(self, seq2seq):
        assert list(one("good", seq2seq("bart"))) == ["index", "summary", "parts", "finish_reason"]

    def test_an_error_keeps_its_place(self, seq2seq):
        first, second, third = summarize(["good", " \n", "a film"], seq2seq("bart"))
        assert second["error"]["type"] == "empty"
        assert None not in (first["summary"], third["summary"])

    def test_numbers_that_overflow_are_that_examples_failure(self, seq2seq):
        loaded = load(ModelRef(seq2seq("bart")), lambda config: "AutoModelForSeq2SeqLM")
        example, rows = Example(0, {"text": "a"}), [Row({"input_ids": [1]}, 0)] * 2
        broken = (example, rows, [None, None], loaded, SummarizeOptions())
        assert TASK.further(*broken) == []
        assert TASK.postprocess(*broken).type == "overflow"


class TestWhatCannotBe:
    @pytest.mark.parametrize("family", ["marian", "m2m_100"])
    @pytest.mark.filterwarnings("ignore:Recommended")
    def test_a_translator(self, seq2seq, family):
        with pytest.raises(UnfitModelError, match="translates; it does not summarize"):
            one("a", seq2seq(family))

    def test_a_classifier(self, classifier):
        with pytest.raises(UnfitModelError, match="A bert model cannot do this"):
            one("a", classifier("bert"))

    def test_no_model(self):
        with pytest.raises(ModelNotFoundError, match="No model for summarize comes") as refused:
            summarize("a", None)
        assert "tfcli models pull sshleifer/distilbart-cnn-12-6@a4f8f3e" in refused.value.hint


def test_standard_input_is_one_text(tfcli, seq2seq):
    ended = tfcli("summarize", "-m", seq2seq("t5"), "--keep", "text", stdin=b"good\n\nfilm\n")
    record = json.loads(ended.out)
    assert record["summary"] == one("good\n\nfilm\n", seq2seq("t5"))["summary"]
