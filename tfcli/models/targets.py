"""What a decoder reads, for the attention that it pays: a target, token by token."""

from collections.abc import Sequence
from typing import Any

from tfcli.core.task import Failure, Loaded
from tfcli.errors import UnfitModelError
from tfcli.models.axis import Axis, Encoded, encoded_at, parting, spelled

GENERATE = "generate"
"""The target that is the model's own answer."""

NEW_TOKENS = 256
"""The most tokens of an answer that a model writes to be its own target."""


def target_of(text: str, loaded: Loaded, merge: str) -> Encoded | Failure | None:
    """What a decoder reads when it is to write a text: its start token, then all but the end.

    The row of a token in a map belongs to the step in which the decoder read it. None: nothing is
    there to read before the model has written it.

    Raises:
        UnfitModelError: the model writes in many languages, and nothing says in which.
    """
    if hasattr(loaded.tokenizer, "tgt_lang"):
        raise UnfitModelError(
            "The model has to be told the language of a target, which is not possible here yet.",
            hint="--kind encoder shows how it reads a text.",
        )
    if text == GENERATE:
        return None
    found = _shifted(text, decoder_start(loaded), loaded, merge)
    if found.axis.tokens > loaded.max_length:
        room = f"the model has room for {loaded.max_length:,}"
        return Failure("too_long", f"the target has {found.axis.tokens:,} tokens, and {room}")
    return found


def written_target(written: Sequence[int], loaded: Loaded, merge: str) -> Encoded:
    """What a decoder read while it wrote: its start token, then all until it came to an end.

    Tokens are merged only where the tokenizer would cut the text in the same way.

    Args:
        written: the start token, what the model wrote, and what fills the row of a batch.
        loaded: the model.
        merge: one of ``MERGES``.
    """
    tokenizer = loaded.tokenizer
    ends = {*parting(tokenizer), tokenizer.pad_token_id}
    count = next((i for i, id in enumerate(written) if i and id in ends), len(written))
    ids = list(written[:count])
    cut = _shifted(tokenizer.decode(ids, skip_special_tokens=True), ids[0], loaded, merge)
    if cut.inputs["input_ids"] == ids:
        return cut
    labels = [spelled(id, tokenizer) for id in ids]
    special = [not i or id in tokenizer.all_special_ids for i, id in enumerate(ids)]
    no = [False] * count
    axis = Axis(labels, [0] * count, special, no, list(range(count)), count)
    return Encoded({"input_ids": ids}, axis)


def decoder_start(loaded: Loaded) -> int:
    """The token that a decoder begins with."""
    for settings in (loaded.model.generation_config, loaded.config):
        start = getattr(settings, "decoder_start_token_id", None)
        if start is not None:
            return int(start)
    start = loaded.tokenizer.bos_token_id
    return int(loaded.tokenizer.pad_token_id if start is None else start)


def _shifted(text: str, start: int, loaded: Loaded, merge: str) -> Encoded:
    batch: Any = loaded.tokenizer(text_target=[text], verbose=False)
    whole = encoded_at(batch, 0, (text, None), loaded, merge)
    ids = whole.inputs["input_ids"]
    end = len(ids) - 1 if ids and ids[-1] in parting(loaded.tokenizer) else len(ids)

    def shifted(axis: Axis) -> Axis:
        kept = [unit for unit, first in enumerate(axis.starts) if first < end]
        words = axis.words
        return Axis(
            [spelled(start, loaded.tokenizer), *(axis.labels[unit] for unit in kept)],
            [0] * (1 + len(kept)),
            [True, *(axis.special[unit] for unit in kept)],
            [False, *(axis.separator[unit] for unit in kept)],
            [0, *(axis.starts[unit] + 1 for unit in kept)],
            1 + end,
            None if words is None else lambda: shifted(words()),
        )

    return Encoded({"input_ids": [start, *ids[:end]]}, shifted(whole.axis))
