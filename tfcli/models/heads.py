"""The maps of chosen heads for the rows of a batch."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch

from tfcli.core.task import Failure, Loaded
from tfcli.errors import UnfitModelError
from tfcli.models.attention import anatomy, look
from tfcli.models.axis import Axis, Encoded
from tfcli.models.eager import Told
from tfcli.models.findings import Finding, Neurons, Telling
from tfcli.models.tap import CROSS, DECODER, Attention
from tfcli.models.targets import NEW_TOKENS, written_target


class Wanted(NamedTuple):
    """What is wanted of a row: its note."""

    kind: str
    layers: list[int]
    heads: list[int]
    text: Axis
    target: Encoded | None = None
    """What the decoder reads; None: what the model itself writes, or no decoder is asked for."""
    truncated: bool = False


def maps_of(
    loaded: Loaded, wanted: Sequence[Wanted], inputs: Mapping[str, Any], merge: str, how: Telling
) -> list[Finding]:
    """Run a padded batch of rows of which the same is wanted; what is told is found on the way.

    Args:
        loaded: the model.
        wanted: of each row.
        inputs: the batch, as the model takes it.
        merge: how to join the tokens of what the model itself writes.
        how: what to tell of the maps.

    Raises:
        UnfitModelError: the model passes layers by, so that one cannot be told from another.
    """
    kind, layers, heads, *_ = wanted[0]
    sides, inputs = _sides(loaded, wanted, inputs, merge)
    found = [Finding(queries, keys, layers, heads, how) for queries, keys in sides]

    def take(attention: Attention | Told) -> None:
        weights = attention.weights(heads).cpu().numpy()  # (row, head, query, key)
        for one, padded in zip(found, weights, strict=True):
            one.take(padded[:, : one.queries.tokens, : one.keys.tokens])
        if how.vectors and isinstance(attention, Attention):
            vectors = (side.cpu().numpy() for side in attention.vectors(heads))
            for one, query, key in zip(found, *vectors, strict=True):  # (head, token, dim)
                own = query[:, : one.queries.tokens], key[:, : one.keys.tokens]
                one.take_vectors(*own, attention.scaling, attention.bias is not None)

    look(loaded, inputs, kind, layers, take)
    if not all(one.complete for one in found):
        raise UnfitModelError(f"A {loaded.config.model_type} model does not run all its layers.")
    return found


def neurons_of(
    loaded: Loaded, wanted: Sequence[Wanted], inputs: Mapping[str, Any], token: int
) -> list[Neurons | Failure]:
    """The same for the neurons of one query, which not every row may have.

    ``token`` is the query, counted from 0, or from the end where it is negative.

    Raises:
        UnfitModelError: the model gives weights alone.
    """
    kind, layers, heads, *_ = wanted[0]
    if not anatomy(loaded).tapped:
        raise UnfitModelError(
            f"A {loaded.config.model_type} model gives the weights of its heads, "
            "but not their queries and keys: no --neurons."
        )
    sides, inputs = _sides(loaded, wanted, inputs, "none")
    rows = [r for r, (queries, _) in enumerate(sides) if -queries.tokens <= token < queries.tokens]
    taken: dict[int, list[Any]] = {row: [] for row in rows}

    def take(attention: Any) -> None:
        query, key = attention.vectors(heads)  # (row, head, token, dim)
        scores = attention.scores(heads)  # (row, head, query, key)
        weights = scores.softmax(-1)
        for row in rows:
            queries, keys = sides[row]
            one, seen = token % queries.tokens, slice(keys.tokens)
            parts = query[row, :, one], key[row, :, seen], scores[row, :, one, seen]
            taken[row].append([*parts, weights[row, :, one, seen]])

    look(loaded, inputs, kind, layers, take)
    if any(len({query.shape[-1] for query, *_ in parts}) > 1 for parts in taken.values()):
        raise UnfitModelError(
            "The heads of these layers have different sizes.",
            hint="Ask for the neurons of one layer: --layer 4.",
        )
    found: list[Neurons | Failure] = [
        Failure("token", f"there is no token {token}: the text has {queries.tokens:,}, from 0 on")
        for queries, _ in sides
    ]
    for row, layer_by_layer in taken.items():
        parts = (torch.stack(part).cpu().numpy() for part in zip(*layer_by_layer, strict=True))
        queries, keys = sides[row]
        found[row] = Neurons(queries, keys, layers, heads, token % queries.tokens, *parts)
    return found


def _sides(
    loaded: Loaded, wanted: Sequence[Wanted], inputs: Mapping[str, Any], merge: str
) -> tuple[list[tuple[Axis, Axis]], Mapping[str, Any]]:
    """Queries and keys of each row, and the inputs with what the decoder reads."""
    kind = wanted[0].kind
    if kind not in (DECODER, CROSS):
        return [(one.text, one.text) for one in wanted], inputs
    targets = _targets(loaded, wanted, inputs, merge)
    width = max(len(target.inputs["input_ids"]) for target in targets)
    filler = loaded.tokenizer.pad_token_id
    ids = [
        [*target.inputs["input_ids"], *[filler] * (width - target.axis.tokens)]
        for target in targets
    ]
    read = torch.tensor(ids, device=loaded.model.device)  # (row, token)
    sides = [
        (target.axis, target.axis if kind == DECODER else one.text)
        for target, one in zip(targets, wanted, strict=True)
    ]
    return sides, {**inputs, "decoder_input_ids": read}


def _targets(
    loaded: Loaded, wanted: Sequence[Wanted], inputs: Mapping[str, Any], merge: str
) -> list[Encoded]:
    """What each row's decoder reads, if need be what the model writes without sampling."""
    lacking = [i for i, one in enumerate(wanted) if one.target is None]
    if not lacking:
        return [one.target for one in wanted if one.target is not None]
    most = min(NEW_TOKENS, loaded.max_length - 1)
    part = {name: values[lacking] for name, values in inputs.items()}
    written = loaded.model.generate(**part, do_sample=False, max_new_tokens=most)
    own = (written_target(ids, loaded, merge) for ids in written.tolist())
    return [one.target or next(own) for one in wanted]
