"""The syntax of each input format: decoded text to lines, cells and objects, with line numbers."""

import csv
import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, TextIO

from tfcli.core.task import Failure

csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # 128 KiB, the default, is less than a long text


class Parsed(NamedTuple):
    """One row of a file: a text, cells by column, or what is wrong with it."""

    line: int
    """Where it begins, counted from 1."""
    value: str | dict[str, Any] | Failure


def lines(text: Iterable[str]) -> Iterator[Parsed]:
    """Each line that is not blank, without its line ending."""
    for number, line in enumerate(text, 1):
        if line.strip():
            yield Parsed(number, line.removesuffix("\n").removesuffix("\r"))


def between_nulls(chunks: Iterable[str]) -> Iterator[Parsed]:
    """What stands between NUL characters, as ``find -print0`` writes; blank parts are passed by."""
    number, rest = 1, ""
    for chunk in chunks:
        *parts, rest = (rest + chunk).split("\0")
        for part in parts:
            if part.strip():
                yield Parsed(number, part)
            number += part.count("\n")
    if rest.strip():
        yield Parsed(number, rest)


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
            yield Parsed(line, dict(zip(header, row, strict=False)))


def json_lines(text: Iterable[str]) -> Iterator[Parsed]:
    """One JSON object, or string, a line."""
    for number, line in lines(text):
        try:
            yield Parsed(number, _object_or_text(_load(str(line))))
        except ValueError as exc:
            yield Parsed(number, Failure("json", f"not JSON: {exc}"))


def json_array(text: TextIO) -> Iterator[Parsed]:
    """The elements of one JSON array; a single object is an array of one.

    Raises:
        ValueError: the text is not JSON.
    """
    document = _load(text.read())
    for element in document if isinstance(document, list) else [document]:
        yield Parsed(1, _object_or_text(element))


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
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a JSON number")


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
