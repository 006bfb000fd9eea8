"""``tfcli score``: how likely a text is to a language model, as a whole and token by token."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from tfcli.core.record import LongForm
from tfcli.core.task import Batch, Example, Failure, Field, Flag, Loaded, Record, Row
from tfcli.errors import UnfitModelError, UsageError
from tfcli.models.axis import encoded
from tfcli.models.generative import CAUSAL, SEQUENCE_TO_SEQUENCE, auto_class, fills_blanks
from tfcli.models.likelihood import (
    Text,
    causal_rows,
    causal_surprisals,
    masked_rows,
    masked_surprisals,
    text_of,
)
from tfcli.models.masked import MASKED, mask_id

OF_CAUSAL = {"bos": "reads no text from its beginning", "stride": "has a window for each token"}
"""Options that mean nothing to a masked model, and why."""


@dataclass(frozen=True, slots=True)
class ScoreOptions:
    """What ``tfcli score`` takes."""

    tokens: Annotated[bool, Flag("Also give each token and its surprisal, as 'tokens'.")] = False
    bos: Annotated[
        bool, Flag("Put the model's first token before each text: its own first one counts, too.")
    ] = False
    stride: Annotated[
        int | None,
        Flag("Tokens that a window of a long text shares with the one before [half of it].", min=1),
    ] = None
    max_seq_len: Annotated[
        int | None, Flag("Tokens of a window [as many as the model reads].", min=8)
    ] = None


class Score:
    """Say how likely texts are."""

    name = "score"
    summary = "Say how likely a text is: perplexity, bits per byte, surprisal of each token."
    examples = (
        'tfcli score "The dog barked at the cat."',
        'tfcli score "The keys are here." "The keys is here." | jq .perplexity',
        "tfcli score --tokens -f csv < poem.txt",
    )
    fields = (Field("text"),)
    options_type = ScoreOptions
    standard = "openai-community/gpt2@607a30d"
    auto_classes = (CAUSAL, MASKED)

    def columns(self, options: ScoreOptions) -> tuple[str, ...]:
        """Numbers of the whole text; its tokens on demand."""
        whole = ("perplexity", "bits_per_byte", "surprisal", "scored", "objective")
        return (*whole, "tokens") if options.tokens else whole

    def for_view(self, options: ScoreOptions) -> ScoreOptions:
        """A view shows each token."""
        return replace(options, tokens=True)

    def window(self, options: ScoreOptions) -> int:
        """Few texts at a time: a masked model has a row for each token."""
        return 64

    def auto_model(self, config: Any, options: ScoreOptions) -> str:
        """A causal head, or a masked one.

        Raises:
            UsageError: an option that is for causal models alone.
        """
        if not config.is_encoder_decoder and fills_blanks(config):
            for name, why in OF_CAUSAL.items():
                if getattr(options, name):
                    raise UsageError(f"--{name} is for causal models: a masked one {why}.")
            return MASKED
        if auto_class(config) == SEQUENCE_TO_SEQUENCE:
            raise UnfitModelError(
                f"A {config.model_type} model answers a text: it does not say how likely it is.",
                hint="Name a causal model (GPT-2, Llama …) or a masked one (BERT …) with -m.",
            )
        return CAUSAL

    def padding_side(self, config: Any) -> str:
        """Tokens are counted from the first one, in every family."""
        return "right"

    def preprocess(
        self, examples: Sequence[Example], loaded: Loaded, options: ScoreOptions
    ) -> list[list[Row] | Failure]:
        """The windows of each text; to a masked model a row for each token.

        Raises:
            UsageError: windows that share all, or a first token that the model has not.
        """
        texts = [example.fields["text"] for example in examples]
        longest = min(options.max_seq_len or loaded.max_length, loaded.max_length)
        rows_of = _masked if _is_masked(loaded) else _causal
        begin = _begin(loaded) if options.bos else None
        found = encoded([(text, None) for text in texts], loaded, "none", False, whole=True)
        return [
            one
            if isinstance(one, Failure)
            else rows_of(text_of(text, one, begin), longest, loaded, options)
            for text, one in zip(texts, found, strict=True)
        ]

    def forward(self, loaded: Loaded, batch: Batch, options: ScoreOptions) -> Sequence[Any]:
        """The surprisal of each row's own tokens, in nats."""
        found = masked_surprisals if _is_masked(loaded) else causal_surprisals
        return found(loaded, batch)

    def postprocess(
        self,
        example: Example,
        rows: Sequence[Row],
        outputs: Sequence[list[float]],
        loaded: Loaded,
        options: ScoreOptions,
    ) -> Record | Failure:
        """Put the tokens together: each was told once."""
        text: Text = rows[0].note.text
        told: list[float | None] = [None] * len(text.ids)
        for row, found in zip(rows, outputs, strict=True):
            told[row.note.first : row.note.first + len(found)] = found
        nats = [one for one in told if one is not None]
        mean = math.fsum(nats) / len(nats)
        if not mean < 700:  # NaN, too; exp has no larger one
            return loaded.overflow
        length = text.bytes_from(rows[0].note.first)
        record: Record = {
            "perplexity": math.exp(mean),
            "bits_per_byte": math.fsum(nats) / math.log(2) / length,
            "surprisal": math.fsum(nats),
            "scored": len(nats),
            "objective": "masked" if _is_masked(loaded) else "causal",
        }
        if options.tokens:
            record["tokens"] = list(_tokens(text, told))
        return record

    def long_form(self, options: ScoreOptions) -> LongForm | None:
        """A line for each token, where tokens are wanted."""
        if not options.tokens:
            return None
        return LongForm(
            ("token", "surprisal", "start", "end"),
            lambda record: (tuple(one.values()) for one in record["tokens"]),
            frozenset({"text", *self.columns(options)}),
            plain=2,
        )


def _is_masked(loaded: Loaded) -> bool:
    return fills_blanks(loaded.config)


def _begin(loaded: Loaded) -> int:
    """The token that texts begin with."""
    if loaded.tokenizer.bos_token_id is None:
        raise UsageError("--bos: the model's tokenizer has no token for the beginning of a text.")
    return int(loaded.tokenizer.bos_token_id)


def _causal(text: Text, longest: int, loaded: Loaded, options: ScoreOptions) -> list[Row] | Failure:
    overlap = longest // 2 if options.stride is None else options.stride
    if overlap >= longest:
        raise UsageError(f"--stride {overlap}: windows have {longest:,} tokens, and must move on.")
    if len(text.ids) < 2:
        return Failure("too_short", "one token, with nothing before it to expect it; try --bos")
    return list(causal_rows(text, longest, overlap, len(loaded.tokenizer)))


def _masked(text: Text, longest: int, loaded: Loaded, options: ScoreOptions) -> list[Row] | Failure:
    mask = mask_id(loaded.tokenizer)
    rows = list(masked_rows(text, longest, mask, len(loaded.tokenizer)))
    return rows or Failure("empty", "nothing in it is text to the model")


def _tokens(text: Text, told: Sequence[float | None]) -> Iterator[Record]:
    """Each token with its surprisal; special ones only where they have one."""
    for label, special, span, nats in zip(text.labels, text.special, text.spans, told, strict=True):
        if nats is None and special:
            continue
        start, end = span or (None, None)
        yield {"token": label, "surprisal": nats, "start": start, "end": end}


TASK = Score()
