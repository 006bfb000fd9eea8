"""Entities: equal to the pipeline, whole on long texts, with places that are right."""

import csv
import io
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from tfcli import run
from tfcli.core.task import Example, Failure, Loaded, Row
from tfcli.errors import UnfitModelError, UsageError
from tfcli.models.pairs import Tokens, Window
from tfcli.models.tagging import STRATEGIES
from tfcli.tasks.ner import TASK, NerOptions

PUBLISHED = json.loads((Path(__file__).parents[1] / "reference" / "ner.json").read_text())
LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
TEXTS = [
    "the film is great",
    "i hate it, very bad plot! 42",
    "good",
    "unbelievable filmmaking by Zoë, 深度 😀",
]
SEGMENTS_UNSAID = ("albert", "xlnet")
"""Families whose tokenizers keep segments to themselves since transformers 5; models have them."""
ALL = {"aggregation": "none", "ignore": [""]}
WORDS = ["the", "film", "is", "great", "good", "bad", "plot", "love", "deep", "learning", "hate"]


@pytest.fixture(scope="session")
def tagger(reader):
    """The folder of a tiny random model that labels tokens."""

    def folder(family="bert", labels=LABELS, **config):
        names = {"id2label": dict(enumerate(labels))}
        names["label2id"] = {name: i for i, name in enumerate(labels)}
        return reader(family, head="TokenClassification", **names, **config)

    return folder


@pytest.fixture(scope="session")
def blind(tagger, tmp_path_factory):
    """The folder of a model that labels a token by itself, whatever stands around it."""
    folder = str(tmp_path_factory.mktemp("blind"))
    source = tagger("bert", labels=("O", "PER", "LOC", "ORG", "MISC"))
    model = transformers.AutoModelForTokenClassification.from_pretrained(source)
    with torch.no_grad():
        model.bert.embeddings.position_embeddings.weight.zero_()
        for layer in model.bert.encoder.layer:
            layer.attention.output.dense.weight.zero_()
            layer.attention.output.dense.bias.zero_()
    model.save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(source).save_pretrained(folder)
    return folder


def pipeline(folder, family="bert", **options):
    pipe = transformers.pipeline("token-classification", model=folder, device="cpu", **options)
    if family in SEGMENTS_UNSAID:
        pipe.tokenizer.model_input_names = [*pipe.tokenizer.model_input_names, "token_type_ids"]
    return pipe


def ask(texts, folder, **options):
    return list(run("ner", texts, model=folder, **options))


def one(text, folder, **options):
    (record,) = ask([text], folder, **options)
    return record["entities"]


def theirs(found, text):
    """The pipeline's entities, without outer spaces; those that are nothing but spaces left out."""
    entities = []
    for entity in found:
        said = text[entity["start"] : entity["end"]]
        if said.strip():
            start = entity["start"] + len(said) - len(said.lstrip())
            name = entity.get("entity_group") or entity["entity"]
            entities.append((name, start, start + len(said.strip()), float(entity["score"])))
    return entities


def ours(entities):
    return [(e["entity"], e["start"], e["end"], e["score"]) for e in entities]


def same(entities, expected):
    assert [one[:3] for one in ours(entities)] == [one[:3] for one in expected]
    assert [e["score"] for e in entities] == pytest.approx([one[3] for one in expected], abs=1e-5)


