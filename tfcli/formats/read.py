"""Files and standard input to examples."""

import csv
import gzip
import logging
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, TextIO

from tfcli.core.task import Example, Field
from tfcli.errors import TfcliError, UsageError
from tfcli.formats import rows
from tfcli.formats.decode import check_decoded, check_encoding, chunks_of, text_of
from tfcli.formats.examples import ALL, Reading, check, example
from tfcli.formats.names import STDIN, format_of
from tfcli.formats.parquet import Table
from tfcli.formats.rows import Parsed

log = logging.getLogger("tfcli")


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
        self.line: int | None = None
        self.ended = False
        with self._errors_in_words():
            self.rows = self._rows()

    @property
    def name(self) -> str:
        """What messages call it."""
        return "standard input" if self.path == STDIN else self.path

    @property
    def position(self) -> int:
        """How many of its ``size`` bytes have been read; a pipe has no size."""
        if self.ended:
            return self.size
        return self.raw.tell() if self.size and not self.raw.closed else 0

    def rest(self) -> None:
        """Close a file until it is read: a glob matches more files than can be open at once."""
        if self.size:
            self.raw.close()

    def _open(self) -> BinaryIO:
        if self.path == STDIN:
            # Not sys.stdin: the reading thread may hold its lock when the interpreter ends.
            return open(sys.stdin.fileno(), "rb", closefd=False)
        try:
            raw = Path(self.path).open("rb")  # noqa: SIM115 - read as long as the run lasts
            self.size = Path(self.path).stat().st_size
            start = raw.peek(2)[:2] if self.size else b""
        except OSError as exc:
            raise UsageError(f"Cannot read {self.path}: {exc.strerror}.") from exc
        if start in (b"\xff\xfe", b"\xfe\xff") and "8" in self.reading.encoding:
            raise UsageError(f"{self.path} is UTF-16.", hint="Add --encoding utf-16.")
        return raw

    def _rows(self) -> Iterator[Parsed]:
        reading = self.reading
        raw = gzip.open(self.raw) if self.path.endswith(".gz") else self.raw  # noqa: SIM115
        if reading.whole or reading.null:
            if self.format not in ("txt", "auto"):
                raise UsageError(f"--whole and --null are for plain text, not for {self.format}.")
            self._refuse_columns()
        if self.format == "parquet":
            table = Table(raw, self.name)
            self._check_header(table.names)
            return table.rows(self.reading.used)
        if reading.null:
            return rows.between_nulls(chunks_of(raw, reading.encoding))
        newline = "" if self.format in ("csv", "tsv") else "\n"
        text = text_of(raw, reading.encoding, newline)
        if reading.whole:
            return rows.whole(text)
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
        if undecoded := check_decoded(" ".join(header), self.reading.encoding):
            raise TfcliError(f"Cannot read the header of {self.name}: {undecoded.message}.")
        self._check_header(header)
        return cells

    def _check_header(self, header: list[str]) -> None:
        """Refuse a header without the columns that are needed; ``all`` becomes their names."""
        if ALL in self.reading.keep:  # the same for every row, also for one that fails
            self.reading = replace(self.reading, keep=self.reading.others(header))
        needed = [*self.reading.required, *self.reading.kept_columns]
        field_of = {self.reading.column(field.name): field.name for field in self.reading.wanted}
        for column in needed:
            if header and column not in header:
                which = f"{field_of.get(column, 'FIELD')}=NAME" if len(field_of) > 1 else "NAME"
                raise UsageError(
                    f"{self.name} has no column '{column}'.",
                    hint=f"It has {', '.join(header)}; choose with -c {which} and --keep A,B."
                    if len(header) > 1
                    else f"All it has is '{header[0]}'. Are its cells separated by commas (csv) "
                    "or tabs (tsv)?",
                )
        twice = {name for name in header if header.count(name) > 1}
        if clash := twice & set(needed):
            raise UsageError(f"{self.name} has two columns called '{min(clash)}'.")

    def _lines_or_json_lines(self, text: TextIO) -> Iterator[Parsed]:
        """Standard input: jsonl if its first line is an object with the text in it (or null)."""
        seen: list[str] = []
        for line in text:
            seen.append(line)
            if line.strip():
                break
        if not seen or not seen[-1].strip():
            return
        stream: Iterable[str] = chain(seen, text)
        first = rows.json_object(seen[-1])
        names = self.reading.required
        if first is not None and all(isinstance(first.get(n, 0), str | None) for n in names):
            yield from rows.json_lines(stream)
            return
        if first is not None:
            log.warning(
                "the first line is JSON without a string '%s', so all lines are taken as plain "
                "text; -c NAME names another key, --input-format jsonl insists.",
                "' or '".join(names),
            )
        self._refuse_columns()
        yield from rows.lines(stream)

    def _refuse_columns(self) -> None:
        """Plain text has one field and no columns."""
        unknown = self.reading.kept_columns or ALL in self.reading.keep
        if unknown or self.reading.columns:
            option = "--keep" if unknown else "--column"
            raise UsageError(
                f"{option} needs columns, and {self.name} is plain text.",
                hint="Name another format with --input-format csv, tsv, json or jsonl.",
            )
        required = self.reading.required
        if len(required) > 1:
            raise UsageError(
                f"{self.name} is plain text, and each example needs {' and '.join(required)}.",
                hint=f"Give --{required[1]}, or csv or jsonl with these columns.",
            )

    def parsed(self) -> Iterator[Parsed]:
        """The rows, one by one."""
        with self._errors_in_words():
            if self.raw.closed:
                self.raw = self._open()
                self.rows = self._rows()
            try:
                for row in self.rows:
                    self.line = row.line
                    yield row
            finally:
                self.ended = True
                if self.path != STDIN:
                    self.raw.close()

    @contextmanager
    def _errors_in_words(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, zlib.error, gzip.BadGzipFile) as exc:
            raise TfcliError(f"Cannot unpack {self._where}: {exc}.") from exc
        except csv.Error as exc:
            raise TfcliError(f"Cannot read the header of {self.name}: {exc}.") from exc
        except ValueError as exc:
            why = str(exc).rstrip(".")
            raise TfcliError(f"Cannot read {self._where} as {self.format}: {why}.") from exc
        except OSError as exc:
            raise TfcliError(f"Cannot read {self._where}: {exc.strerror}.") from exc

    @property
    def _where(self) -> str:
        return f"{self.name}, after line {self.line}" if self.line else self.name


