"""How an example and its results become one flat record."""

import json
import math
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from tfcli.core.characters import json_escaped
from tfcli.core.task import Example, Failure, Piece, Progress, Record

Event = Record | Progress | Piece
"""What a run gives: records, and between them how far it is."""


class LongForm(NamedTuple):
    """How a record becomes several lines of a table."""

    columns: tuple[str, ...]
    lines: Callable[[Record], Iterator[tuple[Any, ...]]]
    """The values of these columns, line by line."""
    omitted: frozenset[str]
    """The keys of the record that lines do not repeat."""
    plain: int | None = None
    """How many of the columns ``plain`` has; None: all."""


class Columns(NamedTuple):
    """The keys of the records of a run, in order."""

    inputs: tuple[str, ...]
    """``index``, the fields, and the kept columns as far as they are known beforehand."""
    results: tuple[str, ...]
    """What the task's ``columns`` names; the first is what ``plain`` prints."""
    more: bool = False
    """Whether examples bring columns of their own, which only they know."""
    long: LongForm | None = None
    """For tasks whose records have many lines in a table."""
    lone: bool = False
    """Whether there can be but one record: one text was given as an argument."""


def record_of(
    example: Example,
    fields: tuple[str, ...],
    columns: tuple[str, ...],
    results: Mapping[str, Any] | Failure,
    provenance: Mapping[str, Any] = MappingProxyType({}),
) -> Record:
    """Index, fields, kept columns, results, provenance; a failed example has null results."""
    record: Record = {"index": example.index}
    record.update((name, example.fields.get(name)) for name in fields)
    record.update(example.kept)
    if not isinstance(results, Failure):
        record.update((name, results[name]) for name in columns)
        record.update(provenance)
        return record
    record.update(dict.fromkeys(columns))
    record.update(provenance)
    record["error"] = {**results._asdict(), "file": example.file, "line": example.line}
    return record


def only_records(run: Iterable[Event]) -> Generator[Record]:
    """Leave out what stands between the records."""
    for one in run:
        if not isinstance(one, (Progress, Piece)):
            yield one


def to_json(value: Any) -> str:
    """JSON text for a machine and safe on a terminal: acting characters are escaped."""
    return json_escaped(json.dumps(value, ensure_ascii=False, default=_listed))


def _listed(array: Any) -> Any:
    """A numpy array as lists; what is no number, or none that JSON has, is null."""
    if array.dtype.kind == "f" and (odd := ~(abs(array) < math.inf)).any():
        array = array.astype(object)
        array[odd] = None
    return array.tolist()


def to_text(value: Any) -> str:
    """A value as a cell of a table: text as it is, null as nothing, all else as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else to_json(value)
