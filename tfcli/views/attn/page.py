"""The attention page: one HTML file that shows all of it, and asks no network for anything."""

import base64
import hashlib
import json
import struct
import zlib
from collections.abc import Iterable, Iterator
from html import escape
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfcli.core.characters import visible
from tfcli.core.places import each
from tfcli.core.record import Columns
from tfcli.core.task import Record
from tfcli.views.attn.labels import shown

WEB = Path(__file__).parent / "web"
SCRIPTS = ("words", "data", "maps", "pens", "head", "model", "matrix", "neurons", "page")
"""In the order in which they need each other."""

TITLE = 300
"""The most characters of a text that stand above it; all of it is in its tokens."""

_LENGTH = struct.Struct("<I")


def page(records: Iterable[Record], columns: Columns) -> Iterator[str]:
    """The page of some records, which are packed as they come."""
    style = (WEB / "page.css").read_text(encoding="utf-8")
    script = "\n".join((WEB / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)
    policy = (
        f"default-src 'none'; img-src data:; script-src {_hash(script)}; style-src {_hash(style)}"
    )
    before, after = (WEB / "page.html").read_text(encoding="utf-8").split("{{data}}")
    given = iter(records)
    first = list(islice(given, 1))  # nothing is written before there is something
    yield before.replace("{{policy}}", escape(policy)).replace("{{style}}", style)
    yield from _packed(part for record in chain(first, given) for part in _parts(record))
    yield after.replace("{{script}}", script)


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def _packed(parts: Iterable[bytes]) -> Iterator[str]:
    """Bytes as gzip in base64, as they come."""
    packer = zlib.compressobj(wbits=31)
    rest = b""
    for part in parts:
        rest += packer.compress(part)
        whole = len(rest) - len(rest) % 3
        if whole:
            yield base64.b64encode(rest[:whole]).decode() + "\n"
            rest = rest[whole:]
    yield base64.b64encode(rest + packer.flush()).decode()


def _parts(record: Record) -> Iterator[bytes]:
    """A header that names the arrays, and these; see ``web/data.js``."""
    texts = [str(record[name]) for name in ("text", "pair") if record.get(name) is not None]
    header: dict[str, Any] = {"title": visible(" | ".join(texts))[:TITLE], "arrays": []}
    arrays: dict[str, NDArray[Any]] = {}
    if record.get("model") is not None:
        header["model"] = visible(str(record["model"]))
    if "error" in record:
        header["error"] = visible(record["error"]["message"])
    else:
        weights = record["attention"]
        same = record["kind"] != "cross" and record["queries"] == record["keys"]
        tops = weights.max(axis=-1).astype(np.float32)  # (layer, head, query)
        parts = weights / np.where(tops > 0, tops, 1)[..., None]
        arrays |= {"weights": np.rint(parts * 255).astype(np.uint8), "tops": tops}
        header |= {
            "kind": record["kind"],
            "layers": each(record["layers"]),
            "heads": each(record["heads"]),
            "shape": weights.shape,
            "same": same,
            "causal": same and not np.triu(weights, 1).any(),
            "rollout": same and record["units"]["whole"],
            "queries": _side(record, "queries"),
            "keys": _side(record, "keys"),
        }
        if vectors := record["vectors"]:
            arrays["query"], query = _in_8_bits(vectors["query"])
            arrays["key"], key = _in_8_bits(vectors["key"])
            dim = vectors["query"].shape[-1]
            header["vectors"] = {**vectors, "dim": dim, "query": query, "key": key}
    header["arrays"] = [(name, array.nbytes) for name, array in arrays.items()]
    text = json.dumps(header, ensure_ascii=False).encode()
    yield _LENGTH.pack(len(text)) + text
    for array in arrays.values():
        yield array.tobytes()


def _side(record: Record, side: str) -> dict[str, Any]:
    """The tokens of a side of the maps, and the words that they make."""
    found: dict[str, Any] = {
        "labels": [shown(label) for label in record[side]],
        "segments": record["segments"][side],
        "special": record["units"][side]["special"],
    }
    if words := record["units"][side]["words"]:
        found["words"] = {"starts": words["starts"], "labels": list(map(shown, words["labels"]))}
    return found


def _in_8_bits(vectors: NDArray[Any]) -> tuple[NDArray[np.int8], list[float]]:
    """Numbers from -127 to 127, and for each layer and head the largest one that 127 stands for.

    Args:
        vectors: (layer, head, token, dim).
    """
    top = np.abs(vectors).max(axis=(2, 3))  # (layer, head)
    scaled = vectors / np.where(top > 0, top, 1)[:, :, None, None] * 127
    return np.rint(scaled).astype(np.int8), [float(value) for value in top.ravel()]
