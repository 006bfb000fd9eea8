"""The ``tfcli`` program: assemble the commands, run one, turn errors into exit statuses."""

import os
import signal
import sys
import traceback
from contextlib import suppress
from functools import partial
from typing import Annotated, Any, NoReturn

import typer

from tfcli import __version__
from tfcli.cli.attn_stats import ATTN_STATS
from tfcli.cli.command import Fold, GroupedCommand, command_for, help_of
from tfcli.cli.config import CONFIG
from tfcli.cli.doctor import DOCTOR
from tfcli.cli.env import ENV
from tfcli.cli.messages import say, say_error, say_notes
from tfcli.cli.models import SUMMARY as MODELS_SUMMARY
from tfcli.cli.models import app as models
from tfcli.cli.report import add_report
from tfcli.cli.transformers_run import NAME as RUN
from tfcli.cli.transformers_run import SUMMARY as RUN_SUMMARY
from tfcli.cli.transformers_run import add_run
from tfcli.errors import (
    INTERRUPTED,
    OK,
    TERMINATED,
    ResourceError,
    Terminated,
    TfcliError,
    UsageError,
)
from tfcli.tasks import BUILT_IN, plugins, task_named

REPORTS = (CONFIG, ENV, DOCTOR)
OWN = {*BUILT_IN, ATTN_STATS.name, RUN, "models", *(report.name for report in REPORTS)}
"""The commands that come with tfcli."""

HELP = """Run Hugging Face models from the shell, offline from the first second.

\b
  tfcli sentiment "It is great to learn deep learning."
  cat reviews.txt | tfcli sentiment | jq -r .label
  tfcli qa "Who wrote it?" --context "The letter is by Ada."
  tfcli generate "Once upon a time"
  tfcli attn "The dog chased its tail." --layer 4 --head 3
  tfcli models --task qa"""

WELCOME = """\
tfcli runs Hugging Face models from the shell. Try:

  tfcli sentiment "It is great to learn deep learning."
  printf 'I love it.\\nI hate it.\\n' | tfcli sentiment -f plain
  tfcli qa "Who wrote it?" --context "The letter is by Ada."
  tfcli generate "Once upon a time"
  tfcli attn "The dog chased its tail." --layer 4 --head 3
  tfcli models

All commands: tfcli --help. One of them: tfcli COMMAND --help"""


LISTS = ("", "-h", "--help", "--version")
"""What is typed for the list of commands, or for less."""


def build(*plugins: str, only: str | None = None) -> typer.Typer:
    """One command for each task, ours and those of the plugins named, and what else there is.

    ``only`` names the one command that is wanted: a start need not wait for the others.
    """
    app = _without_commands()
    adding: dict[str, Any] = {name: partial(_add_task, app, name) for name in (*BUILT_IN, *plugins)}
    adding[ATTN_STATS.name] = partial(_add_task, app, "attn", ATTN_STATS)
    adding[RUN] = partial(add_run, app)  # which runs the others
    adding["models"] = partial(app.add_typer, models)
    adding |= {report.name: partial(add_report, app, report) for report in REPORTS}
    for name in adding if only is None else [only]:
        adding[name]()
    return app


def listing(*plugins: str) -> typer.Typer:
    """The same commands by name and summary alone: to build their options takes longer."""
    app = _without_commands()
    tasks = [task_named(name) for name in (*BUILT_IN, *plugins)]
    summaries = {task.name: task.summary for task in tasks}
    summaries |= {ATTN_STATS.name: ATTN_STATS.summary, RUN: RUN_SUMMARY}
    summaries |= {report.name: report.summary for report in REPORTS}
    summaries["models"] = MODELS_SUMMARY  # a group stands last
    for name, summary in summaries.items():
        app.command(name, short_help=summary)(_nothing)
    return app


def _nothing() -> None:
    """A command that is only listed."""


