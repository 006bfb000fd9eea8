"""Option dataclasses: what each option takes, and the check that every caller goes through."""

import dataclasses
import difflib
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from tfcli.core.task import Flag
from tfcli.errors import UsageError

T = TypeVar("T")


class Option(NamedTuple):
    """One field of an option dataclass."""

    name: str
    type: Any
    default: Any
    flag: Flag

    @property
    def switch(self) -> str:
        """Its long form on the command line."""
        return "--" + self.name.replace("_", "-")


def options_of(options_type: type[Any]) -> Iterator[Option]:
    """The options of a dataclass whose fields are ``Annotated[T, Flag(…)]``."""
    hints = get_type_hints(options_type, include_extras=True)
    for field in dataclasses.fields(options_type):
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
        for one in value if isinstance(value, (list, tuple)) else [value]:
            _check(options[name], one)
        chosen[name] = tuple(value) if isinstance(value, list) else value
    return options_type(**chosen)


def _check(option: Option, value: Any) -> None:
    flag = option.flag
    if isinstance(value, str):
        if flag.choices and value not in flag.choices:
            raise UsageError(f"{option.switch} takes {_takes(flag)}, not '{value}'.")
    elif (
        (flag.min is not None and value < flag.min)
        or (flag.max is not None and value > flag.max)
        or value != value  # NaN
    ):
        raise UsageError(f"{option.switch} takes {_takes(flag)}, not {value}.")


def _takes(flag: Flag) -> str:
    if flag.min is None and flag.max is None:
        return "one of " + ", ".join(flag.choices)
    low = f"{flag.min:g}" if flag.min is not None else ""
    if flag.max is None:
        numbers = f"a number from {low} up"
    else:
        numbers = f"a number from {low} to {flag.max:g}" if low else f"a number up to {flag.max:g}"
    return " or ".join([numbers, *(f"'{word}'" for word in flag.choices)])
