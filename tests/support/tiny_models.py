"""Tiny checkpoints with random weights, one for each family that a test wants.

Each is an ordinary folder: the family's own config, model and tokenizer classes, at a size that
loads in milliseconds.
"""

import json
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
PACKAGE = "sentence_transformers.models"
GAP = "\u200b"
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


WRITER_LENGTH = 128
WRITERS = {
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4},
    "llama": {"num_key_value_heads": 2},
    "bart": {
        "d_model": 32,
        "encoder_layers": 2,
        "decoder_layers": 2,
        "encoder_attention_heads": 4,
        "decoder_attention_heads": 4,
        "encoder_ffn_dim": 48,
        "decoder_ffn_dim": 48,
    },
    "t5": {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4},
}

READERS = {
    **CLASSIFIERS,
    "xlnet": ANSWERERS["xlnet"],
    "llama": {"num_key_value_heads": 2},
    "modernbert": {"local_attention": 8, "global_attn_every_n_layers": 2},
    "gemma2": {"num_key_value_heads": 2, "head_dim": 8, "sliding_window": 8},
    "longformer": {"attention_window": 8, "max_position_embeddings": 66},
    "bart": WRITERS["bart"],
    "t5": WRITERS["t5"],
    "marian": WRITERS["bart"],
    "mpnet": {"max_position_embeddings": 66},
}
BORROWED = {
    "modernbert": "bert",
    "gemma2": "llama",
    "longformer": "roberta",
    "marian": "bart",
    "mpnet": "bert",
}
"""Whose tokenizer a family has where its own would need files of its own."""


def make_classifier(folder: Path, family: str, **config: Any) -> Path:
    """Write a sequence classifier of the family, three labels unless ``config`` says otherwise."""
    import torch
    import transformers

    torch.manual_seed(7)
    tokenizer = tokenizer_of(family)
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

    tokenizer = tokenizer_of(family)
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


def make_writer(
    folder: Path, family: str, *, length: int = WRITER_LENGTH, tokenizer: Any = None, **config: Any
) -> Path:
    """Write a language model that writes on: causal, or for ``bart`` and ``t5`` with an encoder.

    ``tokenizer`` names another family's, if it is not to be its own.
    """
    import torch
    import transformers

    torch.manual_seed(7)
    tokenizer = tokenizer_of(tokenizer or family)
    tokenizer.model_max_length = length
    settings = {**SIZES, **WRITERS[family], "max_position_embeddings": length}
    if family == "t5":  # whose positions are relative
        del settings["max_position_embeddings"]
    settings |= {"vocab_size": len(tokenizer), "tie_word_embeddings": False, **config}
    for name in ("bos", "eos", "pad"):
        settings.setdefault(f"{name}_token_id", getattr(tokenizer, f"{name}_token_id"))
    if family in ("bart", "t5"):
        settings.setdefault("decoder_start_token_id", tokenizer.eos_token_id)
    kind = transformers.AutoModelForCausalLM
    if family in ("bart", "t5"):
        kind = transformers.AutoModelForSeq2SeqLM
    model = kind.from_config(transformers.AutoConfig.for_model(family, **settings))
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:  # so that what comes next depends clearly on what was before
                weight.normal_(std=0.4)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_reader(folder: Path, family: str, *, head: str = "", **config: Any) -> Path:
    """Write a model without a head; a sequence-to-sequence one with its language head.

    ``head`` names one that it is to have: ``MaskedLM``.
    """
    import torch
    import transformers

    torch.manual_seed(7)
    tokenizer = tokenizer_of(BORROWED.get(family, family))
    tokenizer.model_max_length = SIZES["max_position_embeddings"]
    settings = {**SIZES, **READERS[family], "vocab_size": len(tokenizer), **config}
    if family in ("t5", "xlnet"):  # whose positions are relative
        del settings["max_position_embeddings"]
    for name in ("bos", "eos", "pad", "cls", "sep"):
        if getattr(tokenizer, f"{name}_token_id") is not None:
            settings.setdefault(f"{name}_token_id", getattr(tokenizer, f"{name}_token_id"))
    kind = transformers.AutoModel
    if family in ("bart", "t5", "marian"):
        settings.setdefault("decoder_start_token_id", tokenizer.eos_token_id)
        kind = transformers.AutoModelForSeq2SeqLM
    if head:
        kind = getattr(transformers, f"AutoModelFor{head}")
    model = kind.from_config(transformers.AutoConfig.for_model(family, **settings))
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:  # so that heads look at different tokens, and clearly
                weight.normal_(std=0.4)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_encoder(
    folder: Path, family: str, pooling: str = "mean", normalize: bool = True, **said: Any
) -> Path:
    """Write a model of sentence-transformers; ``said`` is more that it says, by file.

    A weight depends on its name alone, as in ``make_answerer``.
    """
    import torch
    from safetensors.torch import load_file, save_file

    weights = load_file(make_reader(folder, family) / "model.safetensors")
    for name, weight in weights.items():
        if weight.dim() > 1:
            generator = torch.Generator().manual_seed(crc32(name.encode()))
            weights[name] = torch.randn(weight.shape, generator=generator) * 0.4
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    describe_vectors(folder, pooling, normalize, **said)
    return folder


