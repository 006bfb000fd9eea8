"""The maps of chosen heads for the rows of a batch."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from tfcli.core.task import Loaded
from tfcli.errors import UnfitModelError
from tfcli.models.attention import Told, anatomy, decoder_start, look
from tfcli.models.axis import Axis, Encoded, encoded_target
from tfcli.models.tap import CROSS, DECODER, Attention

NEW_TOKENS = 256
"""The most tokens of an answer that a model writes to be its own target."""


class Wanted(NamedTuple):
    """What is wanted of a row: its note."""

    kind: str
    layers: list[int]
    heads: list[int]
    text: Axis
    target: Encoded | None = None
    """What the decoder reads; None: what the model itself writes, or no decoder is asked for."""
    truncated: bool = False


class Maps(NamedTuple):
    """What came of a row."""

    weights: Any
    """(layer, head, query, key)"""
    queries: Axis
    keys: Axis


class Neurons(NamedTuple):
    """How one query of a row meets all keys."""

    queries: Axis
    keys: Axis
    token: int
    """Which query it is."""
    query: Any
    """(layer, head, dim)"""
    key: Any
    """(layer, head, key, dim)"""
    score: Any
    """q·k·scaling + bias, -inf where the query may not see the key: (layer, head, key)"""
    weights: Any
    """softmax(score), (layer, head, key)"""


def maps_of(
    loaded: Loaded, wanted: Sequence[Wanted], inputs: Mapping[str, Any], merge: str
) -> list[Maps]:
    """Run a padded batch of rows of which the same is wanted, and cut the padding off.

    Args:
        loaded: the model.
        wanted: of each row.
        inputs: the batch, as the model takes it.
        merge: how to join the tokens of what the model itself writes.
    """
    kind, layers, heads, *_ = wanted[0]
    sides, inputs = _sides(loaded, wanted, inputs, merge)
    shape = len(layers), len(heads)
    found = [
        Maps(np.empty((*shape, queries.tokens, keys.tokens), np.float32), queries, keys)
        for queries, keys in sides
    ]

    def take(attention: Attention | Told) -> None:
        place = layers.index(attention.layer)
        weights = attention.weights(heads).cpu().numpy()  # (row, head, query, key)
        for one, padded in zip(found, weights, strict=True):
            one.weights[place] = padded[:, : one.queries.tokens, : one.keys.tokens]

    look(loaded, inputs, kind, layers, take)
    return found


def neurons_of(
    loaded: Loaded, wanted: Sequence[Wanted], inputs: Mapping[str, Any], token: int
) -> list[Neurons | int]:
    """The same for the neurons of one query; a row without it gives how many tokens it has.

    ``token`` is the query, counted from 0, or from the end where it is negative.

    Raises:
        UnfitModelError: the model gives weights alone.
    """
    kind, layers, heads, *_ = wanted[0]
    if not anatomy(loaded).tapped:
        raise UnfitModelError(
            f"A {loaded.config.model_type} model gives the weights of its heads, "
            "but not their queries and keys: no --neurons."
        )
    sides, inputs = _sides(loaded, wanted, inputs, "none")
    rows = [r for r, (queries, _) in enumerate(sides) if -queries.tokens <= token < queries.tokens]
    taken: dict[int, list[Any]] = {row: [] for row in rows}

    def take(attention: Any) -> None:
        query, key = attention.vectors(heads)  # (row, head, token, dim)
        scores = attention.scores(heads)  # (row, head, query, key)
        weights = scores.softmax(-1)
        for row in rows:
            queries, keys = sides[row]
            one, seen = token % queries.tokens, slice(keys.tokens)
            parts = query[row, :, one], key[row, :, seen], scores[row, :, one, seen]
            taken[row].append([*parts, weights[row, :, one, seen]])

    look(loaded, inputs, kind, layers, take)
    found: list[Neurons | int] = [queries.tokens for queries, _ in sides]
    for row, layer_by_layer in taken.items():
        parts = (torch.stack(part).cpu().numpy() for part in zip(*layer_by_layer, strict=True))
        queries, keys = sides[row]
        found[row] = Neurons(queries, keys, token % queries.tokens, *parts)
    return found


def _sides(
    loaded: Loaded, wanted: Sequence[Wanted], inputs: Mapping[str, Any], merge: str
) -> tuple[list[tuple[Axis, Axis]], Mapping[str, Any]]:
    """Queries and keys of each row, and the inputs with what the decoder reads."""
    kind = wanted[0].kind
    if kind not in (DECODER, CROSS):
        return [(one.text, one.text) for one in wanted], inputs
    targets = _targets(loaded, wanted, inputs, merge)
    width = max(len(target.inputs["input_ids"]) for target in targets)
    filler = loaded.tokenizer.pad_token_id
    ids = [
        [*target.inputs["input_ids"], *[filler] * (width - target.axis.tokens)]
        for target in targets
    ]
    read = torch.tensor(ids, device=loaded.model.device)  # (row, token)
    sides = [
        (target.axis, target.axis if kind == DECODER else one.text)
        for target, one in zip(targets, wanted, strict=True)
    ]
    return sides, {**inputs, "decoder_input_ids": read}


def _targets(
    loaded: Loaded, wanted: Sequence[Wanted], inputs: Mapping[str, Any], merge: str
) -> list[Encoded]:
    """What each row's decoder reads, if need be what the model writes without sampling."""
    lacking = [i for i, one in enumerate(wanted) if one.target is None]
    if not lacking:
        return [one.target for one in wanted if one.target is not None]
    most = min(NEW_TOKENS, loaded.max_length - 1)
    part = {name: values[lacking] for name, values in inputs.items()}
    written = loaded.model.generate(**part, do_sample=False, max_new_tokens=most)
    texts = loaded.tokenizer.batch_decode(written, skip_special_tokens=True)
    start = decoder_start(loaded)
    own = (encoded_target(text, start, loaded, merge) for text in texts)
    return [one.target or next(own) for one in wanted]
