"""The names of files: what they say of the format, and which ones a glob means."""

import glob
from collections.abc import Sequence
from pathlib import Path

from tfcli.errors import UsageError

STDIN = "-"
FORMATS = ("txt", "csv", "tsv", "json", "jsonl", "parquet")
"""What is read; what is written has formats of its own."""
_EXTENSIONS = {name: name for name in FORMATS} | {"text": "txt", "ndjson": "jsonl"}


def extension_of(path: str) -> str:
    """What a file's name says of its format: ``jsonl`` for ``a.JSONL`` and for ``a.jsonl.gz``."""
    return Path(path.removesuffix(".gz")).suffix.lower().removeprefix(".")


def named_format(path: str) -> str | None:
    """The input format that a file's extension names, if it names one."""
    return _EXTENSIONS.get(extension_of(path))


def format_of(path: str) -> str:
    """The input format that a file's extension names.

    Raises:
        UsageError: it names none.
    """
    if not path:
        raise UsageError("--input was given an empty name.")
    if Path(path).is_dir():
        raise UsageError(f"{path} is a folder.", hint=f"Name its files: -i '{path}/*.jsonl'")
    named = named_format(path)
    if named is None:
        raise UsageError(
            f"The name of {path} does not say what format it has.",
            hint="Say it with --input-format " + ", ".join(FORMATS[:-1]) + f" or {FORMATS[-1]}.",
        )
    return named


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
