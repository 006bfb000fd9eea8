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

    Results keep their structure. Of kept columns what is nested, or of several types, is JSON text.

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
        arrays = [_array([r.get(field.name) for r in records], field) for field in self.schema]
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
    arrays = {(value.dtype, value.ndim) for value in given if hasattr(value, "dtype")}
    if kinds == {bool}:
        return pa.bool_()
    if kinds and kinds <= {int, float}:
        bits = 53 if float in kinds else 63  # of an integer, in either type
        if all(isinstance(value, float) or -(1 << bits) <= value < 1 << bits for value in given):
            return pa.float64() if float in kinds else pa.int64()
    if len(arrays) == len(kinds) == 1:
        ((dtype, dimensions),) = arrays
        kind = pa.from_numpy_dtype(dtype)
        for _ in range(dimensions):
            kind = pa.list_(kind)
        return kind
    if structured and kinds and kinds <= {list, dict}:
        return pa.infer_type([_listed(value) for value in given])
    return pa.string()


def _array(values: Sequence[Any], field: Any) -> Any:
    """A column of some rows.

    Raises:
        TfcliError: a value is not of the column's type.
    """
    import pyarrow as pa

    if pa.types.is_string(field.type):
        return pa.array([None if one is None else to_text(one) for one in values], field.type)
    try:
        if any(getattr(value, "ndim", 0) > 1 for value in values):
            parts = [_deep(value, field.type) for value in values]
            return pa.concat_arrays(parts)
        return pa.array([_listed(value) for value in values], field.type)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as exc:
        raise TfcliError(
            f"Column '{field.name}' does not go on as it began: {first_line(exc)}.",
            hint="Write jsonl, whose lines may differ.",
        ) from exc


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
    return value.tolist() if hasattr(value, "dtype") else _listed(value)
