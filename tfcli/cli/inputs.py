"""Where the examples of a command come from: its arguments, files, or standard input."""

import logging
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tfcli.cli.options import InputOptions
from tfcli.core.batches import Window, arriving, shared_fields, windows
from tfcli.core.task import Field, Task
from tfcli.errors import UsageError
from tfcli.formats.examples import ALL, Reading, check, example
from tfcli.formats.names import STDIN, expand, named_format
from tfcli.formats.read import Reader, read_whole
from tfcli.formats.rows import Parsed

log = logging.getLogger("tfcli")


class Incoming(NamedTuple):
    """The windows of a run, and what is known of them beforehand."""

    windows: Iterable[Window]
    reader: Reader | None = None
    """None where the texts are arguments."""
    kept: tuple[str, ...] = ()
    """The keys of kept columns, as far as they are known."""
    more: bool = False
    """Whether examples may bring further ones."""
    live: bool = False
    """Whether they come one by one: as an argument, or through standard input."""


def incoming(
    task: Task,
    texts: Sequence[str],
    others: Mapping[str, str | None],
    files: Mapping[str, str | None],
    options: InputOptions,
    results: Sequence[str],
    size: int,
    shown: Sequence[str] = (),
) -> Incoming:
    """Find the texts, by the rules of every command.

    ``texts`` are the values of the first field, ``others`` those of the others by name, ``files``
    the files to read them from. Standard input supplies the one required field that nobody gave.
    ``size`` is that of a window. ``shown`` are fields to keep though nobody asked for them: a
    picture needs them.

    Raises:
        UsageError: nothing, or too much, says where the texts come from.
    """
    first, *rest = task.fields
    columns = _columns(task, options.column, {n: others[n] or files.get(n) for n in others})
    if texts and options.input:
        raise UsageError(
            f"Both a {first.name.upper()} and --input were given.",
            hint="One --input takes one file: repeat -i, or quote the glob."
            + "".join(f" The {f.name} is a file? --{f.name}-file FILE" for f in rest if f.whole),
        )
    if STDIN in texts and len(texts) > 1:
        raise UsageError(f"'-' (standard input) stands alone, not beside other {first.name}s.")
    asked = [*texts, *options.input, *files.values()].count(STDIN)
    from_rows = bool(options.input) or STDIN in texts
    texts = [] if from_rows else texts
    named = {name for name, value in (*others.items(), *files.items()) if value is not None}
    missing = [f for f in rest if f.required and f.name not in named]
    unsaid = [] if from_rows else missing if texts else [first]
    _share_stdin(task, asked, unsaid)
    given = _given(task, others, files, options.encoding)
    if texts and missing:
        given[missing[0].name] = _from_stdin(missing[0], options.encoding)
    reading = _reading(task, given, columns, options, results, shown)
    shared = shared_fields(task)
    if texts:
        _doubt_file_names(texts)
        if reading.kept_columns or ALL in reading.keep or options.column:
            raise UsageError("--keep and --column need a file or standard input with columns.")
        made = (example(i, Parsed(1, text), None, reading) for i, text in enumerate(texts))
        cut = windows(list(made)[: options.limit], size, shared)
        return Incoming(cut, kept=reading.keep, live=len(texts) == 1)
    paths = expand(options.input) or [STDIN]
    reader = Reader(paths, reading)
    cut = (arriving if STDIN in paths else windows)(reader, size, shared)
    return Incoming(cut, reader, reader.kept, reader.more, STDIN in paths)


def _doubt_file_names(texts: Sequence[str]) -> None:
    """A lone text that is the name of a file was perhaps meant to be read."""
    with suppress(OSError, ValueError):  # too long, or with a NUL: no name
        if len(texts) == 1 and Path(texts[0]).is_file():
            log.warning("%s is taken as a text; to read the file: -i %s", texts[0], texts[0])