@pytest.mark.filterwarnings("ignore:Tokenizer does not support real words")
class TestThePipeline:
    @pytest.mark.parametrize(
        "family", ["bert", "roberta", "xlm-roberta", "albert", "deberta", "xlnet"]
    )
    def test_entities_are_those_of_the_pipeline(self, tagger, family):
        """And so a batch equals single texts: the pipeline has one row at a time."""
        folder = tagger(family)
        pipe = pipeline(folder, family)
        for strategy in STRATEGIES:
            records = ask(TEXTS, folder, aggregation=strategy, ignore=[""])
            for text, record in zip(TEXTS, records, strict=True):
                assert list(record) == ["index", "text", "entities"]
                found = pipe(text, aggregation_strategy=strategy, ignore_labels=[])
                same(record["entities"], theirs(found, text))

    @pytest.mark.parametrize(
        ("strategy", "ignored"),
        [("simple", ["O"]), ("simple", ["PER"]), ("none", ["O"]), ("none", ["B-PER", "O"])],
    )
    def test_labels_are_ignored_as_by_the_pipeline(self, tagger, strategy, ignored):
        pipe = pipeline(tagger())
        options = {} if ignored == ["O"] else {"ignore": ignored}
        records = ask(TEXTS, tagger(), aggregation=strategy, **options)
        for text, record in zip(TEXTS, records, strict=True):
            found = pipe(text, aggregation_strategy=strategy, ignore_labels=ignored)
            same(record["entities"], theirs(found, text))

    @pytest.mark.parametrize("strategy", ["simple", "first", "average", "max"])
    def test_long_texts_have_those_of_the_pipeline_with_a_stride(self, blind, strategy):
        """Where it does not matter in which window a token is judged, and entities are short."""
        words = np.random.default_rng(5).choice(WORDS, 300)
        labels = {e["word"]: e["entity"] for e in one(" ".join(WORDS), blind, **ALL)}
        words[::12] = WORDS[0]
        words[6::12] = next(word for word in WORDS if labels[word] != labels[WORDS[0]])
        text = " ".join(words)
        pipe = pipeline(blind, aggregation_strategy=strategy, stride=16)
        same(one(text, blind, aggregation=strategy, stride=16), theirs(pipe(text), text))

    @pytest.mark.parametrize("family", ["bert", "roberta", "albert"])
    def test_what_one_window_reads_is_that_of_the_pipelines_window(self, tagger, family):
        """Where it matters they differ; what touches no shared token is the same."""
        folder, stride = tagger(family), 16
        text = " ".join(np.random.default_rng(5).choice(WORDS, 300))
        pipe = pipeline(folder, family, aggregation_strategy="simple", stride=stride)
        offsets = pipe.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)[
            "offset_mapping"
        ]
        step = 62 - stride
        starts = range(step, len(offsets) - stride, step)
        zones = [(offsets[start][0], offsets[start + stride - 1][1]) for start in starts]
        assert len(zones) > 3

        def lonely(entities):
            return [e for e in entities if all(e[2] < a or e[1] > b for a, b in zones)]

        expected = lonely(theirs(pipe(text), text))
        found = lonely(ours(one(text, folder, stride=stride)))
        assert len(expected) > 10
        assert [e[:3] for e in found] == [e[:3] for e in expected]
        assert [e[3] for e in found] == pytest.approx([e[3] for e in expected], abs=1e-5)


class TestLongTexts:
    @pytest.mark.parametrize("strategy", ["none", "first"])
    @pytest.mark.parametrize("stride", [0, 7, 500])
    def test_nothing_is_lost_and_nothing_doubled(self, tagger, strategy, stride):
        text = " ".join(np.random.default_rng(3).choice([*WORDS, "unbelievable"], 250))
        found = one(text, tagger(), aggregation=strategy, stride=stride, ignore=[""])
        assert "".join(e["word"] for e in found).replace(" ", "") == text.replace(" ", "")
        assert all(a["end"] <= b["start"] for a, b in pairwise(found))

    def test_an_entity_longer_than_what_windows_share_is_one(self, blind):
        """The pipeline has several, and keeps the longer of two that share a token."""
        labelled = one(" ".join(WORDS), blind, aggregation="none")
        text = f"{labelled[0]['word']} " * 200
        (entity,) = one(text, blind, stride=4)
        assert (entity["start"], entity["end"]) == (0, len(text.strip()))

    def test_a_token_is_judged_where_most_stands_around_it(self, tagger):
        """As alone in the middle of a window."""
        rng = np.random.default_rng(4)
        text = " ".join(rng.choice(WORDS, 150))
        found = one(text, tagger(), **ALL, stride=30)
        words = text.split()
        middle = " ".join(words[32 : 32 + 62])  # the second of the windows
        expected = one(middle, tagger(), **ALL)
        for place in (15, 31, 46):  # of its own
            assert found[32 + place]["score"] == pytest.approx(expected[place]["score"], abs=1e-5)


class TestPlaces:
    @pytest.mark.parametrize("strategy", ["none", "simple", "first"])
    @pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta"])
    def test_a_word_is_what_stands_at_its_place(self, tagger, family, strategy):
        """And no character is cut in two."""
        texts = [
            "安娜住在北京。她的弟弟住在上海，爱吃面条。",
            "Zoë drank cafe\u0301 au lait in Besanc\u0327on.",
            "👩‍👩‍👧 and 🇩🇪 and 👍🏽 live in Paris 🎉",
            "First line.\r\nZoe lives here.\r\n\tThird line.",
            "\ufeffParis\u00a0is\u200ba city",
        ]
        for record in ask(texts, tagger(family), aggregation=strategy, ignore=[""]):
            assert record["entities"]
            for entity in record["entities"]:
                said = record["text"][entity["start"] : entity["end"]]
                assert said == entity["word"] == said.strip() != ""
                after = record["text"][entity["end"] :][:1]
                assert not {said[0], after} & {"\u0301", "\u0327", "\u200d", "🏽"}

    def test_chinese_characters_are_words_of_their_own(self, tagger):
        found = one("深度学习", tagger(), **ALL)
        assert [(e["word"], e["start"], e["end"]) for e in found] == [
            *(("深", 0, 1), ("度", 1, 2), ("学", 2, 3), ("习", 3, 4))
        ]

    def test_a_word_is_spelled_as_in_the_text(self, tagger):
        """The pipeline's is made of tokens: lowercase, ``o'brien`` in three words."""
        found = one("GREAT O'Brien", tagger(), aggregation="first", ignore=[""])
        assert "".join(e["word"] for e in found).replace(" ", "") == "GREATO'Brien"


