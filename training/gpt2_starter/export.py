"""Write the trained weights as a folder that `from_pretrained` loads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runs import save_halves, save_json

from gpt2_starter.model import EPSILON
from gpt2_starter.pieces import save_pieces

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tokenizers import Tokenizer
    from torch import Tensor

    from gpt2_starter.model import Shape


def config(shape: Shape, end: int) -> dict[str, Any]:
    """Return what `config.json` says.

    float32 is what the figures are measured in: without it the float16 of the file would decide.
    """
    return {
        "activation_function": "gelu_new",
        "architectures": ["GPT2LMHeadModel"],
        "attn_pdrop": 0.0,
        "bos_token_id": end,
        "dtype": "float32",
        "embd_pdrop": 0.0,
        "eos_token_id": end,
        "layer_norm_epsilon": EPSILON,
        "model_type": "gpt2",
        "n_embd": shape.width,
        "n_head": shape.heads,
        "n_layer": shape.layers,
        "n_positions": shape.positions,
        "resid_pdrop": 0.0,
        "tie_word_embeddings": True,
        "vocab_size": shape.pieces,
    }


def export(weights: Mapping[str, Tensor], shape: Shape, tokenizer: Tokenizer, folder: Path) -> Path:
    """Write config, float16 weights and tokenizer into `folder`.

    Raises:
        ValueError: a weight does not fit into float16.
    """
    save_pieces(tokenizer, folder, shape.positions)
    save_halves(weights, folder)
    save_json(config(shape, shape.pieces - 1), folder / "config.json")
    return folder
