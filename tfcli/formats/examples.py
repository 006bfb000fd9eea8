"""Rows to examples: which column is which field, what is carried over, what is wrong."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tfcli.core.characters import lone_surrogate
from tfcli.core.task import Example, Failure, Field
from tfcli.formats import rows
from tfcli.formats.decode import check_decoded
from tfcli.formats.rows import Parsed

ALL = "all"


@dataclass(frozen=True)
class Reading:
    """How to make examples out of rows."""

    fields: tuple[Field, ...]
    columns: Mapping[str, str] = field(default_factory=dict)
    """The column of a field, where it is not called like the field."""
    given: Mapping[str, str] = field(default_factory=dict)
    """Fields that are the same for every example."""
    keep: tuple[str, ...] = ()
    """Columns to carry over; ``("all",)`` for all."""
    taken: frozenset[str] = frozenset()
    """Names that a kept column must not have."""
    format: str = "auto"
    encoding: str = "utf-8"
    null: bool = False
    whole: bool = False
    limit: int | None = None

    @property
    def wanted(self) -> tuple[Field, ...]:
        """The fields that rows have to bring."""
        return tuple(f for f in self.fields if f.name not in self.given)

    @property
    def silent(self) -> frozenset[str]:
        """The fields that a record repeats only if they are to be kept."""
        return frozenset(f.name for f in self.fields if not f.repeated)

    @property
    def kept_columns(self) -> list[str]:
        """What is to be kept and has to be a column."""
        return [name for name in self.keep if name != ALL and name not in self.silent]

    @property
    def required(self) -> list[str]:
        """The columns that every row has to have."""
        return [self.column(f.name) for f in self.wanted if f.required]

    @property
    def used(self) -> set[str]:
        """The columns that examples are made of, and others that are kept."""
        return {*(self.column(f.name) for f in self.wanted), *self.keep}

    def column(self, name: str) -> str:
        """The column that a field is read from."""
        return self.columns.get(name, name)

    def kept_name(self, column: str) -> str:
        """The key of a kept column in the record: another key for every column.

        Where ``label`` is taken, ``label`` becomes ``input_label``, and so ``input_label`` becomes
        ``input_input_label``: records can be read, and columns kept, again and again.
        """
        bare = column
        while bare not in self.taken and bare.startswith("input_"):
            bare = bare.removeprefix("input_")
        name = f"input_{column}" if bare in self.taken else column
        return name.encode("utf-8", "replace").decode()

    def others(self, columns: Iterable[str]) -> tuple[str, ...]:
        """All columns but those that are in the record already, under a field's name."""
        fields = {f.name for f in self.wanted if f.repeated and self.column(f.name) == f.name}
        return tuple(column for column in columns if column not in fields)


def example(index: int, row: Parsed, file: str | None, reading: Reading) -> Example:
    """Make one example of one row, or say what is wrong with it."""
    line = row.line if file is not None else None
    value = row.value
    if isinstance(value, str):
        value = {reading.column(reading.wanted[0].name): value}
    cells: Mapping[str, Any] = {} if isinstance(value, Failure) else value
    failure = value if isinstance(value, Failure) else None
    kept: dict[str, Any] = {}
    for column in reading.others(cells) if ALL in reading.keep else reading.keep:
        if column in reading.silent:
            kept[column] = None  # its place; it is read below
            continue
        cell = cells.get(column)
        if undecoded := _check_kept(column, cell, reading.encoding):
            failure = failure or undecoded
            cell = None
        kept[reading.kept_name(column)] = cell
    fields = dict(reading.given)
    for one in reading.wanted:
        column = reading.column(one.name)
        text = cells.get(column)
        if text is None and not one.required:
            continue
        wrong = check(text, column, reading.encoding, one.called) if failure is None else None
        if isinstance(text, str) and lone_surrogate(text) is None:
            fields[one.name] = text
        failure = failure or wrong
    kept |= {name: fields.get(name) for name in reading.silent & kept.keys()}
    return Example(index, fields, kept, file, line, failure)


def check(text: Any, column: str, encoding: str, name: str = "text") -> Failure | None:
    """What is wrong with a text, if anything: none at all, empty, or not decoded."""
    if text is None:
        return Failure("column", f"no '{column}' here")
    if not isinstance(text, str):
        return Failure("column", f"'{column}' is {rows.kind(text)}, not a string")
    if not text.strip():
        return Failure("empty", f"the {name} is empty")
    return check_decoded(text, encoding)


def _check_kept(column: str, cell: Any, encoding: str) -> Failure | None:
    """Whether a kept column, nested ones to their depth, can be written again."""
    nested = isinstance(cell, (dict, list))
    text = json.dumps(cell, ensure_ascii=False) if nested else cell
    in_cell = check_decoded(text, encoding) if isinstance(text, str) else None
    return in_cell or check_decoded(column, encoding)
