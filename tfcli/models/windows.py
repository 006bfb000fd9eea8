"""Long texts as windows: rows of at most the model's length that overlap.

Pairs of a question and a context are in ``pairs.py``.
"""

from collections.abc import Sequence
from typing import Any

from tfcli.core.task import Loaded, Row


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


def padding_side(tokenizer: Any) -> str:
    """The side that a family is padded on.

    Not the checkpoint's setting: one made for generation may be set to pad on the left, where plain
    forward passes would count its positions wrong.
    """
    side: str = type(tokenizer).padding_side
    return side
