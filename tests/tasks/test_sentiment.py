"""Sentiment: equal to transformers' own pipeline, whole on long texts, exact in its statuses."""

import json
from pathlib import Path

import pytest
from tiny_models import CLASSIFIERS

from tfcli import run
from tfcli.errors import UnfitModelError, UsageError
from tfcli.tasks.sentiment import TASK, SentimentOptions

TEXTS = ["the film is great", "i hate it, very bad plot! é", "good", "a film " * 9]
REFERENCE = Path(__file__).parents[1] / "reference" / "sentiment.json"


def pipeline(folder, **kwargs):
    import transformers

    return transformers.pipeline("text-classification", model=folder, device="cpu", **kwargs)


def scores(record):
    return {scored["label"]: scored["score"] for scored in record["scores"]}


@pytest.mark.parametrize("family", CLASSIFIERS)
class TestFamilies:
    def test_records_equal_the_pipeline(self, classifier, family):
        folder = classifier(family)
        pipe = pipeline(folder, top_k=None)
        expected = [pipe(text)[0] for text in TEXTS]  # one by one: GPT-2's has no padding
        for record, theirs in zip(
            run("sentiment", TEXTS, model=folder, top_k="all"), expected, strict=True
        ):
            assert [s["label"] for s in record["scores"]] == [t["label"] for t in theirs]
            assert scores(record) == pytest.approx(
                {t["label"]: t["score"] for t in theirs}, abs=1e-5
            )

    def test_a_batch_equals_single_texts(self, classifier, family):
        folder = classifier(family)
        together = list(run("sentiment", TEXTS, model=folder, top_k="all"))
        for record, text in zip(together, TEXTS, strict=True):
            alone = next(run("sentiment", text, model=folder, top_k="all"))
            assert scores(record) == pytest.approx(scores(alone), abs=1e-5)


def test_label_and_score_are_the_pipelines_first(classifier):
    folder = classifier()
    for record, theirs in zip(
        run("sentiment", TEXTS, model=folder), pipeline(folder)(TEXTS), strict=True
    ):
        assert list(record) == ["index", "text", "label", "score"]
        assert record["label"] == theirs["label"]
        assert record["score"] == pytest.approx(theirs["score"], abs=1e-5)


@pytest.mark.parametrize(
    "config",
    [
        {"problem_type": "multi_label_classification"},
        {"problem_type": "regression", "num_labels": 1},
        {"num_labels": 1},
    ],
    ids=["multi-label", "regression", "one label"],
)
def test_other_heads_score_as_in_the_pipeline(classifier, config):
    folder = classifier(**config)
    for record, theirs in zip(
        run("sentiment", TEXTS, model=folder, top_k="all"),
        pipeline(folder, top_k=None)(TEXTS),
        strict=True,
    ):
        ours = [scored["score"] for scored in record["scores"]]
        assert ours == pytest.approx([t["score"] for t in theirs], abs=1e-5)


def test_multi_label_scores_do_not_sum_to_one(classifier):
    folder = classifier(problem_type="multi_label_classification")
    record = next(run("sentiment", "good", model=folder, top_k="all"))
    assert sum(scores(record).values()) != pytest.approx(1, abs=0.01)


def test_labels_without_names_are_said(classifier, caplog):
    list(run("sentiment", "good", model=classifier(id2label={0: "a", 1: "b", 2: "c"})))
    assert caplog.messages == []
    list(run("sentiment", "good", model=classifier()))
    assert caplog.messages == [
        "the model's config names no labels: they are LABEL_0, LABEL_1, LABEL_2"
    ]


def test_a_regression_head_is_named_as_such(classifier):
    folder = classifier(problem_type="regression", num_labels=1)
    assert next(run("sentiment", "good", model=folder))["label"] == "regression"


def test_a_regression_head_keeps_a_name_of_its_own(classifier):
    folder = classifier(problem_type="regression", num_labels=1, id2label={0: "stars"})
    assert next(run("sentiment", "good", model=folder))["label"] == "stars"


