"""Bytes to text in any encoding; a byte that cannot be decoded is kept, and found again later."""

import codecs
import io
from collections.abc import Iterator
from typing import Any, TextIO

from tfcli.core.characters import lone_surrogate
from tfcli.core.task import Failure
from tfcli.errors import UsageError


def _as_surrogates(error: UnicodeError) -> tuple[str, int]:
    """Bytes that cannot be decoded, as U+DC00 to U+DCFF: ``surrogateescape`` for any encoding."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.end]
    return "".join(chr(0xDC00 + byte) for byte in bad), error.end


_ERRORS = "tfcli.surrogates"
codecs.register_error(_ERRORS, _as_surrogates)


def check_encoding(encoding: str) -> None:
    """Refuse what is no text encoding.

    Raises:
        UsageError: Python knows no text encoding of that name.
    """
    try:
        b"a".decode(encoding, "ignore")
    except (LookupError, UnicodeError) as exc:
        raise UsageError(f"There is no encoding '{encoding}'.", hint="utf-8, gb18030 …") from exc


def text_of(raw: Any, encoding: str, newline: str) -> TextIO:
    """A binary stream as text."""
    return io.TextIOWrapper(raw, _codec(encoding), errors=_ERRORS, newline=newline)


def chunks_of(raw: Any, encoding: str) -> Iterator[str]:
    """Decoded text as it arrives (reading a ``TextIO`` would wait for a full chunk)."""
    decoder = codecs.getincrementaldecoder(_codec(encoding))(_ERRORS)
    while data := raw.read1(1 << 16):
        yield decoder.decode(data)
    yield decoder.decode(b"", final=True)


def check_decoded(text: str, encoding: str) -> Failure | None:
    """Which byte, if any, could not be decoded (it was read as a lone surrogate)."""
    bad = lone_surrogate(text)
    if bad is None:
        return None
    if "\udc00" <= bad <= "\udcff":
        byte = ord(bad) - 0xDC00
        message = f"not {encoding}: byte 0x{byte:02x} at character {text.index(bad) + 1}"
        return Failure("encoding", f"{message} (is it --encoding gb18030 or latin-1?)")
    return Failure("encoding", f"holds half a character, U+{ord(bad):04X}")


def _codec(encoding: str) -> str:
    """The codec's own name; UTF-8 is read with or without a BOM."""
    name = codecs.lookup(encoding).name
    return "utf-8-sig" if name == "utf-8" else name
