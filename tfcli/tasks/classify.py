"""``tfcli classify``: which of given labels fits a text? Any model that knows inference will do.

A label makes a hypothesis, and scores by how surely the text entails it (Yin et al. 2019,
"Benchmarking Zero-shot Text Classification"), as in transformers' zero-shot-classification
pipeline.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from textwrap import shorten
from typing import Annotated, Any

from tfcli.core.task import Batch, Example, Failure, Field, Flag, Loaded, Record, Row
from tfcli.errors import UnfitModelError, UsageError
from tfcli.models.classifiers import class_logits
from tfcli.models.pairs import pair_windows

OVERLAP = 64
"""Tokens of a long text that a window shares with the one before: no phrase is cut in two."""

LEAST_ROOM = 16
"""Tokens of the text that a window shall have room for beside the hypothesis."""

WINDOW_ROWS = 512
"""Rows of a window of examples, where each text has a row for each label."""

_COMMA = re.compile(r"(?<!\\),")


@dataclass(frozen=True, slots=True)
class ClassifyOptions:
    r"""What ``tfcli classify`` takes.

    Raises:
        UsageError: no label, an empty one, one that comes twice; a template without ``{}``.
    """

    labels: Annotated[
        tuple[str, ...],
        Flag(r"What to choose from (required; \, is a comma in a label).", metavar="A,B,C"),
    ] = ()
    multi_label: Annotated[bool, Flag("Score each label by itself: several may fit, or none.")] = (
        False
    )
    template: Annotated[
        str, Flag("What a label says of a text; {} is the label.", metavar="TEXT")
    ] = "This example is {}."
    threshold: Annotated[
        float | None,
        Flag("Give no label that scores below this (label: null).", min=0, max=1),
    ] = None
    names: tuple[str, ...] = field(init=False, default=())
    """The labels one by one."""

    def __post_init__(self) -> None:
        """Part the labels, and check what can be checked without a model."""
        names = tuple(_names(self.labels))
        if not names:
            raise UsageError(
                "--labels is missing: what is there to choose from?",
                hint="Add --labels refund,praise,question.",
            )
        if "" in names:
            raise UsageError("--labels: a label is empty.")
        for i, name in enumerate(names):
            if name in names[:i]:
                raise UsageError(f"--labels: {name!r} is there twice.")
        if "{}" not in self.template:
            raise UsageError(
                "--template has no {} for the label.",
                hint="Write it as in 'This text is about {}.'",
            )
        object.__setattr__(self, "names", names)


class Classify:
    """Classify texts by labels that the model has never seen, long texts window by window."""

    name = "classify"
    summary = "Say which of your own labels fits a text (zero-shot)."
    examples = (
        'tfcli classify -m facebook/bart-large-mnli --labels refund,praise "I want my money back"',
        "cat mails.txt | tfcli classify -m MODEL --labels spam,private,work -f plain",
        "tfcli classify -m MODEL -i news.csv -c title --labels sport,politics --multi-label "
        '--template "This is about {}."',
    )
    fields = (Field("text"),)
    options_type = ClassifyOptions
    standard = "facebook/bart-large-mnli@d7645e1"
    auto_classes = ("AutoModelForSequenceClassification",)

    def columns(self, options: ClassifyOptions) -> tuple[str, ...]:
        """The best label, its score, and the scores of all."""
        return ("label", "score", "scores")

    def window(self, options: ClassifyOptions) -> int:
        """Fewer texts at a time the more labels there are: the first record comes as soon."""
        return max(1, WINDOW_ROWS // len(options.names))

    def suits(self, model_type: str, labels: Sequence[str] | None) -> bool:
        """Of classifiers those that know what entails what."""
        return labels is None or any(label.lower().startswith("entail") for label in labels)

    def auto_model(self, config: Any, options: ClassifyOptions) -> str:
        """A classifier that says whether a text entails another.

        Raises:
            UnfitModelError: none of its classes is called so.
        """
        entails, _ = _classes(config)
        if entails is None or not 0 <= entails < config.num_labels or config.num_labels < 2:
            classes = shorten(", ".join(map(str, config.id2label.values())), 60, placeholder=" …")
            raise UnfitModelError(
                f"The model does not know what entails what: its classes are {classes}.",
                hint="Name one that was trained on inference (NLI) with -m: "
                f"{self.standard.partition('@')[0]}",
            )
        return self.auto_classes[0]

    def preprocess(
        self, examples: Sequence[Example], loaded: Loaded, options: ClassifyOptions
    ) -> list[list[Row] | Failure]:
        """For each label the windows of the text, each with what the label says.

        Raises:
            UsageError: what a label says leaves no room for a text.
        """
        said = [options.template.replace("{}", name) for name in options.names]
        pairs = [(one, example.fields["text"]) for example in examples for one in said]
        longest, least = loaded.max_length, min(LEAST_ROOM, loaded.max_length // 2)
        windows = pair_windows(pairs, loaded, longest, OVERLAP, least, context_first=True)
        return [_rows(windows, said, longest, least) for _ in examples]

    def forward(self, loaded: Loaded, batch: Batch, options: ClassifyOptions) -> Sequence[Any]:
        """The logits of each row."""
        rows: Sequence[Any] = class_logits(loaded, batch)
        return rows

    def postprocess(
        self,
        example: Example,
        rows: Sequence[Row],
        outputs: Sequence[Any],
        loaded: Loaded,
        options: ClassifyOptions,
    ) -> Record | Failure:
        """Average the windows' logits by their new tokens, then score as the pipeline does."""
        import numpy as np

        logits = _averaged(rows, outputs)  # (label, class)
        if not np.isfinite(logits).all():
            return loaded.overflow
        scores = _scores(logits, loaded.config, options.multi_label)  # (label,)
        ranked = [
            {"label": options.names[i], "score": float(scores[i])}
            for i in np.argsort(-scores, kind="stable")
            if options.threshold is None or scores[i] >= options.threshold
        ]
        best = ranked[0]["label"] if ranked else None
        return {"label": best, "score": float(scores.max()), "scores": ranked}


