"""One model of the Hub on its way into the Hub's own cache.

huggingface_hub moves the bytes: locks, resumed transfers, Xet, the layout of the cache. Here is
what a command line needs besides: to fetch the weights last, so that a model which has them is
whole, to know before that there is room for them, and to check what has arrived.
"""

import logging
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from tfcli.core.job import ModelRef
from tfcli.errors import TfcliError, UnsafeModelError, UsageError, first_line
from tfcli.models.arrival import check_again, free_space, is_sound, mark, remember
from tfcli.models.cache import cache_folder, is_commit, repo_folder, snapshot, weights_of
from tfcli.models.files import (
    INDEX,
    PICKLED,
    PICKLED_INDEX,
    READ_MB,
    is_read,
    pickles,
    places_in,
)
from tfcli.models.offer import (
    has_weights,
    is_converted,
    names_in,
    require_model,
    require_weights,
)
from tfcli.models.patience import patience, show_bars, within
from tfcli.models.settings import broken, read_json, require_size
from tfcli.models.trouble import in_words, no_space, passes, shown

log = logging.getLogger("tfcli")

WAITS = (1, 2)
"""Seconds before the question is asked again, when the Hub is in trouble."""


def endpoint() -> str:
    """The Hub's address: HF_ENDPOINT, or the one that everybody knows.

    Raises:
        UsageError: HF_ENDPOINT has no http:// or https:// in front.
    """
    address = os.environ.get("HF_ENDPOINT", "").rstrip("/") or "https://huggingface.co"
    if not address.startswith(("http://", "https://")):
        raise UsageError(
            f"HF_ENDPOINT is no address: '{shown(address)}'.",
            hint=f"export HF_ENDPOINT=https://{shown(address.rpartition('://')[2])}",
        )
    return address


class Seen(NamedTuple):
    """A model as far as it can be seen without its weights."""

    folder: Path
    """Config, tokenizer and the like; the weights, too, if it is whole."""
    whole: bool
    files: dict[str, int] | None = None
    """All that the Hub has of it, in bytes."""
    elements: dict[str, int] | None = None
    """The numbers of each dtype, by safetensors' name for it."""
    refused: str | None = None
    """Why its weights would not be fetched."""


