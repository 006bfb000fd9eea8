"""From the scores of tokens to entities.

Strategies and scores are those of transformers' ``TokenClassificationPipeline``.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tfcli.core.task import Loaded
from tfcli.models.pairs import Tokens

STRATEGIES = ("none", "simple", "first", "average", "max")

_SPACE = re.compile(r"\s")


class Tagged(NamedTuple):
    """Tokens that have one label: a single one, a word, or an entity."""

    label: str
    score: float
    first: int
    last: int
    """The last token, not the one behind it."""


def tags_of(labels: Iterable[str]) -> dict[str, tuple[str, bool]]:
    """For each label what it says, and whether that begins anew: ``B-PER`` is ``PER``, and does.

    The pipeline knows BIO alone; here a model may have the labels of BIOES and BILOU, too.
    """
    known = set(labels)

    def tag_of(label: str) -> tuple[str, bool]:
        scheme, rest = label[:2], label[2:]
        if scheme in ("B-", "I-") or (scheme in ("S-", "U-", "E-", "L-") and f"B-{rest}" in known):
            return rest, scheme in ("B-", "S-", "U-")
        return label, False

    return {label: tag_of(label) for label in labels}


def tagged(
    text: str, tokens: Tokens, scores: Any, loaded: Loaded, strategy: str
) -> Iterator[Tagged]:
    """What has a label: tokens for the strategy ``none``, else entities.

    Args:
        text: any text.
        tokens: of the text.
        scores: of each label for each token, (token, label).
        loaded: the model, whose tokenizer and labels these are.
        strategy: one of ``STRATEGIES``.
    """
    labels = loaded.config.id2label
    firsts: Sequence[int] = range(len(scores))
    if strategy not in ("none", "simple"):
        firsts = words_of(text, tokens, loaded.tokenizer)
    units = _labelled(scores, firsts, labels, strategy)
    return units if strategy == "none" else _joined(units, tags_of(labels.values()))


def words_of(text: str, tokens: Tokens, tokenizer: Any) -> list[int]:
    """The first token of each word, as the pipeline finds it.

    A vocabulary of word pieces tells them (``##ing``); with any other a word ends at a space.
    """
    pieces = tokenizer.convert_ids_to_tokens(tokens.ids.tolist())
    inner = getattr(tokenizer.backend_tokenizer.model, "continuing_subword_prefix", None)
    starts = tokens.offsets[:, 0].tolist()

    def goes_on(token: int) -> bool:
        if tokens.ids[token] == tokenizer.unk_token_id:
            return False
        if inner:
            return bool(pieces[token].startswith(inner))
        start = starts[token]
        return start > 0 and not _SPACE.search(text[start - 1 : start + 1])

    return [token for token in range(len(pieces)) if token == 0 or not goes_on(token)]


def _labelled(
    scores: Any, firsts: Sequence[int], labels: Mapping[int, str], strategy: str
) -> Iterator[Tagged]:
    """The best label of each word, or token."""
    for first, end in zip(firsts, [*firsts[1:], len(scores)], strict=True):
        parts = scores[first:end]  # (token, label)
        if strategy == "average":
            word = parts.mean(axis=0)  # (label,)
        else:
            word = parts[parts.max(axis=1).argmax() if strategy == "max" else 0]
        best = int(word.argmax())
        yield Tagged(labels[best], float(word[best]), first, end - 1)


def _joined(units: Iterable[Tagged], tags: Mapping[str, tuple[str, bool]]) -> Iterator[Tagged]:
    """Neighbours that say the same, unless one begins anew, are an entity: it scores their mean."""
    entity: list[Tagged] = []
    for unit in units:
        tag, begins = tags[unit.label]
        if entity and (begins or tag != tags[entity[0].label][0]):
            yield _whole(entity, tags)
            entity = []
        entity.append(unit)
    if entity:
        yield _whole(entity, tags)


def _whole(units: Sequence[Tagged], tags: Mapping[str, tuple[str, bool]]) -> Tagged:
    score = sum(unit.score for unit in units) / len(units)
    return Tagged(tags[units[0].label][0], score, units[0].first, units[-1].last)
