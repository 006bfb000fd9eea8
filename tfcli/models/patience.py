"""How long huggingface_hub may wait for the Hub, and what it may say meanwhile.

It leaves some requests without any timeout, gives others a minute each for six times, and warns of
every retry. A command says once that something is wrong, and ends within minutes whatever happens.
"""

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from tfcli.errors import UsageError

T = TypeVar("T")

log = logging.getLogger("tfcli")

_SECONDS = 10
"""Without a byte for so long the Hub counts as silent; huggingface_hub's own default."""
_SECONDS_WITH_A_COPY = 3
_BARS = "HF_HUB_DISABLE_PROGRESS_BARS"


def patience(with_a_copy: bool = False) -> float:
    """How many seconds to wait for an answer: what HF_HUB_ETAG_TIMEOUT says, or else ours.

    Raises:
        UsageError: that, or HF_HUB_DOWNLOAD_TIMEOUT, is no number of seconds.
    """
    _seconds("HF_HUB_DOWNLOAD_TIMEOUT")
    return _seconds("HF_HUB_ETAG_TIMEOUT") or (_SECONDS_WITH_A_COPY if with_a_copy else _SECONDS)


def _seconds(variable: str) -> float:
    """What a variable says, 0 where it says nothing."""
    said = os.environ.get(variable) or "0"
    with suppress(ValueError):
        if 0 <= float(said) < threading.TIMEOUT_MAX:
            return float(said)
    raise UsageError(f"{variable} is no number of seconds: '{said}'.", hint=f"unset {variable}")


def within(seconds: float, call: Callable[[], T]) -> T:
    """What a call returns or raises; the timeouts of a request do not bound a silent name server.

    Raises:
        TimeoutError: nothing has come of it in time.
    """
    ended: SimpleQueue[tuple[T | None, Exception | None]] = SimpleQueue()

    def run() -> None:
        try:
            ended.put((call(), None))
        except Exception as exc:
            ended.put((None, exc))

    threading.Thread(target=run, daemon=True).start()
    try:
        result, failure = ended.get(timeout=seconds)
    except Empty:
        raise TimeoutError("timed out") from None
    if failure is not None:
        raise failure
    return result  # type: ignore[return-value]


@contextmanager
def tamed() -> Iterator[None]:
    """huggingface_hub as it suits a command: no telemetry, no endless wait, few words."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from huggingface_hub import get_session
    from huggingface_hub.utils.tqdm import disable_progress_bars

    if _BARS not in os.environ:
        disable_progress_bars()
    hooks: list[Any] = get_session().event_hooks["request"]
    if _hurry not in hooks:
        hooks.append(_hurry)
    logger = logging.getLogger("huggingface_hub")
    before, logger.handlers = logger.handlers, [_Retold()]
    try:
        yield
    finally:
        logger.handlers = before


def show_bars() -> None:
    """Let huggingface_hub draw how far a large file is, where somebody sees it."""
    from huggingface_hub.utils.tqdm import enable_progress_bars

    if sys.stderr.isatty() and log.isEnabledFor(logging.WARNING) and _BARS not in os.environ:
        enable_progress_bars()


def _hurry(request: Any) -> None:
    """Bound the waits of one request."""
    most = max(patience(), _seconds("HF_HUB_DOWNLOAD_TIMEOUT"))
    limits = request.extensions.get("timeout", {})
    for phase, seconds in limits.items():
        limits[phase] = most if seconds is None else min(seconds, most)


class _Retold(logging.Handler):
    """Says once that the Hub makes trouble, where huggingface_hub would say so each time."""

    def __init__(self) -> None:
        super().__init__()
        self.said = False

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        log.info("huggingface_hub: %s", text)
        if text.startswith("Rate limited"):
            log.warning("The Hub is asked too often from here. %s", text.partition(". ")[2])
        elif not self.said and ("Retrying in" in text or "Trying to resume" in text):
            self.said = True
            log.warning("The Hub does not answer as it should; trying again.")
