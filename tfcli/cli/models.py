"""``tfcli models``: what can be done with models themselves."""

import inspect
from collections.abc import Generator
from pathlib import Path
from typing import Any

import typer

from tfcli.cli.command import (
    GroupedCommand,
    filled,
    option_parameters,
    parameter,
    with_parameters,
)
from tfcli.cli.options import OutputOptions
from tfcli.core.task import Record
from tfcli.errors import OK

CONVERT = """Turn pickled weights into safetensors; nothing of a pickle is run.

Reads pytorch_model.bin, or the shards that its index names, as tensors alone, in a child process
without network, and writes safetensors beside it. The record names the SHA-256 of both.

\b
  tfcli models convert my-model/
  tfcli models convert my-model/ -f plain"""

app = typer.Typer(name="models", help="Convert pickled weights.", rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def models(context: typer.Context) -> None:
    """Without a command of its own, ``tfcli models`` says which there are."""
    if context.invoked_subcommand is None:
        print(context.get_help())  # noqa: T201


def convert(**given: Any) -> None:
    """Convert one folder, a record for each file that is made."""
    from tfcli.cli.messages import listen
    from tfcli.cli.output import Output
    from tfcli.core.record import Columns

    options = filled(OutputOptions, given)
    listen(options.quiet, options.verbose)
    results = ("output", "sha256", "output_sha256", "tensors", "bytes")
    records = _converted(Path(given["folder"]))
    Output(options, "models-convert").write(records, Columns(("index", "file"), results))
    raise typer.Exit(OK)


def _converted(folder: Path) -> Generator[Record]:
    from tfcli.models.convert import convert

    for index, record in enumerate(convert(folder)):
        yield {"index": index, **record}


_FOLDER = typer.Argument(metavar="DIR", help="The model's folder.", rich_help_panel="Arguments")
_PARAMETERS = [parameter("folder", str, _FOLDER, inspect.Parameter.empty)]
_PARAMETERS += option_parameters("Output", OutputOptions)
_SUMMARY = CONVERT.partition("\n")[0]
app.command("convert", cls=GroupedCommand, help=CONVERT, short_help=_SUMMARY)(
    with_parameters(convert, _PARAMETERS)
)
