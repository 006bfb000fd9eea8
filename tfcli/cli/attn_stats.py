"""``tfcli attn-stats``: what each attention head does, on average over many texts."""

from collections.abc import Generator, Iterable, Mapping
from typing import Any

from tfcli.cli.command import Fold
from tfcli.core.task import Record

EXAMPLES = (
    "tfcli attn-stats -i reviews.txt",
    "tfcli attn-stats -i reviews.csv -c review -o heads.csv",
)

OF_A_TEXT = ("text", "queries", "keys", "segments", "truncated")
"""What means have not."""


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    """What to ask ``tfcli attn`` for; between two texts nothing is far or near."""
    within = given["kind"] != "cross"
    return {"entropy": True, "distance": within, "patterns": within}


def _means(records: Iterable[Record]) -> Generator[Record]:
    """The means over texts, each of which counts as many times as it has queries."""
    texts = tokens = 0
    last: Record = {}
    sums: dict[str, Any] = {}
    for record in records:
        if "error" in record:
            continue
        count = len(record["queries"])
        texts, tokens, last = texts + 1, tokens + count, record
        for name, table in _tables(record).items():
            sums[name] = sums.get(name, 0) + table.astype(float) * count
    if not texts:
        return
    means = {name: (total / tokens).astype("float32") for name, total in sums.items()}
    folded = {name: value for name, value in last.items() if name not in (*OF_A_TEXT, "patterns")}
    folded |= {name: means[name] for name in folded if name in means}
    if "patterns" in last:
        folded["patterns"] = {name: means[name] for name in last["patterns"]}
    yield {**folded, "index": 0, "texts": texts, "tokens": tokens}


def _tables(record: Record) -> dict[str, Any]:
    """The numbers of each layer and head, by name."""
    numbers = {name: record[name] for name in ("entropy", "distance") if name in record}
    return {**numbers, **record.get("patterns", {})}


ATTN_STATS = Fold(
    name="attn-stats",
    summary="Say what attention heads do, on average over many texts.",
    examples=EXAMPLES,
    takes=("layer", "head", "kind", "merge", "no_special", "truncate", "max_bytes", "theme"),
    options=_options,
    inputs=("index", "texts", "tokens"),
    drops=OF_A_TEXT,
    of=_means,
)
