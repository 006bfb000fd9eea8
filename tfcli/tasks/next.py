"""``tfcli next``: what a causal language model believes comes next."""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

from tfcli.core.task import Batch, Example, Failure, Field, Flag, Loaded, Record, Row
from tfcli.errors import UnfitModelError, UsageError
from tfcli.models.continuation import continued, token
from tfcli.models.generative import CAUSAL, auto_class, padding_side, position_ids
from tfcli.models.prompts import fitted

log = logging.getLogger("tfcli")

DISTRIBUTION = 4096
"""Numbers of a distribution that take as much room in a batch as a token."""


@dataclass(frozen=True, slots=True)
class NextOptions:
    """What ``tfcli next`` takes."""

    top_k: Annotated[int, Flag("Give the N likeliest tokens.", min=1)] = 10
    of: Annotated[
        tuple[str, ...],
        Flag(
            'Also give the probability that the text goes on so: --of " word" (repeatable).',
            metavar="TEXT",
        ),
    ] = ()
    truncate: Annotated[
        str | None, Flag("Cut the beginning off texts that are too long.", choices=("left",))
    ] = None

    def __post_init__(self) -> None:
        """Refuse a continuation that is none."""
        if "" in self.of:
            raise UsageError("--of is empty: it continues nothing.")


class Ahead(NamedTuple):
    """What a row asks for."""

    ids: tuple[int, ...] | None = None
    """The continuation whose probability is wanted; None: all that may come next."""
    truncated: bool = False


class Distribution(NamedTuple):
    """What may come next."""

    ids: list[int]
    """The likeliest tokens, best first."""
    logprobs: list[float]
    entropy: float


