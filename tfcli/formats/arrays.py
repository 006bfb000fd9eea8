"""Records with arrays to binary files: npz and safetensors, never a pickle."""

import zipfile
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

from tfcli.core.record import Columns, to_json
from tfcli.core.task import Record
from tfcli.errors import TfcliError
from tfcli.formats import stacked
from tfcli.formats.stacked import ArrayWriter

LARGEST = 4_000_000_000
"""Bytes of a safetensors file, which is written from memory."""


def npz(records: Iterable[Record], out: BinaryIO, columns: Columns) -> None:
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
                suffix = "" if columns.lone else f"_{record['index']}"
                entry = stacked.entry(name + suffix)
                with archive.open(entry, "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, array, allow_pickle=False)


def safetensors(records: Iterable[Record], out: BinaryIO, columns: Columns) -> None:
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
        suffix = "" if columns.lone else f"_{record['index']}"
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
    header, begin = stacked.safetensors_header(data)
    out.write(stacked.safetensors_head({"__metadata__": metadata, **header}))
    out.write(memoryview(data)[begin:])


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
"""Names of arrays are numbered but where there can be only one record."""
