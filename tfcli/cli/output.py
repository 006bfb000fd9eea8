"""Where records go: standard output, or a file that appears when it is complete."""

import gzip
import io
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, TextIO
from uuid import uuid4

from tfcli.cli.options import PAGE, OutputOptions, PageOptions
from tfcli.core.characters import visible_lines
from tfcli.core.record import Columns, only_records
from tfcli.core.task import Piece, Record
from tfcli.errors import Terminated, TfcliError, UsageError
from tfcli.formats.arrays import ARRAYS
from tfcli.formats.names import extension_of
from tfcli.formats.parquet import parquet, require_pyarrow
from tfcli.formats.stacked import STACKED, ArrayWriter
from tfcli.formats.write import FORMATS, format_of

log = logging.getLogger("tfcli")

STDOUT = "-"
PARQUET = "parquet"

MANY = 1 << 20
"""Numbers of a record that text is slow for."""


class Output:
    """The one place that writes records; each is flushed, so that a reader sees it at once."""

    def __init__(
        self,
        options: OutputOptions,
        view: str,
        files: Sequence[str] = (),
        theme: str = "light",
        stacks: bool = False,
    ) -> None:
        """Check what can be checked.

        Args:
            options: what was asked for.
            view: the name of what draws records.
            files: the formats that the task has beside text.
            theme: of figures and pages.
            stacks: whether arrays of the records have one shape, and are one array in a file.
        """
        self.options = options
        self.view = view
        self.files = files
        self.binary = (*files, PARQUET)
        """The formats that are no text."""
        self.theme = theme
        self.stacks = stacks
        self.path = None if options.output in (None, STDOUT) else options.output
        self.opens = isinstance(options, PageOptions) and options.open
        if self.opens and (options.output, options.json, options.format) == (None, False, "auto"):
            self.path = str(Path(tempfile.gettempdir(), f"tfcli-{uuid4().hex}.html"))
        self.packed = self.path is not None and self.path.endswith(".gz")
        self.format = self._format()
        if self.opens and not (self.is_page and self.path):
            raise UsageError("--open shows a page: leave -o and -f out, or write to FILE.html.")
        binary = self.format in self.binary and not self.is_page
        self.writer = self._binary_writer() if binary else None
        if self.path is not None and not Path(self.path).absolute().parent.is_dir():
            raise UsageError(f"There is no folder {Path(self.path).parent} to write to.")
        if self.path is not None and Path(self.path).is_dir():
            raise UsageError(f"{self.path} is a folder.")

    @property
    def is_picture(self) -> bool:
        """Whether a view draws the records."""
        return self.format == "table"

    @property
    def is_page(self) -> bool:
        """Whether a browser shows the records."""
        return self.format == PAGE

    @property
    def takes_pieces(self) -> bool:
        """Whether a text can be written before it is whole."""
        return self.path is None and self.format in ("table", "plain")

    @property
    def to_terminal(self) -> bool:
        """Whether a person reads along."""
        return self.path is None and sys.stdout is not None and sys.stdout.isatty()

    def write(self, records: Generator[Record | Piece], columns: Columns) -> None:
        """Write all records.

        Raises:
            BrokenPipeError: the reader has gone.
            TfcliError: the disk is full, or the file cannot be written.
        """
        if self.path is None:
            if sys.stdout is None:
                raise UsageError("Standard output is closed.")
            self._write_to(sys.stdout, records, columns)
            return
        with _appearing(Path(self.path)) as raw:
            if self.writer is not None:
                with _in_words(self.path):
                    self.writer(only_records(records), raw, columns)
                return
            out = io.TextIOWrapper(raw, encoding="utf-8", newline="\n")
            try:
                self._write_to(out, records, columns)
            finally:
                with suppress(OSError):  # a full disk or device has said so before
                    out.detach()
        if self.opens:
            self._open(Path(self.path))

    def _open(self, page: Path) -> None:
        import webbrowser

        if not webbrowser.open(page.resolve().as_uri()):
            log.warning("no browser was found; the page is %s", page)

    def _write_to(self, out: TextIO, records: Generator[Record | Piece], columns: Columns) -> None:
        if isinstance(out, io.TextIOWrapper):
            out.reconfigure(encoding="utf-8", newline="\n")
        chunks = self._chunks(records, columns)
        try:
            for chunk in chunks:
                self._put(out, chunk)
        except (KeyboardInterrupt, Terminated):
            records.close()
            for chunk in chunks:  # how the format ends: an array that was begun is closed
                self._put(out, chunk)
            raise

    def _put(self, out: TextIO, chunk: str) -> None:
        # A view has made its text visible already; its escape codes are its own.
        could_act = self.to_terminal and not self.is_picture
        with _in_words(self.path):
            out.write(visible_lines(chunk) if could_act else chunk)
            if not self.packed:  # flushing each record would leave little to pack
                out.flush()

    def _chunks(self, records: Iterable[Record | Piece], columns: Columns) -> Iterator[str]:
        if self.is_page:
            from tfcli.views import page_of

            return page_of(self.view)(only_records(records), columns)
        if not self.is_picture:
            advised = _advising(records) if self.files else records
            return FORMATS[self.format](advised, columns)
        from tfcli.views import console_for, view_of

        color = "never" if self.path is not None else self.options.color
        return view_of(self.view)(records, columns, console_for(sys.stdout, color))

    def _binary_writer(self) -> ArrayWriter:
        """What writes arrays, or draws figures; it may lack a package, and says so at once."""
        if self.format == PARQUET:
            require_pyarrow()
            return parquet
        if self.format in ARRAYS:
            return (STACKED if self.stacks else ARRAYS)[self.format]
        from tfcli.views.attn.figures import draw_all

        return lambda records, out, columns: draw_all(records, out, self.format, self.theme)

    def _format(self) -> str:
        if self.options.json and self.options.format not in ("auto", "json"):
            raise UsageError(f"Both --json and --format {self.options.format} were given.")
        if self.options.json:
            return "json"
        if self.options.format != "auto":
            named = extension_of(self.path or "")
            if named in self.binary and named != self.options.format:
                raise UsageError(f"Both --format {self.options.format} and a name in .{named}.")
            return self.options.format
        if self.path is not None:
            return format_of(self.path, self.binary)
        return "table" if self.to_terminal else "jsonl"


