"""The model families of transformers: what it has, joined with what is known of the named ones.

``families.toml`` is written by hand, ``families.json`` by ``tools/families.py``.
"""

import difflib
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

from tfcli.errors import UsageError

_HERE = Path(__file__).parent
ARCHITECTURES = ("encoder", "decoder", "encoder-decoder")
FOR_ALL = ("AutoModel", "AutoTokenizer")
"""The Auto classes that load any checkpoint of a family that reads text."""
STATUSES = ("supported", "alias", "removed")


@dataclass(frozen=True, slots=True)
class Family:
    """A model family; of one that nobody has described only type and Auto classes are known."""

    slug: str
    """What people type: ``xlm-roberta``."""
    model_type: str
    """What its config.json says."""
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Its classes by Auto class, in the release that ``families.json`` names."""
    name: str = ""
    """As its paper writes it."""
    creator: str | None = None
    year: int | None = None
    title: str | None = None
    """Of the paper."""
    paper: str | None = None
    objectives: tuple[str, ...] = ()
    """What it was trained to do before any task: MLM, CLM …"""
    architecture: str | None = None
    checkpoint: str | None = None
    """The one that people mean by its name."""
    purpose: str | None = None
    reads: str = "text"
    """What it has to be given; tasks of tfcli give text alone."""
    alias_of: str | None = None
    """The family whose classes it has, where it has none of its own."""
    removed_in: str | None = None
    """The first release of transformers without it."""
    instead: str | None = None
    """What to use now."""
    aka: tuple[str, ...] = ()

    @property
    def status(self) -> str:
        """One of ``STATUSES``."""
        if self.removed_in:
            return "removed"
        return "alias" if self.alias_of else "supported"

    @property
    def auto_classes(self) -> set[str]:
        """The Auto classes under which it is of use here."""
        if self.reads != "text" or self.removed_in:
            return set()
        return useful({*self.classes, *FOR_ALL}, self.architecture)

    @property
    def spellings(self) -> tuple[str, ...]:
        """All that people may type for it."""
        return (self.slug, self.name, *self.aka)


@cache
def families() -> dict[str, Family]:
    """All families by slug: those that are described, then the other types of transformers."""
    described = tomllib.loads((_HERE / "families.toml").read_text(encoding="utf-8"))
    types: dict[str, Any] = _generated()["families"]
    known = {slug: _described(slug, entry, types) for slug, entry in described.items()}
    named = {family.model_type for family in known.values()}
    others = {t: Family(t, t, _classes(types, t), name=t) for t in types if t not in named}
    return known | others


def described() -> list[Family]:
    """The families that ``families.toml`` describes."""
    return [family for family in families().values() if family.creator is not None]


def family_named(name: str) -> Family | None:
    """The family that people call so, however they spell it."""
    return next((families()[slug] for slug in _spelt().get(_plain(name), ())), None)


def near_families(name: str, count: int = 3) -> list[str]:
    """The slugs that look most like a name."""
    near = difflib.get_close_matches(_plain(name), _spelt(), n=count, cutoff=0.6)
    return list(dict.fromkeys(slug for spelling in near for slug in _spelt()[spelling]))


def of_type(model_type: str) -> Family | None:
    """The family that has this type as its own."""
    same = [f for f in families().values() if f.model_type == model_type]
    return next((family for family in same if not family.alias_of), None)


def useful(auto_classes: Iterable[str], architecture: str | None) -> set[str]:
    """Without those that a model has classes for, and no pretrained weights.

    What reads in both directions does not write on, what writes on fills no blanks, and what
    answers a text does neither. Where nobody knows, what fills blanks does not write on.
    """
    classes = set(auto_classes)
    masked, causal = "AutoModelForMaskedLM", "AutoModelForCausalLM"
    if architecture == "encoder-decoder":
        return classes - {masked, causal}
    if architecture == "decoder":
        return classes - {masked}
    return classes - {causal} if architecture == "encoder" or masked in classes else classes


def auto_classes_of(model_type: str, architectures: Iterable[str]) -> list[str]:
    """The Auto classes that load a checkpoint whose config.json names these classes."""
    named = set(architectures)
    types: dict[str, Any] = _generated()["families"]
    return [auto for auto, own in _classes(types, model_type).items() if named & set(own)]


def require_one_of(switch: str, wanted: str, known: Iterable[str | None]) -> None:
    """Refuse a word that no family has.

    Raises:
        UsageError: with the words that there are.
    """
    words = sorted({word for word in known if word}, key=str.casefold)
    if _plain(wanted) not in map(_plain, words):
        spelt = {word.casefold(): word for word in words}
        near = difflib.get_close_matches(wanted.casefold(), spelt, n=1)
        hint = f"Did you mean {spelt[near[0]]}?" if near else f"There are: {', '.join(words)}"
        raise UsageError(f"{switch}: no family has '{wanted}'.", hint=hint)


def same(one: str | None, other: str) -> bool:
    """Whether two words differ by capitals and hyphens at most."""
    return one is not None and _plain(one) == _plain(other)


def _described(slug: str, entry: dict[str, Any], types: dict[str, Any]) -> Family:
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
    if unknown := values.keys() - {one.name for one in fields(Family)}:
        raise ValueError(f"families.toml, [{slug}]: {min(unknown)}")
    return Family(slug=slug, classes=_classes(types, entry["model_type"]), **values)


def _classes(types: dict[str, Any], model_type: str) -> dict[str, tuple[str, ...]]:
    """Most Auto classes have one class of a type, some have several."""
    classes = types.get(model_type, {})
    return {auto: (c,) if isinstance(c, str) else tuple(c) for auto, c in classes.items()}


@cache
def _generated() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((_HERE / "families.json").read_text(encoding="utf-8"))
    return content


@cache
def _spelt() -> dict[str, list[str]]:
    """The slugs for each plain spelling."""
    spelt: dict[str, list[str]] = {}
    for family in families().values():
        for spelling in dict.fromkeys(map(_plain, family.spellings)):
            spelt.setdefault(spelling, []).append(family.slug)
    return spelt


def _plain(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum() or c == "+")
