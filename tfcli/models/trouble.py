"""What goes wrong with the Hub, in words: what it was, and the next command to type."""

import difflib
import errno
import re
import shlex
from pathlib import Path
from typing import Any

from tfcli.core.job import ModelRef
from tfcli.errors import ModelNotFoundError, TfcliError, first_line
from tfcli.models.cache import cache_folder, cached_models, missing, repo_folder
from tfcli.models.registry import starters

_FULL = (errno.ENOSPC, errno.EDQUOT)
_SEARCH_PATIENCE = 3
"""Seconds that a search for near names may take; it is only a courtesy."""


def in_words(exc: Exception, ref: ModelRef, address: str, file: str = "") -> TfcliError:
    """The error to show for one of huggingface_hub's; ``file`` is what was being fetched."""
    from huggingface_hub import errors

    if isinstance(exc, errors.LocalEntryNotFoundError) and isinstance(exc.__cause__, Exception):
        exc = exc.__cause__  # what happened, under what huggingface_hub makes of it
    if isinstance(exc, errors.HfHubHTTPError):
        return _refused(exc, ref, address)
    if isinstance(exc, errors.HFValidationError):
        return ModelNotFoundError(f"'{ref.checkpoint}' is no name that the Hub takes.")
    number = exc.errno if isinstance(exc, OSError) else None
    if number in _FULL or "(os error 28)" in str(exc):  # the latter from Xet
        return no_space(ref)
    if isinstance(exc, OSError) and number:
        return TfcliError(f"Cannot write to {cache_folder()}: {exc.strerror}.", hint=_ELSEWHERE)
    if file:
        return TfcliError(
            f"The download of {ref} broke off at {file} ({_reason(exc)}).",
            hint="Type the command again: the files that have come whole are kept.",
        )
    if isinstance(exc, (errors.HTTPError, TimeoutError)):  # type: ignore[attr-defined]
        part = "whole " if repo_folder(ref.checkpoint).is_dir() else ""
        return ModelNotFoundError(
            f"{_hub(address)} cannot be reached ({_reason(exc)}).",
            hint=f"{ref} is not {part}on this machine. {_instead(ref)}",
        )
    return TfcliError(
        f"What answers at {shown(address)} is not the Hub ({_reason(exc)}).",
        hint="Look whether HF_ENDPOINT is right, and whether this network wants a login first.",
    )


def shown(text: str) -> str:
    """An address, or a message with one, without what stands before its @: that is a password."""
    return re.sub(r"(^|//)[^/\s]*@", r"\1…@", text)


def passes(exc: Exception) -> bool:
    """Whether asking again may help: the Hub itself says that it is in trouble."""
    from huggingface_hub.errors import HfHubHTTPError

    return isinstance(exc, HfHubHTTPError) and exc.response.status_code >= 500


def absent(ref: ModelRef, cached: Path | None, why: str) -> ModelNotFoundError:
    """A model of which nothing, or not everything, is on this machine."""
    if cached is None:
        return ModelNotFoundError(f"{ref} is not on this machine, and {why}.", hint=_instead(ref))
    lost = missing(cached, ref.trust_remote_code)
    return ModelNotFoundError(
        f"{ref} is not whole on this machine: there is no {lost}, and {why}.",
        hint=f"Type once online: {download(ref, lost)}",
    )


_ELSEWHERE = "Keep the Hub's models elsewhere: export HF_HOME=/a/folder/with/space"


def no_space(ref: ModelRef, size: int = 0, free: int = 0) -> TfcliError:
    """A model is larger than what the disk has left, both in bytes if they are known."""
    needs = f": it needs {_size(size)}, and {_size(free)} are free" if size else ""
    return TfcliError(f"No space for {ref} in {cache_folder()}{needs}.", hint=_ELSEWHERE)


