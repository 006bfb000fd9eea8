"""Questions with their contexts as rows: the windows of a context, each with the question.

So are texts that stand alone, where each token has to know its characters.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from tfcli.core.task import Loaded, Row
from tfcli.models.windows import padding_side

_PIECE = 1 << 16
"""Tokens whose offsets exist as Python objects at a time: a book has millions."""


class Tokens(NamedTuple):
    """A context; of a tokenizer in Python its tokens alone are known."""

    ids: Any
    """(token,)"""
    offsets: Any
    """The characters of each token, half open, (token, 2)."""
    words: Any
    """The number of each token's word, -1 for none, (token,)."""


class Window(NamedTuple):
    """The part of a context, or of a text alone, that a row reads: the note of the row."""

    context: Tokens
    """All of the context."""
    start: int
    """The first token of the part."""
    size: int
    """How many tokens it has."""
    begin: int
    """Where in the row it begins."""
    own: slice
    """Those of its tokens that stand further from the borders here than in any other window."""
    cls: int | None
    """Where in the row ``[CLS]`` is, which stands for "no answer"."""


class _Frame(NamedTuple):
    """What stands around the context in every row: the question and the special tokens."""

    before: list[int]
    after: list[int]
    segments: tuple[list[int], list[int], list[int]] | None
    """token_type_ids before the context, of each of its tokens, and after it."""
    cls: int | None
    """From the row's end, where it is negative."""

    @property
    def length(self) -> int:
        return len(self.before) + len(self.after)


def pair_windows(
    pairs: Sequence[tuple[str | None, str]],
    loaded: Loaded,
    longest: int,
    overlap: int,
    least: int = 1,
    context_first: bool | None = None,
) -> Iterator[list[Row] | int]:
    """The rows of each pair; for a question that leaves no room its number of tokens too many.

    Each distinct question and each distinct context is tokenized once.

    Args:
        pairs: questions and contexts; texts that stand alone all have None for a question.
        loaded: whose tokenizer to use: a fast one, unless contexts stand first, and their tokens
            need not know their characters.
        longest: tokens of a row, special ones included.
        overlap: tokens of the context that a window shares with the one before; half of its room
            for the context at most.
        least: tokens of the context that a row has to have room for.
        context_first: whether it stands before the question; None: if the tokenizer pads on the
            left.
    """
    if context_first is None:
        context_first = loaded.tokenizer.padding_side == "left"
    questions = list(dict.fromkeys(question for question, _ in pairs))
    frames = dict(zip(questions, _frames(questions, loaded, context_first), strict=True))
    contexts = _tokens(dict.fromkeys(context for _, context in pairs), loaded.tokenizer)
    for question, context in pairs:
        frame = frames[question]
        room = longest - frame.length
        if room < least:
            yield least - room
        else:
            yield list(_rows(frame, contexts[context], room, min(overlap, room // 2)))


def unpadded(values: Any, row: Row, loaded: Loaded) -> Any:
    """What a model says of a row's own tokens, of which the last dimension has some and padding."""
    length = row.length
    left = padding_side(loaded.tokenizer) == "left"
    return values[..., -length:] if left else values[..., :length]


def _rows(frame: _Frame, tokens: Tokens, room: int, overlap: int) -> Iterator[Row]:
    import numpy as np

    count = len(tokens.ids)
    starts = range(0, max(1, count - overlap), room - overlap)
    for start in starts:
        part = slice(start, min(start + room, count))
        inputs = {"input_ids": np.concatenate([frame.before, tokens.ids[part], frame.after])}
        size = len(tokens.ids[part])
        if frame.segments is not None:
            before, each, after = frame.segments
            inputs["token_type_ids"] = np.array([*before, *each * size, *after])
        length = len(inputs["input_ids"])
        cls = None if frame.cls is None else frame.cls % length
        # Of the shared tokens each window owns those on its side of the middle.
        first = (overlap + 1) // 2 if start else 0
        last = size if start == starts[-1] else size - overlap // 2
        begin = len(frame.before)
        yield Row(
            {name: values.astype(np.int32, copy=False) for name, values in inputs.items()},
            note=Window(tokens, start, size, begin, slice(first, last), cls),
        )


def _frames(
    questions: Sequence[str | None], loaded: Loaded, context_first: bool
) -> Iterator[_Frame]:
    """See where a context would stand, by giving one of a single letter."""
    tokenizer = loaded.tokenizer
    letters = ["a"] * len(questions)
    alone = questions[0] is None
    sides = [letters] if alone else [letters, questions]
    encoded = tokenizer(
        *(sides if context_first else sides[::-1]),
        return_token_type_ids=tells_segments_apart(loaded),
        return_special_tokens_mask=True,
    )
    side = 0 if alone or context_first else 1
    letter = len(tokenizer("a", add_special_tokens=False)["input_ids"])
    for i, ids in enumerate(encoded["input_ids"]):
        special = encoded["special_tokens_mask"][i]
        if encoded.encodings:
            inside = [k for k, part in enumerate(encoded.encodings[i].sequence_ids) if part == side]
            begin, end = inside[0], inside[-1] + 1
        else:  # a tokenizer in Python does not say which side a token is of
            begin = special.index(0)
            end = begin + letter
        segments = None
        if "token_type_ids" in encoded:
            types = encoded["token_type_ids"][i]
            segments = types[:begin], types[begin : begin + 1], types[end:]
        classes = [k for k, id in enumerate(ids) if special[k] and id == tokenizer.cls_token_id]
        cls = (classes[0] if classes[0] < begin else classes[0] - len(ids)) if classes else None
        yield _Frame(ids[:begin], ids[end:], segments, cls)


def _tokens(contexts: Iterable[str], tokenizer: Any) -> dict[str, Tokens]:
    import numpy as np

    texts = list(contexts)
    encoded = tokenizer(
        texts,
        add_special_tokens=False,
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,  # a context may be longer than the model
    )
    if not encoded.encodings:
        listed = [np.array(ids, dtype=np.int32) for ids in encoded["input_ids"]]
        return {text: Tokens(ids, None, None) for text, ids in zip(texts, listed, strict=True)}
    found = {}
    for text, encoding in zip(texts, encoded.encodings, strict=True):
        encoding.truncate(_PIECE)
        pieces = [encoding, *encoding.overflowing]
        offsets = [np.array(piece.offsets, dtype=np.int32).reshape(-1, 2) for piece in pieces]
        words = [
            np.array([-1 if word is None else word for word in piece.word_ids], dtype=np.int32)
            for piece in pieces
        ]
        ids = [np.array(piece.ids, dtype=np.int32) for piece in pieces]
        found[text] = Tokens(*map(np.concatenate, (ids, offsets, words)))
    return found


def tells_segments_apart(loaded: Loaded) -> bool:
    """Whether the model has embeddings for question and context.

    Since transformers 5 the tokenizers of ALBERT, RemBERT, Funnel, XLNet … keep it to themselves.
    """
    told = "token_type_ids" in loaded.tokenizer.model_input_names
    segments = getattr(loaded.config, "type_vocab_size", 0)
    return told or segments > 1 or loaded.config.model_type == "xlnet"
