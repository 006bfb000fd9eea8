"""``tfcli qa``: the words of a context that answer a question. Any extractive model will do.

Scores are those of the question-answering pipeline of transformers 4.57, which version 5 removed.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

from tfcli.core.task import Batch, Example, Failure, Field, Flag, Loaded, Record, Row
from tfcli.errors import UnfitModelError
from tfcli.models.graphemes import whole_characters
from tfcli.models.pairs import Tokens, Window, pair_windows, unpadded

UNANSWERED = 11
"""The exit status of ``--require-answer``."""

_SPACE = re.compile(r"\s")

LEAST_ROOM = 16
"""Tokens of the context that a window shall have room for beside the question."""


@dataclass(frozen=True, slots=True)
class QaOptions:
    """What ``tfcli qa`` takes; the numbers are the pipeline's."""

    top_k: Annotated[int | None, Flag("Also give the N best answers, as 'answers'.", min=1)] = None
    max_answer_len: Annotated[int, Flag("The longest answer, in tokens.", min=1)] = 15
    max_seq_len: Annotated[
        int, Flag("Tokens of a window, question included; the model may read fewer.", min=32)
    ] = 384
    stride: Annotated[
        int, Flag("Tokens that a window shares with the one before; half of it at most.", min=0)
    ] = 128
    align_to_words: Annotated[bool, Flag("Widen answers to whole words.")] = False
    no_answer: Annotated[
        bool, Flag('Answer "" where that is likeliest (for models that know SQuAD 2).')
    ] = False
    require_answer: Annotated[
        bool, Flag("Exit with status 11 if a question has no answer; implies --no-answer.")
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
    auto_classes = ("AutoModelForQuestionAnswering",)

    def columns(self, options: QaOptions) -> tuple[str, ...]:
        """The best answer, its score and its place; more answers on demand."""
        best = ("answer", "score", "start", "end")
        return best if options.top_k is None else (*best, "answers")

    def auto_model(self, config: Any, options: QaOptions) -> str:
        """A span head."""
        return self.auto_classes[0]

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
        pairs = [(e.fields["question"], e.fields["context"]) for e in examples]
        least = min(LEAST_ROOM, longest // 2)
        return [
            rows if isinstance(rows, list) else Failure("too_long", _too_long(rows, longest, least))
            for rows in pair_windows(pairs, loaded, longest, options.stride, least)
        ]

    def forward(self, loaded: Loaded, batch: Batch, options: QaOptions) -> Sequence[Any]:
        """The start and end logits of each row."""
        import torch

        output = loaded.model(**batch.inputs)
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

        windows: list[Window] = [row.note for row in rows]
        if not windows[0].size:
            return Failure("empty", "nothing in the context is text to the model")
        logits = [unpadded(out, row, loaded) for out, row in zip(outputs, rows, strict=True)]
        logs, none = log_probabilities(windows, logits)
        if any(np.isnan(log).any() for log in logs):
            return loaded.overflow
        context = example.fields["context"]
        count = options.top_k or 1
        # Widening may make one answer of several: take more, as many as the pipeline does.
        taken = 2 * count + 10 if options.align_to_words else count
        said: dict[str, list[Span]] = {}
        tokens = windows[0].context
        for first, last, score in _best_pairs(windows, logs, options.max_answer_len, taken):
            if options.align_to_words:
                first, last = _whole_words(context, tokens, first, last)
            if span := _span(context, tokens, first, last, score):
                said.setdefault(context[span.start : span.end].lower(), []).append(span)
        answers = [_answer(context, spans) for spans in said.values()]
        if options.no_answer or options.require_answer or not answers:
            answers.append({"answer": "", "score": math.exp(none), "start": None, "end": None})
        answers.sort(key=lambda answer: -answer["score"])
        record = dict(answers[0])
        if options.top_k is not None:
            record["answers"] = answers[: options.top_k]
        return record

    def status(self, record: Record, options: QaOptions) -> int:
        """Ask for status 11 if an answer is required, and there is none."""
        return UNANSWERED if options.require_answer and record["start"] is None else 0


def log_probabilities(windows: Sequence[Window], logits: Sequence[Any]) -> tuple[list[Any], float]:
    """Log probabilities of each window's tokens to begin and to end the answer; that of none.

    One softmax runs over the whole context: a window without the answer would else be as sure of
    itself as the one that has it (benchmarks/qa_windows.py). Each token enters once, from the
    window where most stands around it, and so does ``[CLS]``, from the window that is surest of an
    answer. With one window this is the pipeline's formula.

    Args:
        windows: of one context.
        logits: of each window's row, (2, token).

    Returns:
        for each window (2, token of the context); for "no answer" a number.
    """
    import numpy as np

    inside = [
        one[:, window.begin : window.begin + window.size]
        for window, one in zip(windows, logits, strict=True)
    ]
    nones = [
        one[:, window.cls, None]  # (2, 1)
        for window, one in zip(windows, logits, strict=True)
        if window.cls is not None
    ]
    entering = [one[:, window.own] for window, one in zip(windows, inside, strict=True)]
    if nones:
        entering.append(min(nones, key=np.sum))
    every = np.concatenate(entering, axis=1)  # (2, token)
    if not every.size:
        return inside, 0.0
    peak = every.max(axis=1, keepdims=True)  # (2, 1)
    total = peak + np.log(np.exp(every - peak).sum(axis=1, keepdims=True))  # (2, 1)
    none = float((entering[-1] - total).sum()) if nones else -math.inf
    return [one - total for one in inside], none


def _best_pairs(
    windows: Sequence[Window], logs: Sequence[Any], longest: int, count: int
) -> Iterator[tuple[int, int, float]]:
    """The ``count`` best first and last tokens of spans of at most ``longest``, best first."""
    import numpy as np

    firsts, lasts, scores = [], [], []
    for window, (starts, ends) in zip(windows, logs, strict=True):
        if not window.size:
            return
        most = min(longest, window.size)
        padded = np.concatenate([ends, np.full(most - 1, -np.inf)])
        following = np.lib.stride_tricks.sliding_window_view(padded, most)  # (token, length)
        every = (starts[:, None] + following)[window.own].ravel()
        best = np.argpartition(-every, min(count, every.size) - 1)[:count]
        place, more = np.divmod(best, most)
        firsts.append(window.start + window.own.start + place)
        lasts.append(firsts[-1] + more)
        scores.append(every[best])
    found = [np.concatenate(parts) for parts in (firsts, lasts, scores)]
    first, last, score = found
    for i in np.lexsort((last, first, -score))[:count]:
        if np.isfinite(score[i]):
            yield int(first[i]), int(last[i]), math.exp(score[i])


def _whole_words(context: str, tokens: Tokens, first: int, last: int) -> tuple[int, int]:
    """The tokens from the first of a word to the last of a word; a token without one stands.

    To some tokenizers all of a text is one word: a space ends a word, too.
    """
    words, offsets = tokens.words, tokens.offsets

    def one_word(token: int) -> bool:
        """Whether a token goes on with the word of the token before it."""
        between = context[offsets[token - 1, 1] : offsets[token, 0] + 1]
        return words[token] >= 0 and words[token - 1] == words[token] and not _SPACE.search(between)

    while first > 0 and one_word(first):
        first -= 1
    while last + 1 < len(words) and one_word(last + 1):
        last += 1
    return first, last


def _span(context: str, tokens: Tokens, first: int, last: int, score: float) -> Span | None:
    """The characters of tokens, without outer spaces; None if there is nothing else."""
    start, end = int(tokens.offsets[first, 0]), int(tokens.offsets[last, 1])
    text = context[start:end]
    if not text.strip():
        return None
    start += len(text) - len(text.lstrip())
    end -= len(text) - len(text.rstrip())
    return Span(*whole_characters(context, start, end), score)


def _answer(context: str, spans: Sequence[Span]) -> Record:
    """One answer of spans that say the same: it stands at the likeliest, and scores their sum."""
    best = max(spans, key=lambda span: span.score)
    return {
        "answer": context[best.start : best.end],
        "score": sum(span.score for span in spans),
        "start": best.start,
        "end": best.end,
    }


def _too_long(excess: int, longest: int, least: int) -> str:
    return (
        f"the question has {excess} tokens too many: a window has {longest}, "
        f"of which {least} are for the context"
    )


TASK = Qa()
