"""The worker: one record for each example, whatever batch its rows ran in."""

import threading

import pytest
import torch
from tfcli_shout import ShoutOptions

from tfcli.core.job import PROVENANCE, Job, ModelRef
from tfcli.core.record import only_records
from tfcli.core.task import Example, Failure, Piece, Progress, Row
from tfcli.errors import ResourceError, UnfitModelError
from tfcli.tasks.generate import GenerateOptions
from tfcli.tasks.sentiment import SentimentOptions
from tfcli.worker import Worker

GREEDY = GenerateOptions(greedy=True)


def window(*texts):
    return [Example(i, {"text": text}) for i, text in enumerate(texts)]


@pytest.fixture
def shout():
    return Worker(Job("shout", None, ShoutOptions()))


@pytest.fixture
def sentiment(classifier):
    return Worker(Job("sentiment", ModelRef(classifier(), device="cpu"), SentimentOptions()))


def test_records_come_in_the_order_of_the_examples(shout):
    records = list(shout(window("a bb ccc", "dddd", "e f")))
    assert [r["shouted"] for r in records] == ["A BB CCC", "DDDD", "E F"]
    assert [r["index"] for r in records] == [0, 1, 2]


def test_rows_run_longest_first_within_the_budget(shout):
    seen = []
    forward = shout.task.forward

    class Watched(type(shout.task)):
        def forward(self, loaded, batch, options):
            seen.append([row.inputs["text"] for row in batch.rows])
            return forward(loaded, batch, options)

    shout.task, shout.budget = Watched(), 6
    list(shout(window("a bb ccc", "dddd", "ee f")))
    assert seen == [["dddd"], ["ccc", "bb"], ["ee", "a", "f"]]


def test_it_says_how_far_it_is_before_the_records(shout):
    shout.budget = 6
    progress = list(shout(window("a bb ccc", "dddd", "ee f")))[:3]
    assert progress[:2] == [Progress(1, 6), Progress(3, 6)]
    assert isinstance(progress[2], dict)


def test_a_window_of_one_batch_is_quiet(shout):
    assert len(list(shout(window("a", "b")))) == 2


class TestBeforehand:
    """What a task wants to have run before the rows of a window."""

    @pytest.fixture
    def warming(self, shout):
        class Warming(type(shout.task)):
            def beforehand(self, examples, loaded, options):
                rows = [Row({"text": word}) for word in ("b", "ccc", "a")]
                loaded.cache["first"] = yield rows
                loaded.cache["second"] = yield rows[:1]
                loaded.cache["texts"] = [example.fields["text"] for example in examples]

        shout.task = Warming()
        return shout

    def test_its_rows_run_in_batches_and_it_is_given_their_outputs_in_order(self, warming):
        warming.budget = 3
        events = list(warming(window("d", "", "e")[:1]))
        cache = warming.loaded.cache
        assert (cache["first"], cache["second"]) == (["B", "CCC", "A"], ["B"])
        assert events[0] == Progress(1, 3)
        assert [e["shouted"] for e in events if isinstance(e, dict)] == ["D"]

    def test_only_sound_examples_are_looked_at(self, warming):
        failed = Example(0, {}, failure=Failure("empty", "the text is empty"))
        list(warming([failed, *window("a", "b")[1:]]))
        assert warming.loaded.cache["texts"] == ["b"]
        warming.loaded.cache.clear()
        list(warming([failed]))
        assert not warming.loaded.cache

    def test_it_may_have_nothing_to_run(self, shout):
        class Idle(type(shout.task)):
            def beforehand(self, examples, loaded, options):
                yield from ()

        shout.task = Idle()
        assert [record["shouted"] for record in shout(window("a"))] == ["A"]


