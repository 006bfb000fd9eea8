"""Make the Typer command of a task: option dataclasses become parameters, and come back filled."""

import inspect
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import typer

from tfcli.cli.options import (
    COMPLETIONS,
    PAGE,
    InputOptions,
    ModelOptions,
    OutputOptions,
    PageOptions,
)
from tfcli.core.options import Option, build, options_of
from tfcli.core.task import Record, Task


class Fold(NamedTuple):
    """A command that makes one record of all those of a task."""

    name: str
    summary: str
    examples: tuple[str, ...]
    takes: tuple[str, ...]
    """The options of the task that it has, too."""
    options: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    """Given these, the values of others."""
    inputs: tuple[str, ...]
    """The keys before the task's own results."""
    drops: tuple[str, ...]
    """The results of the task that it has not."""
    of: Callable[[Iterable[Record]], Generator[Record]]


class GroupedCommand(typer.core.TyperCommand):
    """Help in sections: the task's own options first."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the parameters of each help panel under its name."""
        sections: dict[str, list[Any]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                sections.setdefault(getattr(param, "rich_help_panel", None) or "Other", []).append(
                    record
                )
        for name, records in sections.items():
            with formatter.section(name):
                formatter.write_dl(records)


def command_for(task: Task, fold: Fold | None = None) -> Callable[..., None]:
    """A function for Typer; its parameters are the task's fields and options, then the shared."""
    own = option_parameters("Options", task.options_type)
    output = PageOptions if fold is None and PAGE in getattr(task, "files", ()) else OutputOptions
    shared = {"Input": InputOptions, "Output": output, "Model": ModelOptions}
    if fold is not None:
        own = [one for one in own if one.name in fold.takes]

    def command(**given: Any) -> None:
        from tfcli.cli.run import run_task  # what runs a task is imported when one runs

        options = {one.name: given[one.name] for one in own}
        if fold is not None:
            options |= fold.options(options)
        fields = {f.name: _lines(given[f.name]) if f.many else given[f.name] for f in task.fields}
        files = {f.name: given[f"{f.name}_file"] for f in task.fields[1:]}
        raise typer.Exit(
            run_task(
                task,
                build(task.options_type, options),
                fields,
                files,
                fold,
                *(filled(options_type, given) for options_type in shared.values()),
            )
        )

    parameters = [*_field_parameters(task), *own]
    for panel, options_type in shared.items():
        parameters += option_parameters(panel, options_type)
    return with_parameters(command, parameters)


def with_parameters(
    command: Callable[..., None], parameters: Sequence[inspect.Parameter]
) -> Callable[..., None]:
    """Let Typer see these parameters of a function that takes whatever comes."""
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    return command


def filled(options_type: type[Any], given: Mapping[str, Any]) -> Any:
    """An option dataclass with what the command line gave."""
    return build(options_type, {o.name: given[o.name] for o in options_of(options_type)})


def help_of(task: Task | Fold) -> str:
    """The summary, then the examples as they are typed."""
    return task.summary + "\n\n\b\n" + "\n".join(f"  {line}" for line in task.examples)


def _field_parameters(task: Task) -> Iterator[inspect.Parameter]:
    first, *others = task.fields
    name = first.name.upper()
    stdin = "- for stdin" if first.whole else "- for the lines of stdin"
    yield parameter(
        first.name,
        list[str] | None,
        typer.Argument(
            metavar=f"[{name}]...",
            help=f"Each one example; {stdin}.",
            show_default=False,
            rich_help_panel="Arguments",
        ),
    )
    for field in others:
        switch = f"--{field.name.replace('_', '-')}"
        kwargs: dict[str, Any] = {"rich_help_panel": "Arguments", "show_default": False}
        option = typer.Option(
            switch, metavar="TEXT", help=field.help or f"The {field.called}.", **kwargs
        )
        yield parameter(field.name, list[str] | None if field.many else str | None, option)
        how = "a line each" if field.many else "whole"
        help_text = f"Read the {field.called} from a file, {how}."
        option = typer.Option(f"{switch}-file", metavar="FILE", help=help_text, **kwargs)
        yield parameter(f"{field.name}_file", str | None, option)


def _lines(texts: Sequence[str] | None) -> str | None:
    """The values of an option that was repeated, a line each."""
    return "\n".join(texts) if texts else None


def option_parameters(panel: str, options_type: type[Any]) -> list[inspect.Parameter]:
    """Parameters for the fields of an option dataclass, under one heading of the help."""
    return [_option_parameter(panel, option) for option in options_of(options_type)]


def _option_parameter(panel: str, option: Option) -> inspect.Parameter:
    names = [option.switch, option.flag.short] if option.flag.short else [option.switch]
    kwargs: dict[str, Any] = {"help": option.flag.help, "rich_help_panel": panel}
    kwargs["show_default"] = option.default not in (None, (), False)
    kwargs["autocompletion"] = COMPLETIONS.get(option.name)
    kind: Any = option.kinds[0]
    if kind is bool and option.default is not False:
        names[0] += f"/--no-{option.switch[2:]}"
    if kind is not bool:
        kwargs["metavar"] = option.flag.metavar or _metavar(option)
    if option.flag.choices and _is_number(option):
        kwargs["parser"] = _number_or_word(option)
        kind = str
    if option.many:
        annotation: Any = list[kind] | None
    else:
        annotation = kind if option.default is not None else kind | None
    default = None if option.default == () else option.default
    return parameter(option.name, annotation, typer.Option(*names, **kwargs), default)


def parameter(name: str, kind: Any, info: Any, default: Any = None) -> inspect.Parameter:
    """A parameter as Typer wants it; ``info`` is a ``typer.Option`` or ``typer.Argument``."""
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, info]
    )


def _is_number(option: Option) -> bool:
    return option.kinds[0] in (int, float)


def _metavar(option: Option) -> str:
    words = list(option.flag.choices)
    if _is_number(option):
        words.insert(0, "N" if option.kinds[0] is int else "X")
    return "|".join(words) or option.name.upper()


def _number_or_word(option: Option) -> Callable[[str], Any]:
    kind: Any = option.kinds[0]

    def parse(text: Any) -> Any:
        try:
            return kind(text)
        except ValueError:
            return text  # a word, checked with all the others

    return parse