class Next:
    """Say what comes next, and how likely it is."""

    name = "next"
    summary = "Say which token a language model expects next, and how surely."
    examples = (
        'tfcli next "The running dog was"',
        'tfcli next "The capital of France is" --of " Paris" --of " Rome" | jq .of',
    )
    fields = (Field("text"),)
    options_type = NextOptions
    standard = "openai-community/gpt2@607a30d"
    auto_classes = (CAUSAL,)

    def columns(self, options: NextOptions) -> tuple[str, ...]:
        """The likeliest token, the distribution, and what was asked for."""
        asked = ["of"] if options.of else []
        cut = ["truncated"] if options.truncate is not None else []
        return ("likeliest", "next", "entropy", *asked, *cut)

    def auto_model(self, config: Any, options: NextOptions) -> str:
        """A causal head."""
        if auto_class(config) != CAUSAL:
            raise UnfitModelError(
                f"A {config.model_type} model answers a text instead of continuing it.",
                hint="Name a causal model with -m, or ask this one with tfcli generate.",
            )
        return CAUSAL

    def padding_side(self, config: Any) -> str:
        """What comes next comes behind the last token: all rows end together."""
        return padding_side(config)

    def preprocess(
        self, examples: Sequence[Example], loaded: Loaded, options: NextOptions
    ) -> list[list[Row] | Failure]:
        """The text as a row, and one more for each continuation."""
        texts = [example.fields["text"] for example in examples]
        if examples[0].index == 0:  # once a run
            _doubt(texts, options.of)
        # Read together with the text, a continuation may have more tokens than alone.
        most = max((len(more.encode()) for more in options.of), default=0)
        room = min(most, loaded.max_length // 2)
        prepared: list[list[Row] | Failure] = []
        for text, one in zip(
            texts, fitted(texts, loaded, room, options.truncate is not None), strict=True
        ):
            if isinstance(one, Failure):
                prepared.append(one)
                continue
            whole = loaded.tokenizer(text)["input_ids"] if one.truncated and options.of else one.ids
            ahead = [_continuation(text, whole, more, loaded) for more in options.of]
            if len(one.ids) + max(map(len, ahead), default=0) > loaded.max_length:
                raise UsageError(f"--of: the model has room for {loaded.max_length:,} tokens.")
            rows = [_row(one.ids, Ahead(truncated=one.truncated), loaded)]
            rows += [_row([*one.ids, *more], Ahead(more), loaded) for more in ahead]
            prepared.append(rows)
        return prepared

    def forward(self, loaded: Loaded, batch: Batch, options: NextOptions) -> Sequence[Any]:
        """A distribution, or the log probability of a continuation, for each row."""
        inputs = dict(batch.inputs)
        reach = 1 + max(len(row.note.ids or ()) for row in batch.rows)
        if "position_ids" in loaded.arguments:
            inputs["position_ids"] = position_ids(inputs["attention_mask"])
        if "logits_to_keep" in loaded.arguments:
            inputs["logits_to_keep"] = reach
        if "use_cache" in loaded.arguments:
            inputs["use_cache"] = False
        logits = loaded.model(**inputs).logits[:, -reach:]  # (row, token, vocabulary)
        return [
            _judged(one.float().log_softmax(-1), row.note.ids, options.top_k)
            for one, row in zip(logits, batch.rows, strict=True)
        ]

    def postprocess(
        self,
        example: Example,
        rows: Sequence[Row],
        outputs: Sequence[Any],
        loaded: Loaded,
        options: NextOptions,
    ) -> Record | Failure:
        """Tokens by falling probability; a continuation of several tokens is their product."""
        found: Distribution = outputs[0]
        if not math.isfinite(found.entropy):
            return loaded.overflow
        before = rows[0].inputs["input_ids"]
        likely = [
            {**token(loaded.tokenizer, id, before), **_probability(log)}
            for id, log in zip(found.ids, found.logprobs, strict=True)
        ]
        record = {"likeliest": likely[0]["text"], "next": likely, "entropy": found.entropy}
        if options.of:
            record["of"] = [
                {
                    "text": text,
                    "tokens": loaded.tokenizer.convert_ids_to_tokens(list(row.note.ids)),
                    **_probability(log),
                }
                for text, row, log in zip(options.of, rows[1:], outputs[1:], strict=True)
            ]
        if options.truncate is not None:
            record["truncated"] = rows[0].note.truncated
        return record


def _row(ids: list[int], ahead: Ahead, loaded: Loaded) -> Row:
    """A row; its distributions over the vocabulary take room in a batch, too."""
    reach = 1 + len(ahead.ids or ())
    return Row({"input_ids": ids}, ahead, reach * len(loaded.tokenizer) // DISTRIBUTION)


def _probability(log: float) -> dict[str, float | None]:
    return {"probability": math.exp(log), "logprob": log if log > -math.inf else None}


def _continuation(text: str, ids: list[int], more: str, loaded: Loaded) -> tuple[int, ...]:
    """The tokens of ``more`` behind ``text``: as they are read together where that is possible."""
    together = loaded.tokenizer(text + more)["input_ids"]
    if together[: len(ids)] == ids and len(together) > len(ids):
        return tuple(together[len(ids) :])
    alone = _tokens(more, loaded)
    line = _tokens("\n", loaded)
    if continued(loaded.tokenizer, line, alone) != more:  # a space was put before it
        behind = _tokens("\n" + more, loaded)
        if behind[: len(line)] == line:
            alone = behind[len(line) :]
    if not alone:
        raise UsageError(f"--of {more!r}: nothing in it is text to the model.")
    return tuple(alone)


def _tokens(text: str, loaded: Loaded) -> list[int]:
    ids: list[int] = loaded.tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def _judged(logs: Any, ids: tuple[int, ...] | None, count: int) -> Distribution | float:
    """What a row asks for, from log probabilities (token, vocabulary) that end with the row."""
    if ids is not None:
        steps = range(-len(ids) - 1, -1)
        return float(sum(float(logs[step, id]) for step, id in zip(steps, ids, strict=True)))
    logs = logs[-1]
    values, likely = logs.topk(min(count, len(logs)))
    entropy = -(logs.exp() * logs.clamp(min=-1e4)).sum()  # nats
    return Distribution(likely.tolist(), values.tolist(), float(entropy))


def _doubt(texts: Sequence[str], ahead: Sequence[str]) -> None:
    """A word that would be glued to the last one was perhaps meant to be the next."""
    if not any(text[-1].isalnum() for text in texts):
        return
    for more in ahead:
        if more[0].isascii() and more[0].isalnum():
            log.warning('--of "%s" goes on in the last word; the next one: --of " %s"', more, more)


TASK = Next()
