"""From the Hub: one question, then the files that loading reads, into the Hub's own cache.

huggingface_hub moves the bytes: locks, resumed transfers, Xet, the layout of the cache. Here is
what a command line needs besides: to ask once for each start, and not at all for a pinned commit;
to fetch the weights last, so that a model which has them is whole; never to wait without an end;
to fall back to what is cached. ``patience.py`` bounds the waits, ``trouble.py`` has the words for
what goes wrong.
"""

import logging
import os
import shlex
import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from tfcli.core.job import ModelRef
from tfcli.errors import ModelNotFoundError, TfcliError, UnsafeModelError, UsageError
from tfcli.models.cache import (
    cache_folder,
    is_commit,
    is_pinned,
    missing,
    repo_folder,
    snapshot,
    weights_of,
)
from tfcli.models.files import (
    ADAPTER,
    INDEX,
    PICKLES,
    READ_MB,
    WEIGHTS,
    foreign,
    ggufs,
    is_read,
    pickles,
    sha256,
)
from tfcli.models.patience import patience, show_bars, tamed, within
from tfcli.models.settings import broken, require_size
from tfcli.models.trouble import absent, download, in_words, no_space, passes

log = logging.getLogger("tfcli")

_WAITS = (1, 2)
"""Seconds before the question is asked again, when the Hub is in trouble."""
_UNCHECKED = ".unchecked"
"""Beside weights from before they are fetched until they are found to be the Hub's."""


def fetch(ref: ModelRef) -> Path:
    """The folder of a model of the Hub, fetched as far as it is not cached.

    Raises:
        ModelNotFoundError: not on the Hub, gated or private; not cached whole while offline.
        UnsafeModelError: its weights are pickles only; nothing is fetched.
        UsageError: HF_ENDPOINT is no address, HF_HUB_ETAG_TIMEOUT no number of seconds.
        TfcliError: the Hub, the connection or the disk fails, and no whole copy is here.
    """
    cached = snapshot(ref.checkpoint, ref.revision)
    if cached:
        _check_again(cached)
    whole = cached is not None and not missing(cached, ref.trust_remote_code)
    if cached and whole and (is_offline() or is_pinned(ref.revision, cached)):
        return cached
    if is_offline():
        raise absent(ref, cached, "the Hub was not asked (offline)")
    hub, seconds = _Hub(ref), patience(whole)
    with tamed():
        try:
            return hub.bring(hub.ask(ref.revision, seconds, () if whole else _WAITS))
        except UnsafeModelError:
            raise
        except TfcliError as exc:
            if not (cached and whole):
                raise
            log.warning("%s; the copy on this machine answers.", str(exc).rstrip("."))
            return cached


def is_offline() -> bool:
    """Whether the environment forbids the network, in the words that huggingface_hub reads."""
    said = os.environ.get("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE") or ""
    return said.upper() in ("1", "ON", "YES", "TRUE")


def endpoint() -> str:
    """The Hub's address: HF_ENDPOINT, or the one that everybody knows.

    Raises:
        UsageError: HF_ENDPOINT has no http:// or https:// in front.
    """
    address = os.environ.get("HF_ENDPOINT", "").rstrip("/") or "https://huggingface.co"
    if not address.startswith(("http://", "https://")):
        raise UsageError(
            f"HF_ENDPOINT is no address: '{address}'.",
            hint=f"export HF_ENDPOINT=https://{address.rpartition('://')[2]}",
        )
    return address


