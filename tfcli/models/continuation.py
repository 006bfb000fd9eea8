"""What is written on: from new tokens to the text that follows a prompt, up to a stop text."""

from bisect import bisect_left
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

CONTEXT = 8
"""Tokens before a piece that are decoded with it: some decoders drop a space that comes first."""

LONGEST = 4
"""The most bytes, and so tokens, of a character."""

UNFINISHED = "\ufffd"
"""What a decoder gives for bytes that are no character, or not yet one."""


class Prompt(NamedTuple):
    """What a row is the beginning of."""

    shown: str
    """What the text begins with; empty if only what is new is wanted."""
    ids: Sequence[int]
    """The tokens before the first new one; none for sequence-to-sequence models."""
    truncated: bool = False
    seed: int | None = None


class Written(NamedTuple):
    """One sequence."""

    text: str
    """What is new, without the stop text."""
    finish_reason: str
    """``stop`` at the end-of-text token or a stop text, ``length`` at the limit."""
    new_tokens: int
    logprobs: list[dict[str, Any]] | None = None


class Pieces:
    """Gives out text as its tokens come: whole characters, and nothing that may be a stop text."""

    def __init__(
        self,
        tokenizer: Any,
        prompt: Prompt,
        stops: Sequence[str],
        emit: Callable[[str, bool], None],
    ) -> None:
        self.tokenizer = tokenizer
        self.prompt = prompt
        self.stops = stops
        self.emit = emit
        self.ids: list[int] = []
        self.given = ""
        self.begun = False

    def put(self, value: Any) -> None:
        """Take the next token; the first call brings the prompt."""
        if not self.begun:
            self.begun = True
            return
        self.ids.extend(value.flatten().tolist())
        text = continued(self.tokenizer, self.prompt.ids, self.ids)
        self._give(_without_stop(text, self.stops)[: _sure(text, self.stops)])

    def end(self) -> None:
        """All tokens are there; ``finish`` says what they come to."""

    def finish(self, text: str) -> None:
        """Give what was held back of the whole text."""
        self._give(text)

    def _give(self, text: str) -> None:
        """Emit what is new, be it nothing: whoever reads along may end it here."""
        new = text[len(self.given) :] if text.startswith(self.given) else ""
        self.emit(new, False)
        self.given += new


def written(
    tokenizer: Any,
    prompt: Prompt,
    ids: list[int],
    ends: Collection[int],
    stops: Sequence[str],
) -> Written:
    """What the new tokens of a row come to.

    Args:
        tokenizer: of the model.
        prompt: what they follow.
        ids: the tokens, and behind their end whatever fills up the batch.
        ends: the tokens that mean the end.
        stops: texts that mean the end, and are no part of it.
    """
    end = next((i for i, one in enumerate(ids) if one in ends), None)
    ids = ids if end is None else ids[: end + 1]
    text = continued(tokenizer, prompt.ids, ids)
    cut = _without_stop(text, stops)
    if cut != text:
        ids = ids[: _tokens_until_stop(tokenizer, prompt, ids, stops)]
    reason = "length" if end is None and cut == text else "stop"
    return Written(cut, reason, len(ids))


def continued(tokenizer: Any, before: Sequence[int], ids: Sequence[int]) -> str:
    """The text of ``ids`` as it follows ``before``, with the space that it may begin with."""
    lead, context = "", list(before[:0])
    for size in range(CONTEXT, CONTEXT + LONGEST) if before else ():
        context = list(before[-size:])
        lead = _text(tokenizer, context)
        if not lead.startswith(UNFINISHED):  # it does not begin inside of a character
            break
    return _text(tokenizer, [*context, *ids])[len(lead) :]


def is_stopped(
    tokenizer: Any, before: Sequence[int], ids: Sequence[int], stops: Sequence[str]
) -> bool:
    """Whether the text of ``ids`` behind ``before`` holds a stop text."""
    text = continued(tokenizer, before, ids)
    return any(stop in text for stop in stops)


def token(tokenizer: Any, id: int, before: Sequence[int]) -> dict[str, Any]:
    """A token as the vocabulary spells it, and the text that it is behind others."""
    text = continued(tokenizer, before, [id]) or tokenizer.decode([id])
    return {"token": tokenizer.convert_ids_to_tokens(id), "text": text}


def _text(tokenizer: Any, ids: list[int]) -> str:
    """The text of tokens; the bytes of a character that is not whole are one ``UNFINISHED``.

    Where bytes are tokens of their own among characters (byte fallback), decoders give up all that
    stand together for one that is missing.
    """
    text = _decoded(tokenizer, ids)
    if not text.endswith(UNFINISHED):
        return text
    for cut in range(1, LONGEST):
        shorter = _decoded(tokenizer, ids[:-cut])
        if len(shorter.rstrip(UNFINISHED)) > len(text.rstrip(UNFINISHED)):
            return shorter + UNFINISHED
    return text


def _decoded(tokenizer: Any, ids: list[int]) -> str:
    text: str = tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return text


def _without_stop(text: str, stops: Sequence[str]) -> str:
    places = [place for stop in stops if (place := text.find(stop)) >= 0]
    return text[: min(places, default=len(text))]


def _sure(text: str, stops: Sequence[str]) -> int:
    """How much of a text can no longer change: no broken character, no beginning of a stop text."""
    whole = text.rstrip(UNFINISHED)
    begun = (len(stop[:n]) for stop in stops for n in range(len(stop)) if whole.endswith(stop[:n]))
    return len(whole) - max(begun, default=0)


def _tokens_until_stop(tokenizer: Any, prompt: Prompt, ids: list[int], stops: Sequence[str]) -> int:
    """The fewest tokens whose text holds a stop text."""
    return bisect_left(
        range(len(ids)),
        True,
        lo=1,
        key=lambda count: is_stopped(tokenizer, prompt.ids, ids[:count], stops),
    )
