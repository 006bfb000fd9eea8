"""What a model's attention heads look at: through the tap, or else as the model itself tells it.

Most families go through transformers' attention interface, and the tap gives queries, keys and the
weights of just the heads asked for. The others compute all maps (``output_attentions=True``).
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import torch

from tfcli.core.task import Loaded
from tfcli.models.eager import Told, fitting, maps_in, output_of, silent, window_of
from tfcli.models.tap import CROSS, DECODER, ENCODER, NAME, SELF, Attention, tap_of
from tfcli.models.targets import decoder_start

log = logging.getLogger("tfcli")


class Shape(NamedTuple):
    """How much attention of a kind a model has."""

    layers: int
    heads: int


@dataclass(frozen=True, slots=True)
class Anatomy:
    """Which attention a model has."""

    shapes: Mapping[str, Shape]
    """By kind."""
    tapped: bool
    """Whether there are queries and keys, too."""


class _EnoughError(Exception):
    """What was wanted of the model is there."""


def anatomy(loaded: Loaded) -> Anatomy:
    """Look at the attention that a model computes for two short texts.

    Raises:
        UnfitModelError: it has none that could be given, token by token.
    """
    if loaded.model not in _ANATOMIES:
        _ANATOMIES[loaded.model] = _tapped(loaded) or _told(loaded)
    return _ANATOMIES[loaded.model]


def maps_at_once(loaded: Loaded, kind: str, layers: int, heads: int) -> int:
    """How many maps of a text are in memory where some are wanted at the same time."""
    found = anatomy(loaded)
    # Outside the interface a model gives all of them.
    return layers * heads if found.tapped else found.shapes[kind].layers * found.shapes[kind].heads


_STATES = "states"
"""What comes out of a stack, by the side of the kinds of attention: (row, 1, token, hidden)."""

_ANATOMIES: "WeakKeyDictionary[Any, Anatomy]" = WeakKeyDictionary()


def look(
    loaded: Loaded,
    inputs: Mapping[str, Any],
    kind: str,
    layers: Sequence[int],
    take: Callable[[Attention | Told], None],
) -> None:
    """Run a model as far as the last of the layers, and give the attention of each to ``take``.

    Args:
        loaded: the model.
        inputs: one padded batch, as the model takes it; with ``decoder_input_ids`` for the kinds
            ``decoder`` and ``cross``.
        kind: one of ``anatomy(loaded).shapes``.
        layers: which layers.
        take: called for each of them, from the first to the last.
    """
    run = _stack(loaded, kind)
    if not anatomy(loaded).tapped:
        for told in maps_in(output_of(loaded, run, inputs), loaded, inputs, kind):
            if told.layer in layers:
                take(told)
        return

    def listen(attention: Attention) -> None:
        if attention.kind == kind and attention.layer in layers:
            take(attention)
            if attention.layer == max(layers):
                raise _EnoughError

    with tap_of(loaded.model).heard_by(listen), suppress(_EnoughError):
        run(**fitting(run, inputs))


def _probe(loaded: Loaded) -> dict[str, Any]:
    """A batch of two short texts, the second one padded."""
    device = loaded.model.device
    texts = loaded.tokenizer(["a b c d", "a"])["input_ids"]
    padded = loaded.tokenizer.pad(
        {"input_ids": texts},
        padding_side="right",
        return_attention_mask=True,
        return_tensors="pt",
    )
    inputs = {name: padded[name].to(device) for name in ("input_ids", "attention_mask")}
    if loaded.config.is_encoder_decoder:
        start = torch.full((2, 1), decoder_start(loaded), device=device)
        inputs["decoder_input_ids"] = torch.cat([start, inputs["input_ids"][:, :2]], dim=1)
    return inputs


def _tapped(loaded: Loaded) -> Anatomy | None:
    """What the tap sees; None where that is not all, or not what the model computes by itself.

    Some families look at the name of their implementation, pass arguments that sdpa does not know,
    or compute two maps for one layer: only what is checked is true.
    """
    model, probe = loaded.model, _probe(loaded)
    kinds = _kinds(loaded)
    seen: dict[str, list[Any]] = {kind: [] for kind in kinds}

    def keep(attention: Attention) -> None:
        if not attention.plain:
            raise _EnoughError
        seen[attention.kind].append(attention.weights(range(attention.heads)))

    base = model.base_model
    try:
        with torch.inference_mode():
            with tap_of(model).heard_by(keep):
                found = base(**fitting(base, probe))[0]
            model.set_attn_implementation("eager")
            output = output_of(loaded, base, probe)
            told = {k: [one.map for one in maps_in(output, loaded, probe, k)] for k in kinds}
    except Exception:  # ours, or that of a model that wants more than text
        return None
    lengths = probe["attention_mask"].sum(-1).tolist()
    same = all(_agree(seen[kind], told[kind], kind, lengths) for kind in kinds)
    states = DECODER if loaded.config.is_encoder_decoder else _STATES
    if not same or not _agree([found[:, None]], [output[0][:, None]], states, lengths):
        return None
    model.set_attn_implementation(NAME)
    return Anatomy({kind: _shape(loaded, maps) for kind, maps in seen.items()}, tapped=True)


def _kinds(loaded: Loaded) -> tuple[str, ...]:
    return (ENCODER, DECODER, CROSS) if loaded.config.is_encoder_decoder else (SELF,)


def _agree(seen: Sequence[Any], told: Sequence[Any], kind: str, lengths: Sequence[int]) -> bool:
    """Whether two ways of computing give the same, where there is no padding."""
    if [one.shape for one in seen] != [one.shape for one in told]:
        return False
    exact = bool(told) and told[0].dtype == torch.float32
    tolerance = 1e-4 if exact else 5e-2
    for one, other in zip(seen, told, strict=True):
        for row, length in enumerate(lengths):
            rows = slice(length if kind in (SELF, ENCODER, _STATES) else None)
            columns = slice(length if kind in (SELF, ENCODER, CROSS) else None)
            part = (row, slice(None), rows, columns)
            close = torch.allclose(
                one[part].float(), other[part].float(), rtol=10 * tolerance, atol=tolerance
            )
            if not close:
                return False
    return bool(seen)


def _told(loaded: Loaded) -> Anatomy:
    """What the model tells of itself."""
    loaded.model.set_attn_implementation("eager")
    if loaded.model.config._attn_implementation != "eager":
        raise silent(loaded, "it computes them in a way that cannot be changed once it is loaded")
    probe = _probe(loaded)
    shapes = {}
    with torch.inference_mode():
        output = output_of(loaded, loaded.model.base_model, probe)
        for kind in _kinds(loaded):
            maps = [told.map for told in maps_in(output, loaded, probe, kind)]
            shapes[kind] = _shape(loaded, maps)
    if window := window_of(loaded.config):
        log.info("Each token looks at most %d tokens back and ahead: the rest is 0.", window // 2)
    return Anatomy(shapes, tapped=False)


def _shape(loaded: Loaded, maps: Sequence[Any]) -> Shape:
    """How many layers there are, and how many heads in each.

    Raises:
        UnfitModelError: not as many in each.
    """
    heads = {one.shape[1] for one in maps}
    if len(heads) > 1:
        raise silent(loaded, "its layers have different numbers of heads")
    return Shape(len(maps), heads.pop())


def _stack(loaded: Loaded, kind: str) -> Any:
    """The part of the model that has all attention of a kind."""
    base = loaded.model.base_model
    return base.get_encoder() if kind == ENCODER else base