def _names(labels: Iterable[str]) -> Iterator[str]:
    for some in labels:
        for name in _COMMA.split(some):
            yield name.strip().replace(r"\,", ",")


def _classes(config: Any) -> tuple[int | None, int | None]:
    """The classes "entailment" and "contradiction", by their names."""
    names = [*(config.label2id or {}).items(), *((name, i) for i, name in config.id2label.items())]

    def called(beginning: str) -> int | None:
        return next((int(i) for name, i in names if str(name).lower().startswith(beginning)), None)

    return called("entail"), called("contradict")


def _rows(
    windows: Iterator[list[Row] | int], said: Sequence[str], longest: int, least: int
) -> list[Row] | Failure:
    """All rows of a text: those with the first hypothesis, then those with the next."""
    rows: list[Row] = []
    for one, found in zip(said, windows, strict=False):
        if isinstance(found, int):
            raise UsageError(
                f"--labels: {shorten(one, 60, placeholder=' …')!r} has {found:,} tokens too many: "
                f"a window has {longest:,}, of which {least} are for the text."
            )
        rows += found
    return rows if rows[0].note.size else Failure("empty", "nothing in it is text to the model")


def _averaged(rows: Sequence[Row], outputs: Sequence[Any]) -> Any:
    """The logits that each hypothesis has on average; a window counts by its new tokens."""
    import numpy as np

    windows: list[list[Any]] = []
    weights: list[list[int]] = []
    for row, logits in zip(rows, outputs, strict=True):
        part = row.note
        if part.start == 0:  # the next hypothesis
            windows.append([])
            weights.append([])
            seen = 0
        windows[-1].append(logits)
        weights[-1].append(part.start + part.size - seen)
        seen = part.start + part.size
    averages = (np.average(w, axis=0, weights=n) for w, n in zip(windows, weights, strict=True))
    return np.stack(list(averages))


def _scores(logits: Any, config: Any, multi_label: bool) -> Any:
    """Logits (label, class) to scores, by the rules of ``ZeroShotClassificationPipeline``.

    Labels share a softmax over their "entailment"; a label by itself has one over "contradiction"
    and "entailment". Where no class is called a contradiction (``not_entailment``), it is the first
    or the last.
    """
    import numpy as np

    entails, contradicts = _classes(config)
    if multi_label or len(logits) == 1:
        other = (-1 if entails == 0 else 0) if contradicts is None else contradicts
        pairs = logits[:, [other, entails]]  # (label, 2)
        return 1 / (1 + np.exp(pairs[:, 0] - pairs[:, 1]))
    shifted = np.exp(logits[:, entails] - logits[:, entails].max())
    return shifted / shifted.sum()


TASK = Classify()
