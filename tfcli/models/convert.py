"""Pickled weights to safetensors, in a child process that can do nothing else."""

import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tfcli import errors
from tfcli.core.job import ModelRef
from tfcli.errors import ModelNotFoundError, ResourceError, TfcliError, UsageError
from tfcli.models.files import (
    INDEX,
    PICKLED,
    PICKLED_INDEX,
    PICKLES,
    READ_MB,
    WEIGHTS,
    pickles,
    sha256,
)
from tfcli.models.settings import read_json, require_content
from tfcli.models.trust import file_names, indexed

_SECONDS, _BYTES_A_SECOND = 600, 4_000_000
"""The patience with a child: to start, and to read and write on the slowest disk there is."""
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "OMP_NUM_THREADS", "LANG")


def convert(folder: Path) -> list[dict[str, Any]]:
    """Write safetensors beside the pickles of a model; all of them, or none.

    Returns one record a file: ``file`` and ``output``, the ``sha256`` of both, ``tensors``,
    ``bytes``. The pickles stay where they are.

    Raises:
        UsageError: there is nothing to convert, or no telling what.
        UnsafeModelError: a pickle asks for more than tensors.
        ModelNotFoundError: there are no weights, or they are damaged.
        ResourceError: the memory is too small.
    """
    if not folder.is_dir():
        raise ModelNotFoundError(f"There is no folder {folder}.")
    index, sources = _sources(folder)
    _require_free(folder, [*sources.values(), *([INDEX] if index else [])])
    with tempfile.TemporaryDirectory(prefix=".converting-", dir=folder) as name:
        partial = Path(name)
        records = [_converted(folder / file, out, partial) for file, out in sources.items()]
        done = [*sources.values()]
        if index:  # last: it makes the others a model
            index["weight_map"] = _places(partial, done)
            done.append(INDEX)
            (partial / done[-1]).write_text(json.dumps(index, indent=2), encoding="utf-8")
        for out in done:
            (partial / out).replace(folder / out)
    return [{**record, "output": str(folder / record["output"])} for record in records]


def _sources(folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The index if there is one, and for each pickle the name of what it becomes."""
    names = file_names(folder)
    if there := next((name for name in (WEIGHTS, INDEX) if name in names), None):
        raise UsageError(
            f"{folder} has {there} already.",
            hint=f"It is ready: -m {shlex.quote(str(folder))}",
        )
    if PICKLED in names:
        return {}, {PICKLED: WEIGHTS}
    if PICKLED_INDEX in names:
        return _shards(folder, names)
    found = pickles(names)
    if not found:
        raise ModelNotFoundError(f"{folder} holds no pickled weights ({', '.join(PICKLES)}).")
    require_one(folder, found)
    return {}, {found[0]: WEIGHTS}


def require_one(model: Path | ModelRef, found: list[str]) -> None:
    """Refuse several pickles of which none has the usual name.

    Raises:
        UsageError: nobody can tell which of them has the weights.
    """
    if len(found) > 1:
        raise UsageError(
            f"{model} holds {len(found)} pickles, and none is {PICKLED}: {', '.join(found[:5])}.",
            hint=f"Rename the one with the weights to {PICKLED}.",
        )


def _require_free(folder: Path, outputs: list[str]) -> None:
    """Refuse to write over what somebody else has written."""
    if there := next((name for name in outputs if os.path.lexists(folder / name)), None):
        raise UsageError(
            f"{folder} has {there} already, which the conversion would overwrite.",
            hint="Move it elsewhere first.",
        )


def _shards(folder: Path, names: list[str]) -> tuple[dict[str, Any], dict[str, str]]:
    index = read_json(folder / PICKLED_INDEX, READ_MB)
    files = indexed(folder, names, PICKLED_INDEX, index, PICKLES)
    made = (f"model-{i:05}-of-{len(files):05}.safetensors" for i in range(1, len(files) + 1))
    return index, dict(zip(files, made, strict=True))


def _converted(source: Path, output: str, partial: Path) -> dict[str, Any]:
    require_content(source)
    digest = sha256(source)
    with tempfile.TemporaryDirectory(dir=partial) as name:
        answer = _unpickled(source, Path(name), digest)
        made = Path(name) / WEIGHTS
        made.replace(partial / output)
    return {
        "file": str(source),
        "output": output,
        "sha256": digest,
        "output_sha256": sha256(partial / output),
        "tensors": answer["tensors"],
        "bytes": (partial / output).stat().st_size,
    }


def _unpickled(source: Path, folder: Path, digest: str) -> dict[str, Any]:
    """What the child says; its errors are raised here. It inherits no secrets and no network."""
    most = _SECONDS + source.stat().st_size // _BYTES_A_SECOND
    try:
        child = subprocess.run(
            [
                *(sys.executable, "-I", "-B", "-m", "tfcli.models.unpickle"),
                *(str(source.absolute()), str(folder.absolute()), digest),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd=folder,
            env={
                **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
                "HOME": str(folder),
                "HF_HUB_OFFLINE": "1",
                "HF_HUB_DISABLE_TELEMETRY": "1",
            },
            timeout=most,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TfcliError(f"{source.name} was not converted within {most} seconds.") from None
    try:
        return _told(json.loads(child.stdout))
    except ValueError:
        if child.returncode == -9:  # so the system ends what fills the memory
            raise ResourceError(f"{source.name} does not fit into the memory.") from None
        said = child.stderr.decode(errors="replace").strip().splitlines() or [""]
        raise TfcliError(
            f"The conversion of {source.name} ended with status {child.returncode}. {said[-1]}"
        ) from None


def _told(answer: Any) -> dict[str, Any]:
    """The answer of a child that a pickle may have taken over: of what it names only errors."""
    match answer:
        case {"tensors": int()}:
            return {"tensors": answer["tensors"]}
        case {"error": str(name), "message": str(message)}:
            error = vars(errors).get(name)
            if isinstance(error, type) and issubclass(error, TfcliError):
                raise error(message)
            raise TfcliError(message)
    raise ValueError("no answer")


def _places(partial: Path, files: list[str]) -> dict[str, str]:
    """Which tensor lies in which file; tied ones are left out of all files but one."""
    from safetensors import safe_open

    places = {}
    for file in files:
        with safe_open(partial / file, framework="numpy") as opened:
            places.update(dict.fromkeys(opened.keys(), file))
    return places
