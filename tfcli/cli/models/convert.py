"""``tfcli models convert``: safetensors out of pickled weights."""

from collections.abc import Iterable
from pathlib import Path

from tfcli.cli.report import Argument, Report
from tfcli.core.task import NoOptions, Record


def _columns(folder: str, options: NoOptions) -> tuple[str, ...]:
    return ("output", "file", "sha256", "output_sha256", "tensors", "bytes")


def _records(folder: str, options: NoOptions) -> Iterable[Record]:
    """A record for each file that is made."""
    from tfcli.models.convert import convert

    return convert(Path(folder))


CONVERT = Report(
    name="convert",
    summary="Turn pickled weights into safetensors; nothing of a pickle is run.",
    notes="Reads pytorch_model.bin, or the shards that its index names, as tensors alone, in a "
    "child process without network, and writes safetensors beside it. The record names the "
    "SHA-256 of both.",
    examples=("tfcli models convert my-model/", "tfcli models convert my-model/ -f plain"),
    arguments=(Argument("dir", "The model's folder."),),
    columns=_columns,
    records=_records,
    view="card",
)
