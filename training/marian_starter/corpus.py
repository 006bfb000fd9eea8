"""Every sentence as the numbers of its words, kept in the work folder so that a run goes on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from runs import save_json
from tokenizers import Tokenizer

from marian_starter.data import HeldOut, read_texts
from marian_starter.pieces import learn_pieces, words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Side:
    """The sentences of one language: the numbers of their words in one array."""

    numbers: NDArray[np.int32]
    starts: NDArray[np.int64]

    def __len__(self) -> int:
        """Return how many sentences there are."""
        return len(self.starts) - 1

    def sentence(self, place: int) -> list[int]:
        """Return the numbers of a sentence's words."""
        found: list[int] = self.numbers[self.starts[place] : self.starts[place + 1]].tolist()
        return found


@dataclass(frozen=True)
class Corpus:
    """All that training and measuring need of the data.

    Attributes:
        tokenizer: cuts texts into words and pieces.
        words: every word there is.
        lowered: the number of each word in lower case.
        source: the English sentences to learn from.
        target: the German ones, in the same order.
        held: sentences to measure.
        watched: sentences to look at during training.
    """

    tokenizer: Tokenizer
    words: list[str]
    lowered: list[int]
    source: Side
    target: Side
    held: list[HeldOut]
    watched: list[HeldOut]


def prepare(
    data: Path, work: Path, pieces: int, limit: int | None, log: Callable[[str], None]
) -> Corpus:
    """Read, tidy and cut the data, or take what an earlier run left in `work`."""
    folder = work / f"corpus-{pieces}-{limit or 'all'}"
    if not (folder / "texts.json").exists():  # written last
        folder.mkdir(parents=True, exist_ok=True)
        log("reading the data")
        texts = read_texts(data, limit)
        log(f"{len(texts.training):,} pairs; learning the pieces")
        tokenizer = learn_pieces((text for pair in texts.training for text in pair), pieces)
        tokenizer.save(str(folder / "tokenizer.json"))
        numbers: dict[str, int] = {}
        for name in ("source", "target"):
            side = numbered(tokenizer, [getattr(pair, name) for pair in texts.training], numbers)
            np.savez(folder / f"{name}.npz", numbers=side.numbers, starts=side.starts)
        lowered = [numbers.setdefault(word.lower(), len(numbers)) for word in list(numbers)]
        held = {name: [asdict(one) for one in getattr(texts, name)] for name in ("held", "watched")}
        content = {"words": list(numbers), "lowered": lowered, **held}
        save_json(content, folder / "texts.json")
    return load(folder)


def load(folder: Path) -> Corpus:
    """Read what `prepare` wrote."""
    content = json.loads((folder / "texts.json").read_text(encoding="utf-8"))

    def side(name: str) -> Side:
        with np.load(folder / f"{name}.npz") as arrays:
            return Side(arrays["numbers"], arrays["starts"])

    def held_out(name: str) -> list[HeldOut]:
        return [HeldOut(**one | {"targets": tuple(one["targets"])}) for one in content[name]]

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    lowered = content["lowered"]
    lowered += range(len(lowered), len(content["words"]))  # those that were added are in lower case
    return Corpus(
        tokenizer,
        content["words"],
        lowered,
        side("source"),
        side("target"),
        held_out("held"),
        held_out("watched"),
    )


def numbered(tokenizer: Tokenizer, texts: Sequence[str], numbers: dict[str, int]) -> Side:
    """Cut sentences into words; new ones get the next number in `numbers`."""
    found: list[int] = []
    starts = [0]
    for text in texts:
        found += (numbers.setdefault(word, len(numbers)) for word in words(tokenizer, text))
        starts.append(len(found))
    return Side(np.array(found, dtype=np.int32), np.array(starts, dtype=np.int64))
