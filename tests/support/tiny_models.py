"""Tiny checkpoints with random weights, one for each family that a test wants.

Each is an ordinary folder: the family's own config, model and tokenizer classes, at a size that
loads in milliseconds.
"""

from pathlib import Path
from typing import Any
from zlib import crc32

WORDS = "the a film is was great awful good bad not very plot and of it i love hate deep learning"
PIECES = [*"abcdefghijklmnopqrstuvwxyz0123456789.,!?'-éü", "ing", "ed", "er"]
SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 64,
    "initializer_range": 0.6,  # so that random logits differ clearly from text to text
}
ANSWERER_LENGTH = 128
CLASSIFIERS = {
    "bert": {},
    "distilbert": {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 48},
    "roberta": {"max_position_embeddings": 66},
    "albert": {"embedding_size": 16},
    "electra": {"embedding_size": 16},
    "xlm-roberta": {"max_position_embeddings": 66},
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64},
    "deberta": {"pos_att_type": ["c2p", "p2c"], "relative_attention": True},
}

ANSWERERS = {
    **CLASSIFIERS,
    "xlnet": {"d_model": 32, "n_layer": 2, "n_head": 4, "d_inner": 48},
    "llama": {},
}


def make_classifier(folder: Path, family: str, **config: Any) -> Path:
    """Write a sequence classifier of the family, three labels unless ``config`` says otherwise."""
    import torch
    import transformers

    torch.manual_seed(7)
    tokenizer = _tokenizer(family)
    settings = {"num_labels": 3, **SIZES, **CLASSIFIERS[family], **config}
    settings = {"pad_token_id": tokenizer.pad_token_id, **settings, "vocab_size": len(tokenizer)}
    model_config = transformers.AutoConfig.for_model(family, **settings)
    model = transformers.AutoModelForSequenceClassification.from_config(model_config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_answerer(folder: Path, family: str) -> Path:
    """Write a model with a span head.

    A weight depends on its name alone, so that results recorded with it hold in every version.
    """
    import torch
    import transformers

    tokenizer = _tokenizer(family)
    tokenizer.model_max_length = ANSWERER_LENGTH
    settings = {**SIZES, **ANSWERERS[family], "vocab_size": len(tokenizer)}
    settings["max_position_embeddings"] = ANSWERER_LENGTH + 2  # RoBERTa begins at 2
    if family == "xlnet":  # reads rows of any length
        del settings["max_position_embeddings"]
    config = transformers.AutoConfig.for_model(family, **settings)
    config.pad_token_id = tokenizer.pad_token_id
    model = transformers.AutoModelForQuestionAnswering.from_config(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            generator = torch.Generator().manual_seed(crc32(name.encode()))
            weight.copy_(torch.randn(weight.shape, generator=generator) * 0.6)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_base_model(folder: Path) -> Path:
    """Write a BERT without any head."""
    import transformers

    tokenizer = _tokenizer("bert")
    config = transformers.BertConfig(vocab_size=len(tokenizer), **SIZES)
    transformers.BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _tokenizer(family: str) -> Any:
    import transformers

    match family:
        case "bert" | "distilbert" | "electra":
            pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS.split(), *PIECES]
            pieces += [f"##{piece}" for piece in PIECES]
            vocab = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
            kind = transformers.BertTokenizer
            if family == "distilbert":
                kind = transformers.DistilBertTokenizer
            return kind(vocab=vocab, model_max_length=64)
        case "roberta" | "deberta":
            special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
            merges = list(dict.fromkeys(m for word in WORDS.split() for m in _merges(f"Ġ{word}")))
            if family == "deberta":
                special = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"]
                merges = [("t", "h"), ("th", "e"), ("Ġ", "a"), ("o", "o"), ("oo", "d")]
            pieces = [*special, *_bytes(), *(a + b for a, b in merges)]
            vocab = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
            kind = transformers.RobertaTokenizer
            if family == "deberta":
                kind = transformers.DebertaTokenizer
            return kind(vocab=vocab, merges=merges, model_max_length=64)
        case "gpt2":
            vocab = {piece: i for i, piece in enumerate(["<|endoftext|>", *_bytes()])}
            return transformers.GPT2Tokenizer(vocab=vocab, merges=[], model_max_length=64)
        case "albert" | "xlm-roberta" | "xlnet" | "llama":
            return _sentencepiece(family)
    raise ValueError(family)


def _sentencepiece(family: str) -> Any:
    import transformers

    if family == "llama":
        vocab = {piece: i for i, piece in enumerate(["<unk>", "<s>", "</s>", "▁", *PIECES])}
        return transformers.LlamaTokenizer(vocab=vocab, merges=[], model_max_length=64)
    kind: Any = transformers.AlbertTokenizer
    special = ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"]
    if family == "xlnet":
        kind = transformers.XLNetTokenizer
        special = ["<pad>", "<unk>", "<cls>", "<sep>", "<mask>", "<s>", "</s>", "<eod>"]
    if family == "xlm-roberta":
        kind = transformers.XLMRobertaTokenizer
        special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    words = [f"▁{word}" for word in WORDS.split()]
    pieces = dict.fromkeys([*special, "▁", *words, *PIECES])
    scored = [(p, 0.0 if p in special else -1.0 - i / 100) for i, p in enumerate(pieces)]
    return kind(vocab=scored, model_max_length=64)


def _merges(word: str) -> list[tuple[str, str]]:
    """What makes one token of a word, from left to right."""
    return [(word[:i], word[i]) for i in range(1, len(word))]


def _bytes() -> list[str]:
    """The 256 printable stand-ins for bytes that GPT-2's tokenizer uses."""
    from tokenizers.pre_tokenizers import ByteLevel

    return sorted(ByteLevel.alphabet())
