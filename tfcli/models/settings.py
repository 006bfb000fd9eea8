"""What config.json and its kin may say: nothing that fetches code or other files, no absurd sizes.

Everything here is checked at all depths, because transformers builds configs inside configs.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tfcli.errors import ModelNotFoundError, UnsafeModelError

MEGABYTE = 1 << 20
DEPTH = 64
"""No config of a model is nested half as deep."""

# What transformers 5.17 to 5.23 has built in. Any other name is that of a repository on the Hub,
# whose compiled code would be fetched and run (CVE-2026-4372).
_ATTENTIONS = ("eager", "sdpa", "flex_attention", *(f"flash_attention_{n}" for n in (2, 3, 4)))
_BUILT_IN = {
    "attn_implementation": frozenset([*_ATTENTIONS, *(f"paged|{name}" for name in _ATTENTIONS)]),
    # Without deepgemm and sonicmoe, which are fetched, too; nobody overrules these names later.
    "experts_implementation": frozenset({"eager", "batched_mm", "grouped_mm"}),
}
_TOKENIZER = re.compile(r"(?!Auto)\w+(Tokenizer(Fast)?|Backend)")

# A config makes lists as long as these say, before any weight is looked at.
_SIZES = (
    (re.compile(r"layers?$|^depths?$"), 10_000),
    (re.compile(r"num_labels$"), 1_000_000),
    (re.compile(r"size|dim|embd|embeddings|positions|heads|experts|d_model|d_ff"), 1 << 31),
)


def read_json(path: Path, megabytes: int) -> Any:
    """The content of a JSON file in a model's folder.

    Raises:
        ModelNotFoundError: it is not JSON.
        UnsafeModelError: it is larger than ``megabytes``, or nested too deep to be read.
    """
    require_small(path, megabytes)
    try:
        return json.loads(path.read_bytes().decode("utf-8"))
    except RecursionError:
        raise UnsafeModelError(f"{path.name} is nested too deep.") from None
    except ValueError:
        raise broken(path.parent, f"{path.name} is not JSON") from None


def require_small(path: Path, megabytes: int) -> None:
    """Refuse a file that would fill the memory when it is read.

    Raises:
        UnsafeModelError: it is larger than ``megabytes``.
    """
    size = path.stat().st_size
    if size > megabytes * MEGABYTE:
        raise UnsafeModelError(
            f"{path.name} has {size / MEGABYTE:,.0f} MiB; more than {megabytes} are not read."
        )


def broken(folder: Path, why: str) -> ModelNotFoundError:
    """The error of a folder that is not hostile, just not whole."""
    return ModelNotFoundError(f"{folder} is no whole model: {why}.")


def require_tame(name: str, settings: dict[str, Any]) -> None:
    """Refuse settings under which loading runs foreign code, reads elsewhere, or has no end.

    Raises:
        UnsafeModelError: naming the file and the setting.
    """
    for key, value in _pairs(name, settings):
        _require_built_in(name, key, value)
        _require_inside(name, key, value)
        _require_sane(name, key, value)
        if key == "trust_remote_code" and value:  # CVE-2026-5241
            raise UnsafeModelError(f"{name} sets trust_remote_code, which is not its to set.")
        if key == "tokenizer_class" and value and not _TOKENIZER.fullmatch(str(value)):
            raise UnsafeModelError(f"{name} names {value!r} as tokenizer_class: it is none.")


def require_no_code(config: dict[str, Any], tokenizer: dict[str, Any]) -> None:
    """Refuse a model that only code of its author's can load; transformers' own is preferred.

    Raises:
        UnsafeModelError: ``auto_map`` names code for what transformers does not know.
    """
    if not (config.get("auto_map") or tokenizer.get("auto_map")):
        return
    from transformers.models.auto import configuration_auto, tokenization_auto

    family = str(config.get("model_type"))
    if config.get("auto_map") and family not in configuration_auto.CONFIG_MAPPING:
        raise _wants_code("config.json", f"transformers knows no model type {family!r}")
    named = str(tokenizer.get("tokenizer_class"))
    known = tokenization_auto.TOKENIZER_MAPPING_NAMES.get(
        family
    ) or tokenization_auto.tokenizer_class_from_name(named)
    if tokenizer.get("auto_map") and not known:
        raise _wants_code("tokenizer_config.json", f"transformers knows no tokenizer {named!r}")


def is_plain(name: Any) -> bool:
    """Whether a name that a file gives is that of a file beside it."""
    return isinstance(name, str) and name not in ("", ".", "..") and not set(name) & set("/\\\0:")


def _wants_code(name: str, why: str) -> UnsafeModelError:
    return UnsafeModelError(
        f"{name} wants code of its author's to run (auto_map): {why}.",
        hint="If you have read that code and trust it: --trust-remote-code",
    )


def _pairs(name: str, settings: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every key with its value, at all depths."""
    level: list[Any] = [settings]
    for _ in range(DEPTH):
        for node in level:
            if isinstance(node, dict):
                yield from node.items()
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return
    raise UnsafeModelError(f"{name} is nested too deep.")


def _require_built_in(name: str, key: str, value: Any) -> None:
    """The value is a name, or one for each config within the config."""
    for part, known in _BUILT_IN.items():
        if part not in key:
            continue
        for one in value.values() if isinstance(value, dict) else [value]:
            named = isinstance(one, str) and one in known
            if not (named or one is None or isinstance(one, bool)):
                raise UnsafeModelError(
                    f"{name} wants foreign code for {key}: {json.dumps(one)[:80]}.",
                    hint=f"Remove {key} from {name}.",
                )


def _require_inside(name: str, key: str, value: Any) -> None:
    """Some settings name further files to read: they lie in the folder, where all is checked."""
    if key in ("configuration_files", "fast_tokenizer_files"):
        inside = isinstance(value, list) and all(map(is_plain, value))
    elif key == "transformers_weights":
        inside = value is None or (
            is_plain(value) and value.endswith((".safetensors", ".safetensors.index.json"))
        )
    else:
        return
    if not inside:
        raise UnsafeModelError(f"{name} leads out of its folder: {key} is {str(value)[:80]!r}.")


def _require_sane(name: str, key: str, value: Any) -> None:
    for pattern, most in _SIZES:
        if not pattern.search(key):
            continue
        for number in value if isinstance(value, list) else [value]:
            if isinstance(number, (int, float)) and number > most:
                raise UnsafeModelError(f"{name} declares {key} {number:,}: no model has so many.")
        return