class Reader:
    """The examples of several sources, one after another."""

    def __init__(self, paths: Sequence[str], reading: Reading) -> None:
        check_encoding(reading.encoding)
        self.reading = reading
        self.count = 0
        self.sources: list[Source] = []
        for path in paths:
            self.sources.append(Source(path, reading))
            self.sources[-1].rest()

    @property
    def kept(self) -> tuple[str, ...]:
        """The keys of kept columns, as far as options and headers tell."""
        known = [self.reading.kept_name(c) for s in self.sources for c in s.reading.keep]
        return tuple(dict.fromkeys(name for name in known if name != ALL))

    @property
    def more(self) -> bool:
        """Whether rows may have columns to keep that nothing told beforehand."""
        return any(ALL in source.reading.keep for source in self.sources)

    def __iter__(self) -> Iterator[Example]:
        return islice(self._examples(), self.reading.limit)

    @property
    def fraction(self) -> float | None:
        """How much has been read, from 0 to 1; None if nobody can know."""
        known = []
        if self.reading.limit:
            known.append(self.count / self.reading.limit)
        total = sum(source.size for source in self.sources)
        if total and not any(source.path == STDIN for source in self.sources):
            known.append(sum(source.position for source in self.sources) / total)
        return max(known, default=None)

    def _examples(self) -> Iterator[Example]:
        for source in self.sources:
            for row in source.parsed():
                self.count += 1
                yield example(self.count - 1, row, source.path, source.reading)


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
