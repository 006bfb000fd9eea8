"""``tfcli fill``: the words that a masked language model puts into the blanks of a text.

Tokens and scores are those of transformers' ``FillMaskPipeline``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

from tfcli.core.task import Batch, Example, Failure, Field, Flag, Loaded, Record, Row
from tfcli.errors import UnfitModelError, UsageError
from tfcli.models.axis import Encoded, encoded
from tfcli.models.blanks import MASK, filled, for_model, parts, targets_at, word
from tfcli.models.generative import fills_blanks
from tfcli.models.masked import MASKED, logits_at, mask_id

CANDIDATES = 5
"""How many words are given for a mask, as by the pipeline."""

DISTRIBUTION = 4096
"""Numbers of a distribution that take as much room in a batch as a token."""


@dataclass(frozen=True, slots=True)
class FillOptions:
    """What ``tfcli fill`` takes."""

    top_k: Annotated[
        int | None, Flag("Give the N likeliest tokens for each mask [5; of targets all].", min=1)
    ] = None
    targets: Annotated[
        tuple[str, ...],
        Flag("Choose among these words alone: A,B (repeatable).", metavar="A,B"),
    ] = ()
    truncate: Annotated[
        str | None, Flag("Cut the end off texts that are too long.", choices=("right",))
    ] = None

    def __post_init__(self) -> None:
        """Refuse a target that is none."""
        if not all(self.words) or (self.targets and not self.words):
            raise UsageError("--targets: a word is empty.", hint="--targets good,bad")

    @property
    def words(self) -> tuple[str, ...]:
        """The targets one by one."""
        return tuple(one.strip() for given in self.targets for one in given.split(","))


class Blanks(NamedTuple):
    """What a row asks for."""

    cut: list[str]
    """The text, cut at its masks."""
    places: list[int]
    """The tokens that are masks."""
    targets: list[list[int]] | None
    """For each mask the tokens to choose from; None: all."""
    truncated: bool


class Fill:
    """Fill the blanks of texts."""

    name = "fill"
    summary = "Fill the blanks of a text: The capital of France is [MASK]."
    examples = (
        'tfcli fill "The capital of France is [MASK]."',
        'tfcli fill "The film was [MASK]." --targets good,bad | jq -c ".masks[0][]"',
        "tfcli fill -i sentences.txt --top-k 1 -f plain",
    )
    fields = (Field("text"),)
    options_type = FillOptions
    standard = "google-bert/bert-base-uncased@86b5e09"
    auto_classes = (MASKED,)

    def columns(self, options: FillOptions) -> tuple[str, ...]:
        """The text with the likeliest words, the first of them, and all candidates."""
        cut = ("truncated",) if options.truncate is not None else ()
        return ("filled", "token", "score", "masks", *cut)

    def auto_model(self, config: Any, options: FillOptions) -> str:
        """A masked language head."""
        if not fills_blanks(config):
            raise UnfitModelError(
                f"A {config.model_type} model fills no blanks.",
                hint="Name a masked model with -m (BERT, RoBERTa …); "
                "what comes next a causal one says: tfcli next.",
            )
        return MASKED

    def padding_side(self, config: Any) -> str:
        """Masks are counted from the first token, in every family."""
        return "right"

    def preprocess(
        self, examples: Sequence[Example], loaded: Loaded, options: FillOptions
    ) -> list[list[Row] | Failure]:
        """One row for each text."""
        tokenizer = loaded.tokenizer
        mask = mask_id(tokenizer)
        cuts = [parts(example.fields["text"], tokenizer) for example in examples]
        texts = [(for_model(cut, tokenizer), None) for cut in cuts]
        targets = targets_at(cuts, options.words, tokenizer)
        return [
            _prepared(one, cut, mask, asked if options.words else None, loaded)
            for one, cut, asked in zip(
                encoded(texts, loaded, "none", options.truncate is not None),
                cuts,
                targets,
                strict=True,
            )
        ]

    def forward(self, loaded: Loaded, batch: Batch, options: FillOptions) -> Sequence[Any]:
        """For each mask of each row the likeliest tokens and their probabilities, best first."""
        wanted = [(i, place) for i, row in enumerate(batch.rows) for place in row.note.places]
        rows, tokens = ([*side] for side in zip(*wanted, strict=True))
        logits = logits_at(loaded, batch.inputs, rows, tokens)  # (place, vocabulary)
        each = iter(logits.float().softmax(-1))
        return [
            [
                _likeliest(next(each), row.note.targets and row.note.targets[i], options.top_k)
                for i in range(len(row.note.places))
            ]
            for row in batch.rows
        ]

    def postprocess(
        self,
        example: Example,
        rows: Sequence[Row],
        outputs: Sequence[Any],
        loaded: Loaded,
        options: FillOptions,
    ) -> Record | Failure:
        """The candidates for each mask, with the text that each makes."""
        found: list[list[tuple[int, float]]] = outputs[0]
        if not all(math.isfinite(score) for one in found for _, score in one):
            return loaded.overflow
        note: Blanks = rows[0].note
        # What stands before a mask is read as the model would fill it.
        ids, words = list(rows[0].inputs["input_ids"]), {}
        masks = []
        for number, (place, candidates) in enumerate(zip(note.places, found, strict=True)):
            written = {id: word(id, ids[:place], loaded.tokenizer) for id, _ in candidates}
            masks.append(
                [
                    {
                        "token": loaded.tokenizer.decode([id]),
                        "id": id,
                        "score": score,
                        "filled": filled(note.cut, {number: written[id]}),
                    }
                    for id, score in candidates
                ]
            )
            ids[place] = candidates[0][0]
            words[number] = written[ids[place]]
        best = {name: masks[0][0][name] for name in ("token", "score")}
        record = {"filled": filled(note.cut, words), **best, "masks": masks}
        return record | ({} if options.truncate is None else {"truncated": note.truncated})


def _prepared(
    text: Encoded | Failure,
    cut: list[str],
    mask: int,
    targets: list[list[int]] | str | None,
    loaded: Loaded,
) -> list[Row] | Failure:
    """The row of a text, or what is wrong with it."""
    if isinstance(text, Failure):
        return text
    count = len(cut) // 2
    if not count:
        own = loaded.tokenizer.mask_token
        names = MASK if own == MASK else f"{MASK} or {own}"
        return Failure("mask", f"nothing to fill: write {names} for a word, 'The film was {MASK}.'")
    ids = text.inputs["input_ids"]
    places = [i for i, id in enumerate(ids) if id == mask]
    if len(places) != count:
        lost = "the rest was cut off" if text.truncated else "put spaces around them"
        return Failure("mask", f"the model sees {len(places)} of {count} masks: {lost}")
    if isinstance(targets, str):
        return Failure("target", f"--targets: {targets}")
    more = count * len(loaded.tokenizer) // DISTRIBUTION
    return [Row(text.inputs, Blanks(cut, places, targets, text.truncated), more)]


def _likeliest(
    probabilities: Any, targets: list[int] | None, count: int | None
) -> list[tuple[int, float]]:
    """Tokens with their probabilities, (vocabulary,), best first."""
    among = probabilities if targets is None else probabilities[targets]
    count = count or (CANDIDATES if targets is None else len(targets))
    scores, places = among.topk(min(count, len(among)))
    ids = places.tolist() if targets is None else [targets[place] for place in places.tolist()]
    return list(zip(ids, scores.tolist(), strict=True))


TASK = Fill()
