"""The attention tap: sees what every attention of a model computes, and can switch heads off.

transformers routes attention through a table of functions. Ours computes with sdpa as ever; whoever
listens sees query, key and mask of each layer as the model comes to it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "tfcli"
"""What the tap is called in transformers' table of attention functions."""

SELF, ENCODER, DECODER, CROSS = "self", "encoder", "decoder", "cross"
"""Kinds of attention: of models of one stack; of the two stacks of others; from one to the other.
"""

_OTHER_FORMULAS = ("softcap", "s_aux", "indices", "block_indices")
"""Arguments with which the weights are no plain softmax of all scores: Gemma 2, GPT-OSS …"""


@dataclass(frozen=True, slots=True)
class Attention:
    """One attention of a model, about to be computed."""

    kind: str
    layer: int
    query: Any
    """(row, head, query, dim)"""
    key: Any
    """(row, key head, key, dim); several heads may share a key head."""
    mask: Any
    """True where a query may see a key, or a number to add to its score; None: see ``causal``."""
    bias: Any
    """A number for each score that stands for positions, (row or 1, head, query, key); or None."""
    scaling: float
    causal: bool
    """Whether a query sees no key behind its own place, where no mask says so."""
    plain: bool
    """Whether the weights are the softmax of the scores."""

    @property
    def heads(self) -> int:
        """How many heads there are."""
        return int(self.query.shape[1])

    def vectors(self, heads: Sequence[int]) -> tuple[Any, Any]:
        """The queries and keys of some heads, in float32, each (row, head, token, dim)."""
        shared = self.heads // self.key.shape[1]
        of = [head // shared for head in heads]
        return self.query[:, heads].float(), self.key[:, of].float()

    def scores(self, heads: Sequence[int]) -> Any:
        """q·kᵀ·scaling + bias, and -inf where the mask forbids it: (row, head, query, key)."""
        query, key = self.vectors(heads)
        scores = (query * self.scaling) @ key.transpose(-1, -2)  # (row, head, query, key)
        if self.bias is not None:
            scores += self.bias[:, heads].float()
        mask = self.mask
        if mask is None and self.causal and scores.shape[-2] > 1:
            mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
        if mask is None:
            return scores
        mask = mask[:, heads] if mask.dim() == 4 and mask.shape[1] > 1 else mask
        if mask.dtype == torch.bool:
            return scores.masked_fill(~mask, -torch.inf)
        forbidden = mask <= torch.finfo(mask.dtype).min / 2  # so transformers writes -inf
        return (scores + mask.float()).masked_fill(forbidden, -torch.inf)

    def weights(self, heads: Sequence[int]) -> Any:
        """What each query takes from each key, (row, head, query, key)."""
        return self.scores(heads).softmax(-1)


class Tap:
    """Sits in a model for its life; where nobody listens, the model is as it was."""

    def __init__(self, model: Any) -> None:
        self.listener: Callable[[Attention], None] | None = None
        self.off: Mapping[tuple[str, int], Sequence[int]] = {}
        """Heads that give nothing, by kind and layer."""
        model.set_attn_implementation(NAME)
        base = model.base_model
        if model.config.is_encoder_decoder:
            stacks = {ENCODER: base.get_encoder(), DECODER: base.get_decoder()}
        else:
            stacks = {SELF: base}
        for stack, module in stacks.items():
            _watch(module, stack, self)

    @contextmanager
    def heard_by(self, listener: Callable[[Attention], None]) -> Iterator[None]:
        """Let a listener see every attention; what it raises ends the model's run."""
        self.listener = listener
        around = _running.set(None)
        try:
            yield
        finally:
            _running.reset(around)  # Ctrl-C passes by the hooks that end a run
            self.listener = None


def tap_of(model: Any) -> Tap:
    """The tap of a model, put in where there is none."""
    if model not in _TAPS:
        _TAPS[model] = Tap(model)
    return _TAPS[model]


_TAPS: "WeakKeyDictionary[Any, Tap]" = WeakKeyDictionary()


class _Pass:
    """One run through a stack: knows which attention comes next, by counting them.

    Not every family numbers its layers, and ALBERT's are one layer, run again and again.
    """

    def __init__(self, tap: Tap, stack: str, around: "_Pass | None") -> None:
        self.tap = tap
        self.stack = stack
        self.around = around
        """The run that this one is a part of."""
        self.count = 0

    def next(self) -> tuple[str, int]:
        """The kind and the layer of the next attention; decoders look at themselves first."""
        place, self.count = self.count, self.count + 1
        if self.stack == DECODER:
            return (CROSS if place % 2 else DECODER), place // 2
        return self.stack, place


_running: ContextVar[_Pass | None] = ContextVar("running", default=None)


def _watch(module: Any, stack: str, tap: Tap) -> None:
    """Know when a run through a stack begins and ends, in whichever thread."""

    def begin(module: Any, args: Any) -> None:
        _running.set(_Pass(tap, stack, _running.get()))

    def end(module: Any, args: Any, output: Any) -> None:
        run = _running.get()
        _running.set(run.around if run is not None else None)

    module.register_forward_pre_hook(begin)
    module.register_forward_hook(end, always_call=True)


def _attend(
    module: Any, query: Any, key: Any, value: Any, attention_mask: Any, **given: Any
) -> tuple[Any, None]:
    """Compute with sdpa, and tell the tap; the arguments are those of transformers' functions."""
    run = _running.get()
    if run is None:
        output, _ = sdpa_attention_forward(module, query, key, value, attention_mask, **given)
        return output, None
    kind, layer = run.next()
    if run.tap.listener is not None:
        causal = given.get("is_causal")
        scaling = given.get("scaling")
        run.tap.listener(
            Attention(
                kind,
                layer,
                query,
                key,
                attention_mask,
                given.get("position_bias"),
                query.shape[-1] ** -0.5 if scaling is None else float(scaling),
                getattr(module, "is_causal", True) if causal is None else bool(causal),
                all(given.get(name) is None for name in _OTHER_FORMULAS),
            )
        )
    output, _ = sdpa_attention_forward(module, query, key, value, attention_mask, **given)
    # (row, query, head, dim)
    if off := run.tap.off.get((kind, layer)):
        output[:, :, off] = 0
    return output, None


AttentionInterface.register(NAME, _attend)
AttentionMaskInterface.register(NAME, sdpa_mask)
