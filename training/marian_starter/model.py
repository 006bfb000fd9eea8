"""Marian's forward pass on plain tensors, with the names that `MarianMTModel` gives its weights.

It computes what transformers' class does (a test holds the two equal), without the modules, casts
and masks around it, and takes the loss in pieces, so that it trains faster on a CPU.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from decoder import cross_entropy, later
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from marian_starter.batches import Part, Rows

EPSILON = 1e-5  # of the layer norms

Drop = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Shape:
    """The sizes of a Marian model."""

    width: int = 256
    encoder_layers: int = 6
    decoder_layers: int = 2
    heads: int = 4
    inner: int = 1024
    positions: int = 128
    pieces: int = 8192

    def weights(self) -> int:
        """Count the weights, the tied matrix once and the positions, which are fixed, not."""
        square, between = self.width * (self.width + 1), 2 * self.width * self.inner
        rest = between + self.inner + self.width
        encoder = 4 * square + rest + 4 * self.width
        decoder = 8 * square + rest + 6 * self.width
        table = self.pieces * self.width
        return table + self.encoder_layers * encoder + self.decoder_layers * decoder


def initial_weights(shape: Shape, seed: int) -> dict[str, Tensor]:
    """Draw the weights to begin with, in float32.

    What a layer adds to the stream begins at zero: every layer starts as a mere norm.
    """
    draw = torch.Generator().manual_seed(seed)
    width, inner = shape.width, shape.inner

    def normal(rows: int, columns: int, deviation: float) -> Tensor:
        return torch.randn(rows, columns, generator=draw) * deviation  # (out, in)

    table = normal(shape.pieces, width, width**-0.5)
    weights = {"model.shared.weight": table}

    def linear(name: str, rows: int, columns: int, deviation: float) -> None:
        weights[f"{name}.weight"] = normal(rows, columns, deviation)
        weights[f"{name}.bias"] = torch.zeros(rows)

    def norm(name: str) -> None:
        weights[f"{name}.weight"], weights[f"{name}.bias"] = torch.ones(width), torch.zeros(width)

    def layer(name: str, attentions: tuple[str, ...]) -> None:
        for attention in attentions:
            for part in ("q_proj", "k_proj", "v_proj"):
                linear(f"{name}{attention}.{part}", width, width, width**-0.5)
            linear(f"{name}{attention}.out_proj", width, width, 0.0)
            norm(f"{name}{attention}_layer_norm")
        linear(f"{name}fc1", inner, width, width**-0.5)
        linear(f"{name}fc2", width, inner, 0.0)
        norm(f"{name}final_layer_norm")

    for number in range(shape.encoder_layers):
        layer(f"model.encoder.layers.{number}.", ("self_attn",))
    for number in range(shape.decoder_layers):
        layer(f"model.decoder.layers.{number}.", ("self_attn", "encoder_attn"))
    return weights


def matrices(name: str, weight: Tensor) -> Sequence[Tensor]:
    """Return the (out, in) matrix that a layer's weight is; the table is none, it is looked up."""
    return (weight,) if ".layers." in name and weight.dim() == 2 else ()


def kept(hidden: Tensor) -> Tensor:
    """Drop nothing."""
    return hidden


class Translator:
    """The forward pass of some weights.

    Args:
        weights: named as in MarianMTModel.
        heads: in each layer.
        drop: dropout, for the embeddings and what each part of a layer adds.
    """

    def __init__(self, weights: Mapping[str, Tensor], heads: int, drop: Drop = kept) -> None:
        self.weights, self.heads, self.drop = weights, heads, drop
        self.table = weights["model.shared.weight"]  # (piece, width)

    def loss(self, part: Part, smoothing: float = 0.0) -> Tensor:
        """Return the sum of the losses of a part's targets in nats."""
        hidden = self.decoder(part.target, self.encoder(part.source), part.source)
        return cross_entropy(hidden, self.table, part.wanted, smoothing)

    def encoder(self, rows: Rows) -> Tensor:
        """Return what is known of each source token, (token, width)."""
        mask = unreadable(rows, self.table.dtype)
        stream = self.embedded(rows)
        for number in range(self.layers("encoder")):
            name = f"model.encoder.layers.{number}."
            stream = self.attend(f"{name}self_attn", (stream, rows), (stream, rows), mask)
            stream = self.feed_forward(name, stream)
        return stream

    def decoder(self, rows: Rows, source: Tensor, source_rows: Rows) -> Tensor:
        """Return the hidden states from which the next piece is read, (token, width)."""
        mask = unreadable(source_rows, self.table.dtype)
        before = later(rows.longest, self.table.dtype)
        stream = self.embedded(rows)
        for number in range(self.layers("decoder")):
            name = f"model.decoder.layers.{number}."
            stream = self.attend(f"{name}self_attn", (stream, rows), (stream, rows), before)
            seen = source, source_rows
            stream = self.attend(f"{name}encoder_attn", (stream, rows), seen, mask)
            stream = self.feed_forward(name, stream)
        return stream

    def layers(self, side: str) -> int:
        """Count the layers of a side."""
        begins, ends = f"model.{side}.", ".fc1.bias"
        return sum(name.startswith(begins) and name.endswith(ends) for name in self.weights)

    def embedded(self, rows: Rows) -> Tensor:
        """Return embeddings and positions, (token, width)."""
        width = self.table.shape[1]
        found = functional.embedding(rows.ids, self.table) * math.sqrt(width)  # (token, width)
        return self.drop(found + sinusoids(rows.longest, width).to(found.dtype)[rows.columns])

    def attend(
        self, name: str, reading: tuple[Tensor, Rows], read: tuple[Tensor, Rows], mask: Tensor
    ) -> Tensor:
        """Add to the stream what it attends to, and norm it."""
        (stream, rows), (seen, seen_rows) = reading, read
        query = self.linear(f"{name}.q_proj", stream)  # (token, width)
        both = self.paired(f"{name}.k_proj", f"{name}.v_proj", seen)  # (token, 2 width)
        mixed: Tensor = Attention.apply(query, both, mask, rows, seen_rows, self.heads)  # type: ignore[no-untyped-call]
        out = self.linear(f"{name}.out_proj", mixed)
        return self.normed(f"{name}_layer_norm", stream + self.drop(out))

    def feed_forward(self, name: str, stream: Tensor) -> Tensor:
        """Add to the stream what its own token leads to, and norm it."""
        inner = functional.relu(self.linear(f"{name}fc1", stream))  # (token, inner)
        out = self.linear(f"{name}fc2", inner)
        return self.normed(f"{name}final_layer_norm", stream + self.drop(out))

    def paired(self, first: str, second: str, inner: Tensor) -> Tensor:
        """Apply two linear layers at once."""
        whole = [
            torch.cat([self.weights[f"{name}.{kind}"] for name in (first, second)])
            for kind in ("weight", "bias")
        ]
        return functional.linear(inner, *whole)

    def linear(self, name: str, inner: Tensor) -> Tensor:
        """Apply a linear layer."""
        return functional.linear(
            inner, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        )

    def normed(self, name: str, inner: Tensor) -> Tensor:
        """Apply a layer norm."""
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return functional.layer_norm(inner, weight.shape, weight, bias, EPSILON)


