"""The syntax of each input format: decoded text to lines, cells and objects, with line numbers."""

import csv
import json
import math
import sys
from collections.abc import Iterable, Iterator
from itertools import chain, zip_longest
from typing import Any, NamedTuple, TextIO

from tfcli.core.task import Failure

DEEPEST = 256
"""Levels of nested JSON that are read, so that it can be written again, however deep the stack."""

csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # 128 KiB, the default, is less than a long text


class Parsed(NamedTuple):
    """One row of a file: a text, cells by column, or what is wrong with it."""

    line: int | None
    """Where it begins, counted from 1; None where lines mean nothing."""
    value: str | dict[str, Any] | Failure


def lines(text: Iterable[str]) -> Iterator[Parsed]:
    """Each line that is not blank, without its line ending."""
    for number, line in enumerate(text, 1):
        if line.strip():
            yield Parsed(number, line.removesuffix("\n").removesuffix("\r"))


def whole(text: TextIO) -> Iterator[Parsed]:
    """All of a text, if it is not blank."""
    if (everything := text.read()).strip():
        yield Parsed(1, everything)


def between_nulls(chunks: Iterable[str]) -> Iterator[Parsed]:
    """What stands between NUL characters, as ``find -print0`` writes; blank parts are passed by."""
    number, begun = 1, [""]
    for chunk in chain(chunks, ["\0"]):
        *ended, rest = chunk.split("\0")
        for end in ended:
            text = "".join([*begun, end])
            if text.strip():
                yield Parsed(number, text)
            number += text.count("\n")
            begun.clear()
        begun.append(rest)


def header_and_cells(text: Iterable[str], delimiter: str) -> tuple[list[str], Iterator[Parsed]]:
    """The header of a csv or tsv, read at once, and its rows."""
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    header = next(filter(None, reader), [])
    return header, _cells(reader, header)


def _cells(reader: Any, header: list[str]) -> Iterator[Parsed]:
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as exc:
            yield Parsed(line, Failure("csv", f"{exc}"))
            continue
        if len(row) > len(header):
            message = f"{len(row)} cells, but the header has {len(header)} columns"
            yield Parsed(line, Failure("csv", message))
        elif row:
            yield Parsed(line, dict(zip_longest(header, row)))


def json_lines(text: Iterable[str]) -> Iterator[Parsed]:
    """One JSON object, or string, a line."""
    for number, line in lines(text):
        try:
            yield Parsed(number, _object_or_text(_load(str(line))))
        except json.JSONDecodeError as exc:
            what = exc.msg.removesuffix(" at")
            yield Parsed(number, Failure("json", f"not JSON: {what} at character {exc.pos + 1}"))
        except ValueError as exc:
            yield Parsed(number, Failure("json", f"not JSON: {exc}"))


def json_array(text: TextIO) -> Iterator[Parsed]:
    """The elements of one JSON array; a single object is an array of one.

    Raises:
        ValueError: the text is not JSON.
    """
    document_text = text.read()
    document = _load(document_text) if document_text.strip() else []
    for element in document if isinstance(document, list) else [document]:
        yield Parsed(None, _object_or_text(element))


def json_object(line: str) -> dict[str, Any] | None:
    """The object that a line holds, if it holds one."""
    if not line.lstrip().startswith("{"):
        return None
    try:
        value = _load(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _load(text: str) -> Any:
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if text.count("[") + text.count("{") > DEEPEST and _deeper(value, DEEPEST):
        raise ValueError("nested too deeply")
    return value


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a JSON number")


def _finite(number: str) -> float:
    value = float(number)
    if math.isinf(value):
        raise ValueError("a number is too large")
    return value


def _deeper(value: Any, levels: int) -> bool:
    level = [value]
    for _ in range(levels):
        nested = (one for one in level if isinstance(one, (list, dict)))
        level = list(chain.from_iterable(o.values() if isinstance(o, dict) else o for o in nested))
    return any(isinstance(one, (list, dict)) for one in level)


def _object_or_text(value: Any) -> str | dict[str, Any] | Failure:
    if isinstance(value, (str, dict)):
        return value
    return Failure("json", f"{kind(value)}, not an object")


def kind(value: Any) -> str:
    """What JSON calls a value."""
    names = {
        bool: "a boolean",
        int: "a number",
        float: "a number",
        str: "a string",
        list: "an array",
    }
    return "null" if value is None else names.get(type(value), "an object")
