"""How surprising each token of a text is: behind those before it, or between all the others.

Surprisal is the negative logarithm of a probability, here in nats. A causal model gives that of
each token behind those before it. A masked model gives that of each token when it alone is masked;
the negative of their sum is the pseudo-log-likelihood of Salazar et al. (2020), "Masked Language
Model Scoring".
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from tfcli.core.task import Batch, Loaded, Row
from tfcli.models.axis import Encoded
from tfcli.models.masked import logits_at

LOGITS = 1 << 16
"""Numbers over the vocabulary that take as much room in a batch as a token."""


class Text(NamedTuple):
    """A text as tokens."""

    text: str
    inputs: Mapping[str, list[int]]
    labels: list[str]
    special: list[bool]
    """Whether a token is no text, but put there by the tokenizer."""
    spans: list[tuple[int, int] | None]
    """The characters of each token, half open; None for special ones, and from slow tokenizers."""

    @property
    def ids(self) -> list[int]:
        """The tokens as numbers."""
        return self.inputs["input_ids"]

    @property
    def body(self) -> range:
        """The tokens between the special ones at both ends."""
        inside = [i for i, special in enumerate(self.special) if not special]
        return range(inside[0], inside[-1] + 1) if inside else range(0)

    def bytes_from(self, token: int) -> int:
        """How many bytes of UTF-8 the text has from a token on, the space before it included."""
        before, here = self.spans[max(0, token - 1)], self.spans[token]
        start = min(before[1], here[0]) if token and before and here else 0
        return len(self.text[start:].encode())


class Part(NamedTuple):
    """What a row tells: its note."""

    text: Text
    first: int
    """The first token of the text whose surprisal it gives."""
    place: int
    """Where in the row that token stands."""


def text_of(text: str, found: Encoded, begin: int | None = None) -> Text:
    """A text that was encoded; ``begin`` is a token to stand before it, if it does not already."""
    axis, inputs = found.axis, found.inputs
    spans: list[tuple[int, int] | None] = [None] * axis.tokens
    if found.encoding is not None:
        offsets = zip(found.encoding.offsets, axis.special, strict=True)
        spans = [None if special else span for span, special in offsets]
    if begin is None or inputs["input_ids"][0] == begin:
        return Text(text, inputs, axis.labels, axis.special, spans)
    before = {"input_ids": [begin, *inputs["input_ids"]]}
    return Text(text, before, ["", *axis.labels], [True, *axis.special], [None, *spans])


def causal_rows(text: Text, longest: int, overlap: int, vocabulary: int) -> Iterator[Row]:
    """The windows of a text, of which each tells its new tokens; nothing stands before the first.

    Perplexity "with a sliding window" in transformers' documentation, whose ``stride`` is
    ``longest - overlap``.
    """
    begin, known = 0, 1
    while True:
        ids = text.ids[begin : begin + longest]
        more = len(ids) * vocabulary // LOGITS
        yield Row({"input_ids": ids}, Part(text, known, known - begin), more)
        known = begin + len(ids)
        if known == len(text.ids):
            return
        begin = known - overlap


def masked_rows(text: Text, longest: int, mask: int, vocabulary: int) -> Iterator[Row]:
    """A row for each token, which is masked there; in a long text with as much on either side."""
    import numpy as np

    body = text.body
    inputs = {
        name: np.array(values, dtype=np.int32)
        for name, values in text.inputs.items()
        if name != "attention_mask"
    }
    room = longest - (len(text.ids) - len(body))
    for token in body:
        start = min(max(body.start, token - room // 2), max(body.start, body.stop - room))
        inside = slice(start, min(start + room, body.stop))
        row = {
            name: np.concatenate([values[: body.start], values[inside], values[body.stop :]])
            for name, values in inputs.items()
        }
        place = body.start + token - start
        row["input_ids"][place] = mask
        yield Row(row, Part(text, token, place), vocabulary // LOGITS)


def causal_surprisals(loaded: Loaded, batch: Batch) -> list[list[float]]:
    """The surprisals that each row tells, in nats; rows are filled up on the right."""
    from torch.nn.functional import cross_entropy

    inputs = dict(batch.inputs)
    if "use_cache" in loaded.arguments:
        inputs["use_cache"] = False
    logits = loaded.model(**inputs).logits  # (row, token, vocabulary)
    found = []
    for row, ids, one in zip(batch.rows, inputs["input_ids"], logits, strict=True):
        place, length = row.note.place, len(row.inputs["input_ids"])
        before = one[place - 1 : length - 1].float()  # (token, vocabulary)
        found.append(cross_entropy(before, ids[place:length], reduction="none").tolist())
    return found


def masked_surprisals(loaded: Loaded, batch: Batch) -> list[list[float]]:
    """The same for masked tokens, of which each row has one."""
    import torch
    from torch.nn.functional import cross_entropy

    notes: Sequence[Part] = [row.note for row in batch.rows]
    places = [note.place for note in notes]
    logits = logits_at(loaded, batch.inputs, list(range(len(notes))), places)  # (row, vocabulary)
    ids = torch.tensor([note.text.ids[note.first] for note in notes], device=logits.device)
    return [[one] for one in cross_entropy(logits.float(), ids, reduction="none").tolist()]
