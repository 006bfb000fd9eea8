"""``tfcli qa``: the words of a context that answer a question. Any extractive model will do.

Scores are those of the question-answering pipeline of transformers 4.57, which version 5 removed.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Annotated, Any, NamedTuple

from tfcli.core.task import Example, Failure, Field, Flag, Loaded, Record, Row
from tfcli.errors import UnfitModelError
from tfcli.models.windows import PairWindow, pair_windows

UNANSWERED = 11
"""The exit status of ``--require-answer``."""

CHARACTER = 64
"""Code points that no character as people see it exceeds."""

LEAST_ROOM = 16
"""Tokens of the context that a window shall have room for beside the question."""


@dataclass(frozen=True, slots=True)
class QaOptions:
    """What ``tfcli qa`` takes; the numbers are the pipeline's."""

    top_k: Annotated[int | None, Flag("Also give the N best answers, as 'answers'.", min=1)] = None
    max_answer_len: Annotated[int, Flag("The longest answer, in tokens.", min=1)] = 15
    max_seq_len: Annotated[
        int, Flag("The longest window, question included, in tokens.", min=32)
    ] = 384
    stride: Annotated[int, Flag("Tokens that a window shares with the one before.", min=0)] = 128
    align_to_words: Annotated[bool, Flag("Widen answers to whole words.")] = False
    no_answer: Annotated[
        bool, Flag('Answer "" where that is likeliest (for models that know SQuAD 2).')
    ] = False
    require_answer: Annotated[
        bool, Flag("Exit with status 11 if a question has no answer (with --no-answer).")
    ] = False


class Span(NamedTuple):
    """A candidate: the characters ``start`` to ``end``, half open."""

    start: int
    end: int
    score: float


