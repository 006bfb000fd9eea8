"""What is told of the attention of a text: its units, the weights between them, or numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tfcli.core.places import each
from tfcli.core.task import Failure, Record
from tfcli.models.axis import Axis
from tfcli.models.maps import PATTERNS, ROLLOUT, joined, merged, statistics, strongest


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
    page: bool = False
    """Whether to tell what a page shows, too: the words of the tokens, queries and keys."""
    whole: bool = False
    """Whether all heads are told."""

    @property
    def vectors(self) -> bool:
        """Whether queries and keys are told, which several maps in one have not."""
        return self.page and self.aggregate is None


class Finding:
    """What is found in the maps of a text; takes them layer by layer, and keeps what is told."""

    def __init__(
        self, queries: Axis, keys: Axis, layers: list[int], heads: list[int], how: Telling
    ) -> None:
        self.queries, self.keys, self.how = queries, keys, how
        self.layers = layers
        self.named = _named(layers, heads, how.aggregate)
        self.rows, self.columns = _kept(queries, how, side=0), _kept(keys, how, side=1)
        self.sound = True
        """Whether all weights are numbers."""
        self._taken = 0
        self._joined: Any = None
        self._parts: list[Any] = []
        """What is told of each layer: links, or numbers."""
        self._weights: Any = None
        """(layer, head, query, key)"""
        self._vectors: list[tuple[Any, Any, float, bool]] = []
        """Queries, keys and scaling of each layer, and whether a score has a bias."""

    def take(self, maps: Any) -> None:
        """The maps of the next layer, (head, query, key), between tokens."""
        how = self.how.aggregate
        self._taken += 1
        # What is no number fills its row.
        self.sound = self.sound and not np.isnan(maps[..., 0]).any()
        if not self.rows or not self.columns:
            return
        if how != ROLLOUT:
            maps = merged(maps, self.queries, self.keys)
        if how is None:
            self._tell(self._taken - 1, maps)
            return
        self._joined = joined(self._joined, maps, how, len(self.layers))
        if self.complete:
            whole = self._joined[None].astype(maps.dtype)
            self._tell(0, merged(whole, self.queries, self.keys) if how == ROLLOUT else whole)

    def take_vectors(self, queries: Any, keys: Any, scaling: float, biased: bool) -> None:
        """Queries and keys of the next layer, each (head, token, dim)."""
        self._vectors.append((queries[:, self.rows], keys[:, self.columns], scaling, biased))

    @property
    def complete(self) -> bool:
        """Whether all layers are taken."""
        return self._taken == len(self.layers)

    def _tell(self, place: int, maps: Any) -> None:
        """Keep what is told of the maps of a layer, or of the one map that all came to."""
        if len(self.rows) < maps.shape[1]:  # else a copy for nothing
            maps = maps[:, self.rows]
        if self.how.statistics:  # of all that a query looks at
            self._parts.append(statistics(maps, self.rows, self.keys, self.how.statistics))
            return
        if len(self.columns) < maps.shape[2]:
            maps = maps[..., self.columns]
        layers = each(self.named["layers"])
        if self.how.links is not None:
            heads = each(self.named["heads"])
            self._parts.append(_links(maps, layers[place], heads, self.how.links))
            return
        if self._weights is None:
            self._weights = np.zeros((len(layers), *maps.shape), maps.dtype)
        self._weights[place] = maps

    def record(self) -> Record | Failure:
        """What is told of the text, once all layers are taken."""
        if not self.rows or not self.columns:
            return Failure("empty", "there is nothing but special tokens")
        record = {**_units(self.queries, self.rows, self.keys, self.columns), **self.named}
        if self.how.links is not None:
            return record | {"links": [link for links in self._parts for link in links]}
        if self.how.page:
            record |= {"units": self._units_of_page(), "vectors": self._vectors_of_page()}
        if not self.how.statistics:
            return record | {"attention": self._weights}
        # (layer, head)
        tables = {name: np.stack([part[name] for part in self._parts]) for name in self._parts[0]}
        for name in self.how.statistics:
            several = name == "patterns"
            record[name] = {one: tables[one] for one in PATTERNS} if several else tables[name]
        return record

    def _units_of_page(self) -> Record:
        """Of each side which units are special, and which words they make."""
        sides = {"queries": (self.queries, self.rows), "keys": (self.keys, self.columns)}
        found: Record = {}
        for name, (axis, chosen) in sides.items():
            words = axis.words() if axis.words and len(chosen) == len(axis.labels) else None
            found[name] = {
                "special": [axis.special[unit] for unit in chosen],
                "words": words and {"starts": words.starts, "labels": words.labels},
            }
        tokens = all(len(one["special"]) == self.keys.tokens for one in found.values())
        return found | {"whole": self.how.whole and self.how.aggregate is None and tokens}

    def _vectors_of_page(self) -> Record | None:
        """Queries and keys, (layer, head, token, dim), where the units are tokens."""
        tokens = all(len(axis.starts) == axis.tokens for axis in (self.queries, self.keys))
        alike = len({queries.shape[-1] for queries, *_ in self._vectors}) == 1
        if not (self.how.vectors and tokens and alike):
            return None
        queries, keys, scalings, biased = zip(*self._vectors, strict=True)
        found = {"query": np.stack(queries), "key": np.stack(keys)}
        return found | {"scaling": list(scalings), "bias": any(biased)}


class Neurons(NamedTuple):
    """How one query of a text meets all keys."""

    queries: Axis
    keys: Axis
    layers: list[int]
    heads: list[int]
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

    @property
    def sound(self) -> bool:
        """Whether all weights are numbers."""
        return not np.isnan(self.weights).any()

    def record(self) -> Record:
        """What is told of them."""
        return {
            **_units(self.queries, [self.token], self.keys, range(len(self.keys.labels))),
            **_named(self.layers, self.heads, None),
            "token": self.token,
            "query": self.query,
            "key": self.key,
            "product": self.query[:, :, None] * self.key,
            "score": np.where(np.isinf(self.score), np.nan, self.score),
            "attention": self.weights[:, :, None],
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


def _links(maps: Any, layer: Any, heads: list[Any], count: int) -> list[Record]:
    """The strongest links of each query of a layer, by head and query."""
    keys = strongest(maps, count)  # (head, query, count)
    return [
        {
            "layer": layer,
            "head": head,
            "query": query,
            "key": int(key),
            "weight": float(maps[i, query, key]),
        }
        for i, head in enumerate(heads)
        for query in range(maps.shape[1])
        for key in keys[i, query]
        if maps[i, query, key] > 0
    ]
