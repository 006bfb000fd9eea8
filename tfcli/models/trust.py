"""What is refused before anything of a model is loaded; docs/trust.md says it to users.

Nothing here needs torch. What is read here is read again by transformers, so the folder must not
change in between.
"""

import math
import shlex
import stat
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tfcli.errors import ModelNotFoundError, UnsafeModelError
from tfcli.models.expansion import require_bounded
from tfcli.models.files import (
    ADAPTER,
    DATA,
    READ_MB,
    SETTINGS,
    SETTINGS_MB,
    SPECIAL_TOKENS,
    TEMPLATES,
    TOKENIZERS,
    distributed,
    entry_of,
    foreign,
    ggufs,
    is_module,
    is_plain,
    is_read,
    pickles,
    places_in,
)
from tfcli.models.settings import (
    broken,
    read_json,
    require_content,
    require_no_code,
    require_own_code,
    require_own_words,
    require_small,
    require_special_tokens,
    require_tame,
)


@dataclass(frozen=True, slots=True)
class Weights:
    """What the headers of the weights say that they hold."""

    tensors: int
    elements: int
    dtypes: Mapping[str, int] = field(default_factory=dict, compare=False)
    """The elements of each dtype, by safetensors' name for it: ``F16``."""


@dataclass(frozen=True, slots=True)
class Source:
    """What transformers is to load, once it was looked through."""

    folder: Path
    weights: Weights
    arguments: Mapping[str, Any]
    """What every ``from_pretrained`` takes besides."""
    of_model: Mapping[str, Any] = field(default_factory=dict)
    """What only the model's takes."""
    settings: str = "config.json"
    """What the model is described by."""
    ends: tuple[int, ...] = ()
    """Tokens that end a text, where no ``generation_config.json`` says so."""


def require_safe(folder: Path, trust_remote_code: bool = False) -> Weights:
    """Look through a model's folder, run nothing, and return what its weights hold.

    ``trust_remote_code`` lets ``auto_map`` pass where it names files of the folder, nothing else.

    Raises:
        UnsafeModelError: reading it could run code, lead elsewhere, or fill the memory.
        ModelNotFoundError: it holds no model, or not a whole one.
    """
    names, config = require_settings(folder, trust_remote_code)
    return _held(folder, _files(folder, names, config))


def require_settings(
    folder: Path, trust_remote_code: bool = False
) -> tuple[list[str], dict[str, Any]]:
    """The same for all but the weights; the names of the folder's files, and its config.

    Raises:
        UnsafeModelError: reading it could run code, lead elsewhere, or fill the memory.
        ModelNotFoundError: it holds no model.
    """
    names = file_names(folder)
    if ADAPTER in names:
        raise UnsafeModelError(
            f"{folder} holds an adapter: adapter_config.json names another model to load.",
            hint="Merge the adapter into its model: peft's merge_and_unload, then save_pretrained.",
        )
    if "config.json" not in names:
        if ggufs(names):
            raise _to_be_named(folder, names)
        raise ModelNotFoundError(f"{folder} has no config.json: it holds no model.")
    config = _checked(folder, names, trust_remote_code)
    read = [folder / name for name in names if is_read(name, trust_remote_code)]
    for path in [*read, *nested(folder)]:
        require_small(path, READ_MB)
    return names, config


def file_names(folder: Path) -> list[str]:
    """The files in a model's folder, none of which is a door to somewhere else.

    Raises:
        UnsafeModelError: there is a link that leads out of the folder, or a device, or a pipe.
        ModelNotFoundError: there is a link to nothing.
    """
    names = []
    for path in sorted([*folder.iterdir(), *nested(folder)]):
        if path.is_symlink():
            _require_inside(path, folder)
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise UnsafeModelError(f"{path.name} is neither a file nor a folder.")
        if stat.S_ISREG(mode) and path.parent == folder:
            names.append(path.name)
    return names


def nested(folder: Path) -> list[Path]:
    """The files that are read of folders in a model's folder."""
    settings = folder.glob("*/config.json")
    modules = [path for path in settings if is_module(path.relative_to(folder).as_posix())]
    return [*folder.glob(f"{TEMPLATES}/*"), *modules]


def indexed(
    folder: Path, names: Iterable[str], name: str, index: Any, kinds: tuple[str, ...]
) -> list[str]:
    """The files that an index says the weights lie in: beside it, of these kinds, and there.

    Raises:
        ModelNotFoundError: it names none, or one that is missing.
        UnsafeModelError: it names another kind, or a place elsewhere.
    """
    places = places_in(index)
    if not places:
        raise broken(folder, f"{name} has no weight_map")
    for file in places.values():
        if not (is_plain(file) and file.endswith(kinds)):
            raise UnsafeModelError(f"{name} leads out of its folder, to {str(file)[:80]!r}.")
    files = sorted(set(places.values()))
    if missing := next((file for file in files if file not in names), None):
        raise broken(folder, f"{name} names {missing}, which is not there")
    return files


