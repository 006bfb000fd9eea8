"""Attention heads switched off: what a model does without them."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from tfcli.core.places import place
from tfcli.core.task import Loaded
from tfcli.errors import UnfitModelError, UsageError

log = logging.getLogger("tfcli")

_PART = re.compile(r"(?:([a-z]+)\.)?(-?\d+)(?:\.(-?\d+))?")


class Part(NamedTuple):
    """What one part of ``4.3,5`` names."""

    kind: str | None
    layer: int
    head: int | None
    """None: all heads of the layer."""


def parts(asked: str) -> list[Part]:
    """Read ``4.3,5``: a head of a layer, and a whole layer; ``cross.4.3`` names the kind, too.

    Raises:
        UsageError: it is no such text.
    """
    found = []
    for part in asked.split(","):
        match = _PART.fullmatch(part.strip())
        if match is None:
            raise UsageError(
                f"--ablate takes heads, not {part.strip()!r}.",
                hint="--ablate 4.3,5 is head 3 of layer 4, and all heads of layer 5.",
            )
        head = None if match[3] is None else int(match[3])
        found.append(Part(match[1], int(match[2]), head))
    return found


def switch_off(loaded: Loaded, asked: str) -> None:
    """Let heads give nothing from now on.

    Raises:
        UsageError: the model has no such heads.
        UnfitModelError: its heads cannot be switched off.
    """
    from tfcli.models.attention import anatomy
    from tfcli.models.tap import tap_of

    found = anatomy(loaded)
    if not found.tapped:
        raise UnfitModelError(
            f"The heads of a {loaded.config.model_type} model cannot be switched off: "
            "it does not compute its attention by the common interface."
        )
    off: dict[tuple[str, int], set[int]] = {}
    for part in parts(asked):
        kind = part.kind or next(iter(found.shapes))
        if kind not in found.shapes:
            raise UsageError(
                f"--ablate: the model has no {kind} attention.", hint=", ".join(found.shapes)
            )
        if part.kind is None and len(found.shapes) > 1:
            names = [f"{name}.{part.layer}" for name in found.shapes]
            raise UsageError("--ablate: say which attention.", hint=" or ".join(names))
        shape = found.shapes[kind]
        heads = off.setdefault((kind, place(part.layer, shape.layers, "layer")), set())
        if part.head is None:
            heads.update(range(shape.heads))
        else:
            heads.add(place(part.head, shape.heads, "head"))
    tap_of(loaded.model).off = {where: sorted(heads) for where, heads in off.items()}
    total = sum(shape.layers * shape.heads for shape in found.shapes.values())
    count = sum(map(len, off.values()))
    log.info("%d of %d attention heads %s off", count, total, "is" if count == 1 else "are")


@contextmanager
def all_on(model: Any) -> Iterator[None]:
    """For a while, let all heads work."""
    from tfcli.models.tap import tap_of

    tap = tap_of(model)
    off, tap.off = tap.off, {}
    try:
        yield
    finally:
        tap.off = off
