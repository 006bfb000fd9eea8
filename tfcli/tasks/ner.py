"""``tfcli ner``: names in texts, or whatever else a token classifier labels.

Labels and scores are those of transformers' ``TokenClassificationPipeline``; of a long text every
token is judged once, in the window where most stands around it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from tfcli.core.record import LongForm
from tfcli.core.task import Batch, Example, Failure, Field, Flag, Loaded, Record, Row
from tfcli.errors import UnfitModelError, UsageError
from tfcli.models.graphemes import whole_characters
from tfcli.models.pairs import Tokens, pair_windows, unpadded
from tfcli.models.tagging import STRATEGIES, Tagged, tagged, tags_of


@dataclass(frozen=True, slots=True)
class NerOptions:
    """What ``tfcli ner`` takes; the strategies and their names are the pipeline's."""

    aggregation: Annotated[
        str,
        Flag(
            "How tokens make entities; first, average and max label whole words.",
            choices=STRATEGIES,
        ),
    ] = "simple"
    ignore: Annotated[
        tuple[str, ...],
        Flag("Leave out entities of this label (repeatable).", metavar="LABEL"),
    ] = ("O",)
    threshold: Annotated[
        float | None, Flag("Leave out entities that score below this.", min=0, max=1)
    ] = None
    stride: Annotated[
        int,
        Flag("Tokens that a window shares with the one before; half of it at most.", min=0),
    ] = 128


class Ner:
    """Find entities, in long texts window by window."""

    name = "ner"
    summary = "Find names of people, places and organizations (or what else a model labels)."
    examples = (
        'tfcli ner -m dslim/bert-base-NER "My name is Wolfgang and I live in Berlin."',
        "tfcli ner -m dslim/bert-base-NER -f plain < letter.txt | sort | uniq -c | sort -rn",
        "tfcli ner -m dslim/bert-base-NER -i news.csv -c title --threshold 0.9 -o names.csv",
    )
    fields = (Field("text"),)
    options_type = NerOptions
    standard = "dslim/bert-base-NER@d1a3e8f"
    auto_classes = ("AutoModelForTokenClassification",)

    def columns(self, options: NerOptions) -> tuple[str, ...]:
        """The entities, in the order of the text."""
        return ("entities",)

    def long_form(self, options: NerOptions) -> LongForm:
        """A line for each entity; ``plain`` has what can be counted."""
        columns = ("entity", "word", "score", "start", "end")
        return LongForm(
            columns,
            lambda record: (tuple(map(one.get, columns)) for one in record["entities"]),
            frozenset({"text", "entities"}),
            plain=2,
        )

    def auto_model(self, config: Any, options: NerOptions) -> str:
        """A head that labels tokens, with the labels that ``--ignore`` names.

        Raises:
            UnfitModelError: the head is of another kind; its weights might fit nevertheless.
            UsageError: the model has no label that ``--ignore`` names.
        """
        heads = config.architectures or ()
        if heads and not any("TokenClassification" in head for head in heads):
            raise UnfitModelError(
                f"The model is a {heads[0]}: it does not label tokens.",
                hint="Name a token classifier with -m: " + self.standard.partition("@")[0],
            )
        labels = config.id2label.values()
        if options.aggregation != "none":
            labels = dict.fromkeys(tag for tag, _ in tags_of(labels).values())
        for label in options.ignore:
            if label not in ("", *NerOptions().ignore, *labels):
                raise UsageError(
                    f"--ignore {label}: the model has no such label.",
                    hint="Its labels are " + ", ".join(labels) + ".",
                )
        return self.auto_classes[0]

    def preprocess(
        self, examples: Sequence[Example], loaded: Loaded, options: NerOptions
    ) -> list[list[Row] | Failure]:
        """The windows of each text.

        Raises:
            UnfitModelError: the tokenizer does not say which characters a token is.
        """
        if not loaded.tokenizer.is_fast:
            raise UnfitModelError(
                "The model's tokenizer is a slow one: entities would have no place."
            )
        texts = [(None, example.fields["text"]) for example in examples]
        windows = pair_windows(texts, loaded, loaded.max_length, options.stride)
        return [rows for rows in windows if isinstance(rows, list)]  # a text alone has room

    def forward(self, loaded: Loaded, batch: Batch, options: NerOptions) -> Sequence[Any]:
        """The logits of each row."""
        logits = loaded.model(**batch.inputs).logits.transpose(1, 2)  # (row, label, token)
        return list(logits.float().cpu().numpy())

    def postprocess(
        self,
        example: Example,
        rows: Sequence[Row],
        outputs: Sequence[Any],
        loaded: Loaded,
        options: NerOptions,
    ) -> Record | Failure:
        """Label tokens, or words; then take together what belongs together."""
        import numpy as np

        tokens = rows[0].note.context
        if not len(tokens.ids):
            return Failure("empty", "nothing in it is text to the model")
        scores = _probabilities(rows, outputs, loaded)  # (token, label)
        if not np.isfinite(scores).all():
            return loaded.overflow
        text = example.fields["text"]
        entities = [
            entity
            for one in tagged(text, tokens, scores, loaded, options.aggregation)
            if one.label not in options.ignore
            if options.threshold is None or one.score >= options.threshold
            if (entity := _entity(text, tokens, one))
        ]
        return {"entities": entities}


def _probabilities(rows: Sequence[Row], outputs: Sequence[Any], loaded: Loaded) -> Any:
    """The probability of each label for each token, from the window where most is around it."""
    import numpy as np

    owned = []
    for row, logits in zip(rows, outputs, strict=True):
        window = row.note
        inside = unpadded(logits, row, loaded)[:, window.begin :]  # (label, token)
        owned.append(inside[:, window.own])
    logits = np.concatenate(owned, axis=1).T  # (token, label)
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def _entity(text: str, tokens: Tokens, one: Tagged) -> Record | None:
    """Its characters, whole ones and without outer spaces; None if there is nothing else."""
    start, end = int(tokens.offsets[one.first, 0]), int(tokens.offsets[one.last, 1])
    word = text[start:end]
    if not word.strip():
        return None
    start += len(word) - len(word.lstrip())
    end -= len(word) - len(word.rstrip())
    start, end = whole_characters(text, start, end)
    return {
        "entity": one.label,
        "score": one.score,
        "word": text[start:end],
        "start": start,
        "end": end,
    }


TASK = Ner()