def make_forgetful(folder: Path) -> Path:
    """Write a GPT-2 of sentence-transformers to whose tokenizer a zero-width space is nothing."""
    make_encoder(folder, "gpt2")
    for name, change in {
        "tokenizer": {"normalizer": {"type": "Replace", "pattern": {"String": GAP}, "content": ""}},
        "tokenizer_config": {"tokenizer_class": "TokenizersBackend"},
    }.items():
        path = folder / f"{name}.json"
        path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change))
    return folder


def describe_vectors(folder: Path, pooling: str, normalize: bool, **said: Any) -> None:
    """Write what sentence-transformers writes beside a model, in the way of its older versions."""
    kinds = ["Transformer", "Pooling", "Normalize"][: 3 if normalize else 2]
    modules = [
        {"idx": i, "name": str(i), "path": f"{i}_{kind}" if i else "", "type": f"{PACKAGE}.{kind}"}
        for i, kind in enumerate(kinds)
    ]
    modes = ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "lasttoken")
    flags = {f"pooling_mode_{mode}": mode.partition("_")[0] == pooling for mode in modes}
    flags["pooling_mode_mean_sqrt_len_tokens"] = pooling == "mean_sqrt_len_tokens"
    (folder / "1_Pooling").mkdir(exist_ok=True)
    files = {
        "modules": modules,
        "1_Pooling/config": {"word_embedding_dimension": 32, **flags},
        "sentence_bert_config": {"max_seq_length": 64, "do_lower_case": False},
        **said,
    }
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")


def make_speaker(folder: Path, text: str, length: int = WRITER_LENGTH) -> Path:
    """Write a GPT-2 that is all but sure of a byte of ``text`` behind any prompt of one byte.

    At the end of the text it is sure of the end.
    """
    tokenizer = tokenizer_of("gpt2")
    tokenizer.model_max_length = length
    ids = [*tokenizer(text)["input_ids"], tokenizer.eos_token_id]
    speaker(ids, tokenizer, length).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def speaker(ids: list[int], tokenizer: Any, length: int = WRITER_LENGTH) -> Any:
    """A GPT-2 whose next token depends on the position alone: ``ids[p]`` behind position p."""
    import torch
    import transformers

    size = len(ids) + (-len(ids)) % 4
    model = transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=len(tokenizer),
            n_embd=size,
            n_layer=1,
            n_head=1,
            n_positions=length,
            tie_word_embeddings=False,
            bos_token_id=tokenizer.eos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.eos_token_id,
        )
    )
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.fill_(1.0 if "ln_" in name and name.endswith("weight") else 0.0)
        for position, id in enumerate(ids):
            model.transformer.wpe.weight[position, position] = 1.0
            model.lm_head.weight[id, position] += 9.0
    return model.eval()


def make_base_model(folder: Path) -> Path:
    """Write a BERT without any head."""
    import transformers

    tokenizer = tokenizer_of("bert")
    config = transformers.BertConfig(vocab_size=len(tokenizer), **SIZES)
    transformers.BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tokenizer_of(family: str) -> Any:
    """The tokenizer that the family's checkpoints have."""
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
        case "roberta" | "deberta" | "bart":
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
        case "t5":
            pieces = [
                "<pad>",
                "</s>",
                "<unk>",
                "▁",
                *(f"▁{word}" for word in WORDS.split()),
                *PIECES,
            ]
            return transformers.T5Tokenizer(
                vocab=[(piece, -float(i)) for i, piece in enumerate(dict.fromkeys(pieces))],
                extra_ids=0,
            )
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
