"""Tiny translators and summarizers, random but the same in every version of transformers.

A weight depends on its name alone, and no tokenizer is trained: what one version says of a model
can be recorded, and held against another.
"""

import json
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from zlib import crc32

from tiny_models import PIECES, WORDS

LENGTH = 64
SIZES = {
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48,
    "max_position_embeddings": LENGTH,
}
T5_SIZES = {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4}
T5_TASKS = {
    "summarization": {
        "early_stopping": True,
        "length_penalty": 2.0,
        "max_length": 22,
        "min_length": 6,
        "no_repeat_ngram_size": 3,
        "num_beams": 4,
        "prefix": "summarize: ",
    },
    "translation_en_to_de": {
        "early_stopping": True,
        "max_length": 18,
        "num_beams": 4,
        "prefix": "translate English to German: ",
    },
    "translation_en_to_fr": {"num_beams": 2, "prefix": "translate English to French: "},
}
DECODING = {
    "num_beams": 4,
    "max_length": 24,
    "no_repeat_ngram_size": 2,
    "exponential_decay_length_penalty": [14, 1.4],  # so that texts are of many lengths
}
TEXTS = [*(f"▁{word}" for word in WORDS.split()), "▁", *PIECES, *"ABDEGHIMRST:;，。你好世界"]
"""Pieces that a model reads and writes."""
TOLD = ("▁translate", "▁summarize", "▁English", "▁to", "▁German", "▁French")
TRANSLATORS = ("marian", "marian-many", "mbart", "mbart50", "m2m_100", "nllb", "t5")
SUMMARIZERS = ("bart", "pegasus", "t5")
TARGETS = (">>deu<<", ">>fra<<", ">>cmn_Hans<<", ">>cmn_Hant<<")


def make_seq2seq(folder: Path, family: str, *, generation: Any = None, **config: Any) -> Path:
    """Write a translator or a summarizer of a family.

    ``marian-many`` has several targets. ``generation`` is set in its generation_config.
    """
    import torch
    import transformers

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _TOKENIZERS[family](folder)
    tokenizer.model_max_length = LENGTH
    kind = {"marian-many": "marian", "mbart50": "mbart", "nllb": "m2m_100"}.get(family, family)
    languages = getattr(tokenizer, "id_to_lang_token", {})  # M2M100's are no part of its length
    size = max([len(tokenizer), *(id + 1 for id in languages)])
    ids = _ids(kind, tokenizer)
    settings = {**(T5_SIZES if kind == "t5" else SIZES), "vocab_size": size, **ids}
    if kind == "t5":
        settings["task_specific_params"] = T5_TASKS
    if kind == "bart":
        settings["prefix"] = " "
    made = transformers.AutoConfig.for_model(kind, **{**settings, **config})
    model = transformers.AutoModelForSeq2SeqLM.from_config(made)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            generator = torch.Generator().manual_seed(crc32(name.encode()))
            if weight.dim() > 1:
                weight.copy_(torch.randn(weight.shape, generator=generator) * 0.4)
    decoding = {**DECODING, "forced_bos_token_id": None, "forced_eos_token_id": None, **ids}
    if kind == "marian":  # it never writes what fills up a batch
        decoding["bad_words_ids"] = [[tokenizer.pad_token_id]]
    if kind == "bart":  # whose tokens are bytes: let it write characters
        vocab = tokenizer.get_vocab()
        broken = [id for token, id in vocab.items() if not token.lstrip("Ġ").isascii()]
        decoding["suppress_tokens"] = sorted(broken)
    for name, value in {**decoding, **(generation or {})}.items():
        setattr(model.generation_config, name, value)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    _as_before(folder / "tokenizer_config.json")
    return folder


def _ids(kind: str, tokenizer: Any) -> dict[str, int]:
    """The tokens that a family begins and ends with."""
    eos, pad = tokenizer.eos_token_id, tokenizer.pad_token_id
    first = pad if kind in ("marian", "t5", "pegasus") else eos
    ids = {"eos_token_id": eos, "pad_token_id": pad, "decoder_start_token_id": first}
    if kind in ("marian", "bart"):  # whose texts end where they are too long, too
        ids["forced_eos_token_id"] = eos
    return ids | {"bos_token_id": 0, "forced_bos_token_id": 0} if kind == "bart" else ids


def _as_before(path: Path) -> None:
    """Call special tokens what they are called in most checkpoints, and in transformers 4."""
    settings = json.loads(path.read_text(encoding="utf-8"))
    special = settings.pop("extra_special_tokens", [])
    path.write_text(json.dumps({**settings, "additional_special_tokens": special}))


