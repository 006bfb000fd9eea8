"""Labels that nobody trained for: equal to transformers' own pipeline, whole on long texts."""

import csv
import io
import json
from pathlib import Path

import pytest

from tfcli import run
from tfcli.core.task import Example, Failure, Row
from tfcli.errors import UnfitModelError, UsageError
from tfcli.models.pairs import Window
from tfcli.tasks.classify import TASK, ClassifyOptions

PUBLISHED = json.loads((Path(__file__).parents[1] / "reference" / "classify.json").read_text())
TEXTS = ["the film is great", "i hate it, very bad! é", "good"]
LABELS = ["good plot", "bad", "deep learning, 42"]
INFERENCE = ("contradiction", "neutral", "entailment")
SEGMENTS_UNSAID = ("albert", "xlnet")
"""Families whose tokenizers keep segments to themselves since transformers 5; models have them."""


@pytest.fixture(scope="session")
def judge(reader):
    """The folder of a tiny random model whose classes have these names."""

    def folder(family="bert", classes=INFERENCE, **config):
        names = {"id2label": dict(enumerate(classes))}
        names["label2id"] = {name: i for i, name in enumerate(classes)}
        return reader(family, head="SequenceClassification", **names | config)

    return folder


def pipeline(folder, family="bert"):
    import transformers

    pipe = transformers.pipeline("zero-shot-classification", model=folder, device="cpu")
    if family in SEGMENTS_UNSAID:
        pipe.tokenizer.model_input_names = [*pipe.tokenizer.model_input_names, "token_type_ids"]
    return pipe


def ask(texts, folder, labels=tuple(LABELS), **options):
    escaped = [label.replace(",", r"\,") for label in labels]
    return list(run("classify", texts, model=folder, labels=escaped, **options))


def one(text, folder, **options):
    (record,) = ask([text], folder, **options)
    return record


def scores(record):
    return {scored["label"]: scored["score"] for scored in record["scores"]}


def same(record, theirs):
    assert [scored["label"] for scored in record["scores"]] == theirs["labels"]
    assert [s["score"] for s in record["scores"]] == pytest.approx(theirs["scores"], abs=1e-5)
    assert (record["label"], record["score"]) == tuple(record["scores"][0].values())


class TestThePipeline:
    @pytest.mark.parametrize(
        "family",
        ["bert", "roberta", "distilbert", "deberta", "bart", "albert", "xlnet", "gpt2"],
    )
    def test_records_are_those_of_the_pipeline(self, judge, family):
        """And so a batch equals single texts: the pipeline has one row at a time."""
        folder = judge(family)
        pipe = pipeline(folder, family)
        for multi in (False, True):
            records = ask(TEXTS, folder, multi_label=multi)
            for text, record in zip(TEXTS, records, strict=True):
                assert list(record) == ["index", "text", "label", "score", "scores"]
                same(record, pipe(text, candidate_labels=LABELS, multi_label=multi))

    def test_a_template_is_theirs(self, judge):
        how = "the plot is {} very {}!"
        theirs = pipeline(judge())(
            TEXTS[0], candidate_labels=LABELS, hypothesis_template=how.replace("{}", "{0}")
        )
        same(one(TEXTS[0], judge(), template=how), theirs)

    def test_a_label_alone_is_scored_by_itself(self, judge):
        theirs = pipeline(judge())("good", candidate_labels=["bad"])
        same(one("good", judge(), labels=["bad"]), theirs)

    @pytest.mark.parametrize(
        "classes",
        [("ENTAILMENT", "neutral", "contradiction"), ("entailed", "not_entailment")],
        ids=" ".join,
    )
    def test_classes_are_found_by_their_names(self, judge, classes):
        folder = judge(classes=classes)
        for multi in (False, True):
            theirs = pipeline(folder)(TEXTS[0], candidate_labels=LABELS, multi_label=multi)
            same(one(TEXTS[0], folder, multi_label=multi), theirs)

    def test_classes_may_have_names_in_one_direction_only(self, judge):
        """As transformers 5 writes them where nobody gave it label2id."""
        assert one("good", judge(label2id=None)) == one("good", judge())

    def test_a_contradiction_is_found_where_the_pipeline_takes_the_first_class(self, judge):
        """It is the same model with its classes called otherwise, and in another order."""
        folder = judge(classes=("neutral", "entailment", "contradiction"))
        logits = logits_of(folder, TEXTS[0], "This example is bad.")
        expected = 1 / (1 + float((logits[2] - logits[1]).exp()))
        record = one(TEXTS[0], folder, labels=["bad"])
        assert record["score"] == pytest.approx(expected, abs=1e-5)
        theirs = pipeline(folder)(TEXTS[0], candidate_labels=["bad"])
        assert theirs["scores"][0] != pytest.approx(expected, abs=1e-3)