def _without_commands() -> typer.Typer:
    app = typer.Typer(
        help=HELP,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback(invoke_without_command=True)
    def root(
        context: typer.Context,
        version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
    ) -> None:
        """Without a command, say which are worth trying first."""
        if version:
            print(f"tfcli {__version__}")  # noqa: T201
            raise typer.Exit
        if context.invoked_subcommand is None:
            print(WELCOME)  # noqa: T201

    return app


def _add_task(app: typer.Typer, name: str, fold: Fold | None = None) -> None:
    task = task_named(name)
    said = fold or task
    app.command(said.name, cls=GroupedCommand, help=help_of(said), short_help=said.summary)(
        command_for(task, fold)
    )


def main() -> NoReturn:
    """Entry point of the console script."""
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115, PTH123 - None where closed
    signal.signal(signal.SIGTERM, _terminate)
    try:
        status = _run(sys.argv[1:])
    except KeyboardInterrupt:
        status = INTERRUPTED
    except Terminated:
        status = TERMINATED
    except SystemExit:  # so Typer ends when it completes a word
        raise
    except BaseException as exc:  # tokenizers' panics are no Exceptions
        error = _in_words(exc)
        say_error(error)
        if error is not exc:
            say_notes(exc)
        if os.environ.get("TFCLI_DEBUG") == "1":
            traceback.print_exception(exc)
        status = error.status
    _leave(status)


def _leave(status: int) -> NoReturn:
    """Exit without the interpreter's clearing up, which takes 0.4 s once torch is loaded."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed, or its reader has gone
            stream.flush()
    os._exit(status)


def _run(arguments: list[str]) -> int:
    status: Any
    try:
        name = next(iter(arguments), "")
        others = _plugins(arguments)
        if name in LISTS and "_TFCLI_COMPLETE" not in os.environ:  # set by a shell that completes
            app = listing(*others)
        else:
            app = build(*others, only=name if name in OWN - {RUN} else None)
        status = app(arguments, prog_name="tfcli", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except typer.TyperException as exc:
        raise UsageError(exc.format_message(), hint=_hint(exc, arguments)) from exc
    except BrokenPipeError:  # head, or whoever read along, has enough
        return OK
    except SystemExit as exc:  # so Typer ends when it meets one
        if isinstance(exc.__context__, BrokenPipeError):
            return OK
        raise
    return status if isinstance(status, int) else OK


def _in_words(exc: BaseException) -> TfcliError:
    if isinstance(exc, TfcliError):
        return exc
    if isinstance(exc, MemoryError):
        return ResourceError("Out of memory.")
    if isinstance(exc, OSError):  # the system says what is wrong: no space, no such file
        return TfcliError(f"{exc}")
    return TfcliError(
        f"{type(exc).__name__}: {exc}",
        hint="This should not happen. TFCLI_DEBUG=1 in front of the command shows where it did.",
    )


def _plugins(arguments: list[str]) -> list[str]:
    """The command if it is not ours, or all for the help.

    Entry points are scanned only then, for they take long.
    """
    name = next(iter(arguments), "-")
    if name in ("-h", "--help"):
        return [other for other in plugins() if other not in OWN and _loads(other)]
    if name.startswith("-") or name in OWN:
        return []
    try:
        return [_plugin(name)]
    except UsageError:
        return []


def _plugin(name: str) -> str:
    try:
        return task_named(name).name
    except UsageError:
        raise
    except Exception as exc:
        raise TfcliError(
            f"The package that brings '{name}' does not load: {type(exc).__name__}: {exc}",
            hint=f"TFCLI_DEBUG=1 tfcli {name} shows where it fails.",
        ) from exc


def _loads(name: str) -> bool:
    """Whether a plugin does; if not, that is said."""
    try:
        return bool(_plugin(name))
    except TfcliError as exc:
        say(f"Note: {exc}")
        return False


def _hint(exc: Any, arguments: list[str]) -> str:
    context = getattr(exc, "ctx", None)
    command = context.command_path if context else "tfcli"
    if not context and arguments[0] in BUILT_IN:
        command = f"tfcli {arguments[0]}"
    wrong = getattr(exc, "option_name", None)
    valueless = "requires an argument" in exc.format_message()
    if wrong is None or valueless or command == "tfcli" or getattr(exc, "possibilities", None):
        return f"{command} --help"
    behind = f"a text that begins with '-' goes behind '--': {command} -- '{wrong} …'"
    return f"{command} --help lists the options; {behind}"


def _terminate(signum: int, frame: Any) -> None:
    raise Terminated