class TestPaddingOfDecoders:
    """A decoder classifies by the last token that is not padding, and counts from the left."""

    @pytest.mark.parametrize(
        ("pad_token", "pad_token_id", "side"),
        [(None, 1, "right"), ("a", 0, "right"), ("a", 5, "left"), (None, None, "left")],
        ids=["the config's own", "the tokenizer's own", "left", "left, none"],
    )
    def test_a_batch_equals_single_texts(self, classifier, tmp_path, pad_token, pad_token_id, side):
        import shutil

        import transformers

        folder = tmp_path / "decoder"
        shutil.copytree(classifier("gpt2", pad_token_id=pad_token_id), folder)
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        tokenizer.pad_token, tokenizer.padding_side = pad_token, side
        tokenizer.save_pretrained(folder)
        together = list(run("sentiment", TEXTS, model=str(folder), top_k="all"))
        for record, text in zip(together, TEXTS, strict=True):
            alone = next(run("sentiment", text, model=str(folder), top_k="all"))
            assert scores(record) == pytest.approx(scores(alone), abs=1e-5)


class TestLongTexts:
    def test_the_end_of_a_long_text_counts(self, classifier):
        start = "the film is great " * 60
        ended = [start + "good", start + "awful plot " * 40]
        first, second = run("sentiment", ended, model=classifier(), top_k="all")
        assert scores(first) != pytest.approx(scores(second), abs=1e-3)

    def test_logits_are_averaged_by_the_new_tokens_of_each_window(self, classifier):
        import torch
        import transformers

        folder = classifier()
        text = "the film is awful " * 30  # 120 tokens: 62 + 46 + 12 new ones
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert len(ids) == 120
        windows = [(ids[0:62], 62), (ids[46:108], 46), (ids[92:120], 12)]
        total = torch.zeros(3)
        for window, new in windows:
            row = torch.tensor([[tokenizer.cls_token_id, *window, tokenizer.sep_token_id]])
            total += new / 120 * model(row).logits[0].detach()
        expected = total.softmax(-1)
        record = next(run("sentiment", text, model=folder, top_k="all"))
        assert scores(record) == pytest.approx(
            {f"LABEL_{i}": float(p) for i, p in enumerate(expected)}, abs=1e-5
        )

    @pytest.mark.parametrize("family", CLASSIFIERS)
    def test_every_family_reads_far_beyond_its_positions(self, classifier, family):
        """What stands behind 500 words changes the scores."""
        texts = ["good film " * 250 + end for end in ("good", "awful plot " * 100)]
        first, second = run("sentiment", texts, model=classifier(family), top_k="all")
        assert scores(first) != pytest.approx(scores(second), abs=1e-4)


def test_numbers_that_overflow_are_that_examples_failure(classifier):
    import numpy as np

    from tfcli.core.job import ModelRef
    from tfcli.core.task import Example, Row
    from tfcli.models.load import load

    loaded = load(ModelRef(classifier()), lambda config: "AutoModelForSequenceClassification")
    example, rows = Example(0, {"text": "good"}), [Row({"input_ids": [1]}, note=1)]
    nan = np.array([np.nan, 0, 0])
    failure = TASK.postprocess(example, rows, [nan], loaded, SentimentOptions())
    assert failure.type == "overflow"
    assert "--dtype float32" in failure.message


class TestTopK:
    def test_gives_the_best_first(self, classifier):
        record = next(run("sentiment", "good", model=classifier(), top_k=2))
        assert len(record["scores"]) == 2
        assert record["scores"][0] == {"label": record["label"], "score": record["score"]}
        assert record["scores"][0]["score"] >= record["scores"][1]["score"]

    def test_beyond_the_labels_is_all(self, classifier):
        assert len(next(run("sentiment", "good", model=classifier(), top_k=99))["scores"]) == 3


class TestThreshold:
    def test_no_label_below_it_and_the_score_stays(self, classifier):
        sure = next(run("sentiment", "good", model=classifier()))
        record = next(run("sentiment", "good", model=classifier(), threshold=1.0))
        assert record["label"] is None
        assert record["score"] == sure["score"]

    def test_scores_below_it_are_left_out(self, classifier):
        low, middle, high = sorted(
            scores(next(run("sentiment", "good", model=classifier(), top_k="all"))).values()
        )
        assert low < middle < high
        record = next(run("sentiment", "good", model=classifier(), top_k="all", threshold=middle))
        assert len(record["scores"]) == 2


