"""What is made of attention maps: words of tokens, fewer maps, numbers for each head.

A map is (…, query, key); a row sums to 1. All of it is numpy.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfcli.models.axis import Axis

PATTERNS = ("previous", "next", "first", "same", "separator")


def merged(maps: Any, queries: Axis, keys: Axis) -> Any:
    """Sum what goes to the tokens of a unit, average what comes from them: rows still sum to 1."""
    if len(keys.starts) < keys.tokens:
        maps = np.add.reduceat(maps, keys.starts, axis=-1)
    if len(queries.starts) < queries.tokens:
        sizes = np.diff([*queries.starts, queries.tokens])[:, None]
        maps = np.add.reduceat(maps, queries.starts, axis=-2) / sizes.astype(maps.dtype)
    return maps


ROLLOUT = "rollout"


def joined(before: Any, maps: Any, how: str, layers: int) -> Any:
    """One map of several, a layer more: (token, token) and (head, token, token) → (token, token).

    ``mean`` and ``max`` go over heads and layers. ``rollout`` is how much of each token arrives at
    the end: heads are averaged, a token keeps half of itself at every layer (the residual
    connection), and layers are multiplied: Abnar and Zuidema 2020, "Quantifying Attention Flow in
    Transformers", equation 1.

    Args:
        before: what came of the layers before; None at the first.
        maps: of all heads of the layer.
        how: ``mean``, ``max`` or ``rollout``, which takes all layers from the first on.
        layers: how many there will be.
    """
    if how == "max":
        highest = maps.max(axis=0)
        return highest if before is None else np.maximum(before, highest)
    mean = maps.mean(axis=0)
    if how == "mean":
        return mean / layers + (0 if before is None else before)
    kept = 0.5 * mean + 0.5 * np.eye(len(mean), dtype=mean.dtype)
    return kept if before is None else kept @ before


def entropy(maps: Any) -> Any:
    """How widely each query looks, in nats, the mean over queries: (…, query, key) → (…).

    Clark et al. 2019, "What Does BERT Look At?", section 3.3.
    """
    logs = np.log(maps, where=maps > 0, out=np.zeros_like(maps))
    return -(maps * logs).sum(-1).mean(-1)


def distance(maps: Any, rows: Sequence[int]) -> Any:
    """How far each query looks, in places, the mean over queries: (…, query, key) → (…).

    Vig and Belinkov 2019, "Analyzing the Structure of Attention in a Transformer Language Model".

    Args:
        maps: of some queries and all keys.
        rows: the place of each query among the keys.
    """
    apart = np.abs(np.asarray(rows)[:, None] - np.arange(maps.shape[-1]))  # (query, key)
    return (maps * apart).sum(-1).mean(-1)


def patterns(maps: Any, rows: Sequence[int], keys: Axis) -> dict[str, Any]:
    """What queries give, on average, to certain keys: one before or behind them, and others.

    Kovaleva et al. 2019, "Revealing the Dark Secrets of BERT", and Clark et al. 2019 name these.
    A query that has no such key (nothing is before the first) does not count; a pattern that no
    query can have is 0.

    Args:
        maps: of some queries and all keys, (…, query, key).
        rows: the place of each query among the keys.
        keys: of the maps.
    """
    place = np.asarray(rows)
    count = maps.shape[-1]
    found = {name: _at(maps, place + step, count) for name, step in _STEPS.items()}
    found["first"] = maps[..., 0].mean(-1)
    found["separator"] = maps[..., np.asarray(keys.separator, dtype=bool)].sum(-1).mean(-1)
    return {name: found[name] for name in PATTERNS}


_STEPS: Mapping[str, int] = {"previous": -1, "next": 1, "same": 0}


def _at(maps: Any, columns: Any, count: int) -> Any:
    """The mean weight that each query gives to its own column."""
    there = np.flatnonzero((columns >= 0) & (columns < count))
    if not len(there):
        return np.zeros(maps.shape[:-2], maps.dtype)
    return maps[..., there, columns[there]].mean(-1)


def statistics(maps: Any, rows: Sequence[int], keys: Axis, wanted: Sequence[str]) -> dict[str, Any]:
    """Numbers for each head, by name: ``entropy``, ``distance``, and all ``PATTERNS``."""
    found = {}
    if "entropy" in wanted:
        found["entropy"] = entropy(maps)
    if "distance" in wanted:
        found["distance"] = distance(maps, rows)
    if "patterns" in wanted:
        found |= patterns(maps, rows, keys)
    return found


def strongest(maps: Any, count: int) -> Any:
    """The columns of the largest weights of each row, by falling weight: (…, query, count)."""
    return np.argsort(-maps, axis=-1, kind="stable")[..., :count]
