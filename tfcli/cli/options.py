"""The options that every task command has, in three groups, written like a task's own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from tfcli.core.job import DTYPES
from tfcli.core.task import Flag
from tfcli.formats.names import FORMATS as INPUT_FORMATS

PAGE = "html"
OUTPUT_FORMATS = ("auto", "table", "plain", "jsonl", "json", "csv", "tsv")


@dataclass(frozen=True, slots=True)
class InputOptions:
    """Where the texts come from."""

    input: Annotated[
        tuple[str, ...],
        Flag("Read this file, - for stdin (repeatable; a quoted glob too).", "-i", metavar="FILE"),
    ] = ()
    input_format: Annotated[
        str, Flag("Its format, if its name does not say.", choices=("auto", *INPUT_FORMATS))
    ] = "auto"
    column: Annotated[
        tuple[str, ...],
        Flag("Read the text from this column (with several fields FIELD=NAME).", "-c"),
    ] = ()
    keep: Annotated[
        str | None, Flag("Carry these columns over to the records: A,B or all.", metavar="A,B")
    ] = None
    whole: Annotated[bool, Flag("Take all of a plain text as one example.")] = False
    null: Annotated[bool, Flag("Texts end with NUL, not with a newline.", "-0")] = False
    encoding: Annotated[str, Flag("Encoding of the input: gb18030, latin-1 …")] = "utf-8"
    limit: Annotated[int | None, Flag("Stop after N examples.", min=1, metavar="N")] = None


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """Where the records go, and how they look."""

    output: Annotated[
        str | None, Flag("Write to this file, complete or not at all.", "-o", metavar="FILE")
    ] = None
    format: Annotated[
        str,
        Flag("auto: a table on a terminal, jsonl in a pipe.", "-f", choices=OUTPUT_FORMATS),
    ] = "auto"
    json: Annotated[bool, Flag("Same as --format json.")] = False
    color: Annotated[str, Flag("When to use colour.", choices=("auto", "always", "never"))] = "auto"
    quiet: Annotated[bool, Flag("No progress and no notes on stderr.", "-q")] = False
    verbose: Annotated[bool, Flag("Say which model runs where.", "-v")] = False


@dataclass(frozen=True, slots=True)
class PageOptions(OutputOptions):
    """The same for a task whose records a page shows."""

    format: Annotated[
        str,
        Flag(
            "auto: a table on a terminal, jsonl in a pipe.",
            "-f",
            choices=(*OUTPUT_FORMATS, PAGE),
        ),
    ] = "auto"
    open: Annotated[bool, Flag("Show the page in a browser.")] = False


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """Which model runs, and where."""

    model: Annotated[
        str | None,
        Flag("A starter, a folder, a .gguf file, or org/name[@revision].", "-m", metavar="MODEL"),
    ] = None
    device: Annotated[str, Flag("auto, cpu, cuda[:N], mps or xpu.", metavar="DEVICE")] = "auto"
    dtype: Annotated[str, Flag("Numbers to compute with.", choices=DTYPES)] = "auto"
    trust_remote_code: Annotated[
        bool, Flag("Let code that comes with the model run, with all your rights.")
    ] = False
    ablate: Annotated[
        str | None,
        Flag("Switch attention heads off: 4.3 is head 3 of layer 4, 5 a layer.", metavar="HEADS"),
    ] = None
    offline: Annotated[bool, Flag("Use only what is on this machine.")] = False
    locked: Annotated[
        bool, Flag("Run only what tfcli.lock holds: exactly these revisions and files.")
    ] = False
    provenance: Annotated[bool, Flag("Say in every record: model, revision, dtype, device.")] = (
        False
    )


def complete_model(incomplete: str) -> list[str]:
    """Starters and cached models whose names begin so; a shell waits for it: nothing heavy here."""
    from tfcli.models.registry import starters

    own = [name for name in starters() if name.startswith(incomplete)]
    return [*own, *complete_cached(incomplete)]


def complete_cached(incomplete: str) -> list[str]:
    """Cached models whose names begin so."""
    from tfcli.models.cache import cached_models

    return [name for name in cached_models() if name.startswith(incomplete)]


COMPLETIONS: dict[str, Callable[[str], list[str]]] = {"model": complete_model}
"""How a shell completes the value of an option, by the option's name."""