class TestOptions:
    def test_a_threshold_leaves_out_what_scores_below_it(self, tagger):
        found = one(TEXTS[3], tagger(), **ALL)
        middle = sorted(e["score"] for e in found)[len(found) // 2]
        kept = one(TEXTS[3], tagger(), **ALL, threshold=middle)
        assert kept == [e for e in found if e["score"] >= middle]
        assert 0 < len(kept) < len(found)

    def test_a_label_that_is_ignored_must_exist(self, tagger):
        with pytest.raises(UsageError, match="--ignore MISC: the model has no such label") as bad:
            one("good", tagger(), ignore=["MISC"])
        assert bad.value.hint == "Its labels are O, PER, LOC."
        with pytest.raises(UsageError, match="--ignore PER") as bad:
            one("good", tagger(), ignore=["PER"], aggregation="none")
        assert bad.value.hint == "Its labels are O, B-PER, I-PER, B-LOC, I-LOC."

    def test_a_model_needs_no_o(self, tagger):
        folder = tagger(labels=("NOUN", "VERB"))
        assert {e["entity"] for e in one(TEXTS[3], folder)} <= {"NOUN", "VERB"}
        assert one("good", folder, aggregation="none")[0]["word"] == "good"


@pytest.mark.parametrize(
    "case", PUBLISHED, ids=lambda case: f"{case['aggregation']} {case['text']}"
)
def test_published_entities_of_the_standard_checkpoint(case, standard_checkpoint):
    folder = standard_checkpoint(TASK.standard)
    found = one(case["text"], folder, aggregation=case["aggregation"])
    assert [{**e, "score": 0} for e in found] == [{**e, "score": 0} for e in case["entities"]]
    expected = [e["score"] for e in case["entities"]]
    assert [e["score"] for e in found] == pytest.approx(expected, abs=case["tolerance"])


class TestWhatCannotBe:
    def test_a_classifier_of_whole_texts(self, reader):
        """Its head has the same name and size: nothing else would stop it."""
        folder = reader("bert", head="SequenceClassification", num_labels=5)
        with pytest.raises(UnfitModelError, match="is a BertForSequenceClassification") as refused:
            one("good", folder)
        assert "dslim/bert-base-NER" in refused.value.hint

    def test_the_starter(self):
        with pytest.raises(UnfitModelError, match="does not label tokens"):
            one("good", "bert-starter")

    def test_a_tokenizer_that_tells_no_offsets(self):
        class Slow:
            is_fast = False

        with pytest.raises(UnfitModelError, match="slow"):
            TASK.preprocess([], Loaded(None, Slow(), None, 9), NerOptions())

    def test_a_text_without_a_token(self, tagger):
        record, sound = ask(["\u0301", "good"], tagger())
        assert record["error"]["message"] == "nothing in it is text to the model"
        assert record["entities"] is None
        assert sound["entities"] is not None

    def test_numbers_that_overflow(self):
        class Half:
            dtype = "torch.float16"

        class PaddedRight:
            padding_side = "right"

        tokens = Tokens(np.array([7]), np.array([[0, 1]]), np.array([0]))
        row = Row({"input_ids": [7]}, Window(tokens, 0, 1, 0, slice(0, 1), None))
        loaded = Loaded(Half(), PaddedRight())
        nan = np.array([[np.nan], [0.0]])
        found = TASK.postprocess(Example(0, {"text": "a"}), [row], [nan], loaded, NerOptions())
        assert isinstance(found, Failure)
        assert found.type == "overflow"


class TestFormats:
    def test_csv_has_a_line_for_each_entity(self, tfcli, tagger):
        texts = [TEXTS[0], "", TEXTS[1]]
        rows = "id,text\n" + "".join(f'{i},"{text}"\n' for i, text in enumerate(texts))
        arguments = ("-m", tagger(), "--ignore", "", "--keep", "id", "-f", "csv")
        ended = tfcli("ner", "-i", "-", "--input-format", "csv", *arguments, stdin=rows.encode())
        assert ended.status == 3
        lines = list(csv.DictReader(io.StringIO(ended.out)))
        assert list(lines[0]) == ["index", "id", "entity", "word", "score", "start", "end", "error"]
        first, third = (one(text, tagger(), ignore=[""]) for text in (texts[0], texts[2]))
        assert [line["word"] for line in lines if not line["error"]] == [
            e["word"] for e in (*first, *third)
        ]
        (failed,) = (line for line in lines if line["error"])
        assert (failed["index"], failed["word"]) == ("1", "")

    def test_plain_has_what_can_be_counted(self, tfcli, tagger):
        ended = tfcli("ner", TEXTS[0], "-m", tagger(), "--ignore", "", "-f", "plain")
        found = one(TEXTS[0], tagger(), ignore=[""])
        assert ended == (0, "".join(f"{e['entity']}\t{e['word']}\n" for e in found), "")
