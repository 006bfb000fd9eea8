"""From which language to which: what a translator must be told, and in which words.

Marian models know one pair, or one source and several targets that ``>>deu<<`` before a text names;
mBART, M2M100 and NLLB have a token for each language, before or behind the source, and as the first
that is written; T5 is told in English.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from tfcli.core.task import Loaded
from tfcli.errors import UnfitModelError, UsageError
from tfcli.models.defaults import fetching
from tfcli.models.languages import are_same, chosen, english_name, is_known, iso

TASK = "translation"

_NLLB = re.compile(r"[a-z]{3}_[A-Z][a-z]{3}")
_MADLAD = re.compile(r"<2(\w+)>")
_PAIR = re.compile(r"translation_([^_]+)_to_(.+)")
_OPUS = re.compile(r"opus-mt-(?:tc-)?(?:big-|base-|tiny-)?(\w+)-(\w+)")
_NAMED = ("en", "de")
"""What examples in hints are about."""


class Direction(NamedTuple):
    """What a model is told."""

    before: str = ""
    """What stands before each text."""
    settings: Mapping[str, Any] = {}
    """What holds for decoding: the first token, and what the checkpoint says of this pair."""
    source: str | None = None
    """The language of the texts, as the tokenizer calls it; None where it has none."""

    def told(self, text: str) -> str:
        """A text with what stands before it."""
        if not self.before and text.startswith(">>"):
            return f" {text}"  # which Marian's tokenizer would take for a language
        return self.before + text


def require_translator(config: Any) -> None:
    """Refuse what is no translator, before it is loaded.

    Raises:
        UnfitModelError: its family is not one that translates.
    """
    if config.model_type not in FAMILIES:
        raise UnfitModelError(
            f"A {config.model_type} model does not translate, as far as is known.",
            hint="Name Marian (opus-mt), mBART, M2M100, NLLB or T5 with -m;"
            " any model that writes: tfcli generate.",
        )


def direction(loaded: Loaded, source: str | None, target: str | None) -> Direction:
    """What to tell a model.

    Args:
        loaded: a translator.
        source: the code of a language as a person types it; None if nobody did.
        target: the same.

    Raises:
        UsageError: a language that the model does not know, or that must be given.
        UnfitModelError: the model translates another way.
    """
    return FAMILIES[loaded.config.model_type](loaded, source, target)


def opus(source: str | None, target: str | None) -> str:
    """The name of the Marian model for a pair."""
    first = iso(source) if source else "en" if not target or iso(target) != "en" else "mul"
    second = iso(target) if target else "de" if first == "en" else "en"
    return f"Helsinki-NLP/opus-mt-{first}-{second}"


def _of_marian(loaded: Loaded, source: str | None, target: str | None) -> Direction:
    """A pair; or a code before each text, where there are several targets."""
    own = _marian_pair(loaded)
    _require_way(own, source, target)
    spelled = getattr(loaded.tokenizer, "supported_language_codes", ())
    codes = {code.strip("<>"): code for code in spelled}
    if not codes:
        return Direction()
    wanted = target or (own[1] if own[1] and is_known(own[1]) else None)
    if wanted is None and len(codes) > 1:
        raise _unsaid("--to", codes)
    code = chosen(wanted, list(codes), "--to") if wanted else next(iter(codes))
    return Direction(f"{codes[code]} ")


def _marian_pair(loaded: Loaded) -> tuple[str | None, str | None]:
    """What a Marian model says of itself, or its name does."""
    said = loaded.tokenizer.init_kwargs  # of its config, also where the class is any fast one's
    named = _OPUS.search(str(getattr(loaded.config, "_name_or_path", "")))
    names = named.groups() if named else (None, None)
    return said.get("source_lang") or names[0], said.get("target_lang") or names[1]


def _of_many(loaded: Loaded, source: str | None, target: str | None) -> Direction:
    """A token for each language."""
    tokenizer = loaded.tokenizer
    codes = _codes(tokenizer)
    if not codes or not hasattr(tokenizer, "src_lang"):
        raise UnfitModelError("The model's tokenizer knows no languages.")
    pairs = _pairs(loaded.config)
    if len(pairs) == 1:
        (own,) = pairs
        _require_way(own, source, target)
        source, target = source or own[0], target or own[1]
    if source is None or target is None:
        raise _unsaid("--to" if source else "--from" if target else "--from and --to", codes)
    first = chosen(source, list(codes), "--from")
    second = chosen(target, list(codes), "--to")
    _require_two(first, second)
    # The first mBART begins to write with the language, all others with the end of a text.
    started = type(tokenizer).__name__.startswith("MBartTokenizer")
    name = "decoder_start_token_id" if started else "forced_bos_token_id"
    settings = {**_spoken(pairs, first, second)[1], name: codes[second]}
    return Direction("", settings, first)


def _codes(tokenizer: Any) -> dict[str, int]:
    """The languages that a tokenizer has tokens for."""
    named: Mapping[str, int] = getattr(tokenizer, "lang_code_to_id", None) or {
        token: tokenizer.convert_tokens_to_ids(token)
        for token in tokenizer.all_special_tokens
        if _NLLB.fullmatch(token)
    }
    return {code: id for code, id in named.items() if id != tokenizer.unk_token_id}


def _of_t5(loaded: Loaded, source: str | None, target: str | None) -> Direction:
    """A sentence in English; or, in MADLAD's models, a token for the target."""
    found = (_MADLAD.fullmatch(token) for token in loaded.tokenizer.get_vocab())
    codes = [one[1] for one in found if one]
    if codes:
        if target is None:
            raise _unsaid("--to", codes)
        return Direction(f"<2{chosen(target, codes, '--to')}> ")
    pairs = _pairs(loaded.config)
    prefix = getattr(loaded.config, "prefix", None) or ""
    if source is None and target is None:
        if len(pairs) == 1:
            ((_, settings),) = pairs.items()
            return Direction(settings.get("prefix", prefix), settings)
        if prefix.strip():
            return Direction(prefix)
    if source is None or target is None:
        known = [f"{first} to {second}" for first, second in pairs]
        missing = "--to" if source else "--from" if target else "--from and --to"
        raise UsageError(
            f"Give {missing}: the model is told in words what to do.",
            hint=f"It has learnt {', '.join(known)}." if known else "",
        )
    _require_two(source, target)
    before, settings = _spoken(pairs, source, target)
    if before is None:
        names = [_name(source, "--from"), _name(target, "--to")]
        before = f"translate {names[0]} to {names[1]}: "
    return Direction(before, settings)