class TestFurther:
    """What a task makes of its first outputs runs in batches, too, until there is no more."""

    @pytest.fixture
    def pairing(self, shout):
        class Pairing(type(shout.task)):
            def further(self, example, rows, outputs, loaded, options):
                """Put two and two together, as long as there are two of a length."""
                last = [one for one in outputs if len(one) == max(map(len, outputs))]
                together = ["".join(two) for two in zip(last[::2], last[1::2], strict=False)]
                return [Row({"text": one.lower()}) for one in together]

            def postprocess(self, example, rows, outputs, loaded, options):
                said = [row.inputs["text"].upper() for row in rows]
                assert said == outputs
                return {"shouted": " ".join(outputs), "length": len(rows)}

        shout.task = Pairing()
        return shout

    def test_it_goes_on_round_by_round_each_example_as_long_as_it_wants(self, pairing):
        records = list(only_records(pairing(window("a b c d", "e", "f g"))))
        assert [r["shouted"] for r in records] == ["A B C D AB CD ABCD", "E", "F G FG"]
        assert [r["length"] for r in records] == [7, 1, 3]

    def test_the_rows_of_a_round_share_batches_and_say_how_far_they_are(self, pairing):
        pairing.budget = 4
        events = list(pairing(window("a b", "c d", "e f", "g h")))
        assert events[:2] == [Progress(4, 8), Progress(2, 4)]

    def test_a_failed_example_has_none(self, pairing):
        failed = Example(0, {}, failure=Failure("empty", "the text is empty"))
        first, second = only_records(pairing([failed, *window("x", "a b")[1:]]))
        assert first["error"]["type"] == "empty"
        assert second["shouted"] == "A B AB"


class TestProvenance:
    def test_every_record_says_what_it_was_made_with(self, classifier):
        ref = ModelRef(classifier(), device="cpu", dtype="bfloat16")
        worker = Worker(Job("sentiment", ref, SentimentOptions(), provenance=True))
        broken = Example(0, {}, failure=Failure("empty", "the text is empty"))
        for record in worker([broken, Example(1, {"text": "good"})]):
            said = [record[name] for name in PROVENANCE]
            assert said == [classifier(), None, "bfloat16", "cpu"]

    def test_a_task_without_a_model_says_so(self):
        worker = Worker(Job("shout", None, ShoutOptions(), provenance=True))
        (record,) = worker(window("a"))
        assert {record[name] for name in PROVENANCE} == {None}


class TestAModelThatDoesNotFit:
    def note(self, job):
        with pytest.raises(UnfitModelError) as caught:
            Worker(job)
        return getattr(caught.value, "__notes__", [])

    def test_is_told_what_it_fits(self, classifier):
        name = classifier()
        (said,) = self.note(Job("generate", ModelRef(name, device="cpu"), GREEDY))
        assert said.startswith(f"{name} fits: tfcli ")
        fit = said.partition("fits: ")[2].rstrip(".").split(", ")
        assert "tfcli sentiment" in fit
        assert not {"tfcli generate", "tfcli qa"} & set(fit)

    def test_is_not_told_the_task_that_has_just_refused_it(self, writer, monkeypatch):
        """A task may refuse a model of the right class for another reason."""

        def refuses(task, config, options):
            raise UnfitModelError("not this one")

        generate = Worker(Job("generate", ModelRef(writer(), device="cpu"), GREEDY)).task
        monkeypatch.setattr(type(generate), "auto_model", refuses)
        (said,) = self.note(Job("generate", ModelRef(writer(), device="cpu"), GREEDY))
        assert "tfcli next" in said
        assert "tfcli generate" not in said


def test_a_failed_example_keeps_its_place_and_the_others_are_answered(shout):
    broken = Example(1, {}, file="a.csv", line=3, failure=Failure("empty", "the text is empty"))
    first, _, third = window("a", "", "c")
    assert list(shout([first, broken, third]))[1] == {
        "index": 1,
        "text": None,
        "shouted": None,
        "length": None,
        "error": {
            "type": "empty",
            "message": "the text is empty",
            "file": "a.csv",
            "line": 3,
        },
    }