@contextmanager
def _in_words(path: str | None) -> Iterator[None]:
    """What the system says of a full disk, as an error that names the file."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as exc:
        where = path or "standard output"
        raise TfcliError(f"Cannot write to {where}: {exc.strerror}.") from exc


def _advising(records: Iterable[Record | Piece]) -> Iterator[Record | Piece]:
    """Say once that text is no form for many numbers."""
    advised = False
    for record in records:
        if not advised and isinstance(record, dict):
            numbers = sum(getattr(value, "size", 0) for value in record.values())
            if advised := numbers > MANY:
                log.warning(f"{numbers:,} numbers take long as text; -o FILE.npz is quick")
        yield record


@contextmanager
def _appearing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of ``path`` when all went well; else it is kept beside it."""
    if path.exists() and not path.is_file():  # a device or a named pipe cannot be replaced
        device = path.open("wb")
        try:
            yield device
        finally:
            with suppress(OSError):  # a full device has said so before
                device.close()
        return
    target = path.resolve()
    try:
        handle, name = tempfile.mkstemp(".partial", f".{target.name}.", target.parent)
    except OSError as exc:
        raise TfcliError(f"Cannot write to {path}: {exc.strerror}.") from exc
    os.close(handle)
    partial = Path(name)
    with partial.open("wb") as raw:  # by its name, so that a writer knows the folder
        packed = path.name.endswith(".gz")
        out: Any = gzip.GzipFile("", "wb", fileobj=raw) if packed else raw
        try:
            yield out
            out.close()
            if not raw.closed:  # gzip leaves it open
                raw.flush()
            _copy_mode(target, partial)
            partial.replace(target)
        except BaseException as exc:
            _keep(partial, out, exc)
            raise


def _copy_mode(target: Path, partial: Path) -> None:
    """Give the new file the rights of the one it replaces, or those of any new file."""
    if target.exists():
        shutil.copymode(target, partial)
    else:
        mask = os.umask(0)
        os.umask(mask)
        partial.chmod(0o666 & ~mask)


def _keep(partial: Path, out: BinaryIO, exc: BaseException) -> None:
    with suppress(OSError):  # a full disk: what was flushed before stays
        out.close()
    if partial.stat().st_size == 0:
        partial.unlink()
    else:
        exc.add_note(f"What was done is in {partial}.")
