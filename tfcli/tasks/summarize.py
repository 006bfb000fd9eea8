"""``tfcli summarize``: what a text says, in short; a long one part by part, then the whole.

Summaries of texts that fit the model are those of the summarization pipeline of transformers 4.57,
which version 5 removed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from tfcli.core.task import Batch, Example, Failure, Field, Flag, Loaded, Record, Row
from tfcli.errors import UnfitModelError, UsageError
from tfcli.models.generative import SEQUENCE_TO_SEQUENCE
from tfcli.models.parts import fitting
from tfcli.models.sentences import trim
from tfcli.models.seq2seq import plan_of, room, row_of, task_settings, written_anew

TRANSLATORS = ("marian", "fsmt", "m2m_100", "nllb-moe")
"""Families that only translate."""


@dataclass(frozen=True, slots=True)
class SummarizeOptions:
    """What ``tfcli summarize`` takes; what is not given is the checkpoint's.

    Raises:
        UsageError: two options contradict each other.
    """

    max_new_tokens: Annotated[
        int | None, Flag("The most tokens of a summary [the model's own, or 256].", min=1)
    ] = None
    min_new_tokens: Annotated[
        int | None, Flag("The fewest tokens of a summary [the model's own].", min=0)
    ] = None
    num_beams: Annotated[
        int | None, Flag("Search with this many beams [the model's own, or 4].", min=1)
    ] = None

    def __post_init__(self) -> None:
        """Check the two lengths."""
        least, most = self.min_new_tokens, self.max_new_tokens
        if least is not None and most is not None and least > most:
            raise UsageError(f"--min-new-tokens {least} is more than --max-new-tokens {most}.")


class Summarize:
    """Summarize texts; the summaries of a long text's parts are summarized again."""

    name = "summarize"
    summary = "Say in short what a text says."
    examples = (
        "tfcli summarize -m sshleifer/distilbart-cnn-12-6 < article.txt",
        "tfcli summarize -i articles.csv -c body --keep id -m google-t5/t5-small -o summaries.csv",
    )
    fields = (Field("text", whole=True, repeated=False),)
    options_type = SummarizeOptions
    standard = "sshleifer/distilbart-cnn-12-6@a4f8f3e"
    auto_classes = (SEQUENCE_TO_SEQUENCE,)

    def window(self, options: SummarizeOptions) -> int:
        """Few texts at a time: with many the first record would come late."""
        return 16

    def columns(self, options: SummarizeOptions) -> tuple[str, ...]:
        """The summary, of how many parts it is one, and whether it was cut off."""
        return ("summary", "parts", "finish_reason")

    def suits(self, model_type: str, labels: Sequence[str] | None) -> bool:
        """All models that answer a text but those that only translate."""
        return model_type not in TRANSLATORS

    def auto_model(self, config: Any, options: SummarizeOptions) -> str:
        """A decoder with its encoder."""
        if config.model_type in TRANSLATORS:
            raise UnfitModelError(
                f"A {config.model_type} model translates; it does not summarize.",
                hint="Name a model that was fine-tuned to summarize with -m: BART, Pegasus, T5 …",
            )
        return SEQUENCE_TO_SEQUENCE

    def preprocess(
        self, examples: Sequence[Example], loaded: Loaded, options: SummarizeOptions
    ) -> list[list[Row]]:
        """The parts of each text."""
        return _rows([example.fields["text"] for example in examples], 0, loaded, options)

    def forward(self, loaded: Loaded, batch: Batch, options: SummarizeOptions) -> Sequence[Any]:
        """The summary of each part."""
        return written_anew(loaded, batch, _plan(loaded, options))

    def further(
        self,
        example: Example,
        rows: Sequence[Row],
        outputs: Sequence[Any],
        loaded: Loaded,
        options: SummarizeOptions,
    ) -> Sequence[Row]:
        """The parts of what the last round wrote, until that is one summary."""
        last = _of_last_round(rows, outputs)
        if len(last) == 1 or not all(last):
            return []
        text = "\n".join(one.text.strip() for one in last)
        (again,) = _rows([text], rows[-1].note + 1, loaded, options)
        return again if len(again) < len(last) else []

    def postprocess(
        self,
        example: Example,
        rows: Sequence[Row],
        outputs: Sequence[Any],
        loaded: Loaded,
        options: SummarizeOptions,
    ) -> Record | Failure:
        """The summary of the last round."""
        last = _of_last_round(rows, outputs)
        if not all(last):
            return loaded.overflow
        if len(last) > 1:
            return Failure(
                "too_long",
                f"the summaries of its {len(last)} parts are as long as they; "
                "try a lower --max-new-tokens",
            )
        parts = sum(row.note == 0 for row in rows)
        summary = last[0].text.strip()
        return {"summary": summary, "parts": parts, "finish_reason": last[0].finish_reason}


def _of_last_round(rows: Sequence[Row], outputs: Sequence[Any]) -> list[Any]:
    return [one for row, one in zip(rows, outputs, strict=True) if row.note == rows[-1].note]


def _rows(
    texts: Sequence[str], number: int, loaded: Loaded, options: SummarizeOptions
) -> list[list[Row]]:
    """The parts of texts as rows of a round."""
    before, tokenizer, plan = _prefix(loaded), loaded.tokenizer, _plan(loaded, options)

    def tokenize(parts: list[str]) -> Sequence[list[int]]:
        ids: Sequence[list[int]] = tokenizer([before + part for part in parts])["input_ids"]
        return ids

    whole = [[trim(text, 0, len(text))] for text in texts]
    most = plan.config.max_new_tokens
    return [
        [row_of(part.ids, number, plan, most) for part in parts]
        for parts in fitting(texts, whole, tokenize, room(loaded, before))
    ]


def _settings(loaded: Loaded) -> Mapping[str, Any]:
    return task_settings(loaded.config, "summarization")


def _prefix(loaded: Loaded) -> str:
    """What the checkpoint wants before each text: ``summarize:``."""
    own = getattr(loaded.config, "prefix", None)
    return str(_settings(loaded).get("prefix", own) or "")


def _plan(loaded: Loaded, options: SummarizeOptions) -> Any:
    return plan_of(
        loaded,
        _settings(loaded),
        options.num_beams,
        options.max_new_tokens,
        options.min_new_tokens,
    )


TASK = Summarize()