def _given(
    task: Task,
    others: Mapping[str, str | None],
    files: Mapping[str, str | None],
    encoding: str,
) -> dict[str, str]:
    nouns = {field.name: field.called for field in task.fields}
    lists = {field.name for field in task.fields if field.many}
    given = {name: text for name, text in others.items() if text is not None}
    for name, text in given.items():
        if wrong := check(text, name, encoding, nouns[name]):
            raise UsageError(f"--{name}: {wrong.message}.")
    for name, path in files.items():
        if path is None:
            continue
        if name in given:
            raise UsageError(f"Both --{name} and --{name}-file were given.")
        if name in lists and (form := named_format(path)) not in (None, "txt"):
            raise UsageError(
                f"--{name}-file reads a {nouns[name]} line by line, and {path} is {form}.",
                hint="Write the column into a file of its own: jq -r .COLUMN FILE.jsonl > FILE.txt",
            )
        given[name] = read_whole(path, encoding)
    return given


def _from_stdin(field: Field, encoding: str) -> str:
    """The text of a field that was not given."""
    try:
        return read_whole(STDIN, encoding)
    except UsageError as exc:
        exc.hint = exc.hint or f"Pipe the {field.called} in, or give {_way(field)}."
        raise


def _way(field: Field) -> str:
    return f"--{field.name} TEXT or --{field.name}-file FILE"


def _share_stdin(task: Task, asked: int, unsaid: Sequence[Field]) -> None:
    """Standard input has one reader: who asked for it with ``-``, or the field nobody gave."""
    if len(unsaid) > 1:
        names = " and ".join(f"--{field.name}" for field in unsaid)
        raise UsageError(f"Give {names}; standard input can supply only one of them.")
    if asked + len(unsaid) > 1:
        raise UsageError("Standard input was asked for twice, and can be read once.")
    if unsaid and (sys.stdin is None or sys.stdin.isatty()):
        first = task.fields[0]
        way = _way(unsaid[0]) if unsaid[0] != first else "it as an argument"
        raise UsageError(f"No {unsaid[0].called} was given.", hint=f"Give {way}, or pipe it in.")
    if asked and sys.stdin is None:
        raise UsageError("Standard input is closed.")


def _reading(
    task: Task,
    given: Mapping[str, str],
    columns: Mapping[str, str],
    options: InputOptions,
    results: Sequence[str],
    shown: Sequence[str],
) -> Reading:
    first = task.fields[0]
    keep = [name.strip() for name in (options.keep or "").split(",") if name.strip()]
    return Reading(
        fields=task.fields,
        columns=columns,
        given=given,
        keep=tuple(dict.fromkeys([*keep, *shown])),
        taken=frozenset({"index", "error", *(f.name for f in task.fields), *results}),
        format=options.input_format,
        encoding=options.encoding,
        null=options.null,
        whole=options.whole or (first.whole and not options.input and not options.column),
        limit=options.limit,
    )


def _columns(task: Task, texts: Sequence[str], given: Mapping[str, str | None]) -> dict[str, str]:
    """The column of each field that ``-c`` names."""
    columns: dict[str, str] = {}
    for text in texts:
        field, column = _column(task, text, given)
        if field in columns:
            raise UsageError(f"-c names two columns for the {field}.")
        if given.get(field) is not None:
            raise UsageError(f"-c {text}, and the {field} was given: one of the two.")
        columns[field] = column
    return columns


def _column(task: Task, text: str, given: Mapping[str, str | None]) -> tuple[str, str]:
    names = [field.name for field in task.fields]
    field, equals, column = text.partition("=")
    if equals and field in names:
        return field, column
    if not any(one.required and given.get(one.name) is None for one in task.fields[1:]):
        return names[0], text
    hint = "A column: " + " ".join(f"-c {name}=NAME" for name in names)
    if equals and field.isidentifier():
        raise UsageError(f"-c {text}: there is no field '{field}'.", hint=hint)
    absent = [name for name in names[1:] if given.get(name) is None]
    hint += "".join(f"; the {name} itself: --{name} {shlex.quote(text)}" for name in absent[:1])
    raise UsageError(f"-c {shlex.quote(text)} does not say for which field.", hint=hint)
