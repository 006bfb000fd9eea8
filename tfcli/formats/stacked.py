"""Records whose arrays have one shape, to binary files: one array of all, a row a record.

All else is JSON text, a list with a value a record: in an array of texts the shortest would take
the room of the longest.
"""

import json
import os
import shutil
import struct
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from tfcli.core.record import Columns, to_json
from tfcli.core.task import Record
from tfcli.errors import TfcliError

ArrayWriter = Callable[[Iterable[Record], BinaryIO, Columns], None]
"""Takes records and a file."""

MIDNIGHT = (1980, 1, 1, 0, 0, 0)
"""The date of what is in an archive: the same records make the same bytes."""
IN_MEMORY = 1 << 26
"""Bytes of an array in memory; what is more waits in a file until all records are there."""
LONGEST_HEADER = 100_000_000
"""Bytes of a safetensors header that its readers accept."""

_LENGTH = struct.Struct("<Q")
_DTYPES = {"f": "F", "i": "I", "u": "U"}


def npz(records: Iterable[Record], out: BinaryIO, columns: Columns) -> None:
    """What ``numpy.load`` reads; JSON text is an array of its bytes."""
    import numpy as np

    with (
        _gathered(records, columns, _folder(out)) as (stacks, others),
        zipfile.ZipFile(out, "w") as archive,
    ):
        for name, stack in stacks.items():
            with archive.open(entry(name), "w", force_zip64=True) as file:
                kind = np.lib.format.dtype_to_descr(stack.dtype)
                header = {"descr": kind, "fortran_order": False, "shape": stack.shape}
                np.lib.format.write_array_header_1_0(file, header)
                stack.copy_to(file)
        for name, values in others.items():
            with archive.open(entry(name), "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.asarray(to_json(values).encode()))


def entry(name: str) -> zipfile.ZipInfo:
    """The place of an array in an npz file."""
    return zipfile.ZipInfo(f"{name}.npy", MIDNIGHT)


def safetensors(records: Iterable[Record], out: BinaryIO, columns: Columns) -> None:
    """What ``safetensors`` reads; JSON text is in the metadata.

    Raises:
        TfcliError: there is more text than the format takes.
    """
    with _gathered(records, columns, _folder(out)) as (stacks, others):
        texts = {name: to_json(values) for name, values in others.items()}
        header: dict[str, Any] = {"__metadata__": texts}
        end = 0
        for name, stack in stacks.items():
            begin, end = end, end + stack.bytes
            dtype = f"{_DTYPES[stack.dtype.kind]}{8 * stack.dtype.itemsize}"
            header[name] = {"dtype": dtype, "shape": stack.shape, "data_offsets": [begin, end]}
        head = safetensors_head(header)
        if len(head) > LONGEST_HEADER:
            raise TfcliError("The texts are too long for one safetensors file.", hint="-o FILE.npz")
        out.write(head)
        for stack in stacks.values():
            stack.copy_to(out)


def safetensors_head(header: dict[str, Any]) -> bytes:
    """How a safetensors file begins: the length of its header, and the header."""
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % _LENGTH.size)
    return _LENGTH.pack(len(text)) + text


def safetensors_header(data: bytes) -> tuple[dict[str, Any], int]:
    """The header of a safetensors file, and where its tensors begin."""
    (length,) = _LENGTH.unpack_from(data)
    begin = _LENGTH.size + length
    return json.loads(data[_LENGTH.size : begin]), begin


class Stack:
    """The rows of one array, as they come.

    Args:
        folder: where they wait if there are many.
        blank: what a row is where there is none to tell; without it there is no array then.
    """

    def __init__(self, folder: str | None, blank: Any = None) -> None:
        self._blank = blank
        self._file: Any = tempfile.SpooledTemporaryFile(IN_MEMORY, dir=folder)  # noqa: SIM115
        self._row: Any = None
        """A row of what is no number: that of a record without one."""
        self._count = 0

    def add(self, row: Any) -> None:
        """Put a row behind the others; None for a record that has none."""
        import numpy as np

        if self._row is None and row is not None:
            blank = np.full(row.shape, np.nan if row.dtype.kind == "f" else 0, row.dtype)
            for _ in range(self._count):
                self._file.write(blank.tobytes())
            self._row = blank
        self._count += 1
        if self._row is None:
            return
        row = self._row if row is None else row
        if (row.dtype, row.shape) != (self._row.dtype, self._row.shape):
            raise TfcliError("Records have arrays of several shapes.", hint="-o FILE.jsonl")
        self._file.write(row.tobytes())

    @property
    def row(self) -> Any:
        """A row as all are; None where no record tells, and there is no array then."""
        return self._blank if self._row is None else self._row

    @property
    def dtype(self) -> Any:
        """The type of its numbers."""
        return self.row.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Of all rows together."""
        return self._count, *self.row.shape

    @property
    def bytes(self) -> int:
        """The size of all rows together."""
        return self._count * int(self.row.nbytes)

    @property
    def stored(self) -> int:
        """Rows that are whole in the file; an error may have come in the middle of one."""
        size: int = self._file.seek(0, os.SEEK_END)
        return size // self.row.nbytes if self.row.nbytes else self._count

    def cut(self, count: int) -> None:
        """Leave the first rows alone."""
        self._count = count
        self._file.truncate(self.bytes)

    def copy_to(self, out: Any) -> None:
        """Write all rows."""
        self._file.seek(0)
        shutil.copyfileobj(self._file, out, 1 << 20)


def _folder(out: BinaryIO) -> str | None:
    """Where rows wait: beside the file, if it is one, which will need as much room."""
    name = getattr(out, "name", None)
    return str(Path(name).parent) if isinstance(name, str) and Path(name).is_file() else None


@contextmanager
def _gathered(
    records: Iterable[Record], columns: Columns, folder: str | None
) -> Iterator[tuple[dict[str, Stack], dict[str, list[Any]]]]:
    """The arrays by name, and lists of all else; ``error`` is always there.

    ``index`` and the first result are arrays also where no record tells their shape. What ends the
    run before its time is raised when the records up to there are written.
    """
    import numpy as np

    blanks = {"index": np.zeros((), np.int64), columns.results[0]: np.zeros(0, np.float32)}
    stacks = {n: Stack(folder, blanks.get(n)) for n in ("index", *columns.results)}
    others: dict[str, list[Any]] = {}
    others |= {name: [] for name in (*columns.inputs, *columns.results, "error")}
    count, early = 0, None
    try:
        for record in records:
            _gather(record, count, stacks, others)
            count += 1
    except BaseException as exc:
        if not count:
            raise
        early = exc
    stacks = {name: stack for name, stack in stacks.items() if stack.row is not None}
    if early is not None:
        count = min([count, *(stack.stored for stack in stacks.values())])
        for stack in stacks.values():
            stack.cut(count)
        for values in others.values():
            del values[count:]
    yield stacks, {name: values for name, values in others.items() if name not in stacks}
    if early is not None:
        raise early


def _gather(
    record: Record, count: int, stacks: Mapping[str, Stack], others: dict[str, list[Any]]
) -> None:
    """Put a record behind ``count`` others."""
    import numpy as np

    late = [name for name in record if name not in others]
    others |= {name: [None] * count for name in late}
    for name, values in others.items():
        value = np.int64(record[name]) if name == "index" else record.get(name)
        if name in stacks and (value is None or hasattr(value, "dtype")):
            stacks[name].add(value)
            value = None
        values.append(value)


STACKED: dict[str, ArrayWriter] = {"npz": npz, "safetensors": safetensors}
