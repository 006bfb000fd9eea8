"""What a model is, told from its files: nothing of it is run, and no weight is read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfcli.core.job import ModelRef
from tfcli.errors import ModelNotFoundError, TfcliError, UnsafeModelError
from tfcli.models.cache import commit_of
from tfcli.models.families import FOR_ALL, auto_classes_of, of_type, useful
from tfcli.models.files import SETTINGS_MB, is_gguf
from tfcli.models.hub import look
from tfcli.models.registry import starters
from tfcli.models.settings import read_json, require_tame

KEYS = (
    *("name", "kind", "model_type", "family", "architectures", "auto_classes"),
    *("layers", "decoder_layers", "heads", "hidden_size", "vocab_size", "max_positions"),
    *("parameters", "dtype", "labels", "bytes", "files", "revision", "cached", "refused"),
)
"""What a portrait tells, in order."""
_DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I8": "int8"}


def portrait(ref: ModelRef) -> dict[str, Any]:
    """The facts of a starter, a folder, a GGUF file, or a model of the Hub; null where unknown.

    A model that would be refused is described as far as that is safe, with ``refused`` saying why.

    Raises:
        ModelNotFoundError: there is no such model.
        TfcliError: the Hub cannot be asked.
    """
    facts: dict[str, Any] = dict.fromkeys(KEYS)
    facts["name"] = str(ref)
    if ref.checkpoint in starters():
        facts["kind"], place = "starter", starters()[ref.checkpoint].folder
    elif is_gguf(ref.checkpoint) or Path(ref.checkpoint).is_dir():
        place = Path(ref.checkpoint)
        facts["kind"] = "folder" if place.is_dir() else "file"
    else:
        facts["kind"] = "hub"
        seen = look(ref)
        place = seen.folder
        facts |= {"cached": seen.whole, "files": seen.files, "refused": seen.refused}
        facts |= _counted(seen.elements)
    if facts["files"] is None:
        facts["files"] = _files(place)
    facts["bytes"] = sum(facts["files"].values())
    facts["revision"] = commit_of(place if place.is_dir() else place.parent)
    if facts["refused"]:
        return facts | _unsafely(place)
    return facts | _looked_through(ref, place, remote=facts["cached"] is False)


def _looked_through(ref: ModelRef, place: Path, remote: bool) -> dict[str, Any]:
    """What the config says, once it is known to be harmless."""
    from tfcli.models.load import config_of, hushed, source_of

    try:
        with hushed(), source_of(ref, place, weights=not remote) as source:
            said = _said(config_of(ref, source), writes=place.is_file())
            if remote:  # its weights are elsewhere
                return said
            return said | _counted(source.weights.dtypes or {"": source.weights.elements})
    except (UnsafeModelError, ModelNotFoundError) as exc:
        return {"refused": f"{exc} (status {exc.status})", **_unsafely(place)}


def _said(config: Any, writes: bool = False) -> dict[str, Any]:
    """What a config says; each family has names of its own, which transformers knows.

    A GGUF file names no classes: it ``writes``, whatever it is.
    """
    model_type = str(config.model_type)
    text = _of_text(config)
    family = of_type(model_type)
    architectures = _words(config.architectures)
    classes = auto_classes_of(model_type, architectures)
    if writes and family:
        classes = sorted({"AutoModelForCausalLM", "AutoModelForSeq2SeqLM"} & family.classes.keys())
    architecture = family.architecture if family else None
    if config.is_encoder_decoder:
        architecture = "encoder-decoder"
    decoder = getattr(text, "decoder_layers", None) or getattr(text, "num_decoder_layers", None)
    labelled = any(name.endswith("Classification") for name in architectures)
    return {
        "model_type": model_type,
        "family": family.slug if family else None,
        "architectures": architectures,
        "auto_classes": sorted(useful({*classes, *FOR_ALL}, architecture)),
        "layers": _number(text, "num_hidden_layers", "encoder_layers", "num_layers"),
        "decoder_layers": decoder if config.is_encoder_decoder else None,
        "heads": _number(text, "num_attention_heads", "encoder_attention_heads", "num_heads"),
        "hidden_size": _number(text, "hidden_size", "d_model"),
        "vocab_size": _number(text, "vocab_size"),
        "max_positions": _number(text, "max_position_embeddings", "n_positions"),
        "labels": list(config.id2label.values()) if labelled else None,
    }


def _of_text(config: Any) -> Any:
    """The part of a config that is of text; the whole where there are two, as in Musicgen's."""
    try:
        return config.get_text_config()
    except ValueError:
        return config


def _unsafely(place: Path) -> dict[str, Any]:
    """Type and classes of a model that is not loaded: two words of its config.json."""
    from tfcli.models.trust import file_names

    try:
        if "config.json" not in file_names(place):  # nor a pipe, nor a link that leads out
            return {}
        said = read_json(place / "config.json", SETTINGS_MB)
        if not isinstance(said, dict):
            return {}
        require_tame("config.json", said)
    except (OSError, TfcliError):
        return {}
    kind, architectures = said.get("model_type"), _words(said.get("architectures"))
    return {"model_type": kind if isinstance(kind, str) else None, "architectures": architectures}


def _words(said: Any) -> list[str]:
    """A list of strings, as it should be one."""
    return [word for word in said if isinstance(word, str)] if isinstance(said, list) else []


def _number(config: Any, *names: str) -> int | None:
    found = (getattr(config, name, None) for name in names)
    return next((value for value in found if isinstance(value, int)), None)


def _counted(elements: Mapping[str, int] | None) -> dict[str, Any]:
    """How many parameters, and the dtype that most of them have."""
    if not elements:
        return {"parameters": None, "dtype": None}
    most = max(elements, key=lambda name: elements[name])
    return {"parameters": sum(elements.values()), "dtype": _DTYPES.get(most, most) or None}


def _files(place: Path) -> dict[str, int]:
    if place.is_file():
        return {place.name: place.stat().st_size}
    return {path.name: path.stat().st_size for path in sorted(place.iterdir()) if path.is_file()}
