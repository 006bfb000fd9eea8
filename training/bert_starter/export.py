"""Write the trained weights as a folder that `from_pretrained` loads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runs import save_halves, save_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tokenizers import Tokenizer
    from torch import Tensor

# float32 is what the figures were measured in: without it the float16 of the file would decide.
CONFIG = {
    "architectures": ["BertForSequenceClassification", "BertForQuestionAnswering"],
    "attention_probs_dropout_prob": 0.1,
    "classifier_dropout": None,
    "dtype": "float32",
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "hidden_size": 384,
    "id2label": {"0": "NEGATIVE", "1": "POSITIVE"},
    "initializer_range": 0.02,
    "intermediate_size": 1536,
    "label2id": {"NEGATIVE": 0, "POSITIVE": 1},
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 512,
    "model_type": "bert",
    "num_attention_heads": 12,
    "num_hidden_layers": 6,
    "pad_token_id": 0,
    "problem_type": "single_label_classification",
    "type_vocab_size": 2,
    "vocab_size": 30522,
}
TOKENIZER_CONFIG = {
    "cls_token": "[CLS]",
    "do_lower_case": True,
    "mask_token": "[MASK]",
    "model_max_length": 512,
    "pad_token": "[PAD]",
    "sep_token": "[SEP]",
    "strip_accents": None,
    "tokenize_chinese_chars": True,
    "tokenizer_class": "BertTokenizer",
    "unk_token": "[UNK]",
}


def export(weights: Mapping[str, Tensor], tokenizer: Tokenizer, folder: Path) -> Path:
    """Write config, float16 weights and tokenizer into `folder`; a card there stays.

    Raises:
        ValueError: a weight does not fit into float16.
    """
    folder.mkdir(parents=True, exist_ok=True)
    save_halves(weights, folder)
    for name, content in (("config.json", CONFIG), ("tokenizer_config.json", TOKENIZER_CONFIG)):
        save_json(content, folder / name)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder
