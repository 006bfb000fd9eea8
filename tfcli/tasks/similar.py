"""``tfcli similar``: which of many texts are most like a text; cosines of the vectors of ``embed``.

Candidates become vectors once a run, before the texts that are compared with them.
"""

import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, NamedTuple

from tfcli.core.record import LongForm
from tfcli.core.task import Batch, Example, Failure, Field, Flag, Loaded, Record, Row
from tfcli.errors import UsageError
from tfcli.models.embedding import (
    BODY,
    ENCODER,
    TINY,
    WITHOUT_TOKENS,
    Plan,
    all_joined,
    auto_class,
    joined,
    planned,
    pooled,
    rows_of,
)
from tfcli.models.pooling import POOLINGS

AT_ONCE = 1 << 22
"""Cosines that are in memory at a time."""


@dataclass(frozen=True, slots=True)
class SimilarOptions:
    """What ``tfcli similar`` takes; what is not given is the model's own (``modules.json``)."""

    top_k: Annotated[
        int | None, Flag("Also give the N candidates most like it, as 'matches'.", min=1)
    ] = None
    pooling: Annotated[
        str | None, Flag("How one vector is made of those of tokens.", choices=POOLINGS)
    ] = None
    prompt: Annotated[
        str | None,
        Flag("Put this before each text: a name that the model knows, or the text itself."),
    ] = None
    among_prompt: Annotated[str | None, Flag("The same before each candidate.")] = None


class Candidates(NamedTuple):
    """What texts are compared with."""

    texts: Sequence[str]
    lines: Sequence[int]
    """Where each stands first, counted from 1."""
    vectors: Any
    """Of length 1, on the model's device: (candidate, dim)."""
    sound: bool
    """Whether all of them are numbers."""

    def nearest(self, vectors: Any, count: int) -> list[list[Record]]:
        """For each vector, (row, dim), its ``count`` nearest, best first."""
        import torch

        vectors = vectors / vectors.norm(dim=1, keepdim=True).clamp(min=TINY)
        found: list[tuple[list[float], list[int]]] = []
        for part in vectors.split(max(1, AT_ONCE // len(self.texts))):
            cosines = part @ self.vectors.T  # (row, candidate)
            best = torch.topk(cosines, min(count, len(self.texts)))
            found += zip(best.values.clamp(-1, 1).tolist(), best.indices.tolist(), strict=True)
        return [
            [
                {"text": self.texts[i], "line": self.lines[i], "score": score}
                for score, i in sorted(zip(*one, strict=True), key=lambda pair: (-pair[0], pair[1]))
            ]
            for one in found
        ]


class Compared(NamedTuple):
    """The note of a text's row; that of a candidate's is no more than ``fresh``."""

    fresh: int
    """Tokens that no earlier window had."""
    candidates: Candidates
    at_once: bool
    """Whether the row is all of the text, and can be compared before all windows were read."""


class Similar:
    """Find the candidates most like a text."""

    name = "similar"
    summary = "Say which of many texts are most like a text."
    examples = (
        'tfcli similar "a cat" --among "a dog" --among "a car"',
        "tfcli similar -i questions.txt --among-file answers.txt --top-k 3 -o matches.csv",
        "tfcli similar -i pairs.csv -c text=first -c among=second -f plain",
    )
    fields = (
        Field("text"),
        Field(
            "among",
            whole=True,
            repeated=False,
            many=True,
            noun="list of candidates",
            help="A text to compare with (repeatable; a line each).",
        ),
    )
    options_type = SimilarOptions
    standard = "sentence-transformers/all-MiniLM-L6-v2@c9745ed"
    auto_classes = (BODY, ENCODER)

    def columns(self, options: SimilarOptions) -> tuple[str, ...]:
        """The candidate most like the text, and how like it is; more of them on demand."""
        return ("match", "score") if options.top_k is None else ("match", "score", "matches")

    def suits(self, model_type: str, labels: Sequence[str] | None) -> bool:
        """All that give vectors of tokens to pool."""
        return model_type not in WITHOUT_TOKENS

    def auto_model(self, config: Any, options: SimilarOptions) -> str:
        """A model without a head."""
        return auto_class(config)

    def padding_side(self, config: Any) -> str:
        """Tokens are counted from the first one, in every family."""
        return "right"

    def beforehand(
        self, examples: Sequence[Example], loaded: Loaded, options: SimilarOptions
    ) -> Generator[list[Row], Sequence[Any], None]:
        """The rows of candidates that were not there in the window before.

        Raises:
            UsageError: there is nothing to read in any of them.
        """
        lists = dict.fromkeys(example.fields["among"] for example in examples)
        held: dict[str, Candidates] = loaded.cache.get(Candidates, {})
        held = {among: held[among] for among in lists if among in held}
        loaded.cache[Candidates] = held
        fresh = {among: _lines(among) for among in lists if among not in held}
        texts = list(dict.fromkeys(text for lines in fresh.values() for text in lines))
        plan = _plan(loaded, options, options.among_prompt)._replace(normalize=True)
        vectors = yield from all_joined(texts, loaded, plan)
        if fresh and vectors is None:
            raise UsageError("--among: nothing in it is text to the model.")
        place = {text: i for i, text in enumerate(texts)}
        for among, lines in fresh.items():
            own = vectors if len(fresh) == 1 else vectors[[place[text] for text in lines]]
            held[among] = _candidates(lines, own, loaded.model.device)

    def preprocess(
        self, examples: Sequence[Example], loaded: Loaded, options: SimilarOptions
    ) -> list[list[Row] | Failure]:
        """The windows of each text."""
        held: Mapping[str, Candidates] = loaded.cache[Candidates]
        texts = [example.fields["text"] for example in examples]
        prepared = rows_of(texts, loaded, _plan(loaded, options, options.prompt))
        return [
            rows
            if isinstance(rows, Failure)
            else [
                replace(row, note=Compared(row.note, held[e.fields["among"]], len(rows) == 1))
                for row in rows
            ]
            for e, rows in zip(examples, prepared, strict=True)
        ]

    def forward(self, loaded: Loaded, batch: Batch, options: SimilarOptions) -> Sequence[Any]:
        """The vector of each row; in the place of one that is all of a text, its matches."""
        vectors = pooled(loaded, batch, _plan(loaded, options).pooling)  # (row, dim)
        found: list[Any] = list(vectors.cpu().numpy())
        together: dict[int, list[int]] = {}
        for i, row in enumerate(batch.rows):
            if isinstance(row.note, Compared) and row.note.at_once:
                together.setdefault(id(row.note.candidates), []).append(i)
        for places in together.values():
            candidates = batch.rows[places[0]].note.candidates
            matches = candidates.nearest(vectors[places], options.top_k or 1)
            for i, own in zip(places, matches, strict=True):
                found[i] = own
        return found

    def postprocess(
        self,
        example: Example,
        rows: Sequence[Row],
        outputs: Sequence[Any],
        loaded: Loaded,
        options: SimilarOptions,
    ) -> Record | Failure:
        """The best match, and further ones on demand."""
        import torch

        first: Compared = rows[0].note
        if first.at_once:
            (matches,) = outputs
        else:
            fresh = [row.note.fresh for row in rows]
            vector = joined(outputs, fresh, _plan(loaded, options))  # (dim,)
            whole = torch.from_numpy(vector).to(loaded.model.device)[None]  # (1, dim)
            (matches,) = first.candidates.nearest(whole, options.top_k or 1)
        best = matches[0]
        if not (first.candidates.sound and math.isfinite(best["score"])):
            return loaded.overflow
        record = {"match": best["text"], "score": best["score"]}
        return record if options.top_k is None else {**record, "matches": matches}

    def long_form(self, options: SimilarOptions) -> LongForm | None:
        """Of several matches each has a line."""
        if options.top_k is None:
            return None
        return LongForm(
            ("match", "line", "score"),
            lambda record: ((m["text"], m["line"], m["score"]) for m in record["matches"]),
            frozenset(self.columns(options)),
            plain=1,
        )


def _plan(loaded: Loaded, options: SimilarOptions, prompt: str | None = None) -> Plan:
    return planned(loaded, options.pooling, prompt=prompt)


def _lines(among: str) -> dict[str, int]:
    """The lines of a text that are not blank, and where each stands first."""
    lines: dict[str, int] = {}
    for number, line in enumerate(among.split("\n"), 1):
        if line.strip():
            lines.setdefault(line.removesuffix("\r"), number)
    return lines


def _candidates(lines: Mapping[str, int], vectors: Any, device: Any) -> Candidates:
    import torch

    sound = math.isfinite(vectors.sum())
    return Candidates(
        list(lines), list(lines.values()), torch.from_numpy(vectors).to(device), sound
    )


TASK = Similar()
