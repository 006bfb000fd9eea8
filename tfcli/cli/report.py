"""Make the Typer command of a report: records about models or this machine, without a task."""

import inspect
from collections.abc import Callable, Generator, Iterable, Mapping
from itertools import chain, islice
from typing import Any, NamedTuple

import typer

from tfcli.cli.command import (
    GroupedCommand,
    filled,
    option_parameters,
    parameter,
    with_parameters,
)
from tfcli.cli.options import OutputOptions
from tfcli.core.options import build
from tfcli.core.task import NoOptions, Record
from tfcli.errors import OK, Terminated


class Argument(NamedTuple):
    """A word, or words, that stand behind the command."""

    name: str
    help: str
    required: bool = True
    many: bool = False
    complete: Callable[[str], list[str]] | None = None
    """How a shell completes it."""


class Report(NamedTuple):
    """A command that gives records of its own."""

    name: str
    summary: str
    examples: tuple[str, ...]
    columns: Callable[..., tuple[str, ...]]
    """The keys of its records, given arguments and options; the first is what ``plain`` prints."""
    records: Callable[..., Iterable[Record]]
    """The records, without ``index``, given the same."""
    arguments: tuple[Argument, ...] = ()
    options_type: type[Any] = NoOptions
    view: str = "table"
    """The module of ``views`` that draws them."""
    status: Callable[[Record], int] = lambda record: OK
    """The exit status that a record asks for."""
    notes: str = ""
    """What its help says between summary and examples."""

    @property
    def help(self) -> str:
        """The summary, notes, then the examples as they are typed."""
        notes = f"{self.notes}\n\n" if self.notes else ""
        lines = "\n".join(f"  {line}" for line in self.examples)
        return f"{self.summary}\n\n{notes}\b\n{lines}"


def add_report(app: typer.Typer, report: Report) -> None:
    """Give an app the command."""

    def command(**given: Any) -> None:
        raise typer.Exit(_run(report, given))

    parameters = [_argument(argument) for argument in report.arguments]
    parameters += option_parameters("Options", report.options_type)
    parameters += option_parameters("Output", OutputOptions)
    app.command(report.name, cls=GroupedCommand, help=report.help, short_help=report.summary)(
        with_parameters(command, parameters)
    )


def _argument(argument: Argument) -> inspect.Parameter:
    kind: Any = list[str] if argument.many else str
    metavar = argument.name.upper() if argument.required else f"[{argument.name.upper()}]"
    info = typer.Argument(
        metavar=metavar + ("..." if argument.many else ""),
        help=argument.help,
        show_default=False,
        rich_help_panel="Arguments",
        autocompletion=argument.complete,
    )
    if argument.required:
        return parameter(argument.name, kind, info, inspect.Parameter.empty)
    return parameter(argument.name, kind | None, info)


def _run(report: Report, given: Mapping[str, Any]) -> int:
    from tfcli.cli.messages import listen, say_notes
    from tfcli.cli.output import Output
    from tfcli.core.record import Columns

    output = filled(OutputOptions, given)
    listen(output.quiet, output.verbose)
    own = {p.name: given[p.name] for p in option_parameters("", report.options_type)}
    asked = [given[argument.name] for argument in report.arguments]
    what = (*asked, build(report.options_type, own))
    statuses = [OK]

    def numbered() -> Generator[Record]:
        for index, record in enumerate(report.records(*what)):
            statuses.append(report.status(record))
            yield {"index": index, **record}

    out = Output(output, report.view)
    columns = Columns(("index",), report.columns(*what))
    try:
        out.write(_begun(numbered()), columns)
    except (KeyboardInterrupt, Terminated) as exc:
        say_notes(exc)
        raise
    return max(statuses)


def _begun(records: Generator[Record]) -> Generator[Record]:
    """The same, the first of them at hand: an error is said before a table is begun."""
    first = list(islice(records, 1))
    return (record for record in chain(first, records))