class _Hub:
    """The Hub, as far as one model goes."""

    def __init__(self, ref: ModelRef) -> None:
        self.ref = ref
        self.address = endpoint()
        self.files: dict[str, Any] = {}
        """What there is to know of each file, once one is to be fetched."""

    def ask(self, revision: str | None, timeout: float, waits: Sequence[float], **what: Any) -> Any:
        """What the Hub knows of the model: its commit, its files; asked again if it may help."""
        from huggingface_hub import HfApi

        def question() -> Any:
            hub, name = HfApi(self.address), self.ref.checkpoint
            return hub.model_info(name, revision=revision, timeout=timeout, **what)

        try:
            known = within(2 * timeout, question)
            if not is_commit(str(known.sha)):
                raise ValueError("no commit")
        except Exception as exc:
            if waits and passes(exc):
                log.info("%s: asked again in %g s", exc, waits[0])
                time.sleep(waits[0])
                return self.ask(revision, timeout, waits[1:], **what)
            raise in_words(exc, self.ref, self.address) from exc
        return known

    def bring(self, found: Any) -> Path:
        """Fetch what is not there yet, weights last; the folder."""
        folder = repo_folder(self.ref.checkpoint) / "snapshots" / str(found.sha)
        names = sorted(f.rfilename for f in found.siblings or () if "/" not in f.rfilename)
        _require_weights(self.ref, names)
        _check_again(folder)
        read = [name for name in names if is_read(name, self.ref.trust_remote_code)]
        if described := [name for name in read if not (folder / name).is_file()]:
            self._look_up(found.sha)
        for name in described:
            require_size(f"{name} of {self.ref}", self._size(name), READ_MB)
        pool = ThreadPoolExecutor(8)
        try:
            list(pool.map(lambda name: self.fetch(name, found.sha), described))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        weights = weights_of(folder, names)
        if not weights:
            raise broken(self.ref, f"its {INDEX} is broken")
        if lost := next((name for name in weights if name not in names), ""):
            raise broken(self.ref, f"the Hub has no {lost} of it")
        if wanting := [name for name in weights if not (folder / name).is_file()]:
            self._bring_weights(wanting, found.sha)
        _remember(self.ref, found.sha)
        return folder

    def _look_up(self, commit: str) -> None:
        """Ask for sizes and SHA-256 of the files; only once, it is a large answer."""
        if not self.files:
            known = self.ask(commit, patience(), _WAITS, files_metadata=True)
            self.files = {file.rfilename: file for file in known.siblings or ()}

    def _size(self, name: str) -> int:
        return int(getattr(self.files.get(name), "size", None) or 0)

    def _sha256(self, name: str) -> str:
        """Of what the Hub keeps as a large file; of others it knows none."""
        large = getattr(self.files.get(name), "lfs", None)
        return large.sha256 if large else ""

    def _here(self, name: str) -> int:
        """How many bytes of a large file are here: a blob without its link, or a part of it."""
        blob = repo_folder(self.ref.checkpoint) / "blobs" / (self._sha256(name) or "none")
        parts = (blob, blob.with_name(f"{blob.name}.incomplete"))
        return max(part.stat().st_size if part.is_file() else 0 for part in parts)

    def _bring_weights(self, names: list[str], commit: str) -> None:
        self._look_up(commit)
        size = sum(max(0, self._size(name) - self._here(name)) for name in names)
        log.info("%s: %.0f MB to fetch", self.ref, size / 1e6)
        if size > _free():
            raise no_space(self.ref, size, _free())
        show_bars()
        for name in names:
            path = self.fetch(name, commit, self._sha256(name))
            if not _is_sound(path):
                raise TfcliError(
                    f"{name} of {self.ref} did not arrive as the Hub has it.",
                    hint="Type the command again: it is fetched anew.",
                )

    def fetch(self, name: str, commit: str, digest: str = "") -> Path:
        """Fetch one file into the cache, with a mark beside it that says what it should be."""
        from huggingface_hub import hf_hub_download

        path = repo_folder(self.ref.checkpoint) / "snapshots" / commit / name
        try:
            if digest:
                path.with_name(path.name + _UNCHECKED).write_text(digest, encoding="ascii")
            return Path(
                hf_hub_download(
                    self.ref.checkpoint,
                    name,
                    revision=commit,
                    cache_dir=cache_folder(),
                    endpoint=self.address,
                    etag_timeout=patience(),
                )
            )
        except Exception as exc:
            raise in_words(exc, self.ref, self.address, name) from exc


def _require_weights(ref: ModelRef, names: list[str]) -> None:
    """Refuse before a byte is fetched what ``load`` would refuse afterwards."""
    if ADAPTER in names:
        raise UnsafeModelError(
            f"{ref} is an adapter: adapter_config.json names another model to load.",
            hint="Name a model that its adapter was merged into.",
        )
    if (files := ggufs(names)) and not any(n.endswith((".safetensors", *PICKLES)) for n in names):
        raise ModelNotFoundError(
            f"{ref} has no model.safetensors; its GGUF files are models each, taken by name.",
            hint=f"{download(ref, files[0])} --local-dir . — and then: -m {shlex.quote(files[0])}",
        )
    if "config.json" not in names:
        raise ModelNotFoundError(f"{ref} has no config.json: it holds no model that tfcli can run.")
    if WEIGHTS in names or INDEX in names:
        return
    if pickled := next(iter([*pickles(names), *foreign(names)]), ""):
        folder = ref.checkpoint.rpartition("/")[2]
        raise UnsafeModelError(
            f"{ref} has only {pickled}, which can run code when it is loaded; "
            "tfcli reads safetensors only.",
            hint=f"{download(ref)} --local-dir {folder} && tfcli models convert {folder}"
            if pickled.lower().endswith(PICKLES)
            else "Ask the model's author for model.safetensors.",
        )
    if not any(name.endswith(".safetensors") for name in names):  # config.json may name one
        raise ModelNotFoundError(f"{ref} has no model.safetensors.")


def _free() -> int:
    """Bytes that the disk of the cache has left."""
    folder = cache_folder().absolute()
    there = next(path for path in (folder, *folder.parents) if path.is_dir())
    return shutil.disk_usage(there).free


def _is_sound(path: Path) -> bool:
    """Whether a file is what the mark beside it says; else it is thrown away."""
    mark = path.with_name(path.name + _UNCHECKED)
    if not (mark.is_file() and path.is_file()):
        return True
    sound = sha256(path) == mark.read_text(encoding="ascii")
    if not sound:
        path.resolve().unlink(missing_ok=True)
        path.unlink(missing_ok=True)
    mark.unlink(missing_ok=True)
    return sound


def _check_again(folder: Path) -> None:
    """Check what a run had fetched that was killed before it had checked it."""
    with suppress(OSError):
        for mark in folder.glob(f"*{_UNCHECKED}"):
            _is_sound(mark.with_name(mark.name.removesuffix(_UNCHECKED)))


def _remember(ref: ModelRef, commit: str) -> None:
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
        beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        beside.write_text(commit, encoding="ascii")
        beside.replace(path)
