"""Parquet, in and out, some rows at a time: the extra ``tfcli[parquet]``."""

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from importlib.util import find_spec
from typing import Any, BinaryIO, TypeVar

from tfcli.core.record import Columns, to_text
from tfcli.core.task import Record
from tfcli.errors import TfcliError, UsageError, first_line
from tfcli.formats.rows import Parsed

T = TypeVar("T")

ROWS = 1024
"""Rows that are read, or written, together."""
WEIGHT = 1 << 22
"""Numbers and characters that are written together, if fewer rows have so many."""


def require_pyarrow() -> None:
    """Refuse at once what could not be read, or written.

    Raises:
        UsageError: pyarrow is not installed.
    """
    if find_spec("pyarrow") is None:
        raise UsageError("Parquet needs pyarrow.", hint='pip install "tfcli[parquet]"')


class Table:
    """A parquet file to read, whose columns are known at once.

    Raises:
        UsageError: pyarrow is not installed, or the file is a pipe.
        ValueError: it is no parquet file.
    """

    def __init__(self, raw: Any, name: str) -> None:
        require_pyarrow()
        if not raw.seekable():
            raise UsageError(f"Parquet is read from its end, and {name} is a pipe.")
        from pyarrow.parquet import ParquetFile

        self._file = _sound(lambda: ParquetFile(raw))
        self.names: list[str] = self._file.schema_arrow.names

    def rows(self, columns: Container[str]) -> Iterator[Parsed]:
        """The rows, counted from 1, of these columns alone."""
        wanted = [name for name in self.names if name in columns]
        batches = self._file.iter_batches(ROWS, columns=wanted)
        number = 0
        while (batch := _sound(lambda: next(batches, None))) is not None:
            for row in batch.to_pylist():
                number += 1
                yield Parsed(number, {name: _of_json(value) for name, value in row.items()})


def _sound(read: Callable[[], T]) -> T:
    """What pyarrow raises, of many types, as the one that readers raise."""
    from pyarrow import ArrowException

    try:
        return read()
    except (ArrowException, OSError) as exc:
        if isinstance(exc, OSError) and exc.errno is not None:
            raise
        raise ValueError(first_line(exc)) from exc