def _marian(folder: Path, *, codes: Iterable[str] = (), target: str = "de") -> Any:
    import transformers

    for name in ("source.spm", "target.spm"):
        (folder / name).write_bytes(sentencepiece_model(["<unk>", "<s>", "</s>", *TEXTS]))
    vocab = ["</s>", "<unk>", *TEXTS, *codes, "<pad>"]
    _write(folder / "vocab.json", vocab)
    files = {"source_spm": "source.spm", "target_spm": "target.spm", "vocab": "vocab.json"}
    paths = {name: str(folder / file) for name, file in files.items()}
    return transformers.MarianTokenizer(**paths, source_lang="en", target_lang=target)


def _marian_many(folder: Path) -> Any:
    return _marian(folder, codes=TARGETS, target="mul")


def _m2m_100(folder: Path) -> Any:
    import transformers
    from transformers.models.m2m_100.tokenization_m2m_100 import FAIRSEQ_LANGUAGE_CODES

    languages = FAIRSEQ_LANGUAGE_CODES["m2m100"]
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *TEXTS]
    spelled = sentencepiece_model(["<unk>", "<s>", "</s>", *TEXTS])
    (folder / "sentencepiece.bpe.model").write_bytes(spelled)
    _write(folder / "vocab.json", pieces)
    return transformers.M2M100Tokenizer(
        str(folder / "vocab.json"),
        str(folder / "sentencepiece.bpe.model"),
        src_lang="en",
        num_madeup_words=0,
        additional_special_tokens=[f"__{code}__" for code in languages],
    )


def _mbart(folder: Path) -> Any:
    return _scored("MBartTokenizer", "mbart")


def _mbart50(folder: Path) -> Any:
    return _scored("MBart50Tokenizer", "mbart50")


def _scored(name: str, module: str) -> Any:
    from importlib import import_module

    import transformers

    found = import_module(f"transformers.models.{module}.tokenization_{module}")
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    pieces = dict.fromkeys([*special, *TEXTS, *found.FAIRSEQ_LANGUAGE_CODES, "<mask>"])
    vocab = [(p, 0.0 if p in special else -1.0 - i / 100) for i, p in enumerate(pieces)]
    return getattr(transformers, name)(vocab=vocab)


def _nllb(folder: Path) -> Any:
    import transformers

    pieces = ["<s>", "<pad>", "</s>", "<unk>", *TEXTS]
    merges = []
    for word in WORDS.split():
        spelled = f"▁{word}"
        for end in range(2, len(spelled) + 1):
            merges.append((spelled[: end - 1], spelled[end - 1]))
            pieces.append(spelled[:end])
    vocab = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    return transformers.NllbTokenizer(vocab=vocab, merges=list(dict.fromkeys(merges)))


def _t5(folder: Path) -> Any:
    import transformers

    pieces = dict.fromkeys(["<pad>", "</s>", "<unk>", *TEXTS, *TOLD])
    vocab = [(piece, -float(i)) for i, piece in enumerate(pieces)]
    return transformers.T5Tokenizer(vocab=vocab, extra_ids=0)


def _pegasus(folder: Path) -> Any:
    import transformers

    pieces = dict.fromkeys(["<pad>", "</s>", "<mask_1>", "<mask_2>", "<unk>", *TEXTS])
    vocab = [(p, 0.0 if p == "<unk>" else -1.0 - i / 100) for i, p in enumerate(pieces)]
    return transformers.PegasusTokenizer(vocab=vocab, offset=2)


def _bart(folder: Path) -> Any:
    from tiny_models import tokenizer_of

    return tokenizer_of("bart")


_TOKENIZERS = {
    "marian": _marian,
    "marian-many": _marian_many,
    "mbart": _mbart,
    "mbart50": _mbart50,
    "m2m_100": _m2m_100,
    "nllb": _nllb,
    "t5": _t5,
    "pegasus": _pegasus,
    "bart": _bart,
}


def _write(path: Path, pieces: Iterable[str]) -> None:
    vocab = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    path.write_text(json.dumps(vocab, ensure_ascii=False), encoding="utf-8")


def sentencepiece_model(pieces: Iterable[str]) -> bytes:
    """A model of sentencepiece, unigram, without a trainer: the bytes of its protocol buffer.

    The first three pieces are ``<unk>`` and two controls; of the others the earlier is likelier.
    """
    kinds = {"<unk>": 2, "<s>": 3, "</s>": 3}
    written = b""
    for rank, piece in enumerate(dict.fromkeys(pieces)):
        spelled = piece.encode()
        entry = b"\x0a" + _size(spelled) + spelled + b"\x15" + struct.pack("<f", -1.0 - rank / 100)
        entry += b"\x18" + bytes([kinds.get(piece, 1)])
        written += b"\x0a" + _size(entry) + entry
    return written


def _size(data: bytes) -> bytes:
    """A length as a varint."""
    length, written = len(data), []
    while length > 127:
        written.append(length & 127 | 128)
        length >>= 7
    return bytes([*written, length])