def _name(code: str, option: str) -> str:
    name = english_name(code)
    if name is None:
        raise UsageError(f"{option} {code}: there is no such language.", hint="en, de, zh …")
    return name


def _pairs(config: Any) -> dict[tuple[str, str], Mapping[str, Any]]:
    """What a checkpoint says of each pair that it was trained for."""
    tasks = getattr(config, "task_specific_params", None) or {}
    found = ((_PAIR.fullmatch(name), settings) for name, settings in tasks.items())
    return {(one[1], one[2]): settings or {} for one, settings in found if one}


def _spoken(
    pairs: Mapping[tuple[str, str], Mapping[str, Any]], source: str, target: str
) -> tuple[str | None, Mapping[str, Any]]:
    """The prefix and the settings of a pair, if the checkpoint has some."""
    for (first, second), settings in pairs.items():
        if are_same(source, first) and are_same(target, second):
            return settings.get("prefix"), settings
    return None, {}


def _require_way(
    own: tuple[str | None, str | None], source: str | None, target: str | None
) -> None:
    """Refuse the wrong way where both the model's and the wanted one are known."""
    for wanted, one in ((source, own[0]), (target, own[1])):
        if wanted and one and is_known(one) and not are_same(wanted, one):
            asked = f"{source or own[0] or '?'} to {target or own[1] or '?'}"
            other = opus(source or own[0], target or own[1])
            raise UnfitModelError(
                f"The model translates {own[0] or '?'} to {own[1] or '?'}, not {asked}.",
                hint=fetching(other)
                if all(is_known(code) for code in (source, target) if code)
                else "Languages are called en, de, zh …",
            )


def _require_two(source: str, target: str) -> None:
    if source.lower() == target.lower():
        raise UsageError(f"--from {source} --to {target}: that is one language.")


def _unsaid(options: str, codes: Sequence[str] | Mapping[str, Any]) -> UsageError:
    listed = sorted(codes)
    shown = ", ".join(listed[:12]) + (" …" if len(listed) > 12 else "")
    return UsageError(
        f"Give {options}: the model knows {len(listed)} languages.",
        hint=f"--from en --to de, or in its own words: {shown}",
    )


FAMILIES: Mapping[str, Callable[[Loaded, str | None, str | None], Direction]] = {
    "marian": _of_marian,
    "mbart": _of_many,
    "m2m_100": _of_many,
    "nllb-moe": _of_many,
    "t5": _of_t5,
    "mt5": _of_t5,
    "umt5": _of_t5,
}