class Attention(torch.autograd.Function):
    """Attention of rows without anything between them.

    On CPUs, in bfloat16, this is several times faster than torch's own with its backward pass.
    Only here the shorter rows are filled up.
    """

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, both: Tensor, mask: Tensor, rows: Rows, seen: Rows, heads: int
    ) -> Tensor:
        """Mix values, (token, width).

        Args:
            ctx: keeps what the backward pass needs.
            query: (token, width).
            both: keys and values of what is seen, (token, 2 width).
            mask: added to the scores (row, head, query, key).
            rows: of the queries.
            seen: rows of keys and values.
            heads: into which the width is split.
        """
        (query,) = grids(query, rows, heads, 1)  # (row * head, query, size)
        key, value = grids(both, seen, heads, 2)  # (row * head, key, size)
        scores = torch.bmm(query, key.mT) * query.shape[2] ** -0.5  # (row * head, query, key)
        scores.view(rows.count, heads, rows.longest, seen.longest).add_(mask)
        shares = torch.softmax(scores, dim=-1)  # (row * head, query, key)
        ctx.save_for_backward(query, key, value, shares)
        ctx.rows, ctx.seen, ctx.heads = rows, seen, heads
        return tokens([torch.bmm(shares, value)], rows, heads)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of queries, and of keys and values."""
        query, key, value, shares = ctx.saved_tensors
        rows, seen, heads = ctx.rows, ctx.seen, ctx.heads
        (own,) = grids(gradient, rows, heads, 1)  # (row * head, query, size)
        to_value = torch.bmm(shares.mT, own)
        to_share = torch.bmm(own, value.mT)
        to_score = torch._softmax_backward_data(to_share, shares, -1, shares.dtype)
        to_score *= query.shape[2] ** -0.5
        to_query = tokens([torch.bmm(to_score, key)], rows, heads)
        to_both = tokens([torch.bmm(to_score.mT, query), to_value], seen, heads)
        return to_query, to_both, None, None, None, None


def grids(stream: Tensor, rows: Rows, heads: int, parts: int) -> Tensor:
    """Put tokens into grids, with zeros where rows have ended.

    Args:
        stream: (token, part * width).
        rows: of the tokens.
        heads: into which each part is split.
        parts: that are beside each other in the stream.

    Returns:
        (part, row * head, position, size).
    """
    split = stream.reshape(len(rows.ids) * parts * heads, -1)  # (token * part * head, size)
    whole = stream.new_zeros(parts * heads * rows.count * rows.longest, split.shape[1])
    whole.index_copy_(0, spread(rows, heads, parts), split)
    return whole.view(parts, heads * rows.count, rows.longest, -1)


def tokens(parts: Sequence[Tensor], rows: Rows, heads: int) -> Tensor:
    """Undo `grids`: (row * head, position, size) each to (token, part * width)."""
    whole = parts[0] if len(parts) == 1 else torch.cat(list(parts))
    split = whole.view(-1, whole.shape[2]).index_select(0, spread(rows, heads, len(parts)))
    return split.view(len(rows.ids), -1)


def spread(rows: Rows, heads: int, parts: int) -> Tensor:
    """Return the places of each token's parts and heads in the grids, (token * part * head,)."""
    lines, columns = rows.places // rows.longest, rows.columns
    line = lines[:, None] * heads + torch.arange(heads)  # (token, head)
    part = torch.arange(parts)[:, None] * (heads * rows.count)  # (part, 1)
    return ((part + line[:, None]) * rows.longest + columns[:, None, None]).view(-1)


def unreadable(rows: Rows, dtype: torch.dtype) -> Tensor:
    """Return minus infinity where a row has ended, else 0: (row, 1, 1, key)."""
    mask = torch.full((rows.count * rows.longest,), -math.inf, dtype=dtype)
    mask[rows.places] = 0
    return mask.view(rows.count, 1, 1, rows.longest)


@cache
def sinusoids(length: int, width: int) -> Tensor:
    """Return Marian's position embeddings: sines, then cosines, (position, width)."""
    places = torch.arange(length, dtype=torch.float64)[:, None]
    rates = 10000 ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    return torch.cat([torch.sin(places * rates), torch.cos(places * rates)], dim=1).float()
