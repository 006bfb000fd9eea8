"""Vectors of texts: windows, pooled token vectors, what long texts' windows add up to."""

import logging
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from tfcli.core.task import Batch, Failure, Loaded, Row
from tfcli.errors import UnfitModelError, UsageError
from tfcli.models.pooling import POOLINGS, Recipe, recipe_of
from tfcli.models.settings import broken
from tfcli.models.windows import windows

log = logging.getLogger("tfcli")

OVERLAP = 64
"""Tokens that a window of a long text shares with the one before, as in ``sentiment``."""
CHUNK = 4096
"""Texts that are tokenized together: so many take little memory."""
TINY = 1e-12
"""The least length that a vector is divided by, as in torch's ``normalize``."""

BODY, ENCODER = "AutoModel", "AutoModelForTextEncoding"
WITHOUT_TOKENS = ("dpr",)
"""Families that give one vector of a text, and none of its tokens to pool."""


class Plan(NamedTuple):
    """How vectors are made."""

    pooling: str
    normalize: bool
    prompt: str
    """What stands before each text."""
    lower: bool
    longest: int
    """Tokens of a window."""


def auto_class(config: Any) -> str:
    """The Auto class of the model without a head; of T5 and its kin the encoder alone."""
    import transformers

    classes: Any = transformers.AutoModelForTextEncoding._model_mapping
    alone = type(config) in classes and classes[type(config)].__name__.endswith("EncoderModel")
    return ENCODER if alone else BODY


def planned(
    loaded: Loaded,
    pooling: str | None = None,
    normalize: bool | None = None,
    prompt: str | None = None,
) -> Plan:
    """What the options say, else the model's own files, else the mean of token vectors as it is.

    Raises:
        UnfitModelError: the model's vectors are made in a way that is not known here.
        UsageError: ``prompt`` is the name of one that the model does not have.
        UnsafeModelError: a file of the model's is hostile.
        ModelNotFoundError: a file is missing, or broken.
    """
    recipe = _recipe(loaded, pooling)
    chosen = pooling or recipe.pooling or "mean"
    if chosen not in POOLINGS:
        raise UnfitModelError(
            f"The model pools token vectors by {chosen}, which tfcli does not.",
            hint=f"--pooling {', '.join(POOLINGS[:-1])} or {POOLINGS[-1]} makes other vectors.",
        )
    before = _prompt(recipe, prompt)
    if before and not recipe.pools_prompt:
        raise UnfitModelError("The model leaves its prompts out of the pooling; tfcli does not.")
    longest = min(loaded.max_length, recipe.longest or loaded.max_length)
    if loaded.folder and longest <= loaded.tokenizer.num_special_tokens_to_add():
        raise broken(loaded.folder, f"max_seq_length is {longest}: no text fits it")
    normal = recipe.normalize if normalize is None else normalize
    return Plan(chosen, normal, before, recipe.lower, longest)


def _recipe(loaded: Loaded, pooling: str | None) -> Recipe:
    """What the model's files say; read once, and said once where they say nothing."""
    if (known := loaded.cache.get(Recipe)) is not None:
        return known  # type: ignore[no-any-return]
    recipe = recipe_of(loaded.folder)
    if recipe.pooling and loaded.config.is_encoder_decoder and not _is_encoder(loaded):
        raise UnfitModelError("The model's vectors are its decoder's, which tfcli does not run.")
    if not (recipe.pooling or pooling):
        log.warning(
            "the model does not say how its vectors are made (there is no modules.json): "
            "the mean of its token vectors; --pooling chooses."
        )
    loaded.cache[Recipe] = recipe
    return recipe


def _is_encoder(loaded: Loaded) -> bool:
    return type(loaded.model).__name__.endswith("EncoderModel")


