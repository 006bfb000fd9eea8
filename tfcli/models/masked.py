"""Masked language models: the vocabulary's logits, computed only where somebody asks for them."""

from collections.abc import Mapping
from typing import Any

from tfcli.core.task import Loaded
from tfcli.errors import UnfitModelError

MASKED = "AutoModelForMaskedLM"


def mask_id(tokenizer: Any) -> int:
    """The token that stands for what is missing.

    Raises:
        UnfitModelError: there is none.
    """
    if tokenizer.mask_token_id is None:
        raise UnfitModelError("The model's tokenizer has no mask token: it fills no blanks.")
    return int(tokenizer.mask_token_id)


def logits_at(loaded: Loaded, inputs: Mapping[str, Any], rows: Any, tokens: Any) -> Any:
    """The logits at chosen places of a padded batch: (place, vocabulary).

    Most places of a text are not asked for, and the product with the vocabulary is a third of a
    small BERT's work, and more where there are many languages in it: the output layer is given the
    chosen places alone.

    Args:
        loaded: a masked model.
        inputs: the batch, as the model takes it.
        rows: for each place its row, (place,).
        tokens: for each place its token in the row, (place,).
    """
    shape = inputs["input_ids"].shape
    narrowed = False

    def narrow(module: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...] | None:
        nonlocal narrowed
        if not arguments or arguments[0].shape[:2] != shape:
            return None
        narrowed = True
        hidden, *others = arguments
        return (hidden[rows, tokens][None], *others)  # (1, place, hidden)

    layer = loaded.model.get_output_embeddings()
    handle = None if layer is None else layer.register_forward_pre_hook(narrow)
    try:
        logits = loaded.model(**inputs).logits
    finally:
        if handle is not None:
            handle.remove()
    return logits[0] if narrowed else logits[rows, tokens]
