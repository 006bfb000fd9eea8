"""From the Hub: one question, then the files that loading reads; what is cached is not fetched.

A command asks once for each start, and not at all for a pinned commit; it never waits without an
end, and falls back to what is cached. ``transfer.py`` brings the files, ``patience.py`` bounds the
waits, ``trouble.py`` has the words for what goes wrong.
"""

import logging
import os
from pathlib import Path

from tfcli.core.job import ModelRef
from tfcli.errors import TfcliError, UnsafeModelError
from tfcli.models.arrival import check_again
from tfcli.models.cache import is_pinned, missing, snapshot
from tfcli.models.offer import has_weights
from tfcli.models.patience import patience, tamed
from tfcli.models.transfer import WAITS, Seen, Transfer
from tfcli.models.trouble import absent

log = logging.getLogger("tfcli")


def fetch(ref: ModelRef, weights: bool = True) -> Path:
    """The folder of a model of the Hub, fetched as far as it is not cached.

    Without ``weights`` only what describes it need be there, the tokenizer among that.

    Raises:
        ModelNotFoundError: not on the Hub, gated or private; not cached whole while offline.
        UnsafeModelError: its weights are pickles only; nothing is fetched.
        UsageError: HF_ENDPOINT is no address, HF_HUB_ETAG_TIMEOUT no number of seconds.
        TfcliError: the Hub, the connection or the disk fails, and no whole copy is here.
    """
    cached = snapshot(ref.checkpoint, ref.revision)
    if cached:
        check_again(cached)
    lost = missing(cached, ref.trust_remote_code) if cached else "config.json"
    whole = not lost or (not weights and lost.endswith(".safetensors"))
    if cached and whole and (is_offline() or is_pinned(ref.revision, cached)):
        return cached
    if is_offline():
        raise absent(ref, cached, "the Hub was not asked (offline)")
    hub, seconds = Transfer(ref), patience(whole)
    with tamed():
        try:
            found = hub.ask(ref.revision, seconds, () if whole else WAITS)
            return hub.bring(found) if weights else hub.describe(found)
        except UnsafeModelError:
            raise
        except TfcliError as exc:
            if not (cached and whole):
                raise
            log.warning("%s; the copy on this machine answers.", str(exc).rstrip("."))
            return cached


def pull(ref: ModelRef) -> tuple[Path, bool]:
    """The folder of a model, of which the Hub was asked; and whether its weights were pickles.

    Of those safetensors were made beside them, as ``tfcli models convert`` does. Nothing is asked
    offline, or for a commit that is here.

    Raises:
        ModelNotFoundError: not on the Hub, gated or private; not cached whole while offline.
        UnsafeModelError: its weights are neither safetensors nor harmless pickles.
        TfcliError: the Hub, the connection or the disk fails.
    """
    cached = snapshot(ref.checkpoint, ref.revision)
    if cached:
        check_again(cached)
    if cached and not missing(cached):
        ready = has_weights([path.name for path in cached.iterdir()])
        if is_offline() or (ready and is_pinned(ref.revision, cached)):
            return cached, False
    if is_offline():
        raise absent(ref, cached, "the Hub was not asked (offline)")
    transfer = Transfer(ref)
    with tamed():
        found = transfer.ask(ref.revision, patience(), WAITS)
        return transfer.bring(found, pickled=True), transfer.converted


def look(ref: ModelRef) -> Seen:
    """What there is to see of a model without its weights: here if it is cached, else on the Hub.

    Raises:
        ModelNotFoundError: not on the Hub, gated or private; not cached while offline.
        TfcliError: the Hub or the connection fails.
    """
    cached = snapshot(ref.checkpoint, ref.revision)
    if cached and (is_offline() or not missing(cached)):
        return Seen(cached, whole=not missing(cached))
    if is_offline():
        raise absent(ref, cached, "the Hub was not asked (offline)")
    transfer = Transfer(ref)
    with tamed():
        return transfer.look(transfer.ask(ref.revision, patience(), WAITS, files_metadata=True))


def is_offline() -> bool:
    """Whether the environment forbids the network, in the words that huggingface_hub reads."""
    said = os.environ.get("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE") or ""
    return said.upper() in ("1", "ON", "YES", "TRUE")
