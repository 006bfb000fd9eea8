"""From a name to where a model lies: starter, folder, GGUF file, cache or Hub."""

import difflib
import os
from pathlib import Path

from tfcli.core.job import ModelRef
from tfcli.errors import ModelNotFoundError
from tfcli.models.ablation import parts
from tfcli.models.cache import cached_models
from tfcli.models.files import is_gguf
from tfcli.models.registry import starters


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


def folder_of(ref: ModelRef, weights: bool = True) -> Path:
    """The folder of a model, or its GGUF file; fetched if it is neither bundled nor cached.

    Without ``weights`` only what describes it is fetched, the tokenizer among that.

    Raises:
        ModelNotFoundError: not on the Hub, or not cached while offline.
        TfcliError: what else ``fetch`` meets on the way.
    """
    if ref.checkpoint in starters():
        return starters()[ref.checkpoint].folder
    if Path(ref.checkpoint).is_dir() or is_gguf(ref.checkpoint):
        return Path(ref.checkpoint)
    from tfcli.models.hub import fetch  # what asks the Hub is imported when it is asked

    return fetch(ref, weights)


def is_local(name: str) -> bool:
    """Whether a name is that of a folder or a GGUF file that is there."""
    return bool(name) and (Path(name).is_dir() or (is_gguf(name) and Path(name).is_file()))


def go_offline() -> None:
    """Use only what is on this machine; huggingface_hub reads this once, when it is imported."""
    os.environ["HF_HUB_OFFLINE"] = "1"


def _is_path(name: str) -> bool:
    return name.startswith((".", "~", os.sep)) or (os.sep != "/" and os.sep in name)
