"""Option dataclasses: what each option takes, and the check that every caller goes through."""

import dataclasses
import difflib
import math
from collections.abc import Iterator, Mapping
from types import NoneType
from typing import Annotated, Any, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from tfcli.core.task import Flag
from tfcli.errors import UsageError

T = TypeVar("T")

INTERNAL = {"internal": True}
"""The metadata of a field that is no option: what tfcli itself asks of a task."""


class Option(NamedTuple):
    """One field of an option dataclass."""

    name: str
    type: Any
    default: Any
    flag: Flag

    @property
    def switch(self) -> str:
        """Its long form on the command line; a Python keyword is spelled ``from_``."""
        return "--" + self.name.rstrip("_").replace("_", "-")

    @property
    def many(self) -> bool:
        """Whether it may be repeated: its value is a tuple."""
        return get_origin(self.type) is tuple

    @property
    def kinds(self) -> tuple[type[Any], ...]:
        """The types that one value may have, None left out."""
        if self.many:
            return (get_args(self.type)[0],)
        return tuple(kind for kind in get_args(self.type) if kind is not NoneType) or (self.type,)


def options_of(options_type: type[Any]) -> Iterator[Option]:
    """The options of a dataclass whose fields are ``Annotated[T, Flag(…)]``."""
    hints = get_type_hints(options_type, include_extras=True)
    for field in dataclasses.fields(options_type):
        if not field.init or field.metadata == INTERNAL:
            continue
        hint = hints[field.name]
        if get_origin(hint) is not Annotated:
            raise TypeError(f"{options_type.__name__}.{field.name} has no Flag")
        kind, flag = get_args(hint)
        yield Option(field.name, kind, field.default, flag)


def build(options_type: type[T], given: Mapping[str, Any]) -> T:
    """Make the dataclass from values by name, each checked against its Flag; None is the default.

    Raises:
        UsageError: an unknown name, a word that is no choice, a number out of range.
    """
    options = {option.name: option for option in options_of(options_type)}
    chosen: dict[str, Any] = {}
    for name, value in given.items():
        if name not in options:
            near = difflib.get_close_matches(name, options, n=1)
            raise UsageError(
                f"There is no option '{name}'.",
                hint=f"Did you mean '{near[0]}'?" if near else "Options: " + ", ".join(options),
            )
        if value is None:
            continue
        if options[name].kinds == (str,) and type(value) is int and not options[name].flag.choices:
            value = str(value)  # layer=4
        if options[name].many:
            value = (value,) if isinstance(value, str) else tuple(value)
        for one in value if options[name].many else [value]:
            if not _fits(options[name], one):
                raise UsageError(
                    f"{options[name].switch} takes {_takes(options[name])}, not {one!r}."
                )
        whole = isinstance(value, int) and not isinstance(value, bool)
        chosen[name] = float(value) if whole and float in options[name].kinds else value
    return options_type(**chosen)


def _fits(option: Option, value: Any) -> bool:
    flag, kinds = option.flag, option.kinds
    if isinstance(value, str):
        return value in flag.choices if flag.choices else str in kinds
    if isinstance(value, bool) or bool in kinds:
        return isinstance(value, bool) and bool in kinds
    if not isinstance(value, (int, float) if float in kinds else int):
        return False
    low = -math.inf if flag.min is None else flag.min
    high = math.inf if flag.max is None else flag.max
    return (float in kinds or int in kinds) and low <= value <= high  # NaN is nowhere between


def _takes(option: Option) -> str:
    flag = option.flag
    if not {int, float} & set(option.kinds):
        one_of = "one of " if len(flag.choices) > 1 else ""
        return one_of + ", ".join(flag.choices) if flag.choices else option.kinds[0].__name__
    number = "a whole number" if float not in option.kinds else "a number"
    if flag.min is not None and flag.max is not None:
        number += f" from {flag.min:g} to {flag.max:g}"
    elif flag.min is not None:
        number += f" from {flag.min:g} up"
    elif flag.max is not None:
        number += f" up to {flag.max:g}"
    return " or ".join([number, *(f"'{word}'" for word in flag.choices)])