def _require_inside(link: Path, folder: Path) -> None:
    """A link stays in its folder; in the Hub's cache it leads to the blobs of its repository.

    Those may themselves be links into a store that all repositories share (Xet).
    """
    home = folder.resolve()
    repository = home.parent.parent
    cached = home.parent.name == "snapshots" and repository.name.startswith("models--")
    stores = [repository / "blobs", repository.parent / "blobs"] if cached else []
    try:
        target = link.resolve()
    except (OSError, RuntimeError):
        raise broken(folder, f"{link.name} is a link to itself") from None
    if not any(map(target.is_relative_to, (home, *stores))):
        raise UnsafeModelError(
            f"{link.name} is a link that leads out of {folder}.",
            hint="If that is meant, put the file itself there.",
        )
    if not target.exists():
        raise broken(folder, f"{link.name} is a link to a file that is not there")


def _checked(folder: Path, names: Iterable[str], trust_remote_code: bool) -> dict[str, Any]:
    """The config, after all the files were checked that steer how a model is loaded."""
    objects: dict[str, dict[str, Any]] = {}
    for name in names:
        is_setting, is_tokenizer = fnmatchcase(name, SETTINGS), fnmatchcase(name, TOKENIZERS)
        if name == DATA or not (is_setting or is_tokenizer or name == SPECIAL_TOKENS):
            continue
        most = SETTINGS_MB if is_setting else READ_MB
        content = read_json(folder / name, most, strict=is_tokenizer and not is_setting)
        if not isinstance(content, dict):
            raise broken(folder, f"{name} is not a JSON object")
        if name == SPECIAL_TOKENS:
            require_special_tokens(name, content)
        if is_setting:
            require_tame(name, content)
            objects[name] = content
        if is_tokenizer:
            _require_bounded(folder, name, content)
        if is_setting and is_tokenizer:
            require_own_words(name, content)
        if is_setting and trust_remote_code:
            require_own_code(name, content)
    if not trust_remote_code:
        require_no_code(objects["config.json"], objects.get("tokenizer_config.json", {}))
    return objects["config.json"]


def _require_bounded(folder: Path, name: str, content: dict[str, Any]) -> None:
    try:
        require_bounded(name, content)
    except (ValueError, TypeError, AttributeError, KeyError) as exc:
        raise broken(folder, f"{name} is not a tokenizer's") from exc


def _files(folder: Path, names: list[str], config: dict[str, Any]) -> list[str]:
    """The files that the weights lie in."""
    if shards := distributed(names):
        raise broken(folder, f"{shards[0]} is part of a distributed checkpoint")
    entry = entry_of(config, names)
    if not entry:
        raise _without_weights(folder, names)
    if not entry.endswith(".json"):
        return [entry]
    return indexed(folder, names, entry, read_json(folder / entry, READ_MB), (".safetensors",))


def _without_weights(folder: Path, names: list[str]) -> ModelNotFoundError | UnsafeModelError:
    pickled, others = pickles(names), foreign(names)
    if ggufs(names) and not pickled:
        return _to_be_named(folder, names)
    if not (pickled or others):
        return ModelNotFoundError(f"{folder} has no model.safetensors.")
    return UnsafeModelError(
        f"{[*pickled, *others][0]} can run code when it is loaded; tfcli reads safetensors only.",
        hint=f"tfcli models convert {shlex.quote(str(folder))}"
        if pickled
        else "Ask the model's author for model.safetensors.",
    )


def _to_be_named(folder: Path, names: list[str]) -> ModelNotFoundError:
    files = ggufs(names)
    return ModelNotFoundError(
        f"{folder} has no model.safetensors; its GGUF files are models each, taken by name.",
        hint=f"-m {shlex.quote(str(folder / files[0]))}",
    )


def _held(folder: Path, files: Iterable[str]) -> Weights:
    """Count what the headers declare; safetensors itself checks them against the files' sizes."""
    from safetensors import SafetensorError, safe_open

    tensors, dtypes = 0, Counter[str]()
    for file in files:
        require_content(folder / file)
        try:
            with safe_open(folder / file, framework="numpy") as opened:
                for name in opened.keys():  # noqa: SIM118 - it is no mapping
                    tensor = opened.get_slice(name)
                    tensors += 1
                    dtypes[tensor.get_dtype()] += math.prod(tensor.get_shape())
        except (SafetensorError, OSError) as exc:
            raise broken(folder, f"{file} is cut off or damaged ({exc})") from exc
    return Weights(tensors, dtypes.total(), dtypes)
