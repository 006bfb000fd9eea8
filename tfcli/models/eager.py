"""Attention as a model tells it by itself: ``output_attentions=True``, with eager attention."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any

import torch

from tfcli.core.task import Loaded
from tfcli.errors import UnfitModelError, first_line
from tfcli.models.memory import out_of_memory
from tfcli.models.tap import DECODER, ENCODER, SELF


@dataclass(frozen=True, slots=True)
class Told:
    """The attention of a layer as the model tells it: weights alone."""

    kind: str
    layer: int
    map: Any
    """(row, head, query, key)"""
    rolled: bool = False
    """Whether a column is no key, but how far it is from the query."""

    def weights(self, heads: Sequence[int]) -> Any:
        """What each query takes from each key, (row, head, query, key)."""
        chosen = self.map[:, heads].float()
        return _unrolled(chosen) if self.rolled else chosen


def output_of(loaded: Loaded, run: Any, inputs: Mapping[str, Any]) -> Any:
    """What a part of the model gives, all of its maps among it.

    Raises:
        UnfitModelError: it does not run so.
    """
    try:
        return run(**fitting(run, inputs), output_attentions=True, return_dict=True)
    except Exception as exc:
        if out_of_memory(exc):
            raise
        raise silent(loaded, first_line(exc)) from exc


def maps_in(output: Any, loaded: Loaded, inputs: Mapping[str, Any], kind: str) -> Iterator[Told]:
    """Every map of a kind.

    Raises:
        UnfitModelError: there is none, or it is not token by token.
    """
    # A model of two stacks says which of them; a stack alone has only its own.
    maps = getattr(output, f"{kind}_attentions", None) or getattr(output, "attentions", None)
    if not maps or any(not hasattr(one, "dim") or one.dim() != 4 for one in maps):
        raise silent(loaded, "it has no attention heads")
    queries = inputs["input_ids" if kind in (SELF, ENCODER) else "decoder_input_ids"].shape[1]
    keys = inputs["decoder_input_ids" if kind == DECODER else "input_ids"].shape[1]
    rolled = kind in (SELF, ENCODER) and window_of(loaded.config) is not None
    for layer, one in enumerate(maps):
        if one.shape[-2] != queries or (one.shape[-1] != keys and not rolled):
            raise silent(loaded, "they do not look at the text token by token")
        yield Told(kind, layer, one, rolled)


def _unrolled(rolled: Any) -> Any:
    """A map whose columns count from each query's place, as one whose columns are the keys.

    Longformer's have the query itself in the middle: (row, head, query, window + 1).
    """
    queries, window = rolled.shape[-2:]
    places = torch.arange(queries, device=rolled.device)
    column = places - places[:, None] + window // 2  # (query, key)
    seen = (column >= 0) & (column < window)
    return rolled.gather(-1, column.clamp(0, window - 1).expand(*rolled.shape[:3], -1)) * seen


def window_of(config: Any) -> int | None:
    """How many tokens around its own a query of Longformer or LED sees."""
    window = getattr(config, "attention_window", None)
    return max(window) if isinstance(window, (list, tuple)) else window


def fitting(run: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs that a part of a model takes; a cache would be for nothing."""
    takes = signature(run.forward).parameters
    fitting = {name: value for name, value in inputs.items() if name in takes}
    return {**fitting, "use_cache": False} if "use_cache" in takes else fitting


def silent(loaded: Loaded, why: str) -> UnfitModelError:
    """The error of a model that does not give its attention."""
    return UnfitModelError(
        f"A {loaded.config.model_type} model does not say what its heads look at: {why}."
    )
