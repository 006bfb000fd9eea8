"""The blanks of a text: where masks stand in it, and the same text with words put in."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from tfcli.models.continuation import CONTEXT, continued

MASK = "[MASK]"
"""What every model's mask may be written as."""

NEAR = 32
"""Characters around a blank that decide which pieces a word is there."""


class Word(NamedTuple):
    """A token as text, for its place."""

    text: str
    glued: bool
    """Whether it goes on with the word before it, whatever space is written between them."""
    spaced: bool
    """Whether a space belongs before it."""


def parts(text: str, tokenizer: Any) -> list[str]:
    """A text cut at its masks: text and masks in turn, as they are written, text first and last."""
    written = "|".join(re.escape(mask) for mask in dict.fromkeys((MASK, tokenizer.mask_token)))
    return re.split(f"({written})", text)


def for_model(cut: Sequence[str], tokenizer: Any) -> str:
    """The text with the model's own mask."""
    return "".join(tokenizer.mask_token if i % 2 else part for i, part in enumerate(cut))


def word(id: int, before: Sequence[int], tokenizer: Any) -> Word:
    """A token as it is written behind others, none of which is a mask."""
    text = continued(tokenizer, before, [id])
    if not text:  # a special token
        return Word(tokenizer.decode([id]), glued=False, spaced=False)
    if text.startswith(" "):
        # A decoder of word pieces puts a space between all words, Chinese ones, too.
        written = text[1:] != tokenizer.convert_ids_to_tokens(id)
        return Word(text[1:], glued=False, spaced=written)
    return Word(text, glued=not _ends_in_space(before, tokenizer), spaced=False)


def _ends_in_space(ids: Sequence[int], tokenizer: Any) -> bool:
    """Whether the model sees the space that stands before a mask; else the mask swallows it."""
    near = list(ids[-CONTEXT:])
    text: str = tokenizer.decode(near, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return text.endswith(" ")


def filled(cut: Sequence[str], words: Mapping[int, Word]) -> str:
    """The text with words in the place of masks, which are counted from 0; others stay."""
    text = cut[0]
    for number, (mask, behind) in enumerate(zip(cut[1::2], cut[2::2], strict=True)):
        text = (_put(text, words[number]) if number in words else text + mask) + behind
    return text


def _put(before: str, new: Word) -> str:
    if new.glued:
        return (before.rstrip() or before) + new.text
    space = " " if new.spaced and before and not before[-1].isspace() else ""
    return before + space + new.text


def targets_at(
    cuts: Sequence[Sequence[str]], targets: Sequence[str], tokenizer: Any
) -> Iterator[list[list[int]] | str]:
    """For each text the tokens that targets are at each of its masks, or which target is none.

    With a space before it, or in lower case, a word may be another token than alone: so it is read
    in the place of the mask, with a little of the text around. What is no token there may be one as
    the vocabulary spells it: ``##ing``.
    """
    if not targets:
        for cut in cuts:
            yield [[] for _ in range(len(cut) // 2)]
        return
    mask = tokenizer.mask_token
    contexts = [_context(cut, number, mask) for cut in cuts for number in range(len(cut) // 2)]
    read = [before + one + after for before, after in contexts for one in (mask, *targets)]
    encoded = iter(tokenizer(read, add_special_tokens=False)["input_ids"] if read else ())
    places = ((before.count(mask), next(encoded)) for before, _ in contexts)
    for cut in cuts:
        at_masks, wrong = [], ""
        for nth, masked in islice(places, len(cut) // 2):
            near = [i for i, id in enumerate(masked) if id == tokenizer.mask_token_id]
            read_there = [next(encoded) for _ in targets]
            if nth >= len(near):
                wrong = wrong or "a mask stands so close to a word that the model does not see it"
                continue
            found = [
                _target(one, masked, near[nth], ids, tokenizer)
                for one, ids in zip(targets, read_there, strict=True)
            ]
            wrong = wrong or next((one for one in found if isinstance(one, str)), "")
            at_masks.append(list(dict.fromkeys(id for id in found if isinstance(id, int))))
        yield wrong or at_masks


def _context(cut: Sequence[str], number: int, mask: str) -> tuple[str, str]:
    """What stands near a mask."""
    whole = [mask if i % 2 else part for i, part in enumerate(cut)]
    place = 2 * number + 1
    return "".join(whole[:place])[-NEAR:], "".join(whole[place + 1 :])[:NEAR]


def _target(
    target: str, masked: list[int], place: int, ids: list[int], tokenizer: Any
) -> int | str:
    """The token that takes the place of the mask, or what is wrong."""
    unknown = tokenizer.unk_token_id
    behind = len(masked) - place - 1
    same = ids[:place] == masked[:place] and ids[len(ids) - behind :] == masked[place + 1 :]
    there = ids[place : len(ids) - behind] if same else []
    if len(there) == 1 and there[0] != unknown:
        return there[0]
    spelled = tokenizer.convert_tokens_to_ids(target)
    if spelled is not None and spelled != unknown:
        return int(spelled)
    pieces = tokenizer.convert_ids_to_tokens(there) or tokenizer.tokenize(target)
    if len(pieces) > 1:
        return f"{target!r} is {len(pieces)} tokens there, not one: {' '.join(pieces)}"
    return f"{target!r} is no token of the model"
