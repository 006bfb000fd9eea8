"""Read the sentence pairs, keep some apart, and let nothing of them into training."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from marian_starter.text import gaps, key, tidy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

PAIRS, LINES = "parallel/tatoeba_en_de.zip", "deu.txt"
HELD, WATCHED = 2000, 500  # sentences that are measured; that are looked at during training


class Pair(NamedTuple):
    """An English sentence and a German one."""

    source: str
    target: str


@dataclass(frozen=True)
class HeldOut:
    """An English sentence that is only ever measured, and its German translations.

    Attributes:
        source: the sentence.
        targets: its translations; the first is the one that counts where only one does.
        near: whether a training sentence differs from it by one word at most.
    """

    source: str
    targets: tuple[str, ...]
    near: bool


@dataclass(frozen=True)
class Texts:
    """The pairs to learn from, and the sentences held out."""

    training: list[Pair]
    held: list[HeldOut]
    watched: list[HeldOut]


def read_texts(data: Path, limit: int | None = None) -> Texts:
    """Read and tidy the pairs under `data/parallel`, held-out sentences apart.

    A hash of the sentence decides: the same on every machine and run. No pair is trained on whose
    English or German sentence is, but for case, punctuation and short forms, a held-out one.

    Args:
        data: the folder that holds `parallel/`.
        limit: take only so many pairs; for trying the program out.
    """
    distinct = {(key(one.source), key(one.target)): one for one in read_pairs(data)}
    groups: dict[str, list[Pair]] = {}
    for (source, _), pair in sorted(distinct.items(), key=lambda item: digest(*item[1])):
        groups.setdefault(source, []).append(pair)
    ordered = sorted(groups, key=digest)
    apart = ordered[: HELD + WATCHED]
    held_targets = {key(pair.target) for source in apart for pair in groups[source]}
    training = [
        pair
        for source in ordered[len(apart) :]
        for pair in groups[source]
        if key(pair.target) not in held_targets
    ]
    known = {gap for pair in training for gap in gaps(pair.source)}
    if limit:
        training, apart = training[:limit], [*apart[:60], *apart[HELD : HELD + 20]]
    held = [held_out(groups[source], known) for source in apart]
    count = 60 if limit else HELD
    return Texts(training, held[:count], held[count:])


def read_pairs(data: Path) -> Iterator[Pair]:
    """Read the pairs as they stand in the file."""
    with zipfile.ZipFile(data / PAIRS) as archive:
        lines = archive.read(LINES).decode("utf-8").split("\n")
    for line in lines:
        source, _, target = line.partition("\t")
        pair = Pair(tidy(source), tidy(target.split("\t")[0]))
        if key(pair.source) and key(pair.target):
            yield pair


def digest(*texts: str) -> str:
    """Return the sha256 of texts."""
    return hashlib.sha256("\t".join(texts).encode()).hexdigest()


def held_out(pairs: Sequence[Pair], known: set[tuple[str, ...]]) -> HeldOut:
    """Put the translations of a sentence together."""
    source = pairs[0].source
    targets = tuple(dict.fromkeys(pair.target for pair in pairs))
    return HeldOut(source, targets, not known.isdisjoint(gaps(source)))
