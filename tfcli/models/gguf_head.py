"""The head of a GGUF file: its settings, and which tensor lies where.

Read value by value and never past its end, so that a file which lies about lengths or counts is
found out before transformers believes it. The format:
https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import mmap
import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, NoReturn

from tfcli.errors import ModelNotFoundError, UnsafeModelError
from tfcli.models.settings import MEGABYTE, broken, require_content

HEAD_MB = 64
"""The largest vocabularies take less than half of it."""
MOST_KEYS, MOST_TENSORS = 10_000, 100_000
MOST_VALUES = 1 << 21
"""Values in all lists: transformers makes a few objects for each."""
LONGEST_TEXT, LONGEST_TOKEN = MEGABYTE, 4096
MOST_HALVES = 1 << 30
"""transformers tries to cut each token into two at each place: the sum of squared lengths."""
ALIGNMENT = 32

_MAGIC, _VERSIONS, _DIMENSIONS = b"GGUF", (2, 3), 4
_NUMBERS = dict(zip(range(8), "BbHhIif?", strict=True)) | dict(
    zip(range(10, 13), "Qqd", strict=True)
)
_STRING, _LIST = 8, 9


@dataclass(frozen=True, slots=True)
class Strings:
    """A list of strings, of which only the number is known."""

    count: int


@dataclass(frozen=True, slots=True)
class Head:
    """What a file says of itself."""

    settings: dict[str, Any]
    """Numbers, strings, tuples of numbers, ``Strings``."""
    tensors: dict[str, tuple[int, ...]]
    """The shape of each, the fastest dimension first."""

    @property
    def elements(self) -> int:
        """How many numbers the tensors hold together."""
        return sum(map(prod, self.tensors.values()))


def read_head(path: Path) -> Head:
    """Read what a file says of itself, and see that its tensors lie in it.

    Raises:
        ModelNotFoundError: it is no GGUF file, or cut off, or contradicts itself.
        UnsafeModelError: it has more of something than any model.
    """
    try:
        require_content(path)
        with path.open("rb") as file:
            if file.read(4) != _MAGIC:
                raise ModelNotFoundError(f"{path} is no GGUF file.")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _Reader(path, data).head()
    except OSError as exc:
        raise ModelNotFoundError(f"Cannot read {path}: {exc.strerror}.") from exc


class _Reader:
    """Takes one value after the other."""

    def __init__(self, path: Path, data: mmap.mmap) -> None:
        self.path = path
        self.data = data
        self.at = len(_MAGIC)
        self.values = self.halves = 0

    def head(self) -> Head:
        version = self.number("I")
        if version not in _VERSIONS:
            swapped = "" if version & 0xFFFF else ", its bytes in the order of other machines"
            self.refuse(f"it is of GGUF's version {version}{swapped}; 2 and 3 are known")
        tensors, keys = self.number("Q"), self.number("Q")
        self.require_few(keys, MOST_KEYS, "settings")
        self.require_few(tensors, MOST_TENSORS, "tensors")
        settings: dict[str, Any] = {}
        for _ in range(keys):
            name = self.text(LONGEST_TOKEN)
            if name in settings:
                self.refuse(f"it has the setting {name[:80]!r} twice")
            settings[name] = self.value(self.number("I"))
        return Head(settings, self.tensors(tensors, self.alignment(settings)))

    def tensors(self, count: int, alignment: int) -> dict[str, tuple[int, ...]]:
        """The table of the tensors, each of which must lie in the file."""
        from gguf.constants import GGML_QUANT_SIZES

        shapes: dict[str, tuple[int, ...]] = {}
        ends: dict[str, int] = {}
        for _ in range(count):
            name = self.text(LONGEST_TOKEN)
            if name in shapes:
                self.refuse(f"it has the tensor {name[:80]!r} twice")
            dimensions = self.number("I")
            if not 1 <= dimensions <= _DIMENSIONS:
                self.refuse(f"the tensor {name[:80]!r} has {dimensions:,} dimensions")
            shape = self.numbers("Q", dimensions)
            kind, offset = self.number("I"), self.number("Q")
            if kind not in GGML_QUANT_SIZES:
                self.refuse(f"the tensor {name[:80]!r} is of the unknown type {kind}")
            length, size = GGML_QUANT_SIZES[kind]
            if not all(shape) or shape[0] % length:
                self.refuse(f"the tensor {name[:80]!r} cannot have the shape {shape}")
            shapes[name] = shape
            ends[name] = offset + prod(shape) // length * size
        start = -(-self.at // alignment) * alignment
        for name, end in ends.items():
            if start + end > len(self.data):
                self.refuse(f"it is cut off: the tensor {name[:80]!r} is not all there")
        return shapes

    def alignment(self, settings: dict[str, Any]) -> int:
        """What the beginnings of the tensors are multiples of."""
        named = settings.get("general.alignment", ALIGNMENT)
        if type(named) is not int or not 0 < named <= MEGABYTE or named & (named - 1):
            self.refuse(f"general.alignment is {named!r:.80}")
        return int(named)

    def value(self, kind: int) -> Any:
        if kind in _NUMBERS:
            return self.number(_NUMBERS[kind])
        if kind == _STRING:
            return self.text(LONGEST_TEXT)
        if kind == _LIST:
            kind, count = self.number("I"), self.number("Q")
            self.values += count
            self.require_few(self.values, MOST_VALUES, "values in lists")
            if kind in _NUMBERS:
                return self.numbers(_NUMBERS[kind], count)
            if kind == _STRING:
                for _ in range(count):
                    length = self.length(LONGEST_TOKEN)
                    self.halves += length * length
                    self.skip(length)
                self.require_few(self.halves, MOST_HALVES, "halves of tokens")
                return Strings(count)
        return self.refuse(f"it has a setting of the unknown kind {kind}")

    def number(self, form: str) -> Any:
        return self.numbers(form, 1)[0]

    def numbers(self, form: str, count: int) -> tuple[Any, ...]:
        layout = struct.Struct(f"<{count}{form}")
        at = self.at
        self.skip(layout.size)
        return layout.unpack_from(self.data, at)

    def text(self, longest: int) -> str:
        length = self.length(longest)
        at = self.at
        self.skip(length)
        try:
            return self.data[at : self.at].decode("utf-8")
        except UnicodeDecodeError:
            return self.refuse("its head is not UTF-8")

    def length(self, longest: int) -> int:
        length = int(self.number("Q"))
        if length > len(self.data) - self.at:
            self.refuse("it is cut off")
        self.require_few(length, longest, "bytes in one text")
        return length

    def skip(self, count: int) -> None:
        if count > len(self.data) - self.at:
            self.refuse("it is cut off")
        self.at += count
        if self.at > HEAD_MB * MEGABYTE:
            raise UnsafeModelError(
                f"The head of {self.path} has more than {HEAD_MB} MiB; more are not read."
            )

    def require_few(self, count: int, most: int, what: str) -> None:
        if count > most:
            raise UnsafeModelError(f"{self.path} declares {count:,} {what}: no model has so many.")

    def refuse(self, why: str) -> NoReturn:
        raise broken(self.path, why)
