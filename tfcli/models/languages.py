"""Languages: from the code that a person types to the one that a model has for it."""

import difflib
import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tfcli.errors import UsageError

_TABLE = Path(__file__).with_name("languages.toml")

FEW = 12
"""As many codes can be listed in an error; of more only those that are near."""

_NOWHERE = "XX"
"""The region of mBART's languages that have none."""


class Tag(NamedTuple):
    """What a code says: ``zh-Hant-TW``, ``eng_Latn``, ``pt_BR``."""

    language: str
    script: str | None = None
    region: str | None = None


def tag(code: str) -> Tag:
    """Read a code; a language may be called by its English name, too."""
    language, *others = code.replace("-", "_").split("_")
    named = _names().get(code.lower())
    if named is not None:
        return Tag(named)
    language = language.lower()
    script = next((part.title() for part in others if len(part) == 4), None)
    region = next((part.upper() for part in others if len(part) != 4), None)
    script = script or _table()["regions"].get(f"{_accepted(language)[0]}-{region}")
    return Tag(language, script, None if region == _NOWHERE else region)


def chosen(wanted: str, codes: Sequence[str], option: str) -> str:
    """The code of a model that means what a person typed.

    Args:
        wanted: any code of the language, ISO 639-1 or 639-3, with script and region if need be.
        codes: the model's own.
        option: what to call it in an error, ``--to``.

    Raises:
        UsageError: there is none, or several mean it.
    """
    spelled = wanted.replace("-", "_")
    exact = [code for code in codes if code.lower() == spelled.lower()]
    if exact:
        return spelled if spelled in exact else exact[0]
    asked = tag(wanted)
    names = _accepted(asked.language)
    found = [
        (code, one)
        for code, one in ((code, tag(code)) for code in codes)
        if one.language in names and _agree(asked, one)
    ]
    if not found:
        raise UsageError(
            f"{option} {wanted}: the model has no such language.", _near(wanted, codes)
        )
    first = min(names.index(one.language) for _, one in found)
    found = [(code, one) for code, one in found if one.language == names[first]]
    script = asked.script or _table()["scripts"].get(names[0])
    best = max(_fit(one, script, asked.region) for _, one in found)
    fitting = {one: code for code, one in found if _fit(one, script, asked.region) == best}
    if len(fitting) > 1:
        listed = ", ".join(sorted(fitting.values()))
        raise UsageError(f"{option} {wanted}: the model has several.", f"Take one of {listed}.")
    return next(iter(fitting.values()))


def is_known(code: str) -> bool:
    """Whether a code is a language here, and not a group of them or something else."""
    language = tag(code).language
    return len(_accepted(language)) > 1


def are_same(one: str, other: str) -> bool:
    """Whether two codes mean one language."""
    first, second = tag(one), tag(other)
    return second.language in _accepted(first.language)


def iso(code: str) -> str:
    """The code of ISO 639-1 for a language, if it has one."""
    return _accepted(tag(code).language)[0]


def english_name(code: str) -> str | None:
    """What a language is called in English."""
    names = (_table()["languages"].get(name) for name in _accepted(tag(code).language))
    return next((entry[0] for entry in names if entry is not None), None)


def _agree(asked: Tag, one: Tag) -> bool:
    """Whether a code does not say another script or region than was asked for."""
    if asked.script is not None and one.script not in (asked.script, None):
        return False
    if asked.region is None or one.region in (asked.region, None):
        return True
    return asked.script is not None and one.script == asked.script


def _fit(one: Tag, script: str | None, region: str | None) -> tuple[bool, bool, bool]:
    """How well a code says what is meant: the script, the region, and nothing besides."""
    plain = one.script is None and one.region is None
    return (script is not None and one.script == script, one.region == region, plain)


def _accepted(language: str) -> list[str]:
    """All codes of a language, by preference: ISO 639-1 first, if it has one, and its own."""
    rows = _table()["languages"]
    keys = [key for key, (_, codes) in rows.items() if language in (key, *codes.split())]
    keys.sort(key=lambda key: key != language)
    others = [code for key in keys for code in (key, *rows[key][1].split())]
    return list(dict.fromkeys([*keys[:1], language, *others]))


def _near(wanted: str, codes: Sequence[str]) -> str:
    """What to type instead."""
    if len(codes) <= FEW:
        return "Its languages: " + ", ".join(sorted(codes)) + "."
    words = {code.lower(): code for code in codes}
    words |= {tag(code).language: code for code in reversed(codes)}
    near = difflib.get_close_matches(wanted.lower(), words, n=5, cutoff=0.4)
    shown = list(dict.fromkeys(words[word] for word in near)) or sorted(codes)[:5]
    return f"Near: {', '.join(shown)} (of its {len(codes)} languages)."


@cache
def _names() -> dict[str, str]:
    return {name.lower(): key for key, (name, _) in _table()["languages"].items()}


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(_TABLE.read_text(encoding="utf-8"))
