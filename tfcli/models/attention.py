"""What a model's attention heads look at: through the tap, or else as the model itself tells it.

Most families go through transformers' attention interface, and the tap gives queries, keys and the
weights of just the heads asked for. The others compute all maps (``output_attentions=True``).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from inspect import signature
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import torch

from tfcli.core.task import Loaded
from tfcli.errors import UnfitModelError, first_line
from tfcli.models.memory import out_of_memory
from tfcli.models.tap import CROSS, DECODER, ENCODER, NAME, SELF, Attention, tap_of


class Shape(NamedTuple):
    """How much attention of a kind a model has."""

    layers: int
    heads: int


@dataclass(frozen=True, slots=True)
class Told:
    """The attention of a layer as the model tells it: weights alone."""

    kind: str
    layer: int
    map: Any
    """(row, head, query, key)"""

    def weights(self, heads: Sequence[int]) -> Any:
        """What each query takes from each key, (row, head, query, key)."""
        return self.map[:, heads].float()


@dataclass(frozen=True, slots=True)
class Anatomy:
    """Which attention a model has."""

    shapes: Mapping[str, Shape]
    """By kind."""
    tapped: bool
    """Whether there are queries and keys, too."""
    window: int | None = None
    """The tokens that a query sees at most, where the model's map is that of a moving window."""


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
        for told in _maps_in(_output(loaded, run, inputs), loaded, inputs, kind):
            if told.layer in layers:
                take(told)
        return

    def listen(attention: Attention) -> None:
        if attention.kind == kind and attention.layer in layers:
            take(attention)
            if attention.layer == max(layers):
                raise _EnoughError

    with tap_of(loaded.model).heard_by(listen), suppress(_EnoughError):
        run(**_fitting(run, inputs))


def decoder_start(loaded: Loaded) -> int:
    """The token that a decoder begins with."""
    config = loaded.model.generation_config or loaded.config
    start = getattr(config, "decoder_start_token_id", None)
    if start is None:
        start = getattr(loaded.config, "decoder_start_token_id", None)
    if start is None:
        start = loaded.tokenizer.bos_token_id
    return int(loaded.tokenizer.pad_token_id if start is None else start)


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
                found = base(**_fitting(base, probe))[0]
            model.set_attn_implementation("eager")
            output = _output(loaded, base, probe)
            told = {k: [one.map for one in _maps_in(output, loaded, probe, k)] for k in kinds}
    except Exception:  # ours, or that of a model that wants more than text
        return None
    lengths = probe["attention_mask"].sum(-1).tolist()
    same = all(_agree(seen[kind], told[kind], kind, lengths) for kind in kinds)
    states = DECODER if loaded.config.is_encoder_decoder else _STATES
    if not same or not _agree([found[:, None]], [output[0][:, None]], states, lengths):
        return None
    model.set_attn_implementation(NAME)
    shapes = {kind: Shape(len(maps), maps[0].shape[1]) for kind, maps in seen.items()}
    return Anatomy(shapes, tapped=True)


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
        raise _none(loaded, "it computes them in a way that cannot be changed once it is loaded")
    probe = _probe(loaded)
    shapes = {}
    with torch.inference_mode():
        output = _output(loaded, loaded.model.base_model, probe)
        for kind in _kinds(loaded):
            maps = list(_maps_in(output, loaded, probe, kind))
            shapes[kind] = Shape(len(maps), maps[0].map.shape[1])
    return Anatomy(shapes, tapped=False, window=_window(loaded.config))


def _output(loaded: Loaded, run: Any, inputs: Mapping[str, Any]) -> Any:
    """What a part of the model gives, all of its maps among it.

    Raises:
        UnfitModelError: it does not run so.
    """
    try:
        return run(**_fitting(run, inputs), output_attentions=True, return_dict=True)
    except Exception as exc:
        if out_of_memory(exc):
            raise
        raise _none(loaded, first_line(exc)) from exc


def _maps_in(output: Any, loaded: Loaded, inputs: Mapping[str, Any], kind: str) -> Iterator[Told]:
    """Every map of a kind.

    Raises:
        UnfitModelError: there is none, or it is not token by token.
    """
    # A model of two stacks says which of them; a stack alone has only its own.
    maps = getattr(output, f"{kind}_attentions", None) or getattr(output, "attentions", None)
    if not maps or any(not hasattr(one, "dim") or one.dim() != 4 for one in maps):
        raise _none(loaded, "it has no attention heads")
    queries = inputs["input_ids" if kind in (SELF, ENCODER) else "decoder_input_ids"].shape[1]
    keys = inputs["decoder_input_ids" if kind == DECODER else "input_ids"].shape[1]
    for layer, one in enumerate(maps):
        if kind in (SELF, ENCODER) and _window(loaded.config):
            one = _unrolled(one)
        if one.shape[-2:] != (queries, keys):
            raise _none(loaded, "they do not look at the text token by token")
        yield Told(kind, layer, one)


def _unrolled(rolled: Any) -> Any:
    """A map whose columns count from each query's place, as one whose columns are the keys.

    Longformer's have the query itself in the middle: (row, head, query, window + 1).
    """
    queries, window = rolled.shape[-2:]
    places = torch.arange(queries, device=rolled.device)
    column = places - places[:, None] + window // 2  # (query, key)
    seen = (column >= 0) & (column < window)
    return rolled.gather(-1, column.clamp(0, window - 1).expand(*rolled.shape[:3], -1)) * seen


def _window(config: Any) -> int | None:
    """How many tokens around its own a query of Longformer or LED sees."""
    window = getattr(config, "attention_window", None)
    return max(window) if isinstance(window, (list, tuple)) else window


def _stack(loaded: Loaded, kind: str) -> Any:
    """The part of the model that has all attention of a kind."""
    base = loaded.model.base_model
    return base.get_encoder() if kind == ENCODER else base


def _fitting(run: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs that a part of a model takes; a cache would be for nothing."""
    takes = signature(run.forward).parameters
    fitting = {name: value for name, value in inputs.items() if name in takes}
    return {**fitting, "use_cache": False} if "use_cache" in takes else fitting


def _none(loaded: Loaded, why: str) -> UnfitModelError:
    return UnfitModelError(
        f"A {loaded.config.model_type} model does not say what its heads look at: {why}."
    )
