"""Long texts as windows: rows of at most the model's length that overlap."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from tfcli.core.task import Loaded, Row


class PairWindow(NamedTuple):
    """What the tokens of a row are that begins with a question; an element for each token."""

    context: Any
    """Whether it is of the context."""
    cls: Any
    """Whether it is ``[CLS]``, which stands for "no answer"."""
    offsets: Any
    """Its characters of the context, half open, (token, 2)."""
    words: Any
    """The number of its word, -1 for none."""


def windows(texts: Sequence[str], loaded: Loaded, overlap: int) -> list[list[Row]]:
    """The windows of each text, tokenized in one call.

    A row's note is the number of its tokens, special ones apart, that no earlier window had.

    Args:
        texts: any number of texts, none of them empty.
        loaded: whose tokenizer and ``max_length`` to use.
        overlap: tokens that a window shares with the one before; a quarter of a window at most.
    """
    overlap = min(overlap, loaded.max_length // 4)
    if not loaded.tokenizer.is_fast:
        return [_by_hand(text, loaded, overlap) for text in texts]
    encoded = loaded.tokenizer(
        list(texts),
        truncation=True,
        max_length=loaded.max_length,
        stride=overlap,
        return_overflowing_tokens=True,
        return_special_tokens_mask=True,
    )
    owners = encoded.pop("overflow_to_sample_mapping")
    special = encoded.pop("special_tokens_mask")
    rows: list[list[Row]] = [[] for _ in texts]
    for i, owner in enumerate(owners):
        fresh = special[i].count(0) - (overlap if rows[owner] else 0)
        rows[owner].append(Row({name: values[i] for name, values in encoded.items()}, note=fresh))
    return rows


def _by_hand(text: str, loaded: Loaded, overlap: int) -> list[Row]:
    """For tokenizers in Python, which give no overflowing windows."""
    tokenizer = loaded.tokenizer
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    room = loaded.max_length - tokenizer.num_special_tokens_to_add()
    rows = []
    for start in range(0, max(1, len(ids) - overlap), room - overlap):
        window = ids[start : start + room]
        inputs = tokenizer.prepare_for_model(window, add_special_tokens=True)
        rows.append(Row(dict(inputs), note=len(window) - (overlap if start else 0)))
    return rows


def pair_windows(
    question: str, context: str, loaded: Loaded, longest: int, overlap: int
) -> Iterator[Row]:
    """The windows of a context, each with the question; a row's note is a PairWindow.

    Models that are padded on the left read the context first.

    Args:
        question: short enough to leave room.
        context: of any length.
        loaded: whose tokenizer, a fast one, and ``max_length`` to use.
        longest: tokens of a row, if the model reads so many.
        overlap: tokens of the context that a window shares with the one before.
    """
    import numpy as np

    tokenizer = loaded.tokenizer
    question_first = type(tokenizer).padding_side == "right"
    texts = question, context
    encoded = tokenizer(
        *(texts if question_first else texts[::-1]),
        truncation="only_second" if question_first else "only_first",
        max_length=min(longest, loaded.max_length),
        stride=overlap,
        return_overflowing_tokens=True,
        return_token_type_ids=_tells_segments_apart(loaded),
    )
    encoded.pop("overflow_to_sample_mapping")
    for i, encoding in enumerate(encoded.encodings):
        inputs = {name: values[i] for name, values in encoded.items()}
        ids = inputs["input_ids"]
        words = [-1 if word is None else word for word in encoding.word_ids]
        window = PairWindow(
            context=np.array(encoding.sequence_ids) == int(question_first),
            cls=ids.index(tokenizer.cls_token_id) if tokenizer.cls_token_id in ids else None,
            offsets=np.array(encoding.offsets, dtype=np.int32),
            words=np.array(words, dtype=np.int32),
        )
        yield Row(inputs, note=window)


def _tells_segments_apart(loaded: Loaded) -> bool:
    """Whether the model has embeddings for question and context.

    Since transformers 5 the tokenizers of ALBERT, RemBERT, Funnel, XLNet … keep it to themselves.
    """
    told = "token_type_ids" in loaded.tokenizer.model_input_names
    segments = getattr(loaded.config, "type_vocab_size", 0)
    return told or segments > 1 or loaded.config.model_type == "xlnet"
