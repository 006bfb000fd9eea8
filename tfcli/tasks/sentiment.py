"""``tfcli sentiment``: is a text positive or negative? Any sequence classifier will do."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from tfcli.core.task import Batch, Example, Failure, Field, Flag, Loaded, Record, Row
from tfcli.errors import UsageError
from tfcli.models.classifiers import class_logits
from tfcli.models.windows import windows

log = logging.getLogger("tfcli")

OVERLAP = 64
"""Tokens that a window of a long text shares with the one before: no phrase is cut in two."""

_NAMELESS = re.compile(r"LABEL_\d+")
"""What transformers calls labels that a config does not name."""

MATCHED = 10
"""The exit status of ``--fail-on``."""


@dataclass(frozen=True, slots=True)
class SentimentOptions:
    """What ``tfcli sentiment`` takes."""

    top_k: Annotated[
        int | str | None,
        Flag("Also give the scores of the N best labels, or of all.", choices=("all",), min=1),
    ] = None
    threshold: Annotated[
        float | None,
        Flag("Give no label that scores below this (label: null).", min=0, max=1),
    ] = None
    fail_on: Annotated[
        tuple[str, ...],
        Flag("Exit with status 10 if a text gets this label (repeatable).", metavar="LABEL"),
    ] = ()


class Sentiment:
    """Classify texts, long ones window by window."""

    name = "sentiment"
    summary = "Say whether texts are positive or negative (or what else a classifier knows)."
    examples = (
        'tfcli sentiment "It is great to learn deep learning."',
        "cat reviews.txt | tfcli sentiment | jq -r .label",
        "tfcli sentiment -i reviews.csv -c review --keep id -o labels.csv",
    )
    fields = (Field("text"),)
    options_type = SentimentOptions
    standard = "distilbert/distilbert-base-uncased-finetuned-sst-2-english@714eb0f"
    auto_classes = ("AutoModelForSequenceClassification",)

    def columns(self, options: SentimentOptions) -> tuple[str, ...]:
        """The label and its score; the scores of more labels on demand."""
        return ("label", "score") if options.top_k is None else ("label", "score", "scores")

    def auto_model(self, config: Any, options: SentimentOptions) -> str:
        """A classification head, with the labels that ``--fail-on`` names."""
        labels = _labels(config).values()
        if all(_NAMELESS.fullmatch(label) for label in labels):
            log.warning("the model's config names no labels: they are %s", ", ".join(labels))
        for label in options.fail_on:
            if label not in labels:
                raise UsageError(
                    f"--fail-on {label}: the model has no such label.",
                    hint="Its labels are " + ", ".join(labels) + ".",
                )
        shown = options.threshold is not None and options.top_k == "all"
        if options.fail_on and config.problem_type == "multi_label_classification" and not shown:
            raise UsageError(
                "--fail-on: a text may have several labels here, and records would not show all.",
                hint="Add --top-k all --threshold 0.5.",
            )
        return self.auto_classes[0]

    def preprocess(
        self, examples: Sequence[Example], loaded: Loaded, options: SentimentOptions
    ) -> list[list[Row]]:
        """The windows of each text."""
        return windows([example.fields["text"] for example in examples], loaded, OVERLAP)

    def forward(self, loaded: Loaded, batch: Batch, options: SentimentOptions) -> Sequence[Any]:
        """The logits of each row."""
        rows: Sequence[Any] = class_logits(loaded, batch)
        return rows

    def postprocess(
        self,
        example: Example,
        rows: Sequence[Row],
        outputs: Sequence[Any],
        loaded: Loaded,
        options: SentimentOptions,
    ) -> Record | Failure:
        """Average the windows' logits by their new tokens, then score as the pipeline does."""
        import numpy as np

        weights = [max(1, row.note) for row in rows]
        logits = np.average(np.stack(outputs), axis=0, weights=weights)  # (label,)
        if not np.isfinite(logits).all():
            return loaded.overflow
        scores = _scores(logits, loaded.config)
        names = _labels(loaded.config)
        ranked = [
            {"label": names[i], "score": float(scores[i])}
            for i in np.argsort(-scores, kind="stable")
            if options.threshold is None or scores[i] >= options.threshold
        ]
        record = {"label": ranked[0]["label"] if ranked else None, "score": float(scores.max())}
        if options.top_k is not None:
            record["scores"] = ranked if options.top_k == "all" else ranked[: int(options.top_k)]
        return record

    def status(self, record: Record, options: SentimentOptions) -> int:
        """Ask for status 10 if a label matches ``--fail-on``."""
        labels = {record["label"]}
        if options.threshold is not None and options.top_k is not None:
            labels |= {scored["label"] for scored in record["scores"] or ()}
        return MATCHED if labels & set(options.fail_on) else 0


def _scores(logits: Any, config: Any) -> Any:
    """Logits to scores, by the rule of transformers' ``TextClassificationPipeline``."""
    import numpy as np

    if config.problem_type == "regression":
        return logits
    if config.problem_type == "multi_label_classification" or config.num_labels == 1:
        return 1 / (1 + np.exp(-logits))
    shifted = np.exp(logits - logits.max())
    return shifted / shifted.sum()


def _labels(config: Any) -> dict[int, str]:
    """The model's names for its outputs; a regression head's only output is called what it is."""
    names: dict[int, str] = config.id2label
    nameless = config.num_labels == 1 and names[0] == "LABEL_0"
    return {0: "regression"} if nameless and config.problem_type == "regression" else names


TASK = Sentiment()