def logits_of(folder, *texts):
    import torch
    import transformers

    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    with torch.inference_mode():
        return model(**tokenizer(*texts, return_tensors="pt")).logits[0]


class TestLabels:
    @pytest.mark.parametrize(
        ("given", "names"),
        [
            (("a,b , c",), ("a", "b", "c")),
            (("a,b", "c"), ("a", "b", "c")),
            ((r"food\, drink,music",), ("food, drink", "music")),
            ((r"a\b", " A "), (r"a\b", "A")),
            (("深度，学习",), ("深度，学习",)),
        ],
    )
    def test_are_parted_by_commas_and_stripped(self, given, names):
        assert ClassifyOptions(labels=given).names == names

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ((), "--labels is missing"),
            (("",), "a label is empty"),
            (("a,,b",), "a label is empty"),
            (("a,b,",), "a label is empty"),
            (("a", " "), "a label is empty"),
            (("a,b", " a"), "'a' is there twice"),
        ],
    )
    def test_that_cannot_be(self, given, message):
        with pytest.raises(UsageError, match=message):
            ClassifyOptions(labels=given)

    def test_in_python_are_a_list_or_a_text(self, judge):
        first, second = (
            next(run("classify", "good", model=judge(), labels=labels))
            for labels in ("good,bad", ["good", "bad"])
        )
        assert first == second

    def test_keep_their_braces(self, judge):
        assert set(scores(one("good", judge(), labels=["{}", "{0}"]))) == {"{}", "{0}"}


def test_a_template_needs_a_place_for_the_label():
    with pytest.raises(UsageError, match=r"--template has no \{\}"):
        ClassifyOptions(labels=("a",), template="This is {x}.")


class TestThreshold:
    def test_no_label_below_it_and_the_score_stays(self, judge):
        sure = one("good", judge())
        record = one("good", judge(), threshold=1.0)
        assert (record["label"], record["scores"]) == (None, [])
        assert record["score"] == sure["score"]

    def test_scores_below_it_are_left_out(self, judge):
        low, middle, high = sorted(scores(one("good", judge())).values())
        assert low < middle < high
        record = one("good", judge(), threshold=middle)
        assert sorted(scores(record).values()) == [middle, high]


