"""Filled blanks: equal to transformers' own pipeline, in the user's own text."""

import csv
import io
import json
import unicodedata
from functools import cache
from pathlib import Path

import pytest

from tfcli import run
from tfcli.errors import ModelNotFoundError, UnfitModelError, UsageError
from tfcli.tasks.fill import TASK, FillOptions

TEXTS = ["the film is [MASK].", "[MASK] film", "i love[MASK] it, é", "a [MASK] [MASK] plot [MASK]"]
FAMILIES = (
    *("bert", "distilbert", "roberta", "albert", "electra", "xlm-roberta", "deberta"),
    *("modernbert", "bart"),
)
families = pytest.mark.parametrize("family", FAMILIES)
PUBLISHED = json.loads((Path(__file__).parents[1] / "reference" / "fill.json").read_text())


@cache
def pipeline(folder):
    import transformers

    return transformers.pipeline("fill-mask", model=folder, device="cpu")


def theirs(folder, text, **options):
    """The pipeline's propositions for each mask, in each text in the same form."""
    pipe = pipeline(folder)
    found = pipe(text.replace("[MASK]", pipe.tokenizer.mask_token), **options)
    return found if isinstance(found[0], list) else [found]


def ask(texts, folder, **options):
    return list(run("fill", texts, model=folder, **options))


def one(text, folder, **options):
    (record,) = ask([text], folder, **options)
    return record


def squeezed(text):
    """Without spaces, case and accents."""
    letters = unicodedata.normalize("NFD", "".join(text.split()).lower())
    return "".join(one for one in letters if not unicodedata.combining(one))


@families
class TestFamilies:
    def test_tokens_and_scores_are_the_pipelines(self, filler, family):
        folder = filler(family)
        for record, text in zip(ask(TEXTS, folder), TEXTS, strict=True):
            for ours, expected in zip(record["masks"], theirs(folder, text), strict=True):
                assert [c["id"] for c in ours] == [c["token"] for c in expected]
                assert [c["token"] for c in ours] == [c["token_str"] for c in expected]
                assert [c["score"] for c in ours] == pytest.approx(
                    [c["score"] for c in expected], abs=1e-5
                )

    def test_texts_are_the_pipelines_but_as_they_were_written(self, filler, family):
        """The pipeline spells all of a text as the vocabulary has it."""
        folder = filler(family)
        special = pipeline(folder).tokenizer.all_special_tokens
        for record in ask(TEXTS[:3], folder):
            (expected_of_all,) = theirs(folder, record["text"])
            for ours, expected in zip(record["masks"][0], expected_of_all, strict=True):
                if ours["token"] not in special:  # which the pipeline leaves out
                    assert squeezed(ours["filled"]) == squeezed(expected["sequence"])

    def test_a_batch_equals_single_texts(self, filler, family):
        for record in ask(TEXTS, filler(family)):
            alone = one(record["text"], filler(family))
            assert record["filled"] == alone["filled"]
            for ours, others in zip(record["masks"], alone["masks"], strict=True):
                assert [c["score"] for c in ours] == pytest.approx(
                    [c["score"] for c in others], abs=1e-5
                )


@pytest.mark.parametrize("family", ["bert", "roberta", "albert"])
def test_scores_of_targets_are_the_pipelines(filler, family):
    folder = filler(family)
    vocabulary = pipeline(folder).tokenizer.get_vocab()
    spelled = [one for one in vocabulary if one.strip("▁Ġ") in ("film", "good", "of")]
    assert len(spelled) >= 2
    record = one("the film is [MASK]", folder, targets=spelled)
    expected = theirs(folder, "the film is [MASK]", targets=spelled)[0]
    assert {c["id"]: c["score"] for c in record["masks"][0]} == pytest.approx(
        {c["token"]: c["score"] for c in expected}, abs=1e-5
    )


# Records


def test_the_best_of_the_first_mask_stands_in_front(filler):
    record = one("a [MASK] is [MASK].", filler())
    first, second = record["masks"]
    assert (record["token"], record["score"]) == (first[0]["token"], first[0]["score"])
    assert len(first) == len(second) == 5
    assert first[0]["score"] >= first[1]["score"]
    assert first[1]["filled"].endswith(" is [MASK].")
    assert second[1]["filled"].startswith("a [MASK] is")
    assert "[MASK]" not in record["filled"]


@pytest.mark.parametrize("text", ["a [MASK].", "a [MASK] [MASK]"])
def test_one_mask_or_many_have_the_same_shape(filler, text):
    record = one(text, filler())
    assert list(record) == ["index", "text", "filled", "token", "score", "masks"]
    assert all(
        list(candidate) == ["token", "id", "score", "filled"]
        for candidates in record["masks"]
        for candidate in candidates
    )


def test_a_failed_text_has_the_same_keys(filler):
    first, wrong = ask(["a [MASK]", ""], filler(), truncate="right")
    assert list(first)[-1] == "truncated"
    assert list(wrong) == [*first, "error"]


@pytest.mark.parametrize("mask", ["[MASK]", "<mask>"])
def test_either_mask_means_the_models_own(filler, mask):
    record = one(f"a {mask} film", filler("roberta"))
    expected = theirs(filler("roberta"), "a <mask> film")[0]
    assert [c["id"] for c in record["masks"][0]] == [c["token"] for c in expected]
    assert record["text"] == f"a {mask} film"


@pytest.mark.parametrize("count", [1, 7])
def test_top_k(filler, count):
    assert len(one("a [MASK]", filler(), top_k=count)["masks"][0]) == count


