"""What the Hub offers of a model, judged by the names of its files before a byte is fetched."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tfcli.core.job import ModelRef
from tfcli.errors import ModelNotFoundError, UnsafeModelError
from tfcli.models.files import ADAPTER, INDEX, PICKLES, WEIGHTS, foreign, ggufs, is_module, pickles
from tfcli.models.trouble import download


def names_in(found: Any) -> list[str]:
    """The files of a model; folders in it are another format's, but for its modules'."""
    names = (file.rfilename for file in found.siblings or ())
    return sorted(name for name in names if "/" not in name or is_module(name))


def has_weights(names: Sequence[str]) -> bool:
    """Whether there are safetensors among these, whatever they are called."""
    return any(name.endswith(".safetensors") for name in names)


def is_converted(folder: Path) -> bool:
    """Whether a folder, of which the Hub has pickles alone, has safetensors made of them."""
    return any((folder / name).is_file() for name in (WEIGHTS, INDEX))


def require_model(ref: ModelRef, names: list[str]) -> None:
    """Refuse what ``load`` would refuse after it was fetched, whatever its weights are.

    Raises:
        UnsafeModelError: it is an adapter of another model.
        ModelNotFoundError: it has no config.json, or only GGUF files.
    """
    if ADAPTER in names:
        raise UnsafeModelError(
            f"{ref} is an adapter: adapter_config.json names another model to load.",
            hint="Name a model that its adapter was merged into.",
        )
    if (files := ggufs(names)) and not any(n.endswith((".safetensors", *PICKLES)) for n in names):
        raise ModelNotFoundError(
            f"{ref} has no model.safetensors; its GGUF files are models each, taken by name.",
            hint=f"{download(ref, files[0])} --local-dir . — and then: -m {shlex.quote(files[0])}",
        )
    if "config.json" not in names:
        raise ModelNotFoundError(f"{ref} has no config.json: it holds no model that tfcli can run.")


def require_weights(ref: ModelRef, names: list[str]) -> None:
    """Refuse weights that are no safetensors.

    Raises:
        UnsafeModelError: they can run code when they are loaded.
        ModelNotFoundError: there are none.
    """
    if WEIGHTS in names or INDEX in names:
        return
    if pickled := next(iter([*pickles(names), *foreign(names)]), ""):
        raise UnsafeModelError(
            f"{ref} has only {pickled}, which can run code when it is loaded; "
            "tfcli reads safetensors only.",
            hint=f"tfcli models pull {ref} makes safetensors of them; nothing of a pickle is run."
            if pickled.lower().endswith(PICKLES)
            else "Ask the model's author for model.safetensors.",
        )
    if not any(name.endswith(".safetensors") for name in names):  # config.json may name one
        raise ModelNotFoundError(f"{ref} has no model.safetensors.")
