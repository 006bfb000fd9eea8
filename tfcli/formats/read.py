"""Files and standard input to examples."""

import codecs
import csv
import glob
import gzip
import io
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from tfcli.core.characters import lone_surrogate
from tfcli.core.task import Example, Failure, Field
from tfcli.errors import TfcliError, UsageError
from tfcli.formats import rows
from tfcli.formats.rows import Parsed

FORMATS = ("txt", "csv", "tsv", "json", "jsonl")
STDIN = "-"
ALL = "all"


@dataclass(frozen=True)
class Reading:
    """How to make examples out of rows."""

    fields: tuple[Field, ...]
    columns: Mapping[str, str] = field(default_factory=dict)
    """The column of a field, where it is not called like the field."""
    given: Mapping[str, str] = field(default_factory=dict)
    """Fields that are the same for every example."""
    keep: tuple[str, ...] = ()
    """Columns to carry over; ``("all",)`` for all."""
    taken: frozenset[str] = frozenset()
    """Names that a kept column must not have."""
    format: str = "auto"
    encoding: str = "utf-8"
    null: bool = False
    whole: bool = False
    limit: int | None = None

    @property
    def wanted(self) -> tuple[Field, ...]:
        """The fields that rows have to bring."""
        return tuple(f for f in self.fields if f.name not in self.given)

    def column(self, name: str) -> str:
        """The column that a field is read from."""
        return self.columns.get(name, name)

    def kept_name(self, column: str) -> str:
        """The key of a kept column in the record."""
        while column in self.taken:
            column = f"input_{column}"
        return column


class Source:
    """One input, opened at once: what is wrong with it is said before a model loads."""

    def __init__(self, path: str, reading: Reading) -> None:
        self.path = path
        self.reading = reading
        self.format = reading.format
        self.size = 0
        if path != STDIN and self.format == "auto":
            self.format = format_of(path)
        self.raw = self._open()
        self.line = 0
        with self._errors_in_words():
            self.rows = self._rows()

    @property
    def name(self) -> str:
        """What messages call it."""
        return "standard input" if self.path == STDIN else self.path

    def _open(self) -> BinaryIO:
        if self.path == STDIN:
            # Not sys.stdin: the reading thread may hold its lock when the interpreter ends.
            return open(sys.stdin.fileno(), "rb", closefd=False)
        try:
            raw = Path(self.path).open("rb")  # noqa: SIM115 - read as long as the run lasts
            self.size = Path(self.path).stat().st_size
        except OSError as exc:
            raise UsageError(f"Cannot read {self.path}: {exc.strerror}.") from exc
        return raw

    def _rows(self) -> Iterator[Parsed]:
        reading = self.reading
        raw = gzip.open(self.raw) if self.path.endswith(".gz") else self.raw  # noqa: SIM115
        encoding = (
            "utf-8-sig" if reading.encoding.lower() in ("utf-8", "utf8") else reading.encoding
        )
        newline = "" if self.format in ("csv", "tsv") else "\n"
        text = io.TextIOWrapper(raw, encoding, errors="surrogateescape", newline=newline)
        if reading.whole or reading.null:
            if self.format not in ("txt", "auto"):
                raise UsageError(f"--whole and --null are for plain text, not for {self.format}.")
            self._refuse_columns()
            return rows.between_nulls(_chunks(raw, encoding)) if reading.null else _whole(text)
        match self.format:
            case "csv" | "tsv":
                return self._table(text)
            case "jsonl":
                return rows.json_lines(text)
            case "json":
                return rows.json_array(text)
            case "txt":
                self._refuse_columns()
                return rows.lines(text)
        return self._lines_or_json_lines(text)

    def _table(self, text: TextIO) -> Iterator[Parsed]:
        header, cells = rows.header_and_cells(text, "," if self.format == "csv" else "\t")
        columns = [self.reading.column(f.name) for f in self.reading.wanted if f.required]
        needed = [*columns, *(k for k in self.reading.keep if k != ALL)]
        for column in needed:
            if header and column not in header:
                raise UsageError(
                    f"{self.name} has no column '{column}'.",
                    hint=f"It has {', '.join(header)}; choose with -c NAME and --keep A,B.",
                )
        twice = {name for name in header if header.count(name) > 1}
        if clash := twice & set(header if ALL in self.reading.keep else needed):
            raise UsageError(f"{self.name} has two columns called '{min(clash)}'.")
        return cells

    def _lines_or_json_lines(self, text: TextIO) -> Iterator[Parsed]:
        """Standard input: jsonl if its first line is an object with the text in it."""
        seen: list[str] = []
        for line in text:
            seen.append(line)
            if line.strip():
                break
        stream: Iterable[str] = chain(seen, text)
        first = rows.json_object(seen[-1]) if seen else None
        names = [self.reading.column(f.name) for f in self.reading.wanted if f.required]
        if first is not None and all(isinstance(first.get(name), str) for name in names):
            yield from rows.json_lines(stream)
        else:
            self._refuse_columns()
            yield from rows.lines(stream)

    def _refuse_columns(self) -> None:
        """Plain text has one field and no columns."""
        if self.reading.keep or self.reading.columns:
            option = "--keep" if self.reading.keep else "--column"
            raise UsageError(
                f"{option} needs columns, and {self.name} is plain text.",
                hint="Name another format with --input-format csv, tsv, json or jsonl.",
            )
        required = [f.name for f in self.reading.wanted if f.required]
        if len(required) > 1:
            raise UsageError(
                f"{self.name} is plain text, and each example needs {' and '.join(required)}.",
                hint=f"Give --{required[1]}, or csv or jsonl with these columns.",
            )

    def parsed(self) -> Iterator[Parsed]:
        """The rows, one by one."""
        with self._errors_in_words():
            try:
                for row in self.rows:
                    self.line = row.line
                    yield row
            except UnicodeError as exc:  # not a bad byte, which is one line's, but half a unit
                message = f"not {self.reading.encoding}: {exc}"
                yield Parsed(self.line + 1, Failure("encoding", message))
            finally:
                if self.path != STDIN:
                    self.raw.close()

    @contextmanager
    def _errors_in_words(self) -> Iterator[None]:
        where = f"{self.name}, after line {self.line}" if self.line else self.name
        try:
            yield
        except (EOFError, zlib.error, gzip.BadGzipFile) as exc:
            raise TfcliError(f"Cannot unpack {where}: {exc}.") from exc
        except csv.Error as exc:
            raise TfcliError(f"Cannot read the header of {self.name}: {exc}.") from exc
        except ValueError as exc:
            raise TfcliError(f"Cannot read {where} as {self.format}: {exc}.") from exc
        except OSError as exc:
            raise TfcliError(f"Cannot read {where}: {exc.strerror}.") from exc


