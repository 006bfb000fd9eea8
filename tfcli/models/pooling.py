"""How a model makes one vector of its token vectors, as sentence-transformers' files say.

Of ``modules.json`` three modules are known: Transformer, Pooling, Normalize. A model with others is
refused: without them its vectors would be other ones.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tfcli.errors import UnfitModelError, UnsafeModelError
from tfcli.models.files import MODULES, SETTINGS_MB, is_module
from tfcli.models.settings import broken, read_json

POOLINGS = ("mean", "cls", "last", "max")
_KNOWN = (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"])
_MODES = {"mean": "mean", "cls": "cls", "lasttoken": "last", "max": "max"}
_SWITCH = re.compile(r"pooling_mode_(.+?)(_tokens?)?")
"""In files of its older versions: ``pooling_mode_mean_tokens``, ``pooling_mode_lasttoken``."""
_TRANSFORMERS = ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a model's author says of its vectors."""

    pooling: str = ""
    """One of ``POOLINGS``, or what is none of them; empty where nobody says."""
    normalize: bool = False
    longest: int | None = None
    """Tokens of a window, where that is less than the model could read."""
    lower: bool = False
    """Whether texts are put in lower case before the tokenizer has them."""
    prompts: Mapping[str, str] = field(default_factory=dict)
    """Texts to put before others, by name."""
    prompt: str = ""
    """The one that holds where nobody names one."""
    pools_prompt: bool = True
    """Whether the prompt's own tokens count."""


def recipe_of(folder: Path | None) -> Recipe:
    """What the files in a model's folder say; a GGUF file has no folder, and says nothing.

    Raises:
        UnfitModelError: its vectors are made in a way that is not known here.
        UnsafeModelError: a file is too large, nested too deep, or named elsewhere.
        ModelNotFoundError: a file is missing, or broken.
    """
    if folder is None or not (folder / MODULES).is_file():
        return Recipe()
    modules = read_json(folder / MODULES, SETTINGS_MB)
    if not (isinstance(modules, list) and all(isinstance(one, dict) for one in modules)):
        raise broken(folder, f"{MODULES} is not a list of modules")
    _require_known(modules)
    said = _said(folder, "config_sentence_transformers.json")
    of_text = next(
        filter(None, (_said(folder, f"sentence_{t}_config.json") for t in _TRANSFORMERS)), {}
    )
    _require_dense(said, of_text)
    pooling = _pooling_config(folder, str(modules[1].get("path")))
    prompts = {str(k): str(v or "") for k, v in _mapping(said.get("prompts")).items()}
    longest = of_text.get("max_seq_length")
    return Recipe(
        _pooling(pooling),
        len(modules) == 3,
        longest if type(longest) is int and longest > 0 else None,
        of_text.get("do_lower_case") is True,
        prompts,
        prompts.get(str(said.get("default_prompt_name")), ""),
        pooling.get("include_prompt") is not False,
    )


def _require_known(modules: Sequence[Mapping[str, Any]]) -> None:
    kinds = []
    for module in modules:
        package, _, kind = str(module.get("type")).rpartition(".")
        if package.partition(".")[0] != "sentence_transformers":
            raise UnfitModelError(
                f"{MODULES} names code of the author's, {module.get('type')!r:.80}: without it the "
                "vectors would be other ones.",
            )
        kinds.append(kind)
    if kinds in _KNOWN:
        if modules[0].get("path"):
            place = f"{modules[0]['path']!r:.80}"
            raise UnfitModelError(f"{MODULES}: the transformer has a folder of its own, {place}.")
        return
    odd = next((kind for kind in kinds if kind not in _KNOWN[-1]), " and ".join(kinds) or "nothing")
    raise UnfitModelError(
        f"The model's vectors are made with {odd} ({MODULES}), which tfcli does not have.",
        hint="Name a model whose vectors are pooled token vectors, no more.",
    )


def _require_dense(said: Mapping[str, Any], of_text: Mapping[str, Any]) -> None:
    """Refuse what makes no dense vectors of all the model's dimensions."""
    kind = said.get("model_type", "SentenceTransformer")
    task = of_text.get("transformer_task", "feature-extraction")
    if kind != "SentenceTransformer" or task != "feature-extraction":
        what = kind if kind != "SentenceTransformer" else task
        raise UnfitModelError(
            f"The model is for something else than vectors of texts: {what!r:.80}."
        )
    if said.get("truncate_dim"):
        raise UnfitModelError(
            "config_sentence_transformers.json cuts vectors (truncate_dim), which tfcli does not."
        )


def _pooling_config(folder: Path, place: str) -> dict[str, Any]:
    name = f"{place}/config.json"
    if not is_module(name):
        raise UnsafeModelError(f"{MODULES} leads out of its folder: path is {place!r:.80}.")
    if not (folder / name).is_file():
        raise broken(folder, f"{MODULES} names {name}, which is not there")
    return _said(folder, name)


def _pooling(config: Mapping[str, Any]) -> str:
    """How to pool, in our words; what is not known in the file's."""
    modes = config.get("pooling_mode")
    if modes is None:
        switches = {_SWITCH.fullmatch(key): value for key, value in config.items()}
        modes = [found[1] for found, on in switches.items() if found and on is True] or "mean"
    modes = [modes] if isinstance(modes, str) else modes
    if not isinstance(modes, list):
        return repr(modes)[:80]
    return " and ".join(_MODES.get(str(mode), str(mode)[:80]) for mode in modes)


def _said(folder: Path, name: str) -> dict[str, Any]:
    """The content of a file, which need not be there."""
    if not (folder / name).is_file():
        return {}
    content = read_json(folder / name, SETTINGS_MB)
    if not isinstance(content, dict):
        raise broken(folder, f"{name} is not a JSON object")
    return content


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
