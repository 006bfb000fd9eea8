"""Write the trained weights as a folder that `from_pretrained` loads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runs import save_halves, save_json

from marian_starter.pieces import END_ID, save_pieces

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tokenizers import Tokenizer
    from torch import Tensor

    from marian_starter.model import Shape

BEAMS = 4


def config(shape: Shape) -> dict[str, Any]:
    """Return what `config.json` says.

    float32 is what the figures are measured in: without it the float16 of the file would decide.
    """
    return {
        "activation_dropout": 0.0,
        "activation_function": "relu",
        "architectures": ["MarianMTModel"],
        "attention_dropout": 0.0,
        "d_model": shape.width,
        "decoder_attention_heads": shape.heads,
        "decoder_ffn_dim": shape.inner,
        "decoder_layers": shape.decoder_layers,
        "decoder_start_token_id": shape.pieces - 1,
        "decoder_vocab_size": shape.pieces,
        "dropout": 0.0,
        "dtype": "float32",
        "encoder_attention_heads": shape.heads,
        "encoder_ffn_dim": shape.inner,
        "encoder_layers": shape.encoder_layers,
        "eos_token_id": END_ID,
        "forced_eos_token_id": END_ID,
        "is_encoder_decoder": True,
        "max_position_embeddings": shape.positions,
        "model_type": "marian",
        "num_hidden_layers": shape.encoder_layers,
        "pad_token_id": shape.pieces - 1,
        "scale_embedding": True,
        "share_encoder_decoder_embeddings": True,
        "tie_word_embeddings": True,
        "vocab_size": shape.pieces,
    }


def generation_config(shape: Shape) -> dict[str, Any]:
    """Return what `generation_config.json` says, as of the models of opus-mt."""
    pad = shape.pieces - 1
    return {
        "bad_words_ids": [[pad]],
        "decoder_start_token_id": pad,
        "eos_token_id": END_ID,
        "forced_eos_token_id": END_ID,
        "max_length": shape.positions,
        "num_beams": BEAMS,
        "pad_token_id": pad,
    }


def export(weights: Mapping[str, Tensor], shape: Shape, tokenizer: Tokenizer, folder: Path) -> Path:
    """Write configs, float16 weights and tokenizer into `folder`.

    Raises:
        ValueError: a weight does not fit into float16.
    """
    save_pieces(tokenizer, folder, shape.positions)
    save_halves(weights, folder)
    save_json(config(shape), folder / "config.json")
    save_json(generation_config(shape), folder / "generation_config.json")
    return folder