class Reader:
    """The examples of several sources, one after another."""

    def __init__(self, paths: Sequence[str], reading: Reading) -> None:
        check_encoding(reading.encoding)
        self.reading = reading
        self.sources = [Source(path, reading) for path in paths]

    def __iter__(self) -> Iterator[Example]:
        return islice(self._examples(), self.reading.limit)

    @property
    def fraction(self) -> float | None:
        """How much has been read, from 0 to 1; None if nobody can know."""
        total = sum(source.size for source in self.sources)
        if not total or any(source.path == STDIN for source in self.sources):
            return None
        read = sum(s.size if s.raw.closed else s.raw.tell() for s in self.sources)
        return read / total

    def _examples(self) -> Iterator[Example]:
        index = 0
        for source in self.sources:
            for row in source.parsed():
                yield example(index, row, source.path, self.reading)
                index += 1


def example(index: int, row: Parsed, file: str | None, reading: Reading) -> Example:
    """Make one example of one row, or say what is wrong with it."""
    line = row.line if file is not None else None
    value = row.value
    if isinstance(value, str):
        value = {reading.column(reading.wanted[0].name): value}
    cells: Mapping[str, Any] = {} if isinstance(value, Failure) else value
    failure = value if isinstance(value, Failure) else None
    kept = _kept(cells, reading)
    for name, cell in kept.items():
        if isinstance(cell, str) and (undecoded := check_decoded(cell, reading.encoding)):
            failure = failure or undecoded
            kept[name] = None
    fields = dict(reading.given)
    for one in reading.wanted:
        column = reading.column(one.name)
        if column not in cells and not one.required:
            continue
        text = cells.get(column)
        wrong = check(text, column, reading.encoding) if failure is None else None
        if isinstance(text, str) and lone_surrogate(text) is None:
            fields[one.name] = text
        failure = failure or wrong
    return Example(index, fields, kept, file, line, failure)


