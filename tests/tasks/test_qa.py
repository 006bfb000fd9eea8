"""Answers: equal to the pipeline of transformers 4.57, with places that are right in any text."""

import hashlib
import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from tfcli import run
from tfcli.core.task import Example, Loaded, Row
from tfcli.errors import UnfitModelError
from tfcli.models.pairs import Tokens, Window
from tfcli.models.registry import starters
from tfcli.tasks.qa import TASK, QaOptions, _best_pairs, log_probabilities

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "qa_pipeline.json").read_text())
PUBLISHED = json.loads((Path(__file__).parents[1] / "reference" / "qa.json").read_text())
STARTER = "starter"
LETTER = "The iron bridge opened on New Year's Day 1781. Thomas Pritchard designed it. "


def ask(question, context, **options):
    return next(run("qa", {"question": question, "context": context}, **options))


def options_of(settings):
    return {
        "top_k": settings.get("top_k", 1),
        "align_to_words": settings["align_to_words"],
        "max_answer_len": settings.get("max_answer_len"),
        "no_answer": settings.get("handle_impossible_answer", False),
    }


@pytest.fixture(scope="module")
def model(answerer):
    return lambda name: "bert-starter" if name == STARTER else answerer(name)


class TestPipelineOf4:
    """tests/reference/qa_pipeline.py records what is compared here."""

    @pytest.mark.parametrize("name", REFERENCE["sha256"])
    def test_the_models_are_those_that_were_recorded(self, model, name):
        folder = starters()["bert-starter"].folder if name == STARTER else Path(model(name))
        weights = (folder / "model.safetensors").read_bytes()
        assert hashlib.sha256(weights).hexdigest() == REFERENCE["sha256"][name]

    @pytest.mark.parametrize("name", REFERENCE["sha256"])
    def test_contexts_of_one_window_have_the_same_answers_and_scores(self, model, name):
        cases = [c for c in REFERENCE["cases"] if c["model"] == name and not c["long"]]
        assert len(cases) >= 24
        for case in cases:
            record = ask(
                case["question"],
                case["context"],
                model=model(name),
                **options_of(case["settings"]),
            )
            ours, theirs = record["answers"], case["answers"]
            assert [a["answer"] for a in ours] == [a["answer"] for a in theirs], case
            assert [a["score"] for a in ours] == pytest.approx(
                [a["score"] for a in theirs], abs=1e-5
            )
            for our, their in zip(ours, theirs, strict=True):
                none = our["answer"] == ""  # has no place; the pipeline says 0 to 0
                assert (our["start"], our["end"]) == (
                    (None, None) if none else (their["start"], their["end"])
                )

    def test_a_long_context_has_the_same_best_answer_with_a_score_over_all_windows(self):
        """The pipeline's windows are each sure of themselves, and its scores add up to over 1."""
        cases = [c for c in REFERENCE["cases"] if c["long"] and len(c["answers"]) > 2]
        assert cases
        for case in cases:
            record = ask(case["question"], case["context"], **options_of(case["settings"]))
            best = case["answers"][0]
            assert record["answer"] == best["answer"]
            assert (record["start"], record["end"]) == (best["start"], best["end"])
            assert sum(a["score"] for a in case["answers"]) > 1
            assert sum(a["score"] for a in record["answers"]) <= 1


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_500_questions_of_squad_are_answered_as_by_the_pipeline(tmp_path):
    """Installs transformers 4.57 beside; SQUAD names a file in SQuAD's format."""
    if "SQUAD" not in os.environ:
        pytest.skip("SQUAD=… names no file in SQuAD's format, which is not in the repository")
    python = tmp_path / "venv" / "bin" / "python"
    torch = f"torch=={version('torch').partition('+')[0]}"
    script = Path(__file__).parents[1] / "reference" / "qa_pipeline.py"
    for command in (
        [sys.executable, "-m", "venv", tmp_path / "venv"],
        [python, "-m", "pip", "install", "-q", f"transformers=={REFERENCE['transformers']}", torch],
    ):
        subprocess.run(command, check=True)
    command = [python, script, "squad", os.environ["SQUAD"], "500"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    cases = [json.loads(line) for line in lines]
    assert len(cases) == 1000
    for with_words in (False, True):
        some = [case for case in cases if case["settings"]["align_to_words"] == with_words]
        asked = [{"question": case["question"], "context": case["context"]} for case in some]
        for record, case in zip(
            run("qa", asked, **options_of(some[0]["settings"])), some, strict=True
        ):
            assert [a["answer"] for a in record["answers"]] == [
                a["answer"] for a in case["answers"]
            ], case
            assert [a["score"] for a in record["answers"]] == pytest.approx(
                [a["score"] for a in case["answers"]], abs=1e-5
            )
            assert [(a["start"], a["end"]) for a in record["answers"]] == [
                (a["start"], a["end"]) for a in case["answers"]
            ]


@pytest.mark.parametrize("case", PUBLISHED, ids=lambda case: case["question"])
def test_published_answers_come_out_again(case, standard_checkpoint):
    record = ask(case["question"], case["context"], model=standard_checkpoint(TASK.standard))
    assert record["answer"] == case["answer"]
    assert (record["start"], record["end"]) == (case["start"], case["end"])
    assert record["score"] == pytest.approx(case["score"], abs=case["tolerance"])


class TestPlaces:
    @pytest.mark.parametrize(
        "context",
        [
            "安娜住在北京。她的弟弟住在上海，爱吃面条。",
            "Zoë drank cafe\u0301 au lait in Besanc\u0327on.",
            "👩‍👩‍👧 and 🇩🇪 and 👍🏽 live in Paris 🎉",
            "First line.\r\nZoe lives here.\r\n\tThird line.",
            "x" * 900 + " Paris",
            "\ufeffParis\u00a0is\u200ba city",
        ],
    )
    @pytest.mark.parametrize("name", ["bert", "roberta", "albert", STARTER])
    def test_an_answer_is_what_stands_at_its_place(self, model, name, context):
        for options in ({}, {"align_to_words": True}, {"max_seq_len": 32, "stride": 4}):
            record = ask("Where?", context, model=model(name), top_k=20, **options)
            assert record["answers"]
            for answer in record["answers"]:
                said = context[answer["start"] : answer["end"]]
                assert said == answer["answer"] == said.strip() != ""

    def test_no_character_is_cut_in_two(self, model):
        context = "cafe\u0301 👩‍👩‍👧 👍🏽 cafe\u0301"
        for name in ("bert", "roberta", STARTER):
            for answer in ask("film?", context, model=model(name), top_k=50)["answers"]:
                begin, after = context[answer["start"]], context[answer["end"] :][:1]
                assert not {begin, after} & {"\u0301", "\u200d", "🏽"}

    def test_a_character_without_end_is_no_answer_without_end(self):
        """What people call Zalgo text."""
        context = (
            "The key is with Mar" + "\u0301" * 100 + "ia. " + "The rain fell on the roof. " * 20
        )
        assert len(ask("Who has the key?", context)["answer"]) < 200

    @pytest.mark.parametrize("family", ["bert", "roberta", "albert", "llama"])
    def test_words_are_whole_at_the_borders_of_windows_too(self, model, family):
        context = "unbelievable deeplearning interesting filmmaking " * 8
        options = {"align_to_words": True, "top_k": 40, "max_seq_len": 32, "stride": 4}
        for answer in ask("a?", context, model=model(family), **options)["answers"]:
            assert context[answer["start"] - 1 : answer["start"]] in ("", " ")
            assert context[answer["end"] : answer["end"] + 1] in ("", " ")

    def test_words_are_whole_if_so_wished(self, model):
        context = "unbelievable films are deeplearning"
        for answer in ask("a?", context, model=model("bert"), top_k=9, align_to_words=True)[
            "answers"
        ]:
            assert context[answer["start"] - 1 : answer["start"]] in ("", " ")
            assert context[answer["end"] : answer["end"] + 1] in ("", " ")

    def test_no_answer_is_longer_than_wished(self, model):
        answers = ask("a?", "the film is good", model=model("bert"), top_k=30, max_answer_len=2)
        assert max(len(a["answer"].split()) for a in answers["answers"]) == 2


class PaddedRight:
    padding_side = "right"


NOTHING = Tokens(np.zeros(0), np.zeros((0, 2)), np.zeros(0))


def windows_of(count):
    """Windows of four tokens behind ``[CLS]``, each of which shares two with the one before."""
    return [
        Window(NOTHING, 2 * i, 4, 1, slice(1 if i else 0, 3 if i < count - 1 else 4), cls=0)
        for i in range(count)
    ]


class TestManyWindows:
    def test_an_answer_is_found_wherever_it_stands(self):
        filler = "Nothing happened that day, and nobody came to see whether anything would. "
        for before in (0, 30, 90):
            context = filler * before + LETTER + filler * (90 - before)
            record = ask("When did the bridge open?", context)
            assert record["answer"] == "New Year's Day 1781"
            assert record["start"] == context.index("New Year's Day 1781")

    def test_the_score_does_not_depend_on_which_windows_see_the_answer(self):
        filler = "Nothing happened that day, and nobody came to see whether anything would. "
        scores = []
        for before in range(30, 40):
            context = filler * before + LETTER + filler * (70 - before)
            record = ask("When did the bridge open?", context)
            assert "1781" in record["answer"]
            scores.append(record["score"])
        assert min(scores) > 0.5 * max(scores)

    @pytest.mark.parametrize("count", [1, 2, 50])
    def test_each_token_enters_the_softmax_once_and_no_answer_once(self, count):
        """Windows of four tokens that share two; the answer is certain, or that there is none."""
        windows = windows_of(count)
        sure = [np.zeros((2, 5)) for _ in windows]
        sure[0][:, 2] = 30.0
        for place in range(1, count):
            sure[place][:, 0] = 30.0  # these windows are certain that they have none
        logs, none = log_probabilities(windows, sure)
        assert np.exp(logs[0][:, 1]) == pytest.approx([1, 1])
        assert np.exp(none) == pytest.approx(0, abs=1e-6)
        empty = [np.pad(np.full((2, 1), 30.0), ((0, 0), (0, 4))) for _ in windows]
        logs, none = log_probabilities(windows, empty)
        assert np.exp(none) == pytest.approx(1)
        even, none = log_probabilities(windows, [np.zeros((2, 5)) for _ in windows])
        tokens = 2 + 2 * count
        assert np.exp(even[0][0, 0]) == pytest.approx(1 / (tokens + 1))

    @pytest.mark.parametrize(
        "family", ["bert", "roberta", "distilbert", "albert", "xlnet", "llama", "gpt2"]
    )
    def test_many_questions_share_a_batch_and_answer_as_alone(self, model, family):
        asked = [
            {"question": q, "context": c}
            for q in ("film?", "what is great and not very bad?")
            for c in ("the film is great", "i love deep learning " * 12, "good")
        ]
        together = list(run("qa", asked, model=model(family), top_k=3))
        for record, one in zip(together, asked, strict=True):
            alone = ask(**one, model=model(family), top_k=3)
            assert [a["answer"] for a in record["answers"]] == [
                a["answer"] for a in alone["answers"]
            ]
            assert [a["score"] for a in record["answers"]] == pytest.approx(
                [a["score"] for a in alone["answers"]], abs=1e-5
            )


class TestNoAnswer:
    def test_it_is_said_where_it_is_likeliest(self):
        """A model whose [CLS] is the likeliest begin and end."""
        record = self._decoded([[9.0, 1, 2], [9, 1, 2]], QaOptions(no_answer=True, top_k=2))
        assert (record["answer"], record["start"], record["end"]) == ("", None, None)
        assert record["score"] == pytest.approx(0.998, abs=1e-3)
        assert [a["answer"] for a in record["answers"]] == ["", "b"]

    def test_it_is_not_said_unless_asked_for(self):
        record = self._decoded([[9.0, 1, 2], [9, 2, 3]], QaOptions())
        assert record["answer"] == "b"

    def test_the_status_is_11_if_an_answer_is_required(self):
        options = QaOptions(require_answer=True)
        none = self._decoded([[9.0, 1, 2], [9, 2, 1]], options)
        one = self._decoded([[0.0, 1, 2], [0, 2, 3]], options)
        assert TASK.status(none, options) == 11
        assert TASK.status(one, options) == 0
        assert TASK.status(none, QaOptions(no_answer=True)) == 0

    def _decoded(self, logits, options):
        example = Example(0, {"question": "q", "context": "a b"})
        tokens = Tokens(np.array([7, 8]), np.array([[0, 1], [2, 3]]), np.array([0, 1]))
        window = Window(tokens, 0, 2, 1, slice(0, 2), 0)
        row = Row({"input_ids": [1, 7, 8]}, note=window)
        return TASK.postprocess(
            example, [row], [np.array(logits)], Loaded(tokenizer=PaddedRight()), options
        )


class TestPairs:
    def test_they_are_the_best_of_all_that_are_allowed(self):
        rng = np.random.default_rng(3)
        for size, longest, count in ((7, 3, 4), (5, 9, 100), (40, 15, 12), (1, 1, 1)):
            log = rng.normal(size=(2, size))
            own = slice(size // 4, size)
            window = Window(NOTHING, 100, size, 3, own, None)
            every = [
                (100 + first, 100 + last, float(np.exp(log[0, first] + log[1, last])))
                for first in range(own.start, size)
                for last in range(first, min(first + longest, size))
            ]
            expected = sorted(every, key=lambda pair: -pair[2])[:count]
            found = list(_best_pairs([window], [log], longest, count))
            assert [pair[:2] for pair in found] == [pair[:2] for pair in expected]
            assert [p[2] for p in found] == pytest.approx([p[2] for p in expected])


class TestWhatCannotBe:
    def test_a_question_without_room_for_a_context(self, model):
        record = ask("film " * 200, "good", model=model("bert"))
        assert record["error"]["type"] == "too_long"
        assert record["error"]["message"] == (
            "the question has 91 tokens too many: a window has 128, of which 16 are for the context"
        )

    def test_a_context_without_a_token(self, model):
        record = ask("film?", "\u0301\u0301", model=model("bert"))
        assert record["error"]["message"] == "nothing in the context is text to the model"

    def test_a_classifier(self, classifier):
        with pytest.raises(UnfitModelError, match="no qa_outputs"):
            ask("a", "b", model=classifier("bert"))

    def test_a_tokenizer_that_tells_no_offsets(self):
        class Slow:
            is_fast = False

        with pytest.raises(UnfitModelError, match="slow"):
            TASK.preprocess([], Loaded(None, Slow(), None, 9), QaOptions())


class TestSegments:
    def test_a_model_that_tells_question_from_context_is_told(self, answerer):
        """Since transformers 5 ALBERT's tokenizer keeps token_type_ids to itself."""
        import transformers

        for family, told in (("albert", True), ("roberta", False), ("distilbert", False)):
            folder = answerer(family)
            loaded = Loaded(
                None,
                transformers.AutoTokenizer.from_pretrained(folder),
                transformers.AutoConfig.from_pretrained(folder),
                128,
            )
            example = Example(0, {"question": "film", "context": "good"})
            [[row]] = TASK.preprocess([example], loaded, QaOptions())
            assert (1 in row.inputs.get("token_type_ids", ())) == told


def test_the_context_stays_out_of_records():
    assert list(ask("When did it open?", LETTER)) == [
        *("index", "question", "answer", "score", "start", "end")
    ]


class TestStarter:
    def test_the_example_of_the_docs(self):
        context = "Data science should abandon significance and apply machine lerning."
        record = ask("What is the future of data science?", context)
        place = context.index("apply machine lerning")
        assert record["start"] < place + len("apply machine lerning")
        assert record["end"] > place

    @pytest.mark.parametrize(
        ("question", "answer"),
        [("When did the bridge open?", "1781"), ("Who designed the bridge?", "Thomas Pritchard")],
    )
    def test_plain_questions(self, question, answer):
        assert answer in ask(question, LETTER)["answer"]


@pytest.fixture
def silent(answerer, tmp_path):
    """A model that is sure of the first token, which says that there is no answer."""
    import torch
    import transformers

    folder = answerer("bert")
    model = transformers.AutoModelForQuestionAnswering.from_pretrained(folder)
    row = transformers.AutoTokenizer.from_pretrained(folder)("film?", "the film")
    with torch.no_grad():
        inputs = {name: torch.tensor([ids]) for name, ids in row.items()}
        [hidden] = model.bert(**inputs).last_hidden_state  # (position, hidden)
        wanted = torch.tensor([9.0] + [0.0] * (len(hidden) - 1))
        model.qa_outputs.weight.copy_(hidden.pinverse() @ wanted)
    model.save_pretrained(tmp_path / "silent")
    transformers.AutoTokenizer.from_pretrained(folder).save_pretrained(tmp_path / "silent")
    return str(tmp_path / "silent")


class TestCommandLine:
    def test_questions_as_lines_and_the_context_as_a_file(self, tfcli, answerer):
        Path("letter.txt").write_text("the film is great", encoding="utf-8")
        arguments = ("-m", answerer("bert"), "--context-file", "letter.txt", "--keep", "context")
        ended = tfcli("qa", *arguments, stdin=b"film?\ngood?\n")
        records = [json.loads(line) for line in ended.out.splitlines()]
        assert [r["question"] for r in records] == ["film?", "good?"]
        assert all(r["context"][r["start"] : r["end"]] == r["answer"] for r in records)

    def test_a_required_answer_that_is_missing_is_status_11(self, tfcli, silent):
        arguments = ("qa", "film?", "--context", "the film", "-m", silent)
        ended = tfcli(*arguments, "--require-answer")
        assert json.loads(ended.out)["answer"] == ""
        assert ended.status == 11
        ended = tfcli(*arguments)
        assert json.loads(ended.out)["answer"]
        assert ended.status == 0

    def test_a_context_for_all_questions_from_python(self, model):
        records = list(run("qa", ["film?", "good?"], context="the film", model=model("bert")))
        assert [r["question"] for r in records] == ["film?", "good?"]
