"""A model that is being built grows no larger than its weights are."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tfcli.errors import UnsafeModelError
from tfcli.models.trust import Weights

# A module has few tensors, tied tensors are built up to four times, a checkpoint may hold fused
# ones, and masks and tables of positions are not stored at all.
_PARTS, _MORE_PARTS = 20, 10_000
_ELEMENTS, _MORE_ELEMENTS = 8, 1 << 27


@contextmanager
def built_within(weights: Weights) -> Iterator[None]:
    """Stop a config that asks for more layers, or larger ones, than there are weights for.

    transformers builds a model without memory for its tensors, and only then looks at the weights:
    a million layers take minutes before they are found missing, and what is missing is allocated.

    Raises:
        UnsafeModelError: as soon as the model outgrows its weights.
    """
    from torch.nn.modules import module as hooks

    parts = elements = 0

    def count(module: Any, name: str, part: Any) -> None:
        nonlocal parts, elements
        parts += 1
        elements += getattr(part, "numel", int)()
        if (
            parts > _PARTS * weights.tensors + _MORE_PARTS
            or elements > _ELEMENTS * weights.elements + _MORE_ELEMENTS
        ):
            raise UnsafeModelError("The model declares itself far larger than its weights are.")

    handles = [
        hooks.register_module_parameter_registration_hook(count),
        hooks.register_module_buffer_registration_hook(count),
        hooks.register_module_module_registration_hook(count),
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
