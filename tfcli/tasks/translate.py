"""``tfcli translate``: texts in another language, sentence by sentence.

Translations of single sentences are those of the translation pipeline of transformers 4.57, which
version 5 removed.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from tfcli.core.task import Batch, Example, Failure, Field, Flag, Loaded, Record, Row
from tfcli.models.generative import SEQUENCE_TO_SEQUENCE
from tfcli.models.parts import fitting
from tfcli.models.sentences import joined, says, sentences
from tfcli.models.seq2seq import plan_of, room, row_of, written_anew
from tfcli.models.translation import FAMILIES, Direction, direction, opus, require_translator

log = logging.getLogger("tfcli")

GROWTH = 1.5
"""How many tokens a translation is reckoned to have for each of its sentence."""


@dataclass(frozen=True, slots=True)
class TranslateOptions:
    """What ``tfcli translate`` takes; ``from_`` is ``--from``."""

    from_: Annotated[
        str | None, Flag("The language of the texts: en, de, zh …", metavar="CODE")
    ] = None
    to: Annotated[str | None, Flag("The language to translate to.", metavar="CODE")] = None
    num_beams: Annotated[
        int | None, Flag("Search with this many beams [the model's own, or 4].", min=1)
    ] = None
    max_new_tokens: Annotated[
        int | None, Flag("The most tokens for a sentence [the model's own, or 256].", min=1)
    ] = None


class Translate:
    """Translate texts; lines, blank lines and the spaces around sentences stay as they are."""

    name = "translate"
    summary = "Translate texts from one language to another."
    examples = (
        'tfcli translate "Where is the station?"',
        'tfcli translate "你好。" --from zh --to en -m facebook/m2m100_418M -f plain',
        "tfcli translate --from en --to fr -m google-t5/t5-small --whole < letter.txt",
    )
    fields = (Field("text"),)
    options_type = TranslateOptions
    standard = "Helsinki-NLP/opus-mt-en-de"
    auto_classes = (SEQUENCE_TO_SEQUENCE,)

    def standard_for(self, options: TranslateOptions) -> str:
        """The Marian model of the pair."""
        return opus(options.from_, options.to)

    def window(self, options: TranslateOptions) -> int:
        """Few texts at a time: with many the first record would come late."""
        return 64

    def columns(self, options: TranslateOptions) -> tuple[str, ...]:
        """The translation, and whether it was cut off."""
        return ("translation", "finish_reason")

    def suits(self, model_type: str, labels: Sequence[str] | None) -> bool:
        """Of models that answer a text those that translate."""
        return model_type in FAMILIES

    def auto_model(self, config: Any, options: TranslateOptions) -> str:
        """A decoder with its encoder, of a family that translates."""
        require_translator(config)
        return SEQUENCE_TO_SEQUENCE

    def preprocess(
        self, examples: Sequence[Example], loaded: Loaded, options: TranslateOptions
    ) -> list[list[Row]]:
        """The sentences of each text; what says nothing in any language is none of them."""
        way = _way(loaded, options)
        plan = _plan(loaded, way, options)
        tokenizer = loaded.tokenizer
        if way.source is not None:
            tokenizer.src_lang = way.source

        def tokenize(texts: list[str]) -> Sequence[list[int]]:
            ids: Sequence[list[int]] = tokenizer([way.told(text) for text in texts])["input_ids"]
            return ids

        texts = [example.fields["text"] for example in examples]
        spans = [[span for span in sentences(text) if says(text[slice(*span)])] for text in texts]
        parts = fitting(texts, spans, tokenize, room(loaded, way.before))
        cut = [
            example.index
            for example, own, read in zip(examples, spans, parts, strict=True)
            if len(read) > len(own)
        ]
        if cut:
            log.warning(
                "%d of %d texts: a sentence is longer than the model, and is translated in parts; "
                "the first at index %d",
                *(len(cut), len(texts), cut[0]),
            )
        return [
            [
                row_of(one.ids, (one.begin, one.end), plan, round(GROWTH * len(one.ids)))
                for one in own
            ]
            for own in parts
        ]

    def forward(self, loaded: Loaded, batch: Batch, options: TranslateOptions) -> Sequence[Any]:
        """The translation of each sentence."""
        way = _way(loaded, options)
        return written_anew(loaded, batch, _plan(loaded, way, options))

    def postprocess(
        self,
        example: Example,
        rows: Sequence[Row],
        outputs: Sequence[Any],
        loaded: Loaded,
        options: TranslateOptions,
    ) -> Record | Failure:
        """The text with its sentences replaced."""
        if not all(outputs):
            return loaded.overflow
        spans = [row.note for row in rows]
        return {
            "translation": joined(example.fields["text"], spans, [one.text for one in outputs]),
            "finish_reason": "length"
            if any(one.finish_reason == "length" for one in outputs)
            else "stop",
        }


def _way(loaded: Loaded, options: TranslateOptions) -> Direction:
    """From which language to which, found out once."""
    if Direction not in loaded.cache:
        loaded.cache[Direction] = direction(loaded, options.from_, options.to)
    way: Direction = loaded.cache[Direction]
    return way


def _plan(loaded: Loaded, way: Direction, options: TranslateOptions) -> Any:
    return plan_of(loaded, way.settings, options.num_beams, options.max_new_tokens)


TASK = Translate()
