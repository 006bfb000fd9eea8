"""What lies in the Hub's cache, by huggingface_hub's own scan; whether it is sound; what goes."""

import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from tfcli.errors import ModelNotFoundError, TfcliError, UnsafeModelError
from tfcli.models.cache import cache_folder, missing, repo_folder
from tfcli.models.files import PICKLES, WEIGHTS, is_read, sha256
from tfcli.models.gguf import opened
from tfcli.models.registry import Starter
from tfcli.models.trust import nested, require_safe, require_settings


class Cached(NamedTuple):
    """One revision of a model in the cache."""

    model: str
    revision: str
    refs: tuple[str, ...]
    """The branches and tags that mean it, as last seen."""
    folder: Path
    bytes: int
    last_used: datetime
    missing: str
    """A file that it lacks; empty if it is whole."""


def stock() -> tuple[list[Cached], list[str]]:
    """The cached revisions of models, by name; and what in the cache is broken, in words."""
    scan = _scan()
    if scan is None:
        return [], []
    found = [
        Cached(
            repo.repo_id,
            one.commit_hash,
            tuple(sorted(one.refs)),
            one.snapshot_path,
            one.size_on_disk,
            datetime.fromtimestamp(repo.last_accessed, UTC),
            missing(one.snapshot_path),
        )
        for repo in scan.repos
        if repo.repo_type == "model"
        for one in repo.revisions
    ]
    passed = _passed_over({one.model for one in found})
    told = {str(one.folder.parents[1]) for one in passed}
    warnings = [str(warning) for warning in scan.warnings]
    return sorted(found + passed), [w for w in warnings if not any(repo in w for repo in told)]


def named(names: Sequence[str]) -> list[Cached]:
    """Those of these names, ``org/name`` or ``org/name@revision``.

    Raises:
        ModelNotFoundError: one is not cached.
    """
    held, _ = stock()
    chosen: list[Cached] = []
    for name in names:
        found = [one for one in held if is_called(one, name)]
        if not found:
            raise ModelNotFoundError(
                f"{name} is not in the cache.", hint="What is there: tfcli models cached"
            )
        chosen += [one for one in found if one not in chosen]
    return chosen


def is_called(one: Cached, name: str) -> bool:
    """Whether this is what ``org/name`` or ``org/name@revision`` means."""
    model, _, revision = name.partition("@")
    known = not revision or revision in one.refs or one.revision.startswith(revision)
    return one.model == model and known


def remove(chosen: Sequence[Cached]) -> int:
    """Delete revisions, and the blobs that no other revision has; the bytes that are free now.

    Raises:
        TfcliError: the cache cannot be written to.
    """
    try:
        return sum(
            _removed(repo_folder(model), {one.revision for one in chosen if one.model == model})
            for model in dict.fromkeys(one.model for one in chosen)
        )
    except OSError as exc:
        raise TfcliError(
            f"Cannot delete {exc.filename or cache_folder()}: the cache is not yours to write to."
        ) from exc


def damage(folder: Path) -> Iterator[str]:
    """What is wrong with the files of a snapshot: each has a name that its content decides."""
    for path in sorted([*folder.iterdir(), *nested(folder)]):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() and not path.exists():
            yield f"{name} is missing"
        elif not path.is_file():
            continue
        elif path.is_symlink() and not _is_called_rightly(path):
            yield f"{name} is not as the Hub has it"
        elif path.suffix == ".safetensors" and not path.is_symlink() and (made_of := _source(path)):
            pickles = [p for p in folder.iterdir() if p.suffix in PICKLES and p.is_file()]
            if pickles and made_of not in map(sha256, pickles):
                yield f"{name} was made of another file than is here"


def starter_damage(starter: Starter) -> Iterator[str]:
    """What is wrong with a bundled model."""
    weights = starter.folder / WEIGHTS
    if not weights.is_file():
        yield f"{WEIGHTS} is missing"
    elif sha256(weights) != starter.sha256:
        yield f"{WEIGHTS} is not the one that came with tfcli"