class Qa:
    """Find answers in contexts, in long ones window by window."""

    name = "qa"
    summary = "Answer questions with the words of a context."
    examples = (
        'tfcli qa "Who wrote it?" --context "The letter is by Ada."',
        'tfcli qa "Who wrote it?" "When?" < letter.txt',
        "tfcli qa -i questions.csv -c context=paragraph -o answers.csv",
    )
    fields = (Field("question"), Field("context", whole=True, repeated=False))
    options_type = QaOptions
    standard = "distilbert/distilbert-base-cased-distilled-squad@564e9b5"

    def columns(self, options: QaOptions) -> tuple[str, ...]:
        """The best answer, its score and its place; more answers on demand."""
        best = ("answer", "score", "start", "end")
        return best if options.top_k is None else (*best, "answers")

    def auto_model(self, config: Any, options: QaOptions) -> str:
        """A span head."""
        return "AutoModelForQuestionAnswering"

    def preprocess(
        self, examples: Sequence[Example], loaded: Loaded, options: QaOptions
    ) -> list[list[Row] | Failure]:
        """The windows of each context, each with the question.

        Raises:
            UnfitModelError: the tokenizer does not say which characters a token is.
        """
        tokenizer = loaded.tokenizer
        if not tokenizer.is_fast:
            raise UnfitModelError(
                "The model's tokenizer is a slow one: answers would have no place."
            )
        longest = min(options.max_seq_len, loaded.max_length)
        longest -= tokenizer.num_special_tokens_to_add(pair=True)
        asked = tokenizer([e.fields["question"] for e in examples], add_special_tokens=False)
        prepared: list[list[Row] | Failure] = []
        for example, ids in zip(examples, asked["input_ids"], strict=True):
            room = longest - len(ids)
            if room < min(LEAST_ROOM, longest // 2):
                most = longest - min(LEAST_ROOM, longest // 2)
                message = f"the question has {len(ids)} tokens, and {most} is the most here"
                prepared.append(Failure("too_long", message))
            else:
                overlap = min(options.stride, room // 2)
                texts = example.fields["question"], example.fields["context"]
                prepared.append(list(pair_windows(*texts, loaded, options.max_seq_len, overlap)))
        return prepared

    def forward(self, model: Any, batch: Mapping[str, Any], options: QaOptions) -> Sequence[Any]:
        """The start and end logits of each row."""
        import torch

        known = signature(model.forward).parameters  # not every family knows token_type_ids
        output = model(**{name: values for name, values in batch.items() if name in known})
        logits = torch.stack([output.start_logits, output.end_logits], dim=1)  # (row, 2, token)
        return list(logits.float().cpu().numpy())

    def postprocess(
        self,
        example: Example,
        rows: Sequence[Row],
        outputs: Sequence[Any],
        loaded: Loaded,
        options: QaOptions,
    ) -> Record | Failure:
        """The best spans of all windows; what is said in several places is one answer."""
        import numpy as np

        if any(not np.isfinite(logits).all() for logits in outputs):
            dtype = str(loaded.model.dtype).removeprefix("torch.")
            return Failure("overflow", f"the scores overflow in {dtype}; try --dtype float32")
        context = example.fields["context"]
        windows = [row.note for row in rows]
        logs = self.log_probabilities(windows, outputs)
        # Widening may make one answer of several: take more, as many as the pipeline does.
        count = options.top_k or 1
        taken = 2 * count + 10 if options.align_to_words else count
        said: dict[str, list[Span]] = {}
        for window, log in zip(windows, logs, strict=True):
            for first, last, score in _best_pairs(window, log, options.max_answer_len, taken):
                if options.align_to_words:
                    first, last = _whole_words(window, first, last)
                if span := _span(context, window, first, last, score):
                    said.setdefault(context[span.start : span.end].lower(), []).append(span)
        answers = [_answer(context, spans) for spans in said.values()]
        if options.no_answer or options.require_answer or not answers:
            answers.append(
                {"answer": "", "score": _none(windows, logs), "start": None, "end": None}
            )
        answers.sort(key=lambda answer: -answer["score"])
        record = dict(answers[0])
        if options.top_k is not None:
            record["answers"] = answers[: options.top_k]
        return record

    def log_probabilities(self, windows: Sequence[PairWindow], outputs: Sequence[Any]) -> list[Any]:
        """Logits to log probabilities of being the first and the last token, each (2, token).

        One softmax runs over the contexts of all windows and their ``[CLS]``: a window without the
        answer would else be as sure of itself as the one that has it (benchmarks/qa_windows.py).
        """
        import numpy as np

        logits = []
        for window, output in zip(windows, outputs, strict=True):
            possible = window.context.copy()
            if window.cls is not None:
                possible[window.cls] = True
            logits.append(np.where(possible, output[:, : len(possible)], -np.inf))
        peak = np.max([one.max(axis=1) for one in logits], axis=0)[:, None]  # (2, 1)
        total = sum(np.exp(one - peak).sum(axis=1, keepdims=True) for one in logits)  # (2, 1)
        return [one - peak - np.log(total) for one in logits]

    def status(self, record: Record, options: QaOptions) -> int:
        """Ask for status 11 if an answer is required, and there is none."""
        return UNANSWERED if options.require_answer and record["start"] is None else 0


def _best_pairs(
    window: PairWindow, log: Any, longest: int, count: int
) -> Iterator[tuple[int, int, float]]:
    """The ``count`` best first and last tokens of spans of at most ``longest``, best first."""
    import numpy as np

    starts, ends = np.where(window.context, log, -np.inf)  # (token,) each
    longest = min(longest, len(ends))
    padded = np.concatenate([ends, np.full(longest - 1, -np.inf)])
    following = np.lib.stride_tricks.sliding_window_view(padded, longest)  # (token, length)
    scores = (starts[:, None] + following).ravel()
    best = np.argpartition(-scores, min(count, scores.size) - 1)[:count]
    for place in best[np.lexsort((best, -scores[best]))]:
        if np.isfinite(scores[place]):
            first, more = divmod(int(place), longest)
            yield first, first + more, math.exp(scores[place])


def _whole_words(window: PairWindow, first: int, last: int) -> tuple[int, int]:
    """The tokens from the first of a word to the last of a word; a token without one stands."""
    words = window.words
    while words[first] >= 0 and words[first - 1] == words[first] and window.context[first - 1]:
        first -= 1
    while last + 1 < len(words) and words[last] >= 0 and words[last + 1] == words[last]:
        last += 1
    return first, last


def _span(context: str, window: PairWindow, first: int, last: int, score: float) -> Span | None:
    """The characters of tokens, without outer spaces; None if there is nothing else."""
    start, end = int(window.offsets[first, 0]), int(window.offsets[last, 1])
    text = context[start:end]
    if not text.strip():
        return None
    start += len(text) - len(text.lstrip())
    end -= len(text) - len(text.rstrip())
    return Span(*_whole_characters(context, start, end), score)


def _whole_characters(context: str, start: int, end: int) -> tuple[int, int]:
    """Widen a span so that it cuts no character in two: an accent stays with its letter.

    Characters as people see them: the grapheme clusters of Unicode's standard annex 29.
    """
    import regex

    begin = max(0, start - CHARACTER)
    borders = {begin + m.start() for m in regex.finditer(r"\X", context[begin : end + CHARACTER])}
    borders.add(len(context))
    while start not in borders:
        start -= 1
    while end not in borders:
        end += 1
    return start, end


def _answer(context: str, spans: Sequence[Span]) -> Record:
    """One answer of spans that say the same: it stands at the likeliest, and scores their sum."""
    best = max(spans, key=lambda span: span.score)
    return {
        "answer": context[best.start : best.end],
        "score": sum(span.score for span in spans),
        "start": best.start,
        "end": best.end,
    }


def _none(windows: Sequence[PairWindow], logs: Sequence[Any]) -> float:
    """How likely no answer is: as likely as the window says that is surest of having one."""
    none = [
        -math.inf if window.cls is None else float(log[:, window.cls].sum())
        for window, log in zip(windows, logs, strict=True)
    ]
    return math.exp(min(none))


TASK = Qa()
