"""The Hub's cache on this machine: which models lie there, at which commits, which are whole.

Everything here reads folders only. huggingface_hub takes 0.3 s to import, and a shell that
completes a name need not wait for it.
"""

import json
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from tfcli.models.files import (
    INDEX,
    WEIGHTS,
    entry_of,
    foreign,
    ggufs,
    is_read,
    is_vocabulary,
    pickles,
    places_in,
)

_TOKENIZER = "tokenizer_config"
_COMMIT = re.compile(r"[0-9a-f]{7,40}")


def cache_folder() -> Path:
    """Where the Hub's models are kept: what huggingface_hub reads from the environment."""
    named = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    return _expanded(named) if named else _home() / "hub"


def token_file() -> Path:
    """Where the Hub's token is kept, if there is one: beside the cache only where that is usual."""
    named = os.environ.get("HF_TOKEN_PATH")
    return _expanded(named) if named else _home() / "token"


def _home() -> Path:
    """The folder of all that is huggingface_hub's."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return _expanded(os.environ.get("HF_HOME") or f"{base}/huggingface")


def _expanded(named: str) -> Path:
    return Path(os.path.expandvars(named)).expanduser()


def repo_folder(checkpoint: str) -> Path:
    """Where all that is cached of a model lies: blobs, refs, snapshots."""
    return cache_folder() / f"models--{checkpoint.replace('/', '--')}"


def cached_models() -> list[str]:
    """The ids of the models that are cached, whole or not."""
    try:
        folders = [f.parents[2].name for f in cache_folder().glob("*/snapshots/*/config.json")]
    except OSError:
        return []
    return sorted({name[8:].replace("--", "/") for name in folders if name.count("--") == 2})


def snapshot(checkpoint: str, revision: str | None) -> Path | None:
    """The folder of a branch or tag as last seen, of a commit, or of a commit's first digits."""
    repo = repo_folder(checkpoint)
    commit = revision or "main"
    with suppress(OSError, ValueError):
        commit = (repo / "refs" / commit).read_text(encoding="ascii").strip()
    if not _COMMIT.fullmatch(commit):
        return None
    found = [folder for folder in (repo / "snapshots").glob(f"{commit}*") if folder.is_dir()]
    return found[0] if len(found) == 1 else None


def commit_of(folder: Path) -> str | None:
    """The commit whose snapshot a folder is, if it is one of a cache."""
    return folder.name if folder.parent.name == "snapshots" and is_commit(folder.name) else None


def is_commit(text: str) -> bool:
    """Whether this is the whole name of a commit."""
    return len(text) == 40 and bool(_COMMIT.fullmatch(text))


def is_pinned(revision: str | None, folder: Path) -> bool:
    """Whether a revision is this snapshot's own commit, or its first digits: it never moves."""
    return bool(_COMMIT.fullmatch(revision or "")) and folder.name.startswith(revision or "")


def missing(folder: Path, trust_remote_code: bool = False) -> str:
    """The name of a file that loading would look for in vain; empty if the model is whole.

    Where the model's own code is trusted, it belongs to it.

    Of the tokenizers' many files one is enough: weights are fetched after all else. Pickles are
    passed, and GGUF files: ``load`` has its own words for them.
    """
    if not (folder / "config.json").is_file():
        return "config.json"
    names = [path.name for path in folder.iterdir()]
    for name in names:
        if (is_read(name) or name == WEIGHTS) and not (folder / name).is_file():
            return name  # a link to a blob that has gone
    if not any(map(is_vocabulary, names)):
        return "tokenizer.json"
    for module in _code(folder) if trust_remote_code else ():
        if not (folder / module).is_file():
            return module
    weights = weights_of(folder, names)
    lost = next((n for n in weights if not (folder / n).is_file()), "" if weights else INDEX)
    return "" if lost == WEIGHTS and (pickles(names) or foreign(names) or ggufs(names)) else lost


def is_described(folder: Path) -> bool:
    """Whether of a model the weights alone were never fetched, as after a look at it."""
    began = any(path.suffix == ".safetensors" for path in folder.iterdir())
    return not began and missing(folder).endswith(".safetensors")


def _code(folder: Path) -> list[str]:
    """The modules of the model's own that its settings name; some name another repository's."""
    maps = [_read(folder / f"{name}.json").get("auto_map") for name in ("config", _TOKENIZER)]
    named = [name for one in maps if isinstance(one, dict) for name in one.values()]
    classes = [str(c) for name in named for c in (name if isinstance(name, list) else [name]) if c]
    return [f"{name.rpartition('.')[0]}.py" for name in classes if "--" not in name]


def weights_of(folder: Path, names: list[str]) -> list[str]:
    """The files of a model's weights, of those that it has; none if its index is broken.

    The folder holds the config and the index; ``names`` may be all that the Hub has.
    """
    config = _read(folder / "config.json")
    entry = entry_of(config, names) or str(config.get("transformers_weights") or WEIGHTS)
    if not entry.endswith(".json"):
        return [Path(entry).name]
    places = places_in(_read(folder / Path(entry).name))
    return sorted({Path(str(place)).name for place in places.values()})


def _read(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}
