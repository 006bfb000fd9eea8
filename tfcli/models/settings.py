"""What config.json and its kin may say: nothing that fetches code or other files, no absurd sizes.

Everything here is checked at all depths, because transformers builds configs inside configs.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tfcli.core.job import ModelRef
from tfcli.errors import ModelNotFoundError, UnsafeModelError
from tfcli.models.files import is_plain

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
# RagTokenizer reads folders within the folder, or, if they are not there, from the Hub.
_TOKENIZER = re.compile(r"(?!Auto|Rag)\w+(Tokenizer(Fast)?|Backend)")

# What a tokenizer's settings say becomes arguments of its class, and some of those are opened.
_NOT_TO_SET = (
    *("init_inputs", "gguf_file", "tokenizer_object", "post_processor", "mecab_option"),
    *("tokenizer_padding", "tokenizer_truncation", "_json_padding", "_json_truncation"),
)
_CONTENT = re.compile(r"(.*_)?(vocab|merges)")
_OPENED = re.compile(r".*_(file|path|spm)|sudachi_resource_dir")
_OVERRULED = ("name_or_path", "_name_or_path", "special_tokens_map_file")
"""Many old files name a folder of their author's here; transformers never looks at it."""
_SPECIAL = re.compile(r"\w+_tokens?(_ids?)?")

# A config makes lists as long as these say, before any weight is looked at.
_SIZES = (
    (re.compile(r"layers?$|^depths?$"), 10_000),
    (re.compile(r"num_labels$"), 1_000_000),
    (re.compile(r"size|dim|embd|embeddings|positions|heads|experts|d_model|d_ff"), 1 << 31),
)


def read_json(path: Path, megabytes: int, strict: bool = False) -> Any:
    """The content of a JSON file in a model's folder.

    ``strict`` is for what another reader than Python's reads again: of a key that comes twice each
    may take another value, so no key may.

    Raises:
        ModelNotFoundError: it is not JSON.
        UnsafeModelError: it is larger than ``megabytes``, or nested too deep to be read.
    """
    require_small(path, megabytes)
    try:
        text = path.read_bytes().decode("utf-8")
        return json.loads(text, object_pairs_hook=_distinct if strict else None)
    except _TwiceError as exc:
        raise broken(path.parent, f"{path.name} has the key {exc} twice") from None
    except RecursionError:
        raise UnsafeModelError(f"{path.name} is nested too deep.") from None
    except ValueError:
        raise broken(path.parent, f"{path.name} is not JSON") from None


class _TwiceError(ValueError):
    """A JSON object has a key twice."""


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _TwiceError(repr(next(key for key in keys if keys.count(key) > 1))[:80])
    return content


def require_small(path: Path, megabytes: int) -> None:
    """Refuse a file that would fill the memory when it is read.

    Raises:
        UnsafeModelError: it is larger than ``megabytes``.
    """
    require_size(path.name, path.stat().st_size, megabytes)


def require_size(name: str, size: int, megabytes: int) -> None:
    """Refuse a size, in bytes, as ``require_small`` does; the file need not be here yet.

    Raises:
        UnsafeModelError: it is more than ``megabytes``.
    """
    if size > megabytes * MEGABYTE:
        raise UnsafeModelError(
            f"{name} has {size / MEGABYTE:,.0f} MiB; more than {megabytes} are not read."
        )


def require_content(path: Path) -> None:
    """Tell a file from the note that Git leaves in the place of a large one.

    Raises:
        ModelNotFoundError: it is such a note.
    """
    with path.open("rb") as file:
        if file.read(24) == b"version https://git-lfs.":
            raise broken(path.parent, f"{path.name} is a pointer of Git LFS; type: git lfs pull")


def broken(model: Path | ModelRef, why: str) -> ModelNotFoundError:
    """The error of a model that is not hostile, just not whole."""
    return ModelNotFoundError(f"{model} is no whole model: {why}.")


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
        if key == "model_type" and value == "rag":
            raise UnsafeModelError(f"{name} is of a RAG model, whose tokenizers lie elsewhere.")


def require_own_words(name: str, settings: dict[str, Any]) -> None:
    """Refuse a tokenizer's settings that name files elsewhere, or take the place of its files.

    Raises:
        UnsafeModelError: naming the file and the setting.
    """
    for key, value in _pairs(name, settings):
        if key in _NOT_TO_SET and value:
            raise UnsafeModelError(f"{name} sets {key}, which is not its to set.")
        inside = value is None or key in _OVERRULED
        if _CONTENT.fullmatch(key):
            inside = inside or isinstance(value, (dict, list))
        elif _OPENED.fullmatch(key):
            inside = inside or is_plain(value)
        else:
            continue
        if not inside:
            raise _leads_out(name, key, value)


def require_special_tokens(name: str, tokens: dict[str, Any]) -> None:
    """Refuse special tokens that are none: transformers lets them overrule all settings.

    Raises:
        UnsafeModelError: naming the file and the key.
    """
    if other := next((key for key in tokens if not _SPECIAL.fullmatch(key)), None):
        raise UnsafeModelError(f"{name} sets {other[:80]!r}, which is no special token.")


def require_own_code(name: str, settings: dict[str, Any]) -> None:
    """Refuse code of another repository's, also where the model's own is trusted.

    Raises:
        UnsafeModelError: naming the repository; nobody has named it, nor a revision of it.
    """
    for key, value in _pairs(name, settings):
        for reference in _strings(value) if key == "auto_map" else ():
            repository, _, module = reference.rpartition("--")
            if repository:
                raise UnsafeModelError(
                    f"{name} wants code of another repository to run, {repository[:80]!r}.",
                    hint="If you have read that code and trust it: put its files into the model's "
                    f"folder, and take '{repository[:80]}--' out of {name}.",
                )
            if not is_plain(module):
                raise _leads_out(name, key, reference)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for child in value.values() if isinstance(value, dict) else value:
            yield from _strings(child)


def _leads_out(name: str, key: str, value: Any) -> UnsafeModelError:
    return UnsafeModelError(f"{name} leads out of its folder: {key} is {str(value)[:80]!r}.")


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
        raise _leads_out(name, key, value)


def _require_sane(name: str, key: str, value: Any) -> None:
    for pattern, most in _SIZES:
        if not pattern.search(key):
            continue
        for number in value if isinstance(value, list) else [value]:
            if isinstance(number, (int, float)) and number > most:
                raise UnsafeModelError(f"{name} declares {key} {number:,}: no model has so many.")
        return
