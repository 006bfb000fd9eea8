"""Texts written anew by a sequence-to-sequence model: how it searches, and what a row costs."""

from collections.abc import Mapping, Sequence
from typing import Any

from tfcli.core.task import Batch, Loaded, Row
from tfcli.errors import UsageError
from tfcli.models.continuation import Prompt, Written

DEFAULTS: Mapping[str, Any] = {"max_new_tokens": 256, "num_beams": 4}
"""What holds where nobody says anything: as in the pipelines of transformers 4.57."""

UNSAID = 1024
"""The tokens that are read at once where a checkpoint does not say how many it can (some T5)."""

LEAST = 8
"""The fewest tokens of a text that there must be room for."""


def task_settings(config: Any, task: str) -> Mapping[str, Any]:
    """What a checkpoint says of a task, under ``task_specific_params``: decoding and a prefix."""
    return (getattr(config, "task_specific_params", None) or {}).get(task) or {}


def room(loaded: Loaded, before: str) -> int:
    """The most tokens of a row.

    Args:
        loaded: a model.
        before: what stands before each text, and leaves room for it.

    Raises:
        UsageError: it leaves none.
    """
    said = getattr(loaded.config, "n_positions", None)
    longest = min(loaded.max_length, said) if isinstance(said, int) else loaded.max_length
    if longest == 1 << 20:  # what nobody limits
        longest = UNSAID
    taken = len(loaded.tokenizer(before)["input_ids"])
    if taken + LEAST > longest:
        raise UsageError(
            f"The model reads {longest:,} tokens, of which {taken:,} are not the text."
        )
    return longest


def plan_of(
    loaded: Loaded,
    settings: Mapping[str, Any],
    num_beams: int | None,
    max_new_tokens: int | None,
    min_new_tokens: int | None = None,
) -> Any:
    """How a model decodes: options beat ``settings``, which beat the checkpoint's, then DEFAULTS.

    A least length of the checkpoint yields to a shorter most one that was asked for.

    Raises:
        UsageError: more tokens than the model can write, or fewer at most than at least.
    """
    from tfcli.models.decoding import HEARD, settled

    given = {name: settings.get(name) for name in HEARD}
    if given["max_new_tokens"] is None and settings.get("max_length"):
        given["max_new_tokens"] = settings["max_length"] - 1  # it counts the first, which is given
    limit = getattr(loaded.config, "max_position_embeddings", None)
    if isinstance(limit, int):
        if max_new_tokens is not None and max_new_tokens > limit:
            raise UsageError(f"The model writes {limit:,} tokens at most, not {max_new_tokens:,}.")
        if given["max_new_tokens"] is not None:
            given["max_new_tokens"] = min(given["max_new_tokens"], limit)
    for name, value in (("num_beams", num_beams), ("max_new_tokens", max_new_tokens)):
        given[name] = given[name] if value is None else value
    if min_new_tokens is not None:
        given |= {"min_length": 0, "min_new_tokens": min_new_tokens}
    plan = settled(loaded, given, DEFAULTS, False, 1)
    config = plan.config
    if min_new_tokens is not None and min_new_tokens > config.max_new_tokens:
        raise UsageError(
            f"--min-new-tokens {min_new_tokens}: {config.max_new_tokens} are written at most.",
            hint=f"Add --max-new-tokens {2 * min_new_tokens}.",
        )
    if max_new_tokens is not None and min_new_tokens is None:
        config.min_length = _within(config.min_length, max_new_tokens)
        config.min_new_tokens = _within(config.min_new_tokens, max_new_tokens)
    return plan


def _within(least: int | None, most: int) -> int | None:
    return None if least is not None and least >= most else least


def row_of(ids: list[int], note: Any, plan: Any, expected: int) -> Row:
    """A row, which takes as much room as its beams do at their likely end."""
    beams = plan.config.num_beams
    new = min(expected, plan.config.max_new_tokens)
    return Row({"input_ids": ids}, note, beams * (len(ids) + new) - len(ids))


def written_anew(loaded: Loaded, batch: Batch, plan: Any) -> Sequence[Written | None]:
    """The text of each row; None where its scores are no numbers."""
    from tfcli.models.decoding import decode

    found = decode(loaded, batch.inputs, [Prompt("", ()) for _ in batch.rows], plan)
    return [one[0] if one else None for one in found]