class Transfer:
    """The Hub, as far as one model goes."""

    def __init__(self, ref: ModelRef) -> None:
        self.ref = ref
        self.address = endpoint()
        self.files: dict[str, Any] = {}
        """What there is to know of each file, once one is to be fetched."""
        self.converted = False
        """Whether safetensors were made of pickles."""

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
                log.info("%s: asked again in %g s", shown(str(exc)), waits[0])
                time.sleep(waits[0])
                return self.ask(revision, timeout, waits[1:], **what)
            raise in_words(exc, self.ref, self.address) from exc
        return known

    def bring(self, found: Any, pickled: bool = False) -> Path:
        """Fetch what is not there yet, weights last; the folder.

        ``pickled`` lets pickles come where there are no safetensors, and makes some of them; those
        that were made once are taken.
        """
        names = names_in(found)
        pickled = pickled or is_converted(self._folder(found.sha))
        pickled = pickled and bool(pickles(names)) and not has_weights(names)
        require_model(self.ref, names)
        if not pickled:
            require_weights(self.ref, names)
        folder = self._describe(found, names)
        if pickled:
            self._bring_pickles(folder, names, found.sha)
            remember(self.ref, found.sha)
            return folder
        weights = weights_of(folder, names)
        if not weights:
            raise broken(self.ref, f"its {INDEX} is broken")
        if lost := next((name for name in weights if name not in names), ""):
            raise broken(self.ref, f"the Hub has no {lost} of it")
        if wanting := [name for name in weights if not (folder / name).is_file()]:
            self._bring_weights(wanting, found.sha)
        remember(self.ref, found.sha)
        return folder

    def describe(self, found: Any) -> Path:
        """Fetch what describes the model, and note its commit if none was known; the folder."""
        names = names_in(found)
        require_model(self.ref, names)
        folder = self._describe(found, names)
        if snapshot(self.ref.checkpoint, self.ref.revision) is None:
            remember(self.ref, found.sha)  # in the place of a whole one it would hide that
        return folder

    def look(self, found: Any) -> Seen:
        """Fetch what describes the model, and of its weights the heads alone."""
        names = names_in(found)
        self.files = {file.rfilename: file for file in found.siblings or ()}
        refused = None
        try:
            require_model(self.ref, names)
            require_weights(self.ref, names)
        except UnsafeModelError as exc:
            refused = f"{exc} (status {exc.status})"
        folder = self._describe(found, names)
        sizes = {name: self._size(name) for name in names}
        return Seen(folder, False, sizes, self._declared(found.sha), refused)

    def _declared(self, commit: str) -> dict[str, int] | None:
        """How many numbers of each dtype the weights have, as their heads say."""
        from huggingface_hub import HfApi

        def heads() -> Any:
            return HfApi(self.address).get_safetensors_metadata(
                self.ref.checkpoint, revision=commit
            )

        try:
            return dict(within(4 * patience(), heads).parameter_count)
        except Exception as exc:  # no safetensors, or broken ones: the rest is worth telling
            log.info("no heads of %s: %s", self.ref, shown(first_line(exc)))
            return None

    def _describe(self, found: Any, names: list[str]) -> Path:
        """Fetch what loading reads, weights apart; the folder."""
        folder = self._folder(found.sha)
        check_again(folder)
        read = [name for name in names if is_read(name, self.ref.trust_remote_code)]
        if described := [name for name in read if not (folder / name).is_file()]:
            self._look_up(found.sha)
        for name in described:
            require_size(f"{name} of {self.ref}", self._size(name), READ_MB)
        pool = ThreadPoolExecutor(8)
        try:
            list(pool.map(lambda name: self._fetch_sound(name, found.sha), described))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        return folder

    def _bring_pickles(self, folder: Path, names: list[str], commit: str) -> None:
        """Fetch the pickles that hold the weights, and make safetensors of them; only once."""
        from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]

        from tfcli.models.convert import convert, require_one

        if is_converted(folder):
            return
        if PICKLED in names:
            wanted = [PICKLED]
        elif PICKLED_INDEX in names:
            self._look_up(commit)
            require_size(f"{PICKLED_INDEX} of {self.ref}", self._size(PICKLED_INDEX), READ_MB)
            index = read_json(self._fetch_sound(PICKLED_INDEX, commit), READ_MB)
            wanted = sorted({str(place) for place in places_in(index).values()} & set(names))
        else:
            wanted = pickles(names)
            require_one(self.ref, wanted)
        self._bring_weights([n for n in wanted if not (folder / n).is_file()], commit, wanted)
        lock = cache_folder() / ".locks" / repo_folder(self.ref.checkpoint).name / f"{commit}.lock"
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            with WeakFileLock(lock):
                if not is_converted(folder):  # by another run meanwhile
                    convert(folder)
                    self.converted = True
        except OSError as exc:
            raise in_words(exc, self.ref, self.address) from exc

    def _folder(self, commit: str) -> Path:
        return repo_folder(self.ref.checkpoint) / "snapshots" / str(commit)

    def _look_up(self, commit: str) -> None:
        """Ask for sizes and SHA-256 of the files; only once, it is a large answer."""
        if not self.files:
            known = self.ask(commit, patience(), WAITS, files_metadata=True)
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

    def _bring_weights(self, names: list[str], commit: str, converted: Sequence[str] = ()) -> None:
        """Fetch large files, if there is room for them and for what is made of some."""
        self._look_up(commit)
        size = sum(max(0, self._size(name) - self._here(name)) for name in names)
        log.info("%s: %.0f MB to fetch", self.ref, size / 1e6)
        size += sum(map(self._size, converted))
        if size > free_space():
            raise no_space(self.ref, size, free_space())
        show_bars()
        for name in names:
            self._fetch_sound(name, commit)

    def _fetch_sound(self, name: str, commit: str) -> Path:
        """Fetch one file, and check it if the Hub keeps it as a large one."""
        path = self.fetch(name, commit, self._sha256(name))
        if not is_sound(path):
            raise TfcliError(
                f"{name} of {self.ref} did not arrive as the Hub has it.",
                hint="Type the command again: it is fetched anew.",
            )
        return path

    def fetch(self, name: str, commit: str, digest: str = "") -> Path:
        """Fetch one file into the cache, with a mark beside it that says what it should be."""
        from huggingface_hub import hf_hub_download

        path = self._folder(commit) / name
        try:
            if digest:
                mark(path, digest)
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
