"""Which models write text: causal ones continue it, sequence-to-sequence ones answer it."""

from typing import Any

from tfcli.errors import UnfitModelError

CAUSAL, SEQUENCE_TO_SEQUENCE = "AutoModelForCausalLM", "AutoModelForSeq2SeqLM"


def auto_class(config: Any) -> str:
    """The Auto class of a model that writes.

    Raises:
        UnfitModelError: the model reads in both directions and fills blanks.
    """
    if config.is_encoder_decoder:
        return SEQUENCE_TO_SEQUENCE
    if fills_blanks(config):
        raise UnfitModelError(
            f"A {config.model_type} model fills blanks; it does not know what comes next.",
            hint="Name a causal model with -m: GPT-2, Llama …; or see tfcli fill.",
        )
    return CAUSAL


def fills_blanks(config: Any) -> bool:
    """Whether a model reads in both directions, and can say what stands behind a mask."""
    import transformers

    masked = type(config) in transformers.MODEL_FOR_MASKED_LM_MAPPING
    return masked and not getattr(config, "is_decoder", False)


def padding_side(config: Any) -> str:
    """Causal models write behind their prompt: what fills up a batch stands before it."""
    return "right" if config.is_encoder_decoder else "left"


def position_ids(attention_mask: Any) -> Any:
    """Positions that count from the first token that is no padding."""
    return (attention_mask.cumsum(-1) - 1).clamp(min=0)  # (row, token)
