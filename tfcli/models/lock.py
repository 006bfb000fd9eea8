"""The lock: exactly which models a project runs, in a file that ``--locked`` holds runs to.

A model of the Hub is held by its commit, a folder and a starter by the SHA-256 of their files.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tfcli.core.job import ModelRef
from tfcli.errors import TfcliError, UnsafeModelError, UsageError
from tfcli.models.cache import commit_of, is_commit
from tfcli.models.files import sha256
from tfcli.models.registry import starters
from tfcli.models.replace import write_over
from tfcli.models.resolve import folder_of, is_local
from tfcli.models.stock import digests

FILE = "tfcli.lock"
_VERSION = 1


def entry_for(ref: ModelRef) -> dict[str, Any]:
    """What the lock says of a model; one of the Hub is fetched if it is not here.

    Raises:
        TfcliError: it cannot be found.
    """
    place = folder_of(ref)
    if ref.checkpoint in starters() or is_local(ref.checkpoint):
        return {"sha256": digests(place) if place.is_dir() else {place.name: sha256(place)}}
    return {"revision": commit_of(place)}


def write(entries: Mapping[str, Any]) -> None:
    """Add models to the lock of this folder, in the place of what it said of them.

    Raises:
        UsageError: there is a lock that cannot be read.
        TfcliError: it cannot be written.
    """
    held = _read() if Path(FILE).exists() else {}
    content = {"version": _VERSION, "models": dict(sorted({**held, **entries}.items()))}
    try:
        write_over(Path(FILE), json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    except OSError as exc:
        raise TfcliError(f"Cannot write {FILE}: {exc.strerror}.") from exc


def held(ref: ModelRef) -> ModelRef:
    """The model as the lock of this folder holds it.

    Raises:
        UsageError: there is no lock, or it does not name the model, or another revision of it.
        UnsafeModelError: the files of a folder are not those that were locked, or what has the
            name of a locked model now is something else.
    """
    entry = _read().get(ref.checkpoint)
    if not isinstance(entry, dict):
        raise UsageError(f"{FILE} does not hold {ref.checkpoint}.", hint=f"tfcli models lock {ref}")
    here = ref.checkpoint in starters() or is_local(ref.checkpoint)
    if here == ("revision" in entry):
        was = "of the Hub, and a folder here has its name" if here else "as a folder; there is none"
        raise UnsafeModelError(
            f"{FILE} holds {ref.checkpoint} {was}.", hint=f"tfcli models lock {ref}"
        )
    if not here:
        commit = str(entry["revision"])
        if not is_commit(commit):
            raise _broken(f"{ref.checkpoint} has no commit")
        if ref.revision is not None and not commit.startswith(ref.revision):
            raise UsageError(
                f"{FILE} holds {ref.checkpoint} at {commit[:7]}, not at {ref.revision}.",
                hint=f"tfcli models lock {ref}",
            )
        return replace(ref, revision=commit)
    now, known = entry_for(ref)["sha256"], entry.get("sha256")
    if not isinstance(known, dict):
        raise _broken(f"{ref.checkpoint} has neither a commit nor SHA-256")
    changed = sorted(name for name in now.keys() | known.keys() if now.get(name) != known.get(name))
    if changed:
        raise UnsafeModelError(
            f"{changed[0]} of {ref.checkpoint} is not the one that {FILE} holds.",
            hint=f"If the change is yours: tfcli models lock {ref}",
        )
    return ref


def _read() -> dict[str, Any]:
    try:
        content = json.loads(Path(FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(
            f"There is no {FILE} in this folder.", hint="tfcli models lock MODEL writes one."
        ) from None
    except (OSError, ValueError, RecursionError) as exc:
        raise _broken(str(exc)) from exc
    models = content.get("models") if isinstance(content, dict) else None
    if not isinstance(models, dict) or content.get("version") != _VERSION:
        raise _broken(f"it is not of version {_VERSION}")
    return models


def _broken(why: str) -> UsageError:
    return UsageError(f"{FILE} is broken: {why}.")
