"""Pickled weights to safetensors, in a child process that can do nothing else."""

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tfcli import errors
from tfcli.errors import ModelNotFoundError, ResourceError, TfcliError, UnsafeModelError, UsageError
from tfcli.models.settings import broken, is_plain, read_json
from tfcli.models.trust import PICKLES, WEIGHTS, file_names

_ONE, _INDEX = "pytorch_model.bin", "pytorch_model.bin.index.json"
_OF_TRAINING = re.compile(r"(adapter|training_args|optimizer|scheduler|scaler|rng_state).*")
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
    with tempfile.TemporaryDirectory(prefix=".converting-", dir=folder) as name:
        partial = Path(name)
        records = [_converted(folder / file, out, partial) for file, out in sources.items()]
        done = [*sources.values()]
        if index:  # last: it makes the others a model
            index["weight_map"] = _places(partial, done)
            done.append("model.safetensors.index.json")
            (partial / done[-1]).write_text(json.dumps(index, indent=2), encoding="utf-8")
        for out in done:
            (partial / out).replace(folder / out)
    return [{**record, "output": str(folder / record["output"])} for record in records]


def _sources(folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The index if there is one, and for each pickle the name of what it becomes."""
    names = file_names(folder)
    if there := next((name for name in WEIGHTS if name in names), None):
        raise UsageError(f"{folder} has {there} already.", hint=f"tfcli sentiment -m {folder} TEXT")
    if _ONE in names:
        return {}, {_ONE: WEIGHTS[0]}
    if _INDEX in names:
        return _shards(folder, names)
    found = [n for n in names if n.endswith(PICKLES) and not _OF_TRAINING.fullmatch(n)]
    if not found:
        raise ModelNotFoundError(f"{folder} holds no pickled weights ({', '.join(PICKLES)}).")
    if len(found) > 1:
        raise UsageError(
            f"{folder} holds {len(found)} pickles, and none is {_ONE}: {', '.join(found[:5])}.",
            hint=f"Rename the one with the weights to {_ONE}.",
        )
    return {}, {found[0]: WEIGHTS[0]}


def _shards(folder: Path, names: list[str]) -> tuple[dict[str, Any], dict[str, str]]:
    index = read_json(folder / _INDEX, 128)
    places = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(places, dict) or not places:
        raise broken(folder, f"{_INDEX} has no weight_map")
    sources = {}
    for file in sorted(set(map(str, places.values()))):
        if not (is_plain(file) and file.endswith(PICKLES)):
            raise UnsafeModelError(f"{_INDEX} leads out of its folder, to {file[:80]!r}.")
        if file not in names:
            raise broken(folder, f"{_INDEX} names {file}, which is not there")
        stem = Path(file).stem.removeprefix("pytorch_")
        sources[file] = f"{stem}.safetensors"
    return index, sources


def _converted(source: Path, output: str, partial: Path) -> dict[str, Any]:
    digest = _sha256(source)
    with tempfile.TemporaryDirectory(dir=partial) as name:
        answer = _unpickled(source, Path(name), digest)
        made = Path(name) / WEIGHTS[0]
        made.replace(partial / output)
    return {
        "file": str(source),
        "output": output,
        "sha256": digest,
        "output_sha256": _sha256(partial / output),
        "tensors": answer["tensors"],
        "bytes": (partial / output).stat().st_size,
    }


def _unpickled(source: Path, folder: Path, digest: str) -> dict[str, Any]:
    """What the child says; its errors are raised here. It inherits no secrets and no network."""
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
        check=False,
    )
    try:
        answer: dict[str, Any] = json.loads(child.stdout)
    except ValueError:
        if child.returncode == -9:  # so the system ends what fills the memory
            raise ResourceError(f"{source.name} does not fit into the memory.") from None
        said = child.stderr.decode(errors="replace").strip().splitlines() or [""]
        raise TfcliError(
            f"The conversion of {source.name} ended with status {child.returncode}. {said[-1]}"
        ) from None
    if "error" in answer:
        error: type[TfcliError] = getattr(errors, answer["error"])
        raise error(answer["message"])
    return answer


def _places(partial: Path, files: list[str]) -> dict[str, str]:
    """Which tensor lies in which file; tied ones are left out of all files but one."""
    from safetensors import safe_open

    places = {}
    for file in files:
        with safe_open(partial / file, framework="numpy") as opened:
            places.update(dict.fromkeys(opened.keys(), file))
    return places


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
