"""Layers and heads as the command line names them: ``4``, ``0,3,5-7``, ``all``, ``-1``."""

import re
from typing import Any

from tfcli.errors import UsageError

_PART = re.compile(r"(-?\d+)(?:-(-?\d+))?")


def places(asked: str | None, count: int, noun: str) -> list[int]:
    """The numbers that a text names, each once, by size; None is all of them.

    Args:
        asked: ``4``, ``0,3,5-7`` or ``all``; negative numbers count from the end.
        count: how many there are.
        noun: what they are, for the error.

    Raises:
        UsageError: it is no such text, or names what is not there.
    """
    found: set[int] = set()
    for first, last in ranges(asked, noun) or [(0, count - 1)]:
        start, end = place(first, count, noun), place(last, count, noun)
        if end < start:
            raise UsageError(f"--{noun} {first}-{last}: {noun} {last} comes before {first}.")
        found.update(range(start, end + 1))
    return sorted(found)


def each(named: list[int] | str) -> list[Any]:
    """The layers or heads that a record names; one name where one map is of several."""
    return [named] if isinstance(named, str) else named


def ranges(asked: str | None, noun: str) -> list[tuple[int, int]]:
    """The first and the last number of each part of a text; nothing where it means all.

    Raises:
        UsageError: it is no such text.
    """
    if asked is None or asked.strip() == "all":
        return []
    found = []
    for part in asked.split(","):
        match = _PART.fullmatch(part.strip())
        if match is None:
            raise UsageError(
                f"--{noun} takes numbers, not {part.strip()!r}.",
                hint=f"--{noun} 4, --{noun} 0,3,5-7 or --{noun} all",
            )
        found.append((int(match[1]), int(match[2] or match[1])))
    return found


def place(number: int, count: int, noun: str) -> int:
    """One number, counted from 0; a negative one counts from the end.

    Raises:
        UsageError: it names what is not there.
    """
    if -count <= number < count:
        return number % count
    raise UsageError(
        f"There is no {noun} {number}: the model has {count:,}.",
        hint=f"0 to {count - 1} are there, or from the end -{count} to -1.",
    )
