"""Records to text: one function a format, each a stream of chunks to be written and flushed."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from tfcli.core.record import Columns, LongForm, to_json, to_text
from tfcli.core.task import Piece, Record
from tfcli.errors import TfcliError, UsageError
from tfcli.formats.names import extension_of

Writer = Callable[[Iterable[Any], Columns], Iterator[str]]
"""Takes records; where they come piece by piece (``Piece``), only ``plain`` is asked."""


def jsonl(records: Iterable[Record], columns: Columns) -> Iterator[str]:
    """One JSON object a line."""
    for record in records:
        yield to_json(record) + "\n"


def json_array(records: Iterable[Record], columns: Columns) -> Iterator[str]:
    """One JSON array, an element a line; a run that is cut short leaves a whole array, too."""
    lead = "[\n"
    try:
        for record in records:
            yield lead + to_json(record)
            lead = ",\n"
    except GeneratorExit:
        raise
    except BaseException:
        yield "[]\n" if lead == "[\n" else "\n]\n"
        raise
    yield "[]\n" if lead == "[\n" else "\n]\n"


def delimited(records: Iterable[Record], columns: Columns, delimiter: str) -> Iterator[str]:
    """A header, then a line a record; nested values are JSON text.

    Raises:
        TfcliError: a record has a column that the header, once written, does not have.
    """
    if columns.long is not None:
        records, columns = _lengthened(records, columns, columns.long)
    line = io.StringIO()
    # Python before 3.13 quotes a return only where it is part of the line end.
    rows = csv.writer(line, delimiter=delimiter, lineterminator="\r\n")

    def written(cells: Iterable[Any]) -> str:
        rows.writerow(cells)
        text = line.getvalue().removesuffix("\r\n") + "\n"
        line.seek(0)
        line.truncate()
        return text

    header: list[str] = []
    early: list[Record] = []

    def beginning() -> str:
        return written(header) + "".join(written(map(to_text, map(r.get, header))) for r in early)

    for record in records:
        if not header and columns.more and "error" in record:
            early.append(record)  # which does not know all the columns
            continue
        if not header:
            header = [*(key for key in record if key != "error"), "error"]
            yield beginning()
        if unknown := record.keys() - set(header):
            raise TfcliError(
                f"Record {record['index']} has a column '{min(unknown)}' that the first has not.",
                hint="Name the columns with --keep A,B, or write jsonl.",
            )
        yield written(to_text(record.get(key)) for key in header)
    if not header:
        header = [*columns.inputs, *columns.results, "error"]
        yield beginning()


def _lengthened(
    records: Iterable[Record], columns: Columns, long: LongForm
) -> tuple[Iterator[Record], Columns]:
    """Records of a line each; a failed one stays one."""

    def lengthened() -> Iterator[Record]:
        for record in records:
            own = {name: value for name, value in record.items() if name not in long.omitted}
            if "error" in record:
                yield own | dict.fromkeys(long.columns)
                continue
            for line in long.lines(record):
                yield own | dict(zip(long.columns, line, strict=True))

    inputs = tuple(name for name in columns.inputs if name not in long.omitted)
    results = tuple(name for name in columns.results if name not in long.omitted)
    return lengthened(), Columns(inputs, (*results, *long.columns), columns.more)


def comma_separated(records: Iterable[Record], columns: Columns) -> Iterator[str]:
    """Comma-separated values as RFC 4180 has them, with Unix line ends."""
    return delimited(records, columns, ",")


def tab_separated(records: Iterable[Record], columns: Columns) -> Iterator[str]:
    """The same with tabs."""
    return delimited(records, columns, "\t")


def plain(records: Iterable[Record | Piece], columns: Columns) -> Iterator[str]:
    r"""The first result, one a line; newlines, returns and tabs in it as ``\n``, ``\r``, ``\t``.

    Where a record has many lines, their values stand between tabs. What came in pieces is not
    written again; a line that was begun is ended, whatever happens.
    """
    begun = False
    try:
        for one in records:
            if isinstance(one, Piece):
                begun = True
                yield one.text.translate(_ONE_LINE)
                continue
            if columns.long is not None:
                yield from _tabbed(one, columns.long)
                continue
            yield "\n" if begun else to_text(one[columns.results[0]]).translate(_ONE_LINE) + "\n"
            begun = False
    except GeneratorExit:
        raise
    except BaseException:
        if begun:
            yield "\n"
        raise
    if begun:
        yield "\n"


def _tabbed(record: Record, long: LongForm) -> Iterator[str]:
    """The lines of a record; a failed one has none."""
    for line in () if "error" in record else long.lines(record):
        yield "\t".join(to_text(one).translate(_ONE_LINE) for one in line[: long.plain]) + "\n"


_ONE_LINE = str.maketrans({"\n": r"\n", "\r": r"\r", "\t": r"\t"})

FORMATS: dict[str, Writer] = {
    "plain": plain,
    "jsonl": jsonl,
    "json": json_array,
    "csv": comma_separated,
    "tsv": tab_separated,
}
EXTENSIONS = {
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "json": "json",
    "csv": "csv",
    "tsv": "tsv",
    "txt": "plain",
}


def format_of(path: str, further: Sequence[str] = ()) -> str:
    """The output format that a file's extension names; ``further`` are those of the task alone.

    Raises:
        UsageError: it names none.
    """
    known = EXTENSIONS | {extension: extension for extension in further}
    if not path:
        raise UsageError("--output was given an empty name.")
    extension = extension_of(path)
    if extension not in known:
        raise UsageError(
            f"The name of {path} does not say which format to write.",
            hint="Say it with --format, or end the name in ." + ", .".join(known) + ".",
        )
    return known[extension]
