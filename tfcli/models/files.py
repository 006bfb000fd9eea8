"""What the files of a model's folder are called, and which of them are its weights."""

import hashlib
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
"""What ``tfcli models convert`` may be able to read."""
FOREIGN = (".h5", ".hdf5", ".keras", ".msgpack", ".npz", ".onnx", ".joblib", ".dill")
"""Weights of other libraries, which it cannot."""
GGUF = ".gguf"
"""A whole model in one file, in llama.cpp's format."""
PICKLED, PICKLED_INDEX = "pytorch_model.bin", "pytorch_model.bin.index.json"
ADAPTER = "adapter_config.json"
TEMPLATES = "additional_chat_templates"
MODULES = "modules.json"
"""What a model of sentence-transformers is made of; ``is_module`` knows the parts' settings."""

# transformers takes the best of several files for its version: config.4.0.0.json.
SETTINGS = "*config*.json"
SETTINGS_MB = 8
DATA = "data_config.json"
"""A list of what some models of sentence-transformers were trained on; no settings."""
TOKENIZERS = "*tokenizer*.json"
SPECIAL_TOKENS = "special_tokens_map.json"
READ_MB = 128
"""What loading reads whole has no more; settings less."""

_READ = (
    *("*.json", "*.jinja", "*.txt", "*.model", "*.spm", "*.codes", "*.tiktoken", "*.bpe"),
    *("*.vocab", "*.tokenizer", "*.tsv", "*vocab*"),
)
_NEVER_READ = ("*.bin.index.json", "*.h5.index.json", "*.msgpack.index.json", "trainer_state.json")
_VOCABULARIES = (
    *("tokenizer.json", "tokenizer_config.json", "vocab.*", "vocab-*", "*.model", "*.spm"),
    *("*.tiktoken", "tekken.json"),
)
_OF_TRAINING = re.compile(r"(adapter|training_args|optimizer|scheduler|scaler|rng_state).*")
_MODULE = re.compile(r"\d+_\w+/config\.json")
_SHARD = re.compile(r"shard-\d{5}-model-\d{5}-of-\d{5}\.safetensors")


def is_read(name: str, trust_remote_code: bool = False) -> bool:
    """Whether loading reads this file, weights apart: configs, tokenizers of all kinds."""
    if name.endswith(".py"):
        return trust_remote_code
    if name.endswith((".safetensors", GGUF, *PICKLES, *FOREIGN)):
        return False
    return _is_one(name, _READ) and not _is_one(name, _NEVER_READ)


def is_module(name: str) -> bool:
    """Whether a path is that of the settings of one of sentence-transformers' modules.

    They have folders of their own, with numbers: ``1_Pooling/config.json``.
    """
    return bool(_MODULE.fullmatch(name))


def is_vocabulary(name: str) -> bool:
    """Whether a tokenizer can be made of this file, alone or with others."""
    return _is_one(name, _VOCABULARIES)


def pickles(names: Iterable[str]) -> list[str]:
    """Those files that hold pickled weights; not what training leaves behind."""
    found = (name for name in names if name.lower().endswith(PICKLES))
    return sorted(name for name in found if not _OF_TRAINING.fullmatch(name))


def foreign(names: Iterable[str]) -> list[str]:
    """Those files that hold weights of other libraries."""
    return sorted(name for name in names if name.lower().endswith(FOREIGN))


def ggufs(names: Iterable[str]) -> list[str]:
    """Those files that are models in themselves."""
    return sorted(name for name in names if is_gguf(name))


def is_gguf(name: str) -> bool:
    """Whether a name is that of a GGUF file."""
    return name.lower().endswith(GGUF)


def distributed(names: Iterable[str]) -> list[str]:
    """Those files because of which transformers reads a folder as a distributed checkpoint."""
    return sorted(filter(_SHARD.fullmatch, names))


def entry_of(config: Any, names: Iterable[str]) -> str:
    """The file that loading begins with: the weights, or their index; empty if it is not there."""
    named = config.get("transformers_weights") if isinstance(config, dict) else None
    return next((name for name in ([named] if named else [WEIGHTS, INDEX]) if name in names), "")


def places_in(index: Any) -> dict[str, Any]:
    """Which tensor lies in which file, by the content of an index; empty if it is broken."""
    places = index.get("weight_map") if isinstance(index, dict) else None
    return places if isinstance(places, dict) else {}


def is_plain(name: Any) -> bool:
    """Whether a name that a file gives is that of a file beside it."""
    return isinstance(name, str) and name not in ("", ".", "..") and not set(name) & set("/\\\0:")


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_one(name: str, kinds: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, kind) for kind in kinds)
