"""Read a checkpoint from its folder; the only room that calls ``from_pretrained``."""

import logging
import os
import shlex
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tfcli.core.job import ModelRef
from tfcli.core.task import Loaded
from tfcli.errors import (
    ModelNotFoundError,
    ResourceError,
    TfcliError,
    UnfitModelError,
    UsageError,
    first_line,
)
from tfcli.models.ablation import switch_off
from tfcli.models.building import built_within
from tfcli.models.cache import commit_of
from tfcli.models.gguf import complete, opened
from tfcli.models.memory import out_of_memory, require_memory
from tfcli.models.registry import starters
from tfcli.models.resolve import folder_of
from tfcli.models.settings import broken
from tfcli.models.trust import Source, Weights, require_safe, require_settings

log = logging.getLogger("tfcli")

BODY = "AutoModel"
"""The Auto class of models without a head."""
TOKENIZER = "AutoTokenizer"
"""The Auto class of tasks that need no more than a tokenizer."""

# Never a bot's unmerged pull request in place of the weights that were asked for.
os.environ["DISABLE_SAFETENSORS_CONVERSION"] = "1"


def load(ref: ModelRef, auto_model: Callable[[Any], str]) -> Loaded:
    """Return the model, in eval mode on its device, with its tokenizer and config.

    ``auto_model`` names the Auto class, given the config.

    Raises:
        ModelNotFoundError: no such model, or not a whole one.
        UsageError: a GGUF file or a tokenizer that nothing installed can read; heads to switch off
            that the model does not have.
        UnfitModelError: not a model for the task, or a base model without the task's head.
        UnsafeModelError: the weights are pickles, or the folder is hostile in another way.
        ResourceError: the device is missing, or it or the memory is too small.
    """
    place = folder_of(ref)
    with source_of(ref, place) as source, hushed():
        config, tokenizer, class_name = _described(ref, source, auto_model)
        from tfcli.models.device import device_for, dtype_for

        device = device_for(ref.device)
        starter = ref.checkpoint in starters()
        dtype = dtype_for(ref, device, config, starter)
        require_memory(ref, source.weights.elements * dtype.itemsize)
        with built_within(source.weights):
            model = _model(ref, source, config, class_name, dtype)
        if not place.is_dir():
            complete(ref, source, model, tokenizer)
    try:
        model.to(device)
    except RuntimeError as exc:
        if not out_of_memory(exc):
            raise
        if ref.device != "auto":
            raise ResourceError(f"{ref} does not fit into the memory of {device}.") from exc
        log.warning("%s does not fit into the memory of %s; using the CPU.", ref, device)
        device = device_for("cpu")
        dtype = dtype_for(ref, device, config, starter)
        model.to(device, dtype)
    if device.type == "cpu":
        from tfcli.models.packed import pack

        pack(model)
    _agree_on_padding(ref, tokenizer, model.config)
    revision = commit_of(place if place.is_dir() else place.parent)
    at = f" ({revision})" if revision else ""
    log.info("model %s%s, %s, on %s", ref, at, str(dtype).removeprefix("torch."), device)
    longest = _max_length(model, tokenizer)
    folder = place if place.is_dir() else None
    loaded = Loaded(model.eval(), tokenizer, model.config, longest, revision, folder)
    if ref.ablate is not None:
        switch_off(loaded, ref.ablate)
    return loaded


def load_tokenizer(ref: ModelRef) -> Loaded:
    """Return tokenizer and config alone; nobody looks for weights.

    Raises:
        ModelNotFoundError: no such model, or one without a tokenizer.
        UsageError: a GGUF file that nothing installed can read; heads to switch off.
        UnsafeModelError: the folder is hostile.
    """
    if ref.ablate is not None:
        raise UsageError("--ablate: no model runs here, whose heads could be switched off.")
    place = folder_of(ref, weights=False)
    with source_of(ref, place, weights=False) as source, hushed():
        config, tokenizer, _ = _described(ref, source, lambda config: TOKENIZER)
    folder = place if place.is_dir() else None
    revision = commit_of(folder or place.parent)
    return Loaded(None, tokenizer, config, revision=revision, folder=folder)


@contextmanager
def source_of(ref: ModelRef, place: Path, weights: bool = True) -> Iterator[Source]:
    """What lies there, looked through; without ``weights`` as far as it is read for a tokenizer."""
    if not place.is_dir():
        with opened(place) as source:
            yield source
        return
    trusted = ref.trust_remote_code
    if not weights:
        require_settings(place, trusted)
    held = require_safe(place, trusted) if weights else Weights(0, 0)
    yield Source(place, held, {"trust_remote_code": trusted})


def config_of(ref: ModelRef, source: Source) -> Any:
    """The model's config, as transformers reads it.

    Raises:
        ModelNotFoundError: it is broken.
    """
    import transformers

    try:
        return transformers.AutoConfig.from_pretrained(source.folder, **source.arguments)
    except TfcliError:
        raise
    except Exception as exc:  # whatever a broken config.json leads to
        raise ModelNotFoundError(f"{ref} is no whole model: {first_line(exc)}") from exc


def _described(
    ref: ModelRef, source: Source, auto_model: Callable[[Any], str]
) -> tuple[Any, Any, str]:
    """Config, tokenizer, and the Auto class that the task wants for this config."""
    import transformers

    folder, arguments = source.folder, source.arguments
    config = config_of(ref, source)
    try:
        class_name = auto_model(config)
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **arguments)
    except TfcliError:
        raise
    except BaseException as exc:  # whatever a broken tokenizer.json leads to
        if not (isinstance(exc, Exception) or type(exc).__name__ == "PanicException"):
            raise  # tokenizers panics where it could say what is wrong
        if _lacks_sentencepiece(folder):
            raise UsageError(
                f"{ref} has a tokenizer that takes sentencepiece to read.",
                hint='pip install "tfcli[translate]"',
            ) from exc
        raise ModelNotFoundError(f"{ref} is no whole model: {first_line(exc)}") from exc
    if set(tokenizer.get_vocab()) <= set(tokenizer.all_special_tokens):
        raise ModelNotFoundError(
            f"{ref} has no tokenizer files.",
            hint="Save them beside the model: tokenizer.save_pretrained(FOLDER)",
        )
    _require_usable(ref, tokenizer)
    return config, tokenizer, class_name


