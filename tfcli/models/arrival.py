"""What has arrived in the Hub's cache: whether there is room, whether it is what was sent."""

import shutil
from contextlib import suppress
from pathlib import Path

from tfcli.core.job import ModelRef
from tfcli.models.cache import cache_folder, repo_folder
from tfcli.models.files import sha256
from tfcli.models.replace import write_over

_UNCHECKED = ".unchecked"
"""Beside a large file from before it is fetched until it is found to be the Hub's."""


def mark(path: Path, digest: str) -> None:
    """Note beside a file that is to come which SHA-256 it should have."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_over(path.with_name(path.name + _UNCHECKED), digest)  # another run may be reading it


def free_space() -> int:
    """Bytes that the disk of the cache has left."""
    folder = cache_folder().absolute()
    there = next(path for path in (folder, *folder.parents) if path.is_dir())
    return shutil.disk_usage(there).free


def is_sound(path: Path) -> bool:
    """Whether a file is what the mark beside it says; else it is thrown away."""
    mark = path.with_name(path.name + _UNCHECKED)
    if not (mark.is_file() and path.is_file()):
        return True
    try:
        sound = mark.read_text(encoding="ascii") == sha256(path)
    except FileNotFoundError:  # another run has just checked it
        return path.is_file()
    if not sound:
        with suppress(FileNotFoundError):  # another run is throwing it away
            path.resolve().unlink(missing_ok=True)
        path.unlink(missing_ok=True)
    mark.unlink(missing_ok=True)
    return sound


def check_again(folder: Path) -> None:
    """Check what a run had fetched that was killed before it had checked it."""
    with suppress(OSError):
        for mark in folder.rglob(f"*{_UNCHECKED}"):
            is_sound(mark.with_name(mark.name.removesuffix(_UNCHECKED)))


def remember(ref: ModelRef, commit: str) -> None:
    """Note what the revision means, now that all of it is here; a cache may be read-only."""
    revision = ref.revision or "main"
    refs = repo_folder(ref.checkpoint) / "refs"
    path = refs / revision
    if revision == commit or ".." in path.parts or refs not in path.parents:
        return
    with suppress(OSError):
        if path.is_file() and path.read_text(encoding="ascii") == commit:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        write_over(path, commit)