def check(text: Any, column: str, encoding: str) -> Failure | None:
    """What is wrong with a text, if anything: none at all, empty, or not decoded."""
    if text is None:
        return Failure("column", f"no '{column}' here")
    if not isinstance(text, str):
        return Failure("column", f"'{column}' is {rows.kind(text)}, not a string")
    if not text.strip():
        return Failure("empty", "the text is empty")
    return check_decoded(text, encoding)


def check_decoded(text: str, encoding: str) -> Failure | None:
    """Which byte, if any, could not be decoded (it was read as a lone surrogate)."""
    bad = lone_surrogate(text)
    if bad is None:
        return None
    if "\udc80" <= bad <= "\udcff":
        byte = ord(bad) - 0xDC00
        message = f"not {encoding}: byte 0x{byte:02x} at character {text.index(bad) + 1}"
        return Failure("encoding", f"{message} (is it --encoding gb18030 or latin-1?)")
    return Failure("encoding", f"holds half a character, U+{ord(bad):04X}")


def _kept(cells: Mapping[str, Any], reading: Reading) -> dict[str, Any]:
    if reading.keep != (ALL,):
        return {reading.kept_name(name): cells.get(name) for name in reading.keep}
    # A field's own column is in the record already, under the field's name.
    fields = {f.name for f in reading.wanted if reading.column(f.name) == f.name}
    return {reading.kept_name(n): value for n, value in cells.items() if n not in fields}


def _chunks(raw: Any, encoding: str) -> Iterator[str]:
    """Decoded text as it arrives (reading a ``TextIO`` would wait for a full chunk)."""
    decoder = codecs.getincrementaldecoder(encoding)("surrogateescape")
    while data := raw.read1(1 << 16):
        yield decoder.decode(data)
    yield decoder.decode(b"", final=True)


def _whole(text: TextIO) -> Iterator[Parsed]:
    if (everything := text.read()).strip():
        yield Parsed(1, everything)


def read_whole(path: str, encoding: str) -> str:
    """The text of a file, exactly, for ``--FIELD-file``."""
    check_encoding(encoding)
    source = Source(path, Reading((Field("text"),), whole=True, format="txt", encoding=encoding))
    for row in source.parsed():
        if isinstance(row.value, str) and not check(row.value, "text", encoding):
            return row.value
        raise UsageError(
            f"{source.name} is not {encoding}.", hint="Name its encoding with --encoding."
        )
    raise UsageError(f"{source.name} is empty.")


def expand(patterns: Sequence[str]) -> list[str]:
    """File names out of names and quoted globs, the matches of each in order.

    Raises:
        UsageError: nothing matches.
    """
    paths: list[str] = []
    for pattern in patterns:
        if pattern == STDIN or Path(pattern).exists() or not glob.has_magic(pattern):
            paths.append(pattern)
        elif found := sorted(glob.glob(pattern, recursive=True)):  # noqa: PTH207 - keeps './'
            paths.extend(found)
        else:
            raise UsageError(f"No file matches {pattern}.")
    return paths


def format_of(path: str) -> str:
    """The input format that a file's extension names.

    Raises:
        UsageError: it names none.
    """
    extension = Path(path.removesuffix(".gz")).suffix.lower().removeprefix(".")
    if Path(path).is_dir():
        raise UsageError(f"{path} is a folder.", hint=f"Name its files: -i '{path}/*.jsonl'")
    extension = {"text": "txt", "ndjson": "jsonl"}.get(extension, extension)
    if extension not in FORMATS:
        raise UsageError(
            f"The name of {path} does not say what format it has.",
            hint="Say it with --input-format " + ", ".join(FORMATS[:-1]) + f" or {FORMATS[-1]}.",
        )
    return extension


def check_encoding(encoding: str) -> None:
    """Refuse what is no text encoding.

    Raises:
        UsageError: Python knows no text encoding of that name.
    """
    try:
        codecs.lookup(encoding)
        b"".decode(encoding)
    except LookupError as exc:
        raise UsageError(f"There is no encoding '{encoding}'.", hint="utf-8, gb18030 …") from exc