def _prompt(recipe: Recipe, asked: str | None) -> str:
    """A prompt by its name, or the text itself; a word alone would be glued to the text."""
    if asked is None:
        return recipe.prompt
    if asked in recipe.prompts:
        return recipe.prompts[asked]
    if asked.isidentifier():
        names = ", ".join(recipe.prompts)
        raise UsageError(
            f"The model has no prompt '{asked}'.",
            hint=f"It has {names}." if names else f"The text itself, with its space: '{asked}: '",
        )
    return asked


def rows_of(texts: Sequence[str], loaded: Loaded, plan: Plan) -> list[list[Row] | Failure]:
    """The windows of each text; a row's note is the number of its new tokens."""
    read = [plan.prompt + text for text in texts]
    if plan.lower:
        read = [text.lower() for text in read]
    found = windows(read, replace(loaded, max_length=plan.longest), OVERLAP)
    empty = Failure("empty", "nothing in it is text to the model")
    return [rows if rows[0].length else empty for rows in found]


def pooled(loaded: Loaded, batch: Batch, pooling: str) -> Any:
    """One vector for each row of a batch that is padded on the right, in float32: (row, dim).

    The formulas are those of sentence-transformers' ``Pooling``.

    Raises:
        UnfitModelError: the model gives no vectors of tokens.
    """
    import torch

    model, cacheless = loaded.model, {}
    if loaded.config.is_encoder_decoder:
        model = model.get_encoder()
    elif "use_cache" in loaded.arguments:
        cacheless = {"use_cache": False}
    output = model(**batch.inputs, **cacheless)
    if getattr(output, "last_hidden_state", None) is None:
        kind = loaded.config.model_type
        raise UnfitModelError(f"A {kind} model gives no vectors of tokens to pool.")
    tokens = output.last_hidden_state.float()  # (row, token, dim)
    lengths = torch.tensor([row.length for row in batch.rows], device=tokens.device)  # (row,)
    if pooling == "cls":
        return tokens[:, 0]
    if pooling == "last":
        return tokens[torch.arange(len(tokens), device=tokens.device), lengths - 1]
    places = torch.arange(tokens.shape[1], device=tokens.device)
    padding = (places >= lengths[:, None])[..., None]  # (row, token, 1)
    if pooling == "max":
        return tokens.masked_fill(padding, -torch.inf).amax(dim=1)
    return tokens.masked_fill(padding, 0).sum(dim=1) / lengths[:, None]


def joined(vectors: Sequence[Any], fresh: Sequence[int], plan: Plan) -> Any:
    """One vector of the vectors of a text's windows, each weighted by its new tokens: (dim,).

    The maximum over all tokens is that of the windows' maxima.
    """
    import numpy as np

    if len(vectors) == 1:
        vector = vectors[0]
    elif plan.pooling == "max":
        vector = np.max(vectors, axis=0)
    else:
        vector = np.average(vectors, axis=0, weights=[max(1, n) for n in fresh])
    if plan.normalize:
        vector = vector / max(float(np.linalg.norm(vector)), TINY)
    return np.asarray(vector, np.float32)


def all_joined(
    texts: Sequence[str], loaded: Loaded, plan: Plan
) -> Generator[list[Row], Sequence[Any], Any]:
    """Vectors of many texts, (text, dim): give rows, be sent their vectors, and return.

    A text in which there is nothing to read has a vector of zeros: it is like no other. If all are
    so, None is returned.
    """
    import numpy as np

    every: Any = None
    for start in range(0, len(texts), CHUNK):
        prepared = rows_of(texts[start : start + CHUNK], loaded, plan)
        sound = {i: rows for i, rows in enumerate(prepared, start) if not isinstance(rows, Failure)}
        vectors = iter((yield [row for rows in sound.values() for row in rows]))
        for i, rows in sound.items():
            vector = joined([next(vectors) for _ in rows], [row.note for row in rows], plan)
            if every is None:
                every = np.zeros((len(texts), len(vector)), np.float32)  # (text, dim)
            every[i] = vector
    return every
