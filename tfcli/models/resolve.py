"""From a name to where a model lies: starter, folder, GGUF file, cache or Hub."""

import difflib
import os
import tomllib
from pathlib import Path

from tfcli.core.job import ModelRef
from tfcli.errors import ModelNotFoundError, UsageError
from tfcli.models.ablation import parts
from tfcli.models.cache import cached_models
from tfcli.models.files import is_gguf
from tfcli.models.hub import fetch
from tfcli.models.registry import starter_for, starters


def model_name(task: str, given: str | None) -> str:
    """Which model a task uses: the one given, else the environment's, the config file's, a starter.

    Raises:
        UsageError: the config file is broken.
        ModelNotFoundError: nothing names a model for this task.
    """
    if given is not None:
        return given
    # No shell expands a ~ in these two.
    variable = os.environ.get(f"TFCLI_MODEL_{task.upper().replace('-', '_')}")
    if chosen := variable or _configured(task):
        return str(Path(chosen).expanduser()) if chosen.startswith("~") else chosen
    starter = starter_for(task)
    if starter is None:
        raise ModelNotFoundError(f"No model for {task} comes with tfcli.", hint="Name one with -m.")
    return starter.name


def model_ref(
    name: str,
    dtype: str = "auto",
    device: str = "auto",
    trust_remote_code: bool = False,
    ablate: str | None = None,
) -> ModelRef:
    """Read ``NAME[@REVISION]``, and check what can be checked without a network.

    Raises:
        ModelNotFoundError: neither a starter, nor a folder or file, nor the form of a Hub id.
        UsageError: a dtype or device that does not exist, a GGUF file that nothing can read, or
            heads to switch off that are none.
    """
    if ablate is not None:
        parts(ablate)
    how = dtype, device, trust_remote_code, ablate
    if name in starters() or (name and Path(name).is_dir()):
        return ModelRef(name, None, *how)
    if is_gguf(name):
        if not Path(name).is_file():
            raise ModelNotFoundError(f"There is no file {name}.")
        from tfcli.models.gguf import require_reader

        require_reader()
        return ModelRef(name, None, *how)
    checkpoint, _, revision = name.partition("@")
    if _is_path(checkpoint):
        raise ModelNotFoundError(f"There is no folder {name}.")
    if checkpoint.count("/") != 1:
        known = {id.rpartition("/")[2]: id for id in cached_models()} | {n: n for n in starters()}
        near = [known[word] for word in difflib.get_close_matches(name, known, n=1)]
        raise ModelNotFoundError(
            f"There is no model '{name}'.",
            hint=f"Did you mean {near[0]}?"
            if near
            else f"Take a starter ({', '.join(starters())}), a folder, or org/name of the Hub.",
        )
    return ModelRef(checkpoint, revision or None, *how)


def folder_of(ref: ModelRef) -> Path:
    """The folder of a model, or its GGUF file; fetched if it is neither bundled nor cached.

    Raises:
        ModelNotFoundError: not on the Hub, or not cached while offline.
        TfcliError: what else ``fetch`` meets on the way.
    """
    if ref.checkpoint in starters():
        return starters()[ref.checkpoint].folder
    if Path(ref.checkpoint).is_dir() or is_gguf(ref.checkpoint):
        return Path(ref.checkpoint)
    return fetch(ref)


def go_offline() -> None:
    """Use only what is on this machine; huggingface_hub reads this once, when it is imported."""
    os.environ["HF_HUB_OFFLINE"] = "1"


def _configured(task: str) -> str | None:
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    path = Path(base) / "tfcli" / "config.toml"
    try:
        config = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    except OSError as exc:
        raise UsageError(f"Cannot read {path}: {exc.strerror}.") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise UsageError(f"{path} is broken: {exc}") from exc
    models = config.get("models", {})
    name = models.get(task) if isinstance(models, dict) else models
    if name is not None and not (isinstance(models, dict) and isinstance(name, str)):
        raise UsageError(f'{path} is broken: it wants [models] and {task} = "…" below it.')
    return name


def _is_path(name: str) -> bool:
    return name.startswith((".", "~", os.sep)) or (os.sep != "/" and os.sep in name)
