"""What the rows and the columns of an attention map stand for: tokens, words or characters."""

import codecs
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

from tfcli.core.task import Failure, Loaded
from tfcli.errors import UnfitModelError
from tfcli.models.pairs import tells_segments_apart

MERGES = ("none", "words", "chars")


class Axis(NamedTuple):
    """The units along a side of a map, each one or several tokens that follow each other."""

    labels: list[str]
    segments: list[int]
    """For each unit the text that it belongs to: 0, or 1 for the second of a pair."""
    special: list[bool]
    """Whether a unit is no text, but put there by the tokenizer."""
    separator: list[bool]
    """Whether it is the special token that ends or parts texts."""
    starts: list[int]
    """The first token of each unit."""
    tokens: int
    words: "Callable[[], Axis] | None" = None
    """The words that units which are tokens make, where the tokenizer knows them."""


class Encoded(NamedTuple):
    """A text, or a pair of them, as the model reads it, and what its tokens are."""

    inputs: dict[str, list[int]]
    axis: Axis
    truncated: bool = False
    encoding: Any = None
    """What the tokenizer says besides: offsets, words. None: it is a slow one, and says nothing."""


def encoded(
    texts: Sequence[tuple[str, str | None]],
    loaded: Loaded,
    merge: str,
    truncate: bool,
    whole: bool = False,
) -> list[Encoded | Failure]:
    """Tokenize texts, each alone or with a second one.

    What is too long loses its end, or is an error that names both sizes; unless ``whole`` says that
    no row has to hold it.

    Raises:
        UnfitModelError: the tokenizer does not say which characters a token is, and ``merge`` has
            to know.
    """
    found: dict[int, Encoded | Failure] = {}
    for paired in (False, True):
        chosen = [i for i, (_, second) in enumerate(texts) if (second is not None) is paired]
        if not chosen:
            continue
        batch = _tokenized([texts[i] for i in chosen], loaded)
        for place, i in enumerate(chosen):
            length = len(batch["input_ids"][place])
            if not length:
                found[i] = Failure("empty", "nothing in it is text to the model")
            elif whole or length <= loaded.max_length:
                found[i] = encoded_at(batch, place, texts[i], loaded, merge)
            elif truncate:
                cut = _tokenized([texts[i]], loaded, truncation=True, max_length=loaded.max_length)
                found[i] = encoded_at(cut, 0, texts[i], loaded, merge)._replace(truncated=True)
            else:
                sizes = f"{length:,} tokens, and the model has room for {loaded.max_length:,}"
                found[i] = Failure("too_long", f"{sizes}; --truncate right cuts the end off")
    return [found[i] for i in range(len(texts))]


def _tokenized(texts: Sequence[tuple[str, str | None]], loaded: Loaded, **how: Any) -> Any:
    """Tokenize texts of which all, or none, have a second one; in one call."""
    tokenizer = loaded.tokenizer
    tokenizer.truncation_side = "right"
    sides = [[first for first, _ in texts]]
    if texts[0][1] is not None:
        sides.append([str(second) for _, second in texts])
        how["return_token_type_ids"] = tells_segments_apart(loaded)
    return tokenizer(*sides, verbose=False, **how)


def encoded_at(
    batch: Any, place: int, texts: tuple[str, str | None], loaded: Loaded, merge: str
) -> Encoded:
    """One of the texts that a tokenizer was called with."""
    inputs = {name: values[place] for name, values in batch.items()}
    encoding = batch.encodings[place] if batch.encodings else None
    axis = _axis(inputs, encoding, texts, loaded, merge)
    return Encoded(inputs, axis, encoding=encoding)


def parting(tokenizer: Any) -> set[int]:
    """The special tokens that end or part texts."""
    return {tokenizer.sep_token_id, tokenizer.eos_token_id} - {None}