def test_all_tokens_together_are_certain(filler):
    (candidates,) = one("a [MASK]", filler(), top_k=10**6)["masks"]
    assert len(candidates) == len(pipeline(filler()).tokenizer)
    assert sum(c["score"] for c in candidates) == pytest.approx(1, abs=1e-5)


# Targets


class TestTargets:
    def test_only_they_are_candidates_and_all_of_them(self, filler):
        words = ["good", "bad", "great", "awful", "film", "plot"]
        (candidates,) = one("a [MASK] film", filler(), targets=words)["masks"]
        assert {c["token"] for c in candidates} == set(words)
        scores = [c["score"] for c in candidates]
        assert scores == sorted(scores, reverse=True)
        assert sum(scores) < 1  # as parts of all words

    def test_between_commas(self, filler):
        both = [one("a [MASK]", filler(), targets=t) for t in ("good, bad", ["good", "bad"])]
        assert both[0]["masks"] == both[1]["masks"]

    def test_top_k_counts_among_them(self, filler):
        (candidates,) = one("a [MASK]", filler(), targets="good,bad,of", top_k=2)["masks"]
        assert len(candidates) == 2

    def test_of_several_tokens_none_is_taken_in_their_place(self, filler):
        wrong = one("a [MASK]", filler(), targets="good,films")
        assert wrong["error"] == {
            "type": "target",
            "message": "--targets: 'films' is 2 tokens there, not one: film ##s",
            "file": None,
            "line": None,
        }

    @pytest.mark.parametrize("targets", [",", "", "good,,bad", " "])
    def test_an_empty_one_is_a_usage_error(self, targets):
        with pytest.raises(UsageError, match="a word is empty"):
            FillOptions(targets=(targets,))


# What is wrong


def test_a_text_without_a_mask_learns_how_to_write_one(filler):
    wrong, right = ask(["a film", "a [MASK]"], filler())
    assert wrong["error"]["type"] == "mask"
    assert wrong["error"]["message"] == (
        "nothing to fill: write [MASK] for a word, 'The film was [MASK].'"
    )
    assert right["filled"]
    said = one("a film", filler("roberta"))["error"]["message"]
    assert "write [MASK] or <mask> for a word" in said


class TestTooLong:
    TEXT = "a film " * 40

    def test_names_both_lengths(self, filler):
        wrong = one("a [MASK] " + self.TEXT, filler())
        assert wrong["error"]["type"] == "too_long"
        assert "84 tokens, and the model has room for 64" in wrong["error"]["message"]

    def test_truncate_cuts_the_end_off(self, filler):
        record, short = ask(["a [MASK] " + self.TEXT, "a [MASK]"], filler(), truncate="right")
        assert (record["truncated"], short["truncated"]) == (True, False)
        words = ("a [MASK] " + self.TEXT).split()[:62]
        alone = one(" ".join(words), filler())
        assert record["score"] == pytest.approx(alone["score"], abs=1e-6)
        assert record["filled"].endswith(" a film ")

    def test_a_mask_that_was_cut_off_is_missed(self, filler):
        wrong = one(self.TEXT + "[MASK]", filler(), truncate="right")
        assert wrong["error"]["message"] == "the model sees 0 of 1 masks: the rest was cut off"


def test_a_model_that_writes_is_sent_to_next(writer):
    with pytest.raises(UnfitModelError, match="A gpt2 model fills no blanks") as refused:
        one("a [MASK]", writer())
    assert "tfcli next" in refused.value.hint


def test_a_model_without_a_masked_head_is_refused(reader):
    with pytest.raises(UnfitModelError, match="without a trained head"):
        one("a [MASK]", reader("bert"))


def test_no_starter_fills():
    with pytest.raises(ModelNotFoundError, match="No model for fill"):
        next(run("fill", "a [MASK]"))


def test_numbers_that_overflow_are_that_examples_failure(filler):
    from tfcli.core.job import ModelRef
    from tfcli.core.task import Example
    from tfcli.models.load import load

    loaded = load(ModelRef(filler()), lambda config: "AutoModelForMaskedLM")
    example = Example(0, {"text": "a [MASK]"})
    ((row,),) = TASK.preprocess([example], loaded, FillOptions())
    broken = [[(7, float("nan"))]]
    failure = TASK.postprocess(example, [row], [broken], loaded, FillOptions())
    assert failure.type == "overflow"


# Formats


def test_csv_holds_candidates_as_json(tfcli, filler):
    ended = tfcli("fill", "a [MASK]", "-m", filler(), "--top-k", "2", "-f", "csv")
    (row,) = csv.DictReader(io.StringIO(ended.out))
    record = one("a [MASK]", filler(), top_k=2)
    assert row["filled"] == record["filled"]
    assert json.loads(row["masks"])[0][1]["token"] == record["masks"][0][1]["token"]


# Published numbers


@pytest.mark.parametrize("case", PUBLISHED, ids=lambda case: case["text"])
def test_published_words_of_the_standard_checkpoint(case, standard_checkpoint):
    (candidates,) = one(case["text"], standard_checkpoint(TASK.standard))["masks"]
    assert [(c["token"], c["id"]) for c in candidates] == [
        (c["token"], c["id"]) for c in case["likeliest"]
    ]
    assert [c["score"] for c in candidates] == pytest.approx(
        [c["score"] for c in case["likeliest"]], abs=case["tolerance"]
    )
