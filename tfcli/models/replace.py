"""A text file in the place of another, in one step: who reads it finds the old one or the new."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def write_over(path: Path, text: str) -> None:
    """Write a file whole beside its place, then move it there; its rights stay.

    The name beside it is nobody else's: neither another run nor a link that was laid out has it.

    Raises:
        OSError: it cannot be written; what was there before is there still.
    """
    handle, name = tempfile.mkstemp(".partial", f".{path.name}.", path.parent)
    partial = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        partial.replace(path)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise
