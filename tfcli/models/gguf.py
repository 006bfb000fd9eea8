"""GGUF files, as llama.cpp keeps models: data, looked through here and read by transformers.

The head of such a file says what config.json and tokenizer.json of a folder say, and transformers
believes all of it; so what could fill the memory or have no end is refused before.
"""

import importlib.util
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from tfcli.core.job import ModelRef
from tfcli.errors import ModelNotFoundError, UnsafeModelError, UsageError, first_line
from tfcli.models.gguf_head import Head, Strings, read_head
from tfcli.models.settings import broken
from tfcli.models.trust import Source, Weights

_FILE = "model.gguf"
_VOCABULARY = "tokenizer.ggml."
_SPECIAL = ("bos_token_id", "eos_token_id", "eot_token_id", "unknown_token_id", "padding_token_id")
_ENDS = tuple(f"{_VOCABULARY}{name}" for name in ("eos_token_id", "eot_token_id"))

# A config makes lists as long as there are layers, and tables as large as the other numbers say.
_LAYERS = re.compile(r".*\.block_count"), 1_000
_SIZES = re.compile(r".*_(length|counts?|kv|size|dim|rank)"), 1 << 24
_MOST_SPECIAL = 10_000
"""Gemma has 6,000; transformers compares each of them with all others."""
_OLDEST = (5, 18)
"""transformers 5.17 takes the wrong token for the end of a text."""


def require_reader() -> None:
    """See that what reads GGUF files is installed; nothing heavy is imported for that.

    Raises:
        UsageError: it is not.
    """
    from importlib.metadata import version

    numbers = re.findall(r"\d+", version("transformers"))[:2]
    if importlib.util.find_spec("gguf") is None:
        lack = "the package gguf"
    elif tuple(map(int, numbers)) < _OLDEST:
        lack = "a newer transformers"
    else:
        return
    raise UsageError(f"GGUF files take {lack} to read.", hint='pip install "tfcli[gguf]"')


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """The file as transformers is to read it: alone, whatever lies beside it.

    Raises:
        UsageError: nothing is installed that reads it.
        ModelNotFoundError: it is no GGUF file, not whole, or none that transformers can read.
        UnsafeModelError: what it declares would fill the memory.
    """
    from tempfile import TemporaryDirectory

    require_reader()
    head = read_head(path)
    _require_model(path, head)
    _require_sane(path, head.settings)
    _require_vocabulary(path, head)
    with TemporaryDirectory(prefix="tfcli-") as folder, _reading_once():
        from transformers import GgufConfig

        Path(folder, _FILE).symlink_to(path.resolve())
        try:
            yield Source(
                Path(folder),
                Weights(len(head.tensors), head.elements),
                {"gguf_file": _FILE, "trust_remote_code": False},
                {"quantization_config": GgufConfig(dequantize=True)},
                settings="its head",
                ends=tuple(head.settings[name] for name in _ENDS if name in head.settings),
            )
        except ModelNotFoundError as exc:
            if "not supported yet" not in str(exc):
                raise
            architecture = head.settings["general.architecture"]
            raise ModelNotFoundError(
                f"transformers cannot read the architecture {architecture!r:.80} from GGUF.",
                hint="Name the model that the file was made of, in safetensors, with -m.",
            ) from exc


def complete(ref: ModelRef, source: Source, model: Any, tokenizer: Any) -> None:
    """End its texts as the file says, and see that it computes: a head can contradict itself.

    Raises:
        ModelNotFoundError: it does not.
    """
    import torch

    known = model.get_input_embeddings().num_embeddings
    last = max(tokenizer.get_vocab().values())
    if last >= known:
        raise broken(ref, f"its tokenizer has {last + 1:,} tokens, and the model knows {known:,}")
    tokens = torch.zeros((1, 2), dtype=torch.int64)  # (row, token)
    inputs = {"input_ids": tokens}
    if model.config.is_encoder_decoder:
        inputs["decoder_input_ids"] = tokens
    try:
        with torch.inference_mode():
            model(**inputs)
    except Exception as exc:
        raise broken(ref, f"it does not compute: {first_line(exc)}") from exc
    if model.can_generate():
        own = model.generation_config.eos_token_id
        ends = {*(own if isinstance(own, list) else [own] if own is not None else []), *source.ends}
        model.generation_config.eos_token_id = sorted(ends) or None


def _require_model(path: Path, head: Head) -> None:
    kind = head.settings.get("general.type", "model")
    if kind != "model":  # adapter, mmproj, imatrix …
        raise ModelNotFoundError(f"{path} holds no model: its general.type is {kind!r:.80}.")
    if not isinstance(head.settings.get("general.architecture"), str):
        raise broken(path, "it names no general.architecture")
    if head.settings.get("split.count", 1) not in (0, 1):
        raise ModelNotFoundError(
            f"{path} is a part of a model; only whole ones are read.",
            hint="Put the parts together: llama-gguf-split --merge FIRST-PART.gguf WHOLE.gguf",
        )
    if not head.tensors:
        raise broken(path, "it has no tensors")


def _require_sane(path: Path, settings: dict[str, Any]) -> None:
    for name, value in settings.items():
        for pattern, most in (_LAYERS, _SIZES):
            if not pattern.fullmatch(name):
                continue
            for number in value if isinstance(value, tuple) else [value]:
                if isinstance(number, (int, float)) and not 0 <= number <= most:
                    raise UnsafeModelError(
                        f"{path} declares {name[:80]} {number:,}, which no model has."
                    )


def _require_vocabulary(path: Path, head: Head) -> None:
    """The tokens are there, what belongs to each of them is as long, and the special ones are some.

    Raises:
        ModelNotFoundError: they are not.
        UnsafeModelError: there are so many special ones that adding them has no end.
    """
    own = {
        name.removeprefix(_VOCABULARY): value
        for name, value in head.settings.items()
        if name.startswith(_VOCABULARY)
    }
    tokens = own.get("tokens")
    if not (isinstance(tokens, Strings) and tokens.count):
        raise broken(path, "it has no vocabulary")
    for name in ("scores", "token_type"):
        if name in own and not (isinstance(own[name], tuple) and len(own[name]) == tokens.count):
            raise broken(path, f"{_VOCABULARY}{name} does not fit its {tokens.count:,} tokens")
    if not ("scores" in own or isinstance(own.get("merges"), Strings)):
        raise broken(path, "its vocabulary has neither scores nor merges")
    for name in _SPECIAL:
        if name in own and not (type(own[name]) is int and 0 <= own[name] < tokens.count):
            raise broken(path, f"{_VOCABULARY}{name} is {own[name]!r:.80}: no token of its own")
    special = sum(kind in (3, 4) for kind in own.get("token_type", ()))  # control, user-defined
    if special > _MOST_SPECIAL:
        raise UnsafeModelError(f"{path} declares {special:,} special tokens: no model has so many.")
    if not isinstance(head.settings.get("tokenizer.chat_template", ""), str):
        raise broken(path, "its chat template is no text")


@contextmanager
def _reading_once() -> Iterator[None]:
    """Keep transformers' reader to what it is asked for.

    It reads the head three times, makes a table of names for every part of the model, and draws a
    progress bar. And where the package ``kernels`` is installed, it fetches compiled code from
    the Hub and runs it, for weights that are to be unpacked anyway.
    """
    import gguf
    import transformers.modeling_gguf_pytorch_utils as reader
    from transformers.integrations.gguf import kernels

    with ExitStack() as stack:
        for module, name, value in (
            (gguf, "GGUFReader", cache(_quick(gguf.GGUFReader))),
            (gguf, "get_tensor_name_map", cache(gguf.get_tensor_name_map)),
            (reader, "tqdm", lambda tensors, **_: tensors),
            (kernels, "_gguf_kernel", False),  # there is none for this machine
            (kernels, "is_kernels_available", lambda: False),
        ):
            stack.callback(setattr, module, name, getattr(module, name))
            setattr(module, name, value)
        yield


def _quick(reader: Any) -> Any:
    """The reader without a memmap of its own for each value: a third of the time."""
    import numpy as np

    class Quick(reader):  # type: ignore[misc]
        @property
        def data(self) -> Any:
            return self._data

        @data.setter
        def data(self, mapped: Any) -> None:
            self._data = np.asarray(mapped)

    return Quick