class TestFailOn:
    def test_a_matching_label_asks_for_status_10(self):
        options = SentimentOptions(fail_on=("BAD",))
        assert TASK.status({"label": "BAD", "score": 0.9}, options) == 10
        assert TASK.status({"label": "GOOD", "score": 0.9}, options) == 0

    def test_with_a_threshold_any_reported_label_matches(self):
        record = {"label": "RUDE", "scores": [{"label": "RUDE"}, {"label": "BAD"}]}
        assert TASK.status(record, SentimentOptions(2, 0.5, ("BAD",))) == 10
        assert TASK.status(record, SentimentOptions(2, None, ("BAD",))) == 0

    def test_a_label_that_the_model_does_not_have_is_refused(self, classifier):
        with pytest.raises(UsageError, match="no such label") as refused:
            list(run("sentiment", "good", model=classifier(), fail_on=("BAD",)))
        assert "LABEL_0, LABEL_1, LABEL_2" in refused.value.hint

    def test_a_regression_head_is_matched_by_the_name_in_its_records(self, classifier):
        folder = classifier(problem_type="regression", num_labels=1)
        assert next(run("sentiment", "good", model=folder, fail_on="regression"))
        with pytest.raises(UsageError, match="no such label"):
            next(run("sentiment", "good", model=folder, fail_on="LABEL_0"))

    def test_of_several_labels_all_must_be_seen(self, classifier):
        """Else the gate would look at the best label alone."""
        folder = classifier(problem_type="multi_label_classification")
        with pytest.raises(UsageError, match="several labels") as refused:
            next(run("sentiment", "good", model=folder, fail_on="LABEL_0", threshold=0.5))
        assert refused.value.hint == "Add --top-k all --threshold 0.5."
        options = {"fail_on": "LABEL_0", "threshold": 0.5, "top_k": "all"}
        assert next(run("sentiment", "good", model=folder, **options))

    def test_on_the_command_line(self, tfcli, classifier):
        folder = classifier(id2label={0: "bad", 1: "fair", 2: "good"})
        label = next(run("sentiment", "good", model=folder))["label"]
        ended = tfcli("sentiment", "good", "-m", folder, "--fail-on", label)
        assert (ended.status, ended.err) == (10, "")
        assert json.loads(ended.out)["label"] == label


def test_a_base_model_without_a_head_is_refused(tmp_path):
    from tiny_models import make_base_model

    with pytest.raises(UnfitModelError, match="without a trained head"):
        list(run("sentiment", "good", model=str(make_base_model(tmp_path / "base"))))


SENTENCES = {
    "It is great to learn deep learning.": "POSITIVE",
    "He dislikes any party.": "NEGATIVE",
    "I can't recommend this film enough; it's wonderful!": "POSITIVE",
    "The plot is a mess and the jokes fall flat.": "NEGATIVE",
    "good": "POSITIVE",
    "bad": "NEGATIVE",
    "not good": "NEGATIVE",
}


class TestTheStarter:
    """The bundled model, for real."""

    def test_knows_good_from_bad(self):
        records = list(run("sentiment", list(SENTENCES)))
        assert {r["text"]: r["label"] for r in records} == SENTENCES

    def test_is_stored_in_half_and_computed_in_single_precision(self):
        from tfcli.models.registry import starter_for

        starter = starter_for("sentiment")
        record = next(run("sentiment", "It is great."))
        theirs = pipeline(str(starter.folder), dtype="float32")("It is great.")[0]
        assert record["score"] == pytest.approx(theirs["score"], abs=1e-5)

    def test_answers_without_a_look_at_the_network(self, tfcli, tmp_path, monkeypatch):
        """Also when nobody said that there is none."""
        monkeypatch.delenv("HF_HUB_OFFLINE")
        (tmp_path / "sitecustomize.py").write_text(
            "import socket\n"
            "def refuse(*args): raise SystemExit('the network was asked')\n"
            "socket.socket.connect = socket.getaddrinfo = refuse\n"
        )
        ended = tfcli("sentiment", "It is great.", "-f", "plain", PYTHONPATH=str(tmp_path))
        assert ended == (0, "POSITIVE\n", "")


@pytest.mark.parametrize(
    "published", json.loads(REFERENCE.read_text()), ids=lambda published: published["text"][:24]
)
def test_published_scores_of_the_standard_checkpoint(published, standard_checkpoint):
    folder = standard_checkpoint(TASK.standard)
    record = next(run("sentiment", published["text"], model=folder))
    assert record["label"] == published["label"]
    assert record["score"] == pytest.approx(published["score"], abs=published["tolerance"])
