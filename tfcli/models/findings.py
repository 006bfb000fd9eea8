"""What is told of the attention of a text: its units, the weights between them, or numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfcli.core.places import each
from tfcli.core.task import Failure, Record
from tfcli.models.axis import Axis
from tfcli.models.heads import Maps, Neurons
from tfcli.models.maps import aggregated, merged, rollout, statistics, strongest

ROLLOUT = "rollout"


@dataclass(frozen=True, slots=True)
class Telling:
    """How to tell it."""

    aggregate: str | None = None
    """``mean`` or ``max`` over layers and heads, or ``rollout``."""
    between: str = "all"
    """From which text of a pair to which: ``ab``."""
    special: bool = True
    """Whether special tokens are units, too."""
    links: int | None = None
    """How many of each query's links to tell, instead of its weights."""
    statistics: Sequence[str] = ()
    """Which numbers of each head to tell, instead of its map."""


def of_maps(seen: Maps, layers: list[int], heads: list[int], how: Telling) -> Record | Failure:
    """The maps of a text between the units that are wanted, or what is asked of them instead."""
    weights, named = seen.weights, _named(layers, heads, how.aggregate)
    if how.aggregate == ROLLOUT:
        weights = rollout(weights)
    weights = merged(weights, seen.queries, seen.keys)
    if how.aggregate in ("mean", "max"):
        weights = aggregated(weights, how.aggregate)
    rows, columns = _kept(seen.queries, how, side=0), _kept(seen.keys, how, side=1)
    if not rows or not columns:
        return Failure("empty", "there is nothing but special tokens")
    record = {**_units(seen.queries, rows, seen.keys, columns), **named}
    if len(rows) < weights.shape[2]:  # else a copy for nothing
        weights = weights[:, :, rows]
    if how.statistics:  # of all that a query looks at
        return record | statistics(weights, rows, seen.keys, how.statistics)
    if len(columns) < weights.shape[3]:
        weights = weights[..., columns]
    if how.links is not None:
        return record | {"links": _links(weights, named, how.links)}
    return record | {"attention": weights}


def of_neurons(seen: Neurons, layers: list[int], heads: list[int]) -> Record:
    """How the query of one token meets each key."""
    keys = range(len(seen.keys.labels))
    return {
        **_units(seen.queries, [seen.token], seen.keys, keys),
        **_named(layers, heads, None),
        "token": seen.token,
        "query": seen.query,
        "key": seen.key,
        "product": seen.query[:, :, None] * seen.key,
        "score": np.where(np.isinf(seen.score), np.nan, seen.score),
        "attention": seen.weights[:, :, None],
    }


def halved(values: Any) -> Any:
    """The same with all arrays in float16."""
    if isinstance(values, dict):
        return {name: halved(value) for name, value in values.items()}
    return values.astype(np.float16) if hasattr(values, "astype") else values


def lines(record: Record) -> Iterator[tuple[Any, ...]]:
    """A record in long form: a line for each weight, or for each head where it has numbers."""
    queries, keys = record.get("queries", ()), record.get("keys", ())
    for link in record.get("links", ()):
        q, k = link["query"], link["key"]
        yield link["layer"], link["head"], q, k, queries[q], keys[k], link["weight"]
    tables = [record[name] for name in ("entropy", "distance") if name in record]
    tables += record.get("patterns", {}).values()
    for i, layer in enumerate(each(record["layers"])):
        for j, head in enumerate(each(record["heads"])):
            if tables:
                yield layer, head, *(float(table[i, j]) for table in tables)
            elif "score" in record:
                scores = zip(record["score"][i, j].tolist(), keys, strict=True)
                weights = record["attention"][i, j, 0].tolist()
                for k, ((score, key), weight) in enumerate(zip(scores, weights, strict=True)):
                    seen = score if score == score else None
                    yield layer, head, record["token"], k, queries[0], key, seen, weight
            elif "attention" in record:
                for q, row in enumerate(record["attention"][i, j].tolist()):
                    for k, weight in enumerate(row):
                        yield layer, head, q, k, queries[q], keys[k], weight


def _units(queries: Axis, rows: Sequence[int], keys: Axis, columns: Sequence[int]) -> Record:
    return {
        "queries": [queries.labels[i] for i in rows],
        "keys": [keys.labels[i] for i in columns],
        "segments": {
            "queries": [queries.segments[i] for i in rows],
            "keys": [keys.segments[i] for i in columns],
        },
    }


def _named(layers: list[int], heads: list[int], aggregate: str | None) -> Record:
    """What the record calls its layers and heads."""
    if aggregate is None:
        return {"layers": layers, "heads": heads}
    one = len(layers) == 1 and aggregate != ROLLOUT
    return {"layers": layers if one else aggregate, "heads": aggregate}


def _kept(axis: Axis, how: Telling, side: int) -> list[int]:
    """The units of a side of the maps that are wanted."""
    segment = None if how.between == "all" else "ab".index(how.between[side])
    return [
        unit
        for unit, special in enumerate(axis.special)
        if (how.special or not special) and segment in (None, axis.segments[unit])
    ]


def _links(weights: Any, named: Record, count: int) -> list[Record]:
    """The strongest links of each query, by layer, head and query."""
    keys = strongest(weights, count)  # (layer, head, query, count)
    return [
        {
            "layer": layer,
            "head": head,
            "query": query,
            "key": int(key),
            "weight": float(weights[i, j, query, key]),
        }
        for i, layer in enumerate(each(named["layers"]))
        for j, head in enumerate(each(named["heads"]))
        for query in range(weights.shape[2])
        for key in keys[i, j, query]
        if weights[i, j, query, key] > 0
    ]
