"""The child process of ``tfcli models convert``: one pickle in, one safetensors file out.

What keeps a hostile pickle from acting is ``weights_only=True``: torch's unpickler knows tensors
and plain containers and calls nothing else. All the rest here is a second fence, should that one
have a hole: no network, no secrets in the environment, no programs, no files opened for writing.
"""

import ctypes
import json
import os
import pickle
import re
import sys
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from tfcli.errors import (
    ModelNotFoundError,
    ResourceError,
    TfcliError,
    UnsafeModelError,
    first_line,
)
from tfcli.models.memory import available, out_of_memory

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000  # CLONE_NEWUSER, CLONE_NEWNET of linux/sched.h
_SLACK = 64 << 20
_BEGINNINGS = (b"\x80", b"P", b"(", b"c", b"d", b"]", b"}", b"l")
"""Of pickles: protocol 2 and later, a zip, and what stands first in protocols 0 and 1."""
_FORBIDDEN = (
    *("socket.", "subprocess.", "ctypes.", "pty.", "shutil.", "urllib.", "ftplib.", "http."),
    *("os.system", "os.exec", "os.spawn", "os.posix_spawn", "os.fork", "os.kill", "os.putenv"),
    *("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate"),
    *("os.chmod", "os.chown", "os.setxattr", "tempfile."),
)


def main(source: Path, folder: Path, sha256: str) -> dict[str, Any]:
    """Write the tensors of ``source`` to ``folder/model.safetensors``; say what they were.

    Raises:
        UnsafeModelError: the pickle asks for more than tensors, or unpacks to far more than it is.
        ModelNotFoundError: it is damaged, or holds no weights.
        ResourceError: it does not fit into the memory.
    """
    _require_pickle(source)
    _require_no_bomb(source)
    _leave_the_network()
    import torch
    from huggingface_hub import save_torch_state_dict

    _limit_memory()
    sys.addaudithook(_fence)
    try:
        weights = _tensors(torch.load(source, map_location="cpu", weights_only=True), source)
        origin = {"converted_by": "tfcli models convert", "converted_from": source.name}
        save_torch_state_dict(
            weights,
            folder,
            filename_pattern="model{suffix}.safetensors",
            max_shard_size=1 << 62,  # one file
            metadata={**origin, "source_sha256": sha256},
        )
    except TfcliError:
        raise
    except pickle.UnpicklingError as exc:
        asked = re.search(r"GLOBAL (\S+)", str(exc))
        more = f"asks for {asked[1]}" if asked else "is not a pickle of tensors alone"
        raise UnsafeModelError(f"{source.name} {more}; nothing of it was run.") from exc
    except Exception as exc:
        if out_of_memory(exc):
            raise ResourceError(f"{source.name} does not fit into the memory.") from exc
        said = first_line(exc)
        raise ModelNotFoundError(f"{source.name} cannot be converted: {said}") from exc
    return {"tensors": len(weights)}


def _tensors(content: Any, source: Path) -> dict[str, Any]:
    """The tensors by name; Lightning keeps them one level down."""
    import torch

    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not (isinstance(content, dict) and content):
        raise ModelNotFoundError(f"{source.name} holds no weights by name.")
    distinct = {}
    for name, value in content.items():
        if not (isinstance(name, str) and isinstance(value, torch.Tensor)):
            raise ModelNotFoundError(f"{source.name} holds more than weights: {str(name)[:80]!r}.")
        if value.layout is not torch.strided or value.is_quantized or value.is_meta:
            raise ModelNotFoundError(
                f"{source.name} holds a tensor of another kind: {name[:80]!r}."
            )
        key = (value.data_ptr(), value.dtype, value.shape, value.stride())
        distinct[key] = value.numel() * value.element_size()
    if sum(distinct.values()) > source.stat().st_size + _SLACK:
        raise _bomb(source)
    return dict(content)


def _require_pickle(source: Path) -> None:
    """Tell what was damaged, or never was a pickle, from what is hostile."""
    with source.open("rb") as file:
        if file.read(1) not in _BEGINNINGS:
            raise ModelNotFoundError(f"{source.name} is no pickle.")


def _require_no_bomb(source: Path) -> None:
    """Refuse a zip whose parts unpack to more than the file has; torch writes them unpacked."""
    with suppress(zipfile.BadZipFile, NotImplementedError), zipfile.ZipFile(source) as parts:
        if sum(part.file_size for part in parts.infolist()) > source.stat().st_size + _SLACK:
            raise _bomb(source)


def _bomb(source: Path) -> UnsafeModelError:
    return UnsafeModelError(f"{source.name} unpacks to far more than it is.")


def _leave_the_network() -> None:
    """Enter an empty network, on Linux and where the system lets us."""
    for flags in (_NEW_NETWORK, _NEW_NETWORK | _NEW_USER):
        with suppress(OSError, AttributeError):
            if ctypes.CDLL(None).unshare(flags) == 0:
                return


def _limit_memory() -> None:
    """Fail with an error of our own before the system starts to kill."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        if (left := available()) is not None:
            resource.setrlimit(resource.RLIMIT_DATA, (left, left))


def _fence(event: str, args: tuple[Any, ...]) -> None:
    writes = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    opens = event == "open" and isinstance(args[2], int) and bool(args[2] & writes)
    if opens or event.startswith(_FORBIDDEN):
        raise UnsafeModelError(f"The pickle tried to act ({event} {args!r:.80}) and was stopped.")


if __name__ == "__main__":
    answer: dict[str, Any]
    try:
        answer = main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
    except TfcliError as error:
        answer = {"error": type(error).__name__, "message": str(error)}
    sys.stdout.write(json.dumps(answer) + "\n")
