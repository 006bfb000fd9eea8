"""``tfcli run``: the command line of the old ``transformers run``, told in tfcli's own words."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from tfcli.cli.command import (
    GroupedCommand,
    filled,
    option_parameters,
    parameter,
    with_parameters,
)
from tfcli.cli.messages import say
from tfcli.core.task import Flag
from tfcli.errors import UsageError
from tfcli.tasks import BUILT_IN

NAME = "run"
SUMMARY = "Run a task with the options of the old `transformers run`."
EXAMPLES = (
    "tfcli run --task sentiment-analysis --input reviews.csv --column review --output labels.csv",
    "cat reviews.txt | tfcli run --task sentiment-analysis --format pipe",
)
CLASSIFY = "classify"
OLD_NAMES = {
    "sentiment-analysis": "sentiment",
    "text-classification": "sentiment",
    "question-answering": "qa",
    "ner": "ner",
    "token-classification": "ner",
    "fill-mask": "fill",
    "feature-extraction": "embed",
    "zero-shot-classification": CLASSIFY,
    "summarization": "summarize",
    "translation": "translate",
    "text-generation": "generate",
    "text2text-generation": "generate",
}
"""The pipelines of transformers 4 that read text, and the commands that do the same."""
_TRANSLATION = re.compile(r"translation_(\w+)_to_(\w+)")
FORMATS = ("infer", "json", "csv", "pipe")


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What ``transformers run`` took."""

    task: Annotated[str | None, Flag("A task of tfcli, or the name of an old pipeline.")] = None
    input: Annotated[str | None, Flag("The file to read: .json or .csv.", metavar="FILE")] = None
    output: Annotated[str | None, Flag("The file to write.", metavar="FILE")] = None
    model: Annotated[str | None, Flag("A starter, a folder, or org/name[@revision].")] = None
    config: Annotated[str | None, Flag("Only the model's own.")] = None
    tokenizer: Annotated[str | None, Flag("Only the model's own.")] = None
    column: Annotated[str | None, Flag("The column to read; question=A,context=B for several.")] = (
        None
    )
    format: Annotated[str, Flag("The format of the input.", choices=FORMATS)] = "infer"
    device: Annotated[
        int | None, Flag("-1 is the processor, 0 the first GPU; else the best there is.", min=-1)
    ] = None
    overwrite: Annotated[bool, Flag("Let the output replace a file that is there.")] = False


def arguments(task: str | None, options: RunOptions) -> list[str]:
    """The same as a command line of tfcli.

    Raises:
        UsageError: there is no such task, or the options ask for what no task does.
    """
    named = task or options.task
    if named is None or (task and options.task and task != options.task):
        raise UsageError("Name one task.", hint=f"{EXAMPLES[0].partition(' --input')[0]} …")
    for name, value in (("config", options.config), ("tokenizer", options.tokenizer)):
        if value not in (None, options.model):
            raise UsageError(
                f"--{name} {value}: a model runs with its own {name}.",
                hint="Put the files into one folder, and name that with --model.",
            )
    if options.output and Path(options.output).exists() and not options.overwrite:
        raise UsageError(f"{options.output} is there already.", hint="--overwrite replaces it.")
    words = [*_command(named), *_input(options), *_columns(options)]
    if words[0] == CLASSIFY:
        raise UsageError(
            f"{named} wants labels, which `tfcli run` has no option for.",
            hint=f"{shlex.join(['tfcli', *words])} --labels refund,praise,question",
        )
    if options.device is not None:
        words += ["--device", "cpu" if options.device < 0 else f"cuda:{options.device}"]
    words += ["-m", options.model] if options.model else []
    return [*words, "-o", options.output] if options.output else words


def _command(named: str) -> list[str]:
    if languages := _TRANSLATION.fullmatch(named):
        return ["translate", "--from", languages[1], "--to", languages[2]]
    name = OLD_NAMES.get(named, named)
    if name not in BUILT_IN:
        known = ", ".join(sorted({*BUILT_IN, *OLD_NAMES}))
        raise UsageError(f"There is no task '{named}'.", hint=f"Tasks: {known}.")
    return [name]


def _input(options: RunOptions) -> list[str]:
    """The old program guessed by the last letters of a name, and read lines where it had none."""
    if options.format == "pipe" or options.input is None:
        if options.input is not None:
            raise UsageError("--format pipe reads standard input, not --input.")
        return ["-i", "-"]  # lines, also where - alone would be one text
    form = [] if options.format == "infer" else ["--input-format", options.format]
    return ["-i", options.input, *form]


def _columns(options: RunOptions) -> list[str]:
    columns = options.column.split(",") if options.column else []
    return [word for column in columns for word in ("-c", column)]


def add_run(app: typer.Typer) -> None:
    """Give the app the command, which runs another of its commands."""

    def command(**given: Any) -> None:
        words = arguments(given["name"], filled(RunOptions, given))
        say(f"Note: the same in tfcli's words: {shlex.join(['tfcli', *words])}")
        raise typer.Exit(app(words, prog_name="tfcli", standalone_mode=False))

    name = typer.Argument(
        metavar="[TASK]",
        help="A task of tfcli, or the name of an old pipeline.",
        show_default=False,
        rich_help_panel="Arguments",
    )
    parameters = [parameter("name", str | None, name), *option_parameters("Options", RunOptions)]
    examples = "\n".join(f"  {line}" for line in EXAMPLES)
    app.command(NAME, cls=GroupedCommand, help=f"{SUMMARY}\n\n\b\n{examples}", short_help=SUMMARY)(
        with_parameters(command, parameters)
    )