def test_a_task_may_fail_an_example_itself(shout):
    first, second = shout(window("too long", "a"))
    assert first["error"]["type"] == "too_long"
    assert second["shouted"] == "A"


def test_a_window_of_failures_runs_no_model(shout, monkeypatch):
    monkeypatch.setattr(type(shout.task), "preprocess", None)
    broken = Example(0, {}, failure=Failure("empty", "the text is empty"))
    (record,) = shout([broken])
    assert record["error"]["type"] == "empty"


def test_an_empty_window_has_no_records(shout):
    assert list(shout([])) == []


class TestOutOfMemory:
    """A model that holds only so many tokens at a time."""

    @pytest.fixture
    def small(self, sentiment, monkeypatch):
        def shrink(tokens, error):
            forward = type(sentiment.loaded.model).forward

            def limited(model, input_ids, **inputs):
                if input_ids.numel() > tokens:
                    raise error
                return forward(model, input_ids=input_ids, **inputs)

            monkeypatch.setattr(type(sentiment.loaded.model), "forward", limited)
            return sentiment

        return shrink

    TEXTS = window(*["the film is great"] * 40, *["good"] * 40, "a film " * 25)

    @pytest.mark.parametrize(
        "error",
        [
            torch.OutOfMemoryError("CUDA out of memory."),
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: 8 bytes"),
            MemoryError(),
        ],
        ids=["cuda", "cpu", "python"],
    )
    def test_the_batch_is_halved_and_the_run_goes_on(self, small, sentiment, caplog, error):
        expected = list(only_records(sentiment(self.TEXTS)))
        found = list(only_records(small(100, error)(self.TEXTS)))
        assert [r["label"] for r in found] == [r["label"] for r in expected]
        assert [r["score"] for r in found] == pytest.approx(
            [r["score"] for r in expected], abs=1e-5
        )
        assert 50 <= sentiment.budget <= 100
        assert 1 <= caplog.text.count("Out of memory: going on with batches of") <= 8

    def test_one_row_that_does_not_fit_ends_the_run(self, small):
        with pytest.raises(ResourceError, match="one row of 52 tokens") as failed:
            list(small(10, torch.OutOfMemoryError("out of memory"))(self.TEXTS))
        assert failed.value.status == 6

    def test_another_error_is_not_mistaken_for_it(self, small):
        with pytest.raises(RuntimeError, match="shapes"):
            list(small(10, RuntimeError("shapes differ"))(self.TEXTS))