def refusal(place: Path, weights: bool = True) -> TfcliError | None:
    """Why a folder, or a GGUF file, would be refused as a model, if it would be.

    Without ``weights`` only what describes it need be there.
    """
    try:
        if not weights:
            require_settings(place)
        elif place.is_dir():
            require_safe(place)
        else:
            with opened(place):
                pass
    except (UnsafeModelError, ModelNotFoundError) as exc:
        return exc
    return None


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file of a folder that loading reads, the model's own code with them."""
    names = (path.name for path in folder.iterdir())
    read = [folder / n for n in names if is_read(n, True) or n.endswith(".safetensors")]
    files = sorted(path for path in [*read, *nested(folder)] if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path) for path in files}


def _scan() -> Any:
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        return scan_cache_dir(cache_folder())
    except (CacheNotFound, ValueError):  # the latter where a file has its name
        return None


def _passed_over(known: set[str]) -> list[Cached]:
    """The revisions of models that the scan leaves out: a link or a ref of theirs leads nowhere."""
    found = []
    for folder in cache_folder().glob("models--*/snapshots/*/"):
        repo = folder.parents[1]
        model = repo.name.removeprefix("models--").replace("--", "/")
        if model in known:
            continue
        files = [path.stat() for path in folder.rglob("*") if path.is_file()] or [folder.stat()]
        refs = tuple(ref for ref, commit in _refs(repo).items() if commit == folder.name)
        size, used = sum(one.st_size for one in files), max(one.st_atime for one in files)
        last = datetime.fromtimestamp(used, UTC)
        found.append(Cached(model, folder.name, refs, folder, size, last, missing(folder)))
    return found


def _refs(repo: Path) -> dict[str, str]:
    """The branches and tags of a model, as last seen, and their commits."""
    files = [path for path in sorted((repo / "refs").rglob("*")) if path.is_file()]
    return {p.relative_to(repo / "refs").as_posix(): p.read_text(errors="replace") for p in files}


def _removed(repo: Path, commits: set[str]) -> int:
    """Delete snapshots of a model, and what is of them alone; the bytes that are free now.

    huggingface_hub deletes nothing of a model of which any revision is damaged.
    """
    folders = [path for path in (repo / "snapshots").iterdir() if path.is_dir()]
    going = [folder for folder in folders if folder.name in commits]
    staying = [folder for folder in folders if folder.name not in commits]
    own = _content(repo, going) - _content(repo, staying)
    freed = sum(path.stat().st_size for path in own if path.is_file())
    if not staying:
        shutil.rmtree(repo)
        return freed
    for folder in going:
        shutil.rmtree(folder)
    for path in own:
        path.unlink(missing_ok=True)
    for ref, commit in _refs(repo).items():
        if commit in commits:
            (repo / "refs" / ref).unlink()
    return freed


def _content(repo: Path, snapshots: list[Path]) -> set[Path]:
    """The files that snapshots hold or link to, as far as they are the model's."""
    files = [path for folder in snapshots for path in folder.rglob("*") if not path.is_dir()]
    found = {Path(os.path.realpath(path)) for path in files}  # of links in a circle, too
    return {path for path in found if repo.resolve() in path.parents}


def _is_called_rightly(path: Path) -> bool:
    """A blob is called by its SHA-256 if it is large, else by git's SHA-1; Xet's may differ."""
    name = path.resolve().name
    if re.fullmatch(r"[0-9a-f]{64}", name):
        return sha256(path) == name
    if re.fullmatch(r"[0-9a-f]{40}", name):
        content = path.read_bytes()
        return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest() == name
    return True


def _source(weights: Path) -> str | None:
    """The SHA-256 of the pickle that safetensors were made of, as they say themselves."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(weights, framework="numpy") as opened:
            return (opened.metadata() or {}).get("source_sha256")
    except (SafetensorError, OSError):
        return None