def _of_json(value: Any) -> Any:
    """A value as JSON has it: what is no number is null, times are text."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    if isinstance(value, bytes):  # text of a writer that did not say so
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, dict):
        return {key: _of_json(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_of_json(one) for one in value]
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def parquet(records: Iterable[Record], out: BinaryIO, columns: Columns) -> None:
    """A row a record; the first rows settle the types. A run that is cut short leaves a whole file.

    Results keep their structure. What is nested in kept columns, of several types, or of no type
    that the first rows show, is JSON text.

    Raises:
        TfcliError: a later record does not fit the types, or has a further column.
    """
    file = _File(out, columns)
    try:
        for record in records:
            file.add(record)
    finally:
        file.close()


class _File:
    """A parquet file that is being written."""

    def __init__(self, out: BinaryIO, columns: Columns) -> None:
        self.out = out
        self.columns = columns
        self.writer: Any = None
        self.schema: Any = None
        self.pending: list[Record] = []
        self.weight = 0

    def add(self, record: Record) -> None:
        self.pending.append(record)
        self.weight += sum(map(_weight, record.values()))
        if len(self.pending) >= ROWS or self.weight >= WEIGHT:
            self._flush()

    def close(self) -> None:
        if self.pending or self.writer is None:
            self._flush()
        self.writer.close()

    def _flush(self) -> None:
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter

        records, self.pending, self.weight = self.pending, [], 0
        if self.writer is None:
            self.schema = _schema(records, self.columns)
            self.writer = ParquetWriter(self.out, self.schema)
        for record in records:
            if unknown := record.keys() - set(self.schema.names):
                raise TfcliError(
                    f"Record {record['index']} has a column '{min(unknown)}' that the first have "
                    "not.",
                    hint="Name the columns with --keep A,B, or write jsonl.",
                )
        arrays = [_array(records, field) for field in self.schema]
        self.writer.write_table(pa.Table.from_arrays(arrays, schema=self.schema))


def _weight(value: Any) -> int:
    return len(value) if isinstance(value, str) else int(getattr(value, "size", 1))


def _schema(records: Sequence[Record], columns: Columns) -> Any:
    """Names and types, by the first records; an ``error`` there always is."""
    import pyarrow as pa

    early = [*columns.inputs, *columns.results] if not records else []
    names = dict.fromkeys([*early, *(name for record in records for name in record)])
    names.pop("error", None)
    error = [(name, pa.string()) for name in ("type", "message", "file")]
    return pa.schema(
        [
            *(
                (name, _type([r.get(name) for r in records], name in columns.results))
                for name in names
            ),
            ("error", pa.struct([*error, ("line", pa.int64())])),
        ]
    )


def _type(values: Sequence[Any], structured: bool) -> Any:
    """The type of a column; where no other does, that of text."""
    import pyarrow as pa

    given = [value for value in values if value is not None]
    kinds = {type(value) for value in given}
    if kinds == {bool}:
        return pa.bool_()
    if kinds and kinds <= {int, float}:
        number = pa.float64() if float in kinds else pa.int64()
        return number if all(map(_holder(number), given)) else pa.string()
    if len(kinds) == 1 and hasattr(given[0], "dtype"):
        of_arrays = {_type_of_array(value) for value in given}
        return of_arrays.pop() if len(of_arrays) == 1 else pa.string()
    if structured and kinds and kinds <= {list, dict}:
        return _nested_type([_listed(value) for value in given])
    return pa.string()


def _type_of_array(array: Any) -> Any:
    import pyarrow as pa

    kind = pa.from_numpy_dtype(array.dtype)
    for _ in range(array.ndim):
        kind = pa.list_(kind)
    return kind


def _nested_type(values: Sequence[Any]) -> Any:
    """The type of lists or mappings; that of text where a part has several types, or none yet."""
    import pyarrow as pa

    try:
        kind = pa.infer_type(values)
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return pa.string()
    return kind if _is_known(kind) and all(map(_holder(kind), values)) else pa.string()


def _is_known(kind: Any) -> bool:
    """Whether no part of a type is still open, as that of ``[]`` and of ``{}`` is."""
    import pyarrow as pa

    if pa.types.is_struct(kind):
        return kind.num_fields > 0 and all(_is_known(part.type) for part in kind)
    return _is_known(kind.value_type) if pa.types.is_list(kind) else not pa.types.is_null(kind)


def _holder(kind: Any) -> Callable[[Any], bool]:
    """Whether a type holds a value as it is: pyarrow rounds and drops keys without a word."""
    import pyarrow as pa

    if pa.types.is_struct(kind):
        parts = {part.name: _holder(part.type) for part in kind}
        return _or_null(
            lambda value: (
                isinstance(value, dict)
                and all(name in parts and parts[name](one) for name, one in value.items())
            )
        )
    if pa.types.is_list(kind):
        each = _holder(kind.value_type)
        return _or_null(lambda value: isinstance(value, (list, tuple)) and all(map(each, value)))
    if kind == pa.int64():
        return _or_null(lambda value: _is_integer(value, 63))
    if kind == pa.float64():
        return _or_null(lambda value: type(value) is float or _is_integer(value, 53))
    exact = {pa.bool_(): bool, pa.string(): str}.get(kind)
    return _or_null(lambda value: type(value) is exact)


def _or_null(test: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or test(value)


def _is_integer(value: Any, bits: int) -> bool:
    return type(value) is int and -(1 << bits) <= value < 1 << bits


def _array(records: Sequence[Record], field: Any) -> Any:
    """A column of some rows.

    Raises:
        TfcliError: a value is not of the column's type.
    """
    import pyarrow as pa

    kind = field.type
    values = [_listed(record.get(field.name)) for record in records]
    if pa.types.is_string(kind):
        return pa.array([None if one is None else _utf8(to_text(one)) for one in values], kind)
    holds = _holder(kind)
    for record, value in zip(records, values, strict=True):
        if not (_type_of_array(value) == kind if hasattr(value, "dtype") else holds(value)):
            raise TfcliError(
                f"Column '{field.name}' does not go on as it began: in record {record['index']} "
                f"it is no {kind}.",
                hint="Write jsonl, whose lines may differ.",
            )
    if any(getattr(value, "ndim", 0) > 1 for value in values):
        return pa.concat_arrays([_deep(value, kind) for value in values])
    return pa.array(values, kind)


def _deep(value: Any, kind: Any) -> Any:
    """One array of several dimensions, as lists of lists; nothing is copied to Python's numbers."""
    import numpy as np
    import pyarrow as pa

    if value is None or not value.size:
        return pa.array([None if value is None else value.tolist()], kind)
    lists = pa.array(np.ascontiguousarray(value).reshape(-1))
    for size in reversed(value.shape):
        borders = pa.array(np.arange(0, len(lists) + 1, size, dtype=np.int32))
        lists = pa.ListArray.from_arrays(borders, lists)
    return lists


def _listed(value: Any) -> Any:
    """Arrays within a value as lists; one that stands alone is taken as it is."""
    if isinstance(value, dict):
        return {name: _within(one) for name, one in value.items()}
    return [_within(one) for one in value] if isinstance(value, list) else value


def _within(value: Any) -> Any:
    if isinstance(value, str):
        return _utf8(value)
    return value.tolist() if hasattr(value, "dtype") else _listed(value)


def _utf8(text: str) -> str:
    """What parquet can hold of a text: the name of a file may be no UTF-8."""
    return text.encode("utf-8", "replace").decode()