class TestStreaming:
    """A text that is alone in its window is given as it is made."""

    @pytest.fixture
    def telling(self, shout):
        """A task that says its word letter by letter, and what became of it."""

        class Telling(type(shout.task)):
            error = None
            threads = ()
            told = 0
            done = threading.Event()

            def forward(self, loaded, batch, options):
                self.threads = (*self.threads, threading.current_thread())
                (word,) = [row.inputs["text"] for row in batch.rows]
                if batch.emit:
                    batch.emit(f"{word}: ", True)
                    batch.emit("", False)
                    try:
                        for letter in word.upper():
                            batch.emit(letter, False)
                            self.told += 1
                    finally:
                        self.done.set()
                if self.error:
                    raise self.error
                return [word.upper()]

        shout.task, shout.stream = Telling(), True
        return shout

    PIECES = (Piece(0, "dog: ", True), *(Piece(0, letter, False) for letter in "DOG"))

    def test_pieces_come_before_the_record_and_empty_ones_not_at_all(self, telling):
        *pieces, record = telling(window("dog"))
        assert pieces == list(self.PIECES)
        assert record["shouted"] == "DOG"

    def test_the_record_is_the_same_as_without_them(self, telling):
        *_, streamed = telling(window("dog"))
        telling.stream = False
        assert list(telling(window("dog"))) == [streamed]

    def test_pieces_say_whose_they_are(self, telling):
        *pieces, record = telling([Example(7, {"text": "dog"})])
        assert {piece.index for piece in pieces} == {record["index"]} == {7}

    def test_two_texts_or_two_rows_of_one_are_given_whole(self, shout):
        shout.stream = True
        for texts in [("a", "b"), ("a b",)]:
            assert not any(isinstance(one, Piece) for one in shout(window(*texts)))

    def test_beside_a_failure_a_text_is_not_alone(self, telling):
        broken = Example(0, {}, failure=Failure("empty", "the text is empty"))
        first, second = telling([broken, Example(1, {"text": "dog"})])
        assert "error" in first
        assert second["shouted"] == "DOG"

    def test_a_failure_alone_has_no_pieces(self, telling):
        (record,) = telling(window("too long"))
        assert record["error"]["type"] == "too_long"

    def test_a_task_that_does_not_stream_is_not_asked_to(self):
        assert not Worker(Job("shout", None, ShoutOptions(), stream=True)).stream

    def test_a_reader_who_goes_ends_it(self, telling):
        events = telling(window("dog" * 1_000_000))
        assert [next(events), next(events)][1] == Piece(0, "D", False)
        events.close()  # without a wait for the thread
        assert telling.task.done.wait(10)
        assert 1 <= telling.task.told < 3_000_000
        telling.task.threads[0].join(10)
        assert not telling.task.threads[0].is_alive()

    def test_the_next_text_is_told_as_if_nothing_was(self, telling):
        events = telling(window("cat"))
        next(events)
        events.close()
        *pieces, _ = telling(window("dog"))
        assert pieces == list(self.PIECES)

    def test_it_works_in_a_thread_and_leaves_none(self, telling):
        list(telling(window("dog")))
        (worked,) = telling.task.threads
        assert worked is not threading.current_thread()
        worked.join(10)
        assert not worked.is_alive()

    @pytest.mark.parametrize("error", [RuntimeError("shapes differ"), ValueError("no")], ids=repr)
    def test_an_error_comes_out_where_the_pieces_did(self, telling, error):
        telling.task.error = error
        events = telling(window("dog"))
        assert [next(events) for _ in range(4)] == list(self.PIECES)
        with pytest.raises(type(error), match=str(error)):
            next(events)

    @pytest.mark.parametrize(
        "error", [torch.OutOfMemoryError("CUDA out of memory."), MemoryError()], ids=repr
    )
    def test_out_of_memory_is_said_in_our_words(self, telling, error):
        telling.task.error = error
        with pytest.raises(ResourceError, match="one row of 3 tokens") as failed:
            list(telling(window("dog")))
        assert failed.value.status == 6

    def test_a_model_that_writes_streams(self, speaker):
        ref = ModelRef(speaker("你好 😀."), device="cpu")
        worker = Worker(Job("generate", ref, GREEDY, stream=True))
        *pieces, record = worker([Example(0, {"prompt": "x"})])
        assert [piece.text for piece in pieces] == list("x你好 😀.")
        assert [piece.given for piece in pieces] == [True, *[False] * 5]
        assert record["text"] == "x你好 😀."

    @pytest.mark.parametrize(
        "options", [{"num_beams": 2}, {"num_return_sequences": 2, "seed": 1}], ids=str
    )
    def test_beams_and_several_texts_are_given_whole(self, writer, options):
        ref = ModelRef(writer(), device="cpu")
        worker = Worker(Job("generate", ref, GenerateOptions(**options), stream=True))
        (record,) = worker([Example(0, {"prompt": "a"})])
        assert record["text"]

    def test_a_model_is_ended_at_its_next_token(self, speaker):
        worker = Worker(
            Job("generate", ModelRef(speaker("x" * 60), device="cpu"), GREEDY, stream=True)
        )
        asked = []
        worker.loaded.model.register_forward_hook(lambda *_: asked.append(1))
        events = worker([Example(0, {"prompt": "x"})])
        next(events)
        next(events)
        events.close()
        assert len(asked) < 60