def _refused(exc: Any, ref: ModelRef, address: str) -> TfcliError:
    """What the Hub says by a status; it hides private models behind 401 and 404."""
    from huggingface_hub import errors

    hub, status, headers = _hub(address), exc.response.status_code, exc.response.headers
    said = headers.get("X-Error-Message") or exc.response.reason_phrase
    page = f"{shown(address)}/{ref.checkpoint}"
    if isinstance(exc, errors.GatedRepoError):
        return ModelNotFoundError(
            f"{ref.checkpoint} is gated: its authors let you in once you accept their conditions.",
            hint=f"Accept them on {page}, then type: hf auth login",
        )
    if isinstance(exc, errors.RevisionNotFoundError):
        return ModelNotFoundError(
            f"{ref.checkpoint} has no revision '{ref.revision}'.",
            hint=f"Its revisions are on {page}/tree/main; {ref.checkpoint} alone is the newest.",
        )
    if isinstance(exc, errors.DisabledRepoError):
        return ModelNotFoundError(f"{hub} has disabled {ref.checkpoint}.")
    if "Invalid credentials" in said:
        return TfcliError(
            f"{hub} does not take your token.",
            hint="Type: hf auth login (a token in HF_TOKEN comes first; unset it).",
        )
    hidden = status in (401, 404) and not isinstance(exc, errors.EntryNotFoundError)
    if isinstance(exc, errors.RepositoryNotFoundError) or hidden:
        near = _near(ref.checkpoint, address)
        names = f"Did you mean {' or '.join(near)}?" if near else "Check the name."
        return ModelNotFoundError(
            f"{hub} has no model '{ref.checkpoint}' that you may read.",
            hint=f"{names} If it is private, type: hf auth login",
        )
    if status == 429:
        return TfcliError(
            f"{hub} is asked too often from here (429).",
            hint=f"Try again {_when(headers)}. With a token more is allowed: hf auth login",
        )
    if status >= 500:
        return TfcliError(f"{hub} is in trouble ({status} {said}).", f"Try again {_when(headers)}.")
    return TfcliError(f"{hub} did not give {ref}: {status} {said}.")


def _near(checkpoint: str, address: str) -> list[str]:
    """What the Hub has by such a name or such an author; the closest first, three at most."""
    from huggingface_hub import get_session

    if repo_folder(checkpoint).is_dir():
        return []  # the name was right once
    author, _, name = checkpoint.partition("/")
    found: list[str] = []
    try:
        for query in ({"search": name, "limit": "20"}, {"author": author, "limit": "200"}):
            url = f"{address}/api/models"
            answer = get_session().get(url, params=query, timeout=_SEARCH_PATIENCE)
            found += [str(model["id"]) for model in answer.json()]
    except Exception:  # whatever it is, it is not what the user asked for
        pass
    return difflib.get_close_matches(checkpoint, dict.fromkeys(found), n=3) or found[:3]


def _hub(address: str) -> str:
    return "The Hub" if address == "https://huggingface.co" else f"The Hub at {shown(address)}"


def _when(headers: Any) -> str:
    limits = re.search(r";\s*t\s*=\s*(\d+)", headers.get("ratelimit", ""))
    after = headers.get("Retry-After", "") or (limits[1] if limits else "")
    return f"in {after} seconds" if after.isdigit() else f"after {after}" if after else "later"


def _reason(exc: Exception) -> str:
    return shown(re.sub(r"^\[Errno -?\d+\] ", "", first_line(exc)).rstrip("."))


def _instead(ref: ModelRef) -> str:
    others = [name for name in cached_models() if name != ref.checkpoint]
    near = difflib.get_close_matches(ref.checkpoint, others, n=1)
    meant = f"Did you mean {near[0]}, which is cached? " if near else ""
    pull = shlex.join(["tfcli", "models", "pull", str(ref)])
    return f"{meant}Use a starter ({', '.join(starters())}), or type once online: {pull}"


def download(ref: ModelRef, file: str) -> str:
    """The command that brings one file of a model into the cache."""
    words = ["hf", "download", ref.checkpoint, file]
    return shlex.join([*words, "--revision", ref.revision] if ref.revision else words)


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