def _axis(
    inputs: dict[str, list[int]],
    encoding: Any,
    texts: tuple[str, str | None],
    loaded: Loaded,
    merge: str,
) -> Axis:
    tokenizer, ids = loaded.tokenizer, inputs["input_ids"]
    if encoding is None:
        if merge != "none":
            raise UnfitModelError(
                "The model's tokenizer is a slow one: it does not say which characters a token is.",
                hint="Leave --merge out.",
            )
        marks = tokenizer.get_special_tokens_mask(ids, already_has_special_tokens=True)
        special = [bool(mark) for mark in marks]
        parts = inputs.get("token_type_ids", [0] * len(ids))
    else:
        special = [bool(mark) for mark in encoding.special_tokens_mask]
        parts = _parts(encoding.sequence_ids)
    starts = [0, *range(1, len(ids))]
    if merge != "none":
        joins = _joining(encoding, texts, merge)
        starts = [i for i in starts if i == 0 or not joins(i)]
    ends = [*starts[1:], len(ids)]
    labels = [
        spelled(ids[first], tokenizer)
        if merge == "none" or special[first]
        else _slice(encoding, texts, first, end) or spelled(ids[first], tokenizer)
        for first, end in zip(starts, ends, strict=True)
    ]
    borders = parting(tokenizer)
    return Axis(
        labels,
        [parts[first] for first in starts],
        [special[first] for first in starts],
        [special[first] and ids[first] in borders for first in starts],
        starts,
        len(ids),
        partial(_axis, inputs, encoding, texts, loaded, "words")
        if merge == "none" and encoding is not None
        else None,
    )


def _parts(sequences: Sequence[int | None]) -> list[int]:
    """The text of each token; what the tokenizer puts before the second text is the first's."""
    second = next((i for i, one in enumerate(sequences) if one == 1), len(sequences))
    return [int(i >= second) for i in range(len(sequences))]


def _joining(encoding: Any, texts: tuple[str, str | None], merge: str) -> Callable[[int], bool]:
    """Whether a token belongs to the same word or character as the one before it."""
    offsets, words = encoding.offsets, encoding.word_ids
    sequences, special = encoding.sequence_ids, encoding.special_tokens_mask
    borders = [_borders(text or "") for text in texts]

    def joins(i: int) -> bool:
        if special[i] or special[i - 1] or sequences[i] != sequences[i - 1]:
            return False
        (_, before), (start, end) = offsets[i - 1], offsets[i]
        text = texts[sequences[i]] or ""
        if start < before or start not in borders[sequences[i]]:
            return True  # a part of the same character
        if merge == "chars" or start == end or words[i] != words[i - 1]:
            return False
        last, between = text[before - 1], text[before : start + 1]
        ideographs = _is_ideograph(last) or (_is_ideograph(text[start]) and not last.isspace())
        return not (ideographs or any(one.isspace() for one in between))

    return joins


def _borders(text: str) -> set[int]:
    """Where characters as people see them begin: grapheme clusters (Unicode's annex 29)."""
    if text.isascii():
        return set(range(len(text) + 1))
    import regex

    return {found.start() for found in regex.finditer(r"\X", text)} | {len(text)}


def _is_ideograph(character: str) -> bool:
    """Whether it is a word of its own, as BERT's tokenizer has it: the blocks of Han characters."""
    code = ord(character)
    return 0x3400 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF or 0x20000 <= code <= 0x3FFFF


def _slice(encoding: Any, texts: tuple[str, str | None], first: int, end: int) -> str:
    """The characters of the tokens ``first`` to ``end``, half open, without outer spaces."""
    text = texts[encoding.sequence_ids[first]] or ""
    spans = encoding.offsets[first:end]
    piece = text[min(start for start, _ in spans) : max(stop for _, stop in spans)]
    return piece.strip() or piece


def spelled(id: int, tokenizer: Any) -> str:
    """A token as the vocabulary spells it; where that is byte by byte, as text.

    Bytes that are no whole character stand as ``<0xE4>``.
    """
    token: str = tokenizer.convert_ids_to_tokens(id)
    if not _spells_bytes(tokenizer) or any(one not in _bytes() for one in token):
        return token
    return bytes(_bytes()[one] for one in token).decode("utf-8", "tfcli-hex")


def _spells_bytes(tokenizer: Any) -> bool:
    return tokenizer.is_fast and "ByteLevel" in str(tokenizer.backend_tokenizer.decoder)


@cache
def _bytes() -> dict[str, int]:
    """The printable character that stands for each byte in GPT-2's vocabulary, and all like it."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others: Iterator[int] = (byte for byte in range(0x100) if byte not in printable)
    return {chr(byte): byte for byte in printable} | {
        chr(0x100 + i): byte for i, byte in enumerate(others)
    }


def _in_hexadecimal(exc: UnicodeError) -> tuple[str, int]:
    assert isinstance(exc, UnicodeDecodeError)
    return "".join(f"<0x{byte:02X}>" for byte in exc.object[exc.start : exc.end]), exc.end


codecs.register_error("tfcli-hex", _in_hexadecimal)