class TestLongTexts:
    def test_logits_are_averaged_by_the_new_tokens_of_each_window(self, judge):
        """64 tokens, of which three are special and six the hypothesis: windows of 55, 28 new."""
        import torch
        import transformers

        folder, text = judge(), "the film is awful " * 30
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        said = tokenizer("very bad", add_special_tokens=False)["input_ids"]
        room = 64 - 3 - len(said)
        step = room - room // 2
        total, seen = torch.zeros(3), 0
        for start in range(0, len(ids) - room // 2, step):
            window = ids[start : start + room]
            row = [2, *window, 3, *said, 3]
            types = [0] * (2 + len(window)) + [1] * (1 + len(said))
            new = start + len(window) - seen
            seen += new
            with torch.inference_mode():
                logits = model(torch.tensor([row]), token_type_ids=torch.tensor([types])).logits[0]
            total += new / len(ids) * logits
        assert seen == len(ids) == 120
        expected = float(torch.stack([total[0], total[2]]).softmax(-1)[1])
        record = one(text, folder, labels=["very bad"], template="{}")
        assert record["score"] == pytest.approx(expected, abs=1e-5)

    @pytest.mark.parametrize("family", ["bert", "bart"])
    def test_what_stands_far_behind_counts(self, judge, family):
        texts = ["good film " * 250 + end for end in ("good", "awful plot " * 100)]
        first, second = ask(texts, judge(family))
        assert scores(first) != pytest.approx(scores(second), abs=1e-4)

    def test_a_label_may_be_longer_than_another(self, judge):
        """Its windows are shorter, then, and more."""
        labels = ["bad", "not very good and not very bad " * 5]
        text = "i love the film " * 40
        both = scores(one(text, judge(), labels=labels, multi_label=True, template="{}"))
        for label in labels:
            alone = one(text, judge(), labels=[label], template="{}")
            assert both[label.strip()] == pytest.approx(alone["score"], abs=1e-5)

    def test_a_label_that_leaves_no_room_is_a_usage_error(self, judge):
        with pytest.raises(UsageError, match="has 7 tokens too many: a window has 64, of which 16"):
            one("good", judge(), labels=["bad " * 52], template="{}")


def test_a_text_that_spells_an_end_of_text_shares_a_batch(judge):
    """BART reads the last one of as many as all rows have."""
    texts = ["good </s> bad", "good", "</s></s>", "the film"]
    for record, text in zip(ask(texts, judge("bart")), texts, strict=True):
        assert scores(record) == pytest.approx(scores(one(text, judge("bart"))), abs=1e-5)


def test_a_tokenizer_in_python_does_as_well(tmp_path):
    """BERTweet and PhoBERT have no fast tokenizer."""
    import torch
    import transformers

    (tmp_path / "vocab.txt").write_text("th@@ 1\ne 1\ngood 1\nfilm 1\nbad 1\n")
    (tmp_path / "bpe.codes").write_text("t h 1\n#version\n")
    tokenizer = transformers.PhobertTokenizer(
        str(tmp_path / "vocab.txt"), str(tmp_path / "bpe.codes"), model_max_length=40
    )
    torch.manual_seed(7)
    config = transformers.RobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=42,
        initializer_range=0.6,
        id2label=dict(enumerate(INFERENCE)),
        label2id={name: i for i, name in enumerate(INFERENCE)},
    )
    transformers.RobertaForSequenceClassification(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    labels = ["bad film", "good"]
    pipe = pipeline(str(tmp_path))
    theirs = pipe("good film", candidate_labels=labels, hypothesis_template="{}")
    same(one("good film", str(tmp_path), labels=labels, template="{}"), theirs)
    texts = ["good film " * 40 + end for end in ("good", "bad " * 9)]
    first, second = ask(texts, str(tmp_path), labels=labels, template="{}")
    assert scores(first) != pytest.approx(scores(second), abs=1e-4)


@pytest.mark.parametrize("case", PUBLISHED, ids=lambda case: ",".join(case["labels"]))
def test_published_scores_of_the_standard_checkpoint(case, standard_checkpoint):
    options = {"labels": case["labels"], "multi_label": case["multi_label"]}
    record = one(case["text"], standard_checkpoint(TASK.standard), **options)
    assert list(scores(record)) == list(case["scores"])
    assert scores(record) == pytest.approx(case["scores"], abs=case["tolerance"])


class TestWhatCannotBe:
    @pytest.mark.parametrize(
        "classes",
        [("NEGATIVE", "POSITIVE"), ("entailment",), ("no_entailment", "neutral", "contradiction")],
        ids=" ".join,
    )
    def test_a_model_that_does_not_know_inference(self, judge, classes):
        with pytest.raises(UnfitModelError, match=f"its classes are {classes[0]}") as refused:
            one("good", judge(classes=classes))
        assert "facebook/bart-large-mnli" in refused.value.hint

    def test_a_text_without_a_token(self, judge):
        record, sound = ask(["\u0301", "good"], judge())
        assert record["error"]["message"] == "nothing in it is text to the model"
        assert record["label"] is record["scores"] is None
        assert sound["label"]

    def test_numbers_that_overflow(self):
        import numpy as np

        class Half:
            dtype = "torch.float16"

        from tfcli.core.task import Loaded

        row = Row({"input_ids": [1]}, Window(None, 0, 1, 1, slice(0, 1), None))
        options = ClassifyOptions(labels=("a",))
        nan = np.array([np.nan, 0, 0])
        found = TASK.postprocess(Example(0, {"text": "a"}), [row], [nan], Loaded(Half()), options)
        assert isinstance(found, Failure)
        assert found.type == "overflow"


def test_the_more_labels_the_fewer_texts_at_a_time():
    assert TASK.window(ClassifyOptions(labels=("a,b,c,d",))) == 128
    assert TASK.window(ClassifyOptions(labels=tuple(map(str, range(999))))) == 1


def test_on_the_command_line(tfcli, judge):
    arguments = ("-m", judge(), "--labels", r"good\, great,bad", "-f", "csv")
    status, out, err = tfcli("classify", *arguments, stdin="the film\n\n[bold] 深度\n".encode())
    assert (status, err) == (0, "")
    first, second = csv.DictReader(io.StringIO(out))
    record = one("the film", judge(), labels=["good, great", "bad"])
    assert first["label"] == record["label"]
    assert [s["score"] for s in json.loads(first["scores"])] == pytest.approx(
        list(scores(record).values()), abs=1e-5
    )
    assert second["text"] == "[bold] 深度"
