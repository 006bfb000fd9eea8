"""Every text as token ids, kept in the work folder so that a run can go on at once."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from runs import save_json
from tokenizers import Tokenizer

from gpt2_starter.data import HeldOut, read_texts
from gpt2_starter.pieces import END, learn_pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

CHUNK = 50_000  # characters encoded at once: a whole book's encoding takes much memory
BATCH = 64


@dataclass(frozen=True)
class Tokens:
    """The documents of one kind, each ended by the end-of-text piece, in one array."""

    ids: NDArray[np.uint16]
    starts: NDArray[np.int64]


@dataclass(frozen=True)
class Corpus:
    """All that training and measuring need of the data."""

    tokenizer: Tokenizer
    training: dict[str, Tokens]
    books: list[HeldOut]
    stories: list[HeldOut]


def prepare(
    data: Path, work: Path, pieces: int, limit: int | None, log: Callable[[str], None]
) -> Corpus:
    """Read, tidy and encode the data, or take what an earlier run left in `work`."""
    folder = work / f"corpus-{pieces}-{limit or 'all'}"
    if not (folder / "held_out.json").exists():  # written last
        folder.mkdir(parents=True, exist_ok=True)
        log("reading the data")
        texts = read_texts(data, limit)
        log("learning the pieces")
        tokenizer = learn_pieces(texts.training, pieces)
        tokenizer.save(str(folder / "tokenizer.json"))
        for kind, documents in texts.training.items():
            tokens = encode(tokenizer, documents)
            np.savez(folder / f"{kind}.npz", ids=tokens.ids, starts=tokens.starts)
            characters = sum(map(len, documents)) / 1e6
            log(f"{kind}: {characters:.1f} M characters, {len(tokens.ids) / 1e6:.2f} M tokens")
        held = {"books": texts.books, "stories": texts.stories}
        content = {name: [asdict(d) for d in documents] for name, documents in held.items()}
        save_json(content, folder / "held_out.json")
    return load(folder)


def load(folder: Path) -> Corpus:
    """Read what `prepare` wrote."""
    held = json.loads((folder / "held_out.json").read_text(encoding="utf-8"))
    training = {}
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as arrays:
            training[path.stem] = Tokens(arrays["ids"], arrays["starts"])
    return Corpus(
        Tokenizer.from_file(str(folder / "tokenizer.json")),
        training,
        [HeldOut(**document) for document in held["books"]],
        [HeldOut(**document) for document in held["stories"]],
    )


def encode(tokenizer: Tokenizer, documents: Sequence[str]) -> Tokens:
    """Encode documents, each ended by the end of text.

    A chunk ends with a line break, which no piece reaches across, so that the ids are those of
    the whole text.
    """
    end = tokenizer.token_to_id(END)
    found: list[NDArray[np.uint16]] = []
    starts: list[int] = []
    length = 0
    waiting: list[tuple[str, bool]] = []

    def write() -> None:
        nonlocal length
        encoded = tokenizer.encode_batch_fast([chunk for chunk, _ in waiting])
        for (_, first), encoding in zip(waiting, encoded, strict=True):
            if first:
                starts.append(length)
            found.append(np.array(encoding.ids, dtype=np.uint16))
            length += len(found[-1])
        waiting.clear()

    for document in documents:
        waiting.extend((chunk, place == 0) for place, chunk in enumerate(chunks(document)))
        waiting.append((END, False))
        if len(waiting) >= BATCH:
            write()
    write()
    ids = np.concatenate(found) if found else np.zeros(0, np.uint16)
    assert np.count_nonzero(ids == end) == len(starts)
    return Tokens(ids, np.array(starts, dtype=np.int64))


def chunks(text: str) -> Iterator[str]:
    """Cut a text after line breaks into parts of about `CHUNK` characters."""
    start = 0
    while start < len(text):
        found = text.find("\n", start + CHUNK)
        stop = found + 1 if found >= 0 else len(text)
        yield text[start:stop]
        start = stop
