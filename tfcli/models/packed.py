"""Linear layers whose weights lie as oneDNN computes with them: ordered once, not in every product.

The operators are those that torch's own compiler puts into frozen graphs for CPUs.
"""

import inspect
from typing import Any

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from tfcli.models.memory import available

ROWS = 16
"""Rows of a product that the order is chosen for; others are computed with it as well."""


class PackedLinear(nn.Module):
    """Computes what a ``Linear`` does, or GPT-2's ``Conv1D``, without gradients."""

    def __init__(self, weight: Any, bias: Any) -> None:
        """Take a weight (out, in), and a bias (out) or None."""
        super().__init__()
        self.packed = torch.ops.mkldnn._reorder_linear_weight(weight.detach().contiguous(), ROWS)
        self.bias = None if bias is None else bias.detach()

    @property
    def weight(self) -> Any:
        """The weight (out, in) as an ordinary tensor, made anew for whoever asks."""
        return self.packed.to_dense()

    def forward(self, x: Any) -> Any:
        """Multiply: (…, in) → (…, out)."""
        return torch.ops.mkldnn._linear_pointwise(x, self.packed, self.bias, "none", [], "")


def pack(model: Any) -> None:
    """Put packed layers in the place of a model's linear ones, one by one.

    What is shared with the embeddings is there twice then, if the memory has room for it.
    """
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return
    kinds = [torch.float32]
    if torch.ops.mkldnn._is_mkldnn_bf16_supported():
        kinds.append(torch.bfloat16)
    for parent in list(model.modules()):
        for name, layer in list(parent.named_children()):
            if type(layer) not in (nn.Linear, Conv1D) or layer.weight.dtype not in kinds:
                continue
            if _is_read(name, parent) or not _has_room(layer.weight):
                continue
            weight = layer.weight if type(layer) is nn.Linear else layer.weight.T
            setattr(parent, name, PackedLinear(weight, layer.bias))


def _is_read(name: str, parent: Any) -> bool:
    """Whether a module looks at the weight of its layer itself, as T5 does for each token.

    Making it anew each time would cost more than packing gains.
    """
    code = getattr(inspect.unwrap(type(parent).forward), "__code__", None)
    return code is not None and {name, "weight"} <= set(code.co_names)


def _has_room(weight: Any) -> bool:
    left = available()
    return left is None or 2 * weight.nbytes < left
