"""Records with arrays to binary files: npz and safetensors, never a pickle."""

import json
import struct
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, BinaryIO

from tfcli.core.record import to_json
from tfcli.core.task import Record
from tfcli.errors import TfcliError

ArrayWriter = Callable[[Iterable[Record], BinaryIO, bool], None]
"""Takes records, a file, and whether there can be but one record: else names are numbered."""

LARGEST = 4_000_000_000
"""Bytes of a safetensors file, which is written from memory."""

_LENGTH = struct.Struct("<Q")
"""How a safetensors file begins: with the length of its header."""

_MIDNIGHT = (1980, 1, 1, 0, 0, 0)
"""The date of what is in an archive: the same records make the same bytes."""


def npz(records: Iterable[Record], out: BinaryIO, lone: bool) -> None:
    """What ``numpy.load`` reads: every value of a record is an array; one record after another.

    Names and tokens are arrays of strings, what is nested deeper is JSON text. With many records
    the names end in the index: ``attention_0``.
    """
    import numpy as np

    with zipfile.ZipFile(out, "w") as archive:
        for record in records:
            for name, value in _flat(record).items():
                nested = isinstance(value, list) and not _is_flat(value)
                array = np.asarray(to_json(value) if nested else value)
                suffix = "" if lone else f"_{record['index']}"
                entry = zipfile.ZipInfo(f"{name}{suffix}.npy", _MIDNIGHT)
                with archive.open(entry, "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, array, allow_pickle=False)


def safetensors(records: Iterable[Record], out: BinaryIO, lone: bool) -> None:
    """What ``safetensors`` reads: arrays are tensors, all else is JSON text in the metadata.

    Raises:
        TfcliError: the records are too large to be written together.
    """
    import numpy as np
    from safetensors.numpy import save

    tensors: dict[str, Any] = {}
    metadata: dict[str, str] = {}
    size = 0
    for record in records:
        suffix = "" if lone else f"_{record['index']}"
        for name, value in _flat(record).items():
            if not hasattr(value, "dtype"):
                metadata[name + suffix] = value if isinstance(value, str) else to_json(value)
                continue
            tensors[name + suffix] = np.ascontiguousarray(value)
            size += value.nbytes
            if size > LARGEST:
                raise TfcliError(
                    f"{LARGEST / 1e9:.0f} GB are too large for one safetensors file.",
                    hint="A .npz file is written record by record; --half takes half the room.",
                )
    # The library shuffles metadata, and writes no valid header where there is no tensor.
    data = save(tensors)
    (length,) = _LENGTH.unpack_from(data)
    header = {"__metadata__": metadata, **json.loads(data[_LENGTH.size : _LENGTH.size + length])}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % _LENGTH.size)
    out.write(_LENGTH.pack(len(text)) + text)
    out.write(memoryview(data)[_LENGTH.size + length :])


def _flat(record: Record) -> dict[str, Any]:
    """The values of a record by name; those inside of a mapping as ``segments_keys``.

    Raises:
        TfcliError: two would have the same name.
    """
    found: dict[str, Any] = {}
    for name, value in _leaves(record):
        if name in found:
            raise TfcliError(
                f"Two values of record {record['index']} would be called '{name}' in the file.",
                hint="Give the kept column another name, or leave it out of --keep.",
            )
        found[name] = value
    return found


def _leaves(record: Mapping[str, Any], lead: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in record.items():
        if name == "error":
            yield name, to_json(value)
        elif isinstance(value, Mapping):
            yield from _leaves(value, f"{lead}{name}_")
        elif value is not None:
            yield lead + name, value


def _is_flat(values: list[Any]) -> bool:
    """Whether an array can hold a list as it is: words alone, or numbers alone."""
    kinds = {type(value) for value in values}
    return kinds in ({str}, {int}, {float}, {bool}, set())


ARRAYS: dict[str, ArrayWriter] = {"npz": npz, "safetensors": safetensors}
