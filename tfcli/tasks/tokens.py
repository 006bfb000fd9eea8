"""``tfcli tokens``: what a model sees of a text. It needs a tokenizer, and no weights."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from tfcli.core.record import LongForm
from tfcli.core.task import Batch, Example, Failure, Field, Flag, Loaded, Record, Row
from tfcli.models.axis import Encoded, encoded

LISTS = ("tokens", "ids", "offsets", "words", "segments", "special")


@dataclass(frozen=True, slots=True)
class TokensOptions:
    """What ``tfcli tokens`` takes."""

    no_special: Annotated[bool, Flag("Leave out [CLS], [SEP] and their like.")] = False


class Tokens:
    """Show the tokens of texts."""

    name = "tokens"
    summary = "Show the tokens that a model reads in a text."
    examples = (
        'tfcli tokens "It is unbelievable!"',
        'tfcli tokens "It is unbelievable!" -m gpt2-starter -f plain',
        "tfcli tokens -i letters.txt | jq '.ids | length'",
    )
    fields = (
        Field("text"),
        Field("pair", required=False, repeated=False, help="A second text, read with the first."),
    )
    options_type = TokensOptions
    standard = "google-bert/bert-base-uncased@86b5e09"
    auto_classes = ("AutoTokenizer",)

    def columns(self, options: TokensOptions) -> tuple[str, ...]:
        """A list of each kind, as long as there are tokens."""
        return LISTS

    def auto_model(self, config: Any, options: TokensOptions) -> str:
        """No model."""
        return self.auto_classes[0]

    def preprocess(
        self, examples: Sequence[Example], loaded: Loaded, options: TokensOptions
    ) -> list[list[Row] | Failure]:
        """Each text as a row of any length: no model reads it."""
        texts = [(e.fields["text"], e.fields.get("pair")) for e in examples]
        return [
            one if isinstance(one, Failure) else [Row(one.inputs, one)]
            for one in encoded(texts, loaded, "none", truncate=False, whole=True)
        ]

    def forward(self, loaded: Loaded, batch: Batch, options: TokensOptions) -> Sequence[Any]:
        """What is known of each row."""
        return [row.note for row in batch.rows]

    def postprocess(
        self,
        example: Example,
        rows: Sequence[Row],
        outputs: Sequence[Encoded],
        loaded: Loaded,
        options: TokensOptions,
    ) -> Record | Failure:
        """The lists, without special tokens if they are not wanted."""
        (found,) = outputs
        axis, encoding = found.axis, found.encoding
        nothing = [None] * axis.tokens
        lists = (
            axis.labels,
            found.inputs["input_ids"],
            nothing if encoding is None else map(list, encoding.offsets),
            nothing if encoding is None else encoding.word_ids,
            axis.segments,
            axis.special,
        )
        lines = [
            # A special token has no place in the text.
            (token, id, None if special else offsets, word, segment, special)
            for token, id, offsets, word, segment, special in zip(*lists, strict=True)
            if not (special and options.no_special)
        ]
        return {name: [line[i] for line in lines] for i, name in enumerate(LISTS)}

    def long_form(self, options: TokensOptions) -> LongForm:
        """A line for each token."""
        return LongForm(
            ("token", "id", "start", "end", "word", "segment", "special"),
            _lines,
            frozenset({"text", *LISTS}),
            plain=2,
        )


def _lines(record: Record) -> Iterator[tuple[Any, ...]]:
    for token, id, offsets, *others in zip(*(record[name] for name in LISTS), strict=True):
        yield (token, id, *(offsets or (None, None)), *others)


TASK = Tokens()