def _lacks_sentencepiece(folder: Path) -> bool:
    """Whether a tokenizer is such as sentencepiece alone reads: Marian's, M2M100's."""
    written = (*folder.glob("*.spm"), *folder.glob("*.model"))
    return bool(written) and find_spec("sentencepiece") is None


def _require_usable(ref: ModelRef, tokenizer: Any) -> None:
    """Refuse settings of a tokenizer with which no text can be read."""
    longest, names = tokenizer.model_max_length, tokenizer.model_input_names
    room = tokenizer.num_special_tokens_to_add()
    if not (isinstance(longest, (int, float)) and room < longest < float("inf")):
        raise broken(ref, f"its tokenizer has model_max_length {longest!r:.80}")
    if not (isinstance(names, (list, tuple)) and names and names[0] == "input_ids"):
        raise broken(ref, f"its tokenizer has model_input_names {names!r:.80}")


def _model(ref: ModelRef, source: Source, config: Any, class_name: str, dtype: Any) -> Any:
    import transformers

    model_class = _class(ref, getattr(transformers, class_name), config)
    try:
        model, report = model_class.from_pretrained(
            source.folder,
            config=config,
            dtype=dtype,
            attn_implementation="sdpa" if getattr(model_class, "_supports_sdpa", 0) else "eager",
            use_safetensors=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # told below, in words
            **source.arguments,
            **source.of_model,
        )
    except TfcliError:
        raise
    except Exception as exc:
        if out_of_memory(exc):
            raise ResourceError(f"{ref} does not fit into the memory.") from exc
        raise TfcliError(f"Cannot load {ref}: {first_line(exc)}") from exc
    body = f"{model.base_model_prefix}."
    missing = sorted(report["missing_keys"])
    if class_name == BODY:  # whose pooler, if it has one, is for heads alone
        # MarianModel calls the positions that it computes by the names of the models around it.
        computed = {k.removeprefix("model.") for k in model._keys_to_ignore_on_load_missing or ()}
        missing = [k for k in missing if not k.startswith("pooler.") and k not in computed]
        body = ""
    mismatched = sorted(key for key, *_ in report["mismatched_keys"])
    if headless := next((key for key in missing if not key.startswith(body)), None):
        raise UnfitModelError(
            f"{ref} is a base model without a trained head for this task (no {headless}).",
            hint="Name a model that was fine-tuned for the task with -m.",
        )
    if missing or mismatched:
        raise broken(ref, f"{(missing + mismatched)[0]} is not as {source.settings} says")
    return model


def _class(ref: ModelRef, auto_class: Any, config: Any) -> Any:
    """The model's own class, which knows whether it has an sdpa attention.

    Only where code that comes with the model is trusted, and brings a class for this, it is the
    Auto class that finds it.
    """
    if ref.trust_remote_code and auto_class.__name__ in (getattr(config, "auto_map", None) or ()):
        return auto_class
    try:
        found = auto_class._model_mapping[type(config)]
    except KeyError:
        wanted = auto_class.__name__.removeprefix("AutoModelFor")
        raise UnfitModelError(
            f"A {config.model_type} model cannot do this ({wanted}).",
            hint=f"What it can do: tfcli models show {shlex.quote(str(ref))}",
        ) from None
    return found[0] if isinstance(found, (list, tuple)) else found


def _agree_on_padding(ref: ModelRef, tokenizer: Any, config: Any) -> None:
    """Pad with one token: decoder classifiers find the end of a text by the config's."""
    if tokenizer.pad_token is None:
        own = config.pad_token_id
        known = isinstance(own, int) and 0 <= own < len(tokenizer)
        tokenizer.pad_token = tokenizer.convert_ids_to_tokens(own) if known else tokenizer.eos_token
    if tokenizer.pad_token is None:
        raise broken(ref, "its tokenizer has no token to fill up a row with")
    config.pad_token_id = tokenizer.pad_token_id


def _max_length(model: Any, tokenizer: Any) -> int:
    """The longest row, in tokens: what both the tokenizer and the position embeddings allow."""
    limits: list[int] = [int(tokenizer.model_max_length)]
    positions = getattr(model.config, "max_position_embeddings", None)
    if isinstance(positions, int) and positions > 0:
        limits.append(positions - _unused_positions(model))
    return min(min(limits), 1 << 20)


def _unused_positions(model: Any) -> int:
    """RoBERTa and its kin begin to count positions behind the padding index."""
    for name, module in model.named_modules():
        if name.endswith("position_embeddings"):
            padding = getattr(module, "padding_idx", None)
            return 0 if padding is None else padding + 1
    return 0


@contextmanager
def hushed() -> Iterator[None]:
    """Loading bars and reports go to nobody: what is wrong with a model is said in our words."""
    import transformers

    messages: Any = transformers.logging  # which has no types
    before = messages.get_verbosity()
    messages.set_verbosity_error()
    messages.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            # Marian's tokenizer recommends a package that it makes no use of.
            warnings.filterwarnings("ignore", "Recommended: pip install sacremoses")
            yield
    finally:
        if log.isEnabledFor(logging.DEBUG):
            messages.set_verbosity(before)
