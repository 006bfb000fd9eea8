"""GPT-2's forward pass on plain tensors, with the names that `GPT2LMHeadModel` gives its weights.

It computes what transformers' class does (a test holds the two equal), without the modules, casts
and masks around it, and takes the loss in pieces, so that it trains faster on a CPU.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from decoder import cross_entropy, later
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

EPSILON = 1e-5
QUERY_BLOCK = 128  # queries that attend together; they skip the keys after them


@dataclass(frozen=True)
class Shape:
    """The sizes of a GPT-2."""

    width: int = 256
    layers: int = 6
    heads: int = 4
    positions: int = 512
    pieces: int = 8192

    def weights(self) -> int:
        """Count the weights, the tied output matrix once."""
        outside = self.pieces + self.positions + 2
        return self.width * (outside + self.layers * (12 * self.width + 13))


def initial_weights(shape: Shape, seed: int) -> dict[str, Tensor]:
    """Draw the weights to begin with, in float32.

    What a layer adds to the stream begins at zero: every layer starts as the identity.
    """
    draw = torch.Generator().manual_seed(seed)
    width = shape.width

    def normal(rows: int, columns: int, deviation: float) -> Tensor:
        return torch.randn(rows, columns, generator=draw) * deviation  # (rows, columns)

    weights = {
        "transformer.wte.weight": normal(shape.pieces, width, 0.02),
        "transformer.wpe.weight": normal(shape.positions, width, 0.01),
    }
    inner = 1 / math.sqrt(width)
    for layer in range(shape.layers):
        name = f"transformer.h.{layer}."
        weights |= norm(name + "ln_1", width) | norm(name + "ln_2", width)
        for part, rows, columns, deviation in (
            ("attn.c_attn", width, 3 * width, inner),
            ("attn.c_proj", width, width, 0.0),
            ("mlp.c_fc", width, 4 * width, inner),
            ("mlp.c_proj", 4 * width, width, 0.0),
        ):
            weights[f"{name}{part}.weight"] = normal(rows, columns, deviation)
            weights[f"{name}{part}.bias"] = torch.zeros(columns)
    return weights | norm("transformer.ln_f", width)


def matrices(name: str, weight: Tensor) -> Sequence[Tensor]:
    """Return views of the (out, in) matrices in a layer's weight; query, key and value are three.

    The table and the positions are no matrices in this sense: they are looked up.
    """
    if ".h." not in name or weight.dim() != 2:
        return ()
    return weight.T.chunk(3 if name.endswith("c_attn.weight") else 1)


def norm(name: str, width: int) -> dict[str, Tensor]:
    """Return the weights of a layer norm that changes nothing yet."""
    return {f"{name}.weight": torch.ones(width), f"{name}.bias": torch.zeros(width)}


def forward(weights: Mapping[str, Tensor], ids: Tensor, heads: int) -> Tensor:
    """Return the hidden states from which the next piece is read."""
    table = weights["transformer.wte.weight"]  # (piece, width)
    batch, positions = ids.shape
    width = table.shape[1]
    stream = functional.embedding(ids, table) + weights["transformer.wpe.weight"][:positions]
    stream = stream.view(-1, width)  # (batch * position, width)
    layers = sum(name.endswith("ln_1.bias") for name in weights)
    for layer in range(layers):
        own = Part(weights, f"transformer.h.{layer}.")
        inner = own.linear("attn.c_attn", own.norm("ln_1", stream))  # (batch * position, 3 width)
        split = inner.view(batch, positions, 3, heads, width // heads)
        mixed: Tensor = Attention.apply(split)  # type: ignore[no-untyped-call]
        stream = stream + own.linear("attn.c_proj", mixed.reshape(-1, width))
        inner = own.linear("mlp.c_fc", own.norm("ln_2", stream))  # (batch * position, 4 width)
        inner = functional.gelu(inner, approximate="tanh")
        stream = stream + own.linear("mlp.c_proj", inner)
    return Part(weights, "transformer.").norm("ln_f", stream)  # (batch * position, width)


@dataclass(frozen=True)
class Part:
    """The weights whose names begin alike."""

    weights: Mapping[str, Tensor]
    name: str

    def linear(self, part: str, inner: Tensor) -> Tensor:
        """Apply a linear layer stored as (in, out)."""
        weight = self.weights[f"{self.name}{part}.weight"]
        bias = self.weights[f"{self.name}{part}.bias"]
        return torch.addmm(bias, inner, weight)  # (token, out)

    def norm(self, part: str, inner: Tensor) -> Tensor:
        """Apply a layer norm."""
        weight = self.weights[f"{self.name}{part}.weight"]
        bias = self.weights[f"{self.name}{part}.bias"]
        return functional.layer_norm(inner, weight.shape, weight, bias, EPSILON)  # (token, width)


class Attention(torch.autograd.Function):
    """Causal attention, block by block of queries, each of which skips the keys after it.

    On CPUs, in bfloat16, this is faster than torch's own, whose backward pass is slow, and it
    spares the copies that differentiating the slices would make.
    """

    @staticmethod
    def forward(ctx: Any, inner: Tensor) -> Tensor:
        """Mix values: (batch, position, 3, head, size) to (batch, position, head, size)."""
        batch, positions, _, heads, size = inner.shape
        parts = inner.permute(2, 0, 3, 1, 4).reshape(3, batch * heads, positions, size)
        query, key, value = parts.unbind()  # (batch * head, position, size)
        query = query * size**-0.5
        mixed = torch.empty_like(value)  # (batch * head, position, size)
        shares = []
        for start, end in blocks(positions, QUERY_BLOCK):
            scores = torch.bmm(query[:, start:end], key[:, :end].transpose(1, 2))
            scores[:, :, start:] += later(end - start, inner.dtype)  # (batch * head, query, key)
            shares.append(torch.softmax(scores, dim=-1))  # (batch * head, query, key)
            mixed[:, start:end] = torch.bmm(shares[-1], value[:, :end])
        ctx.save_for_backward(query, key, value, *shares)
        return mixed.view(batch, heads, positions, size).transpose(1, 2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """Return the gradient of query, key and value together."""
        query, key, value, *shares = ctx.saved_tensors  # (batch * head, position, size)
        batch, positions, heads, size = gradient.shape
        gradient = gradient.transpose(1, 2).reshape(batch * heads, positions, size)
        result = query.new_zeros(3, *query.shape)
        to_query, to_key, to_value = result.unbind()
        for (start, end), share in zip(blocks(positions, QUERY_BLOCK), shares, strict=True):
            own = gradient[:, start:end]  # (batch * head, query, size)
            to_value[:, :end].baddbmm_(share.transpose(1, 2), own)
            to_share = torch.bmm(own, value[:, :end].transpose(1, 2))
            to_score = torch._softmax_backward_data(to_share, share, -1, share.dtype)
            to_query[:, start:end] = torch.bmm(to_score, key[:, :end])
            to_key[:, :end].baddbmm_(to_score.transpose(1, 2), query[:, start:end])
        to_query *= size**-0.5
        split: Tensor = result.view(3, batch, heads, positions, size)
        return split.permute(1, 3, 0, 2, 4)  # (batch, position, 3, head, size)


def blocks(length: int, size: int) -> list[tuple[int, int]]:
    """Cut a length into half-open ranges."""
    return [(start, min(start + size, length)) for start in range(0, length, size)]


def loss(weights: Mapping[str, Tensor], rows: Tensor, heads: int) -> Tensor:
    """Mean loss of each row's pieces after the first, in nats.

    Args:
        weights: named as in GPT2LMHeadModel.
        rows: ids, (batch, position + 1).
        heads: in each layer.
    """
    hidden = forward(weights, rows[:, :-1], heads)  # (batch * position, width)
    targets = rows[:, 1:].reshape(-1)
    return cross_entropy(hidden, weights["transformer.wte.weight"], targets) / len(targets)
