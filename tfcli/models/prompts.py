"""Prompts: as messages of a chat, and as tokens that leave room for what is to come."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from tfcli.core.task import Failure, Loaded
from tfcli.errors import UsageError, first_line


class Fitted(NamedTuple):
    """A prompt that fits."""

    ids: list[int]
    """Its tokens: what else a tokenizer gives (``token_type_ids``) is not for models that write."""
    truncated: bool


def as_message(text: str, system: str | None, tokenizer: Any) -> str:
    """A text as a user's message, written as the model's chat template has it.

    Raises:
        UsageError: there is no template, or it does not take this.
    """
    before = [] if system is None else [{"role": "system", "content": system}]
    if not tokenizer.chat_template:
        raise UsageError(
            "--chat: the model has no chat template.",
            hint="Name a model that was tuned to chat with -m (…-Instruct, …-Chat).",
        )
    try:
        written: str = tokenizer.apply_chat_template(
            [*before, {"role": "user", "content": text}],
            tokenize=False,
            add_generation_prompt=True,
        )
    except Exception as exc:  # a template raises what it likes
        raise UsageError(f"The model's chat template: {first_line(exc)}") from exc
    return written


def fitted(
    texts: Sequence[str], loaded: Loaded, new: int, truncate: bool, special: bool = True
) -> list[Fitted | Failure]:
    """Tokenize prompts; what is too long loses its beginning, or is an error that names both sizes.

    Args:
        texts: the prompts.
        loaded: whose tokenizer and length to use.
        new: how many tokens are to come; a causal model has one room for all of them.
        truncate: whether to cut.
        special: whether the tokenizer adds its special tokens.

    Raises:
        UsageError: what is to come fills the model alone.
    """
    room = _room(loaded, new)
    tokenizer = loaded.tokenizer
    tokenizer.truncation_side = "left"
    encoded = tokenizer(list(texts), add_special_tokens=special)["input_ids"]
    prompts: list[Fitted | Failure] = []
    for text, ids in zip(texts, encoded, strict=True):
        if not ids:
            prompts.append(Failure("empty", "nothing in it is text to the model"))
        elif len(ids) <= room:
            prompts.append(Fitted(ids, False))
        elif truncate:
            cut = tokenizer(text, add_special_tokens=special, truncation=True, max_length=room)
            prompts.append(Fitted(cut["input_ids"], True))
        else:
            prompts.append(Failure("too_long", _too_long(len(ids), room, loaded)))
    return prompts


def _room(loaded: Loaded, new: int) -> int:
    """The longest prompt, in tokens."""
    most = loaded.max_length
    if loaded.config.is_encoder_decoder:  # which writes in a room of its own
        written = getattr(loaded.config, "max_position_embeddings", None)
        if isinstance(written, int) and new > written:
            raise UsageError(f"The model writes {written:,} tokens at most, not {new:,}.")
        return most
    if new >= most:
        raise UsageError(f"The model has room for {most:,} tokens: not for {new:,} new ones.")
    return most - new


def _too_long(length: int, room: int, loaded: Loaded) -> str:
    new = loaded.max_length - room
    beside = f" beside {new:,} new ones" if new else ""
    return (
        f"{length:,} tokens, and the model has room for {room:,}{beside}; "
        "--truncate left cuts the beginning off"
    )
