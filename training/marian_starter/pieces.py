"""The tokenizer: one BPE for both languages, spelt as Marian's, read without sentencepiece."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from runs import save_json
from tokenizers import (
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

END, UNKNOWN, PAD = "</s>", "<unk>", "<pad>"  # with Marian's ids: 0, 1 and the last
END_ID, UNKNOWN_ID = 0, 1
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]  # spell characters that are no pieces
SPACE = "▁"
WORDS = (  # the space before one belongs to it
    r"'\p{L}+",  # an ending with its apostrophe
    r"▁?[\p{L}\p{M}]+",
    r"▁?\p{N}",  # a digit
    r"▁?[^\p{L}\p{M}\p{N}▁]+",  # punctuation
    "▁",
)
LANGUAGES = ("en", "de")


def learn_pieces(texts: Iterable[str], size: int) -> Tokenizer:
    """Learn `size` pieces; any text can be written, what is no piece byte by byte."""
    learner = around(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=size - 3 - len(BYTES), min_frequency=2, show_progress=False
    )
    learner.train_from_iterator(texts, trainer)
    learnt = json.loads(learner.to_str())["model"]
    pieces = [END, UNKNOWN, *BYTES, *learnt["vocab"], PAD]
    tokenizer = around(
        models.BPE(
            {piece: place for place, piece in enumerate(pieces)},
            [(first, second) for first, second in learnt["merges"]],
            unk_token=UNKNOWN,
            byte_fallback=True,
        )
    )
    tokenizer.add_special_tokens([END, UNKNOWN, PAD])
    tokenizer.post_processor = processors.TemplateProcessing(
        f"$A {END}", f"$A $B {END}", [(END, END_ID)]
    )
    return tokenizer


def around(model: models.Model) -> Tokenizer:
    """Give a model what stands before and behind it."""
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFC(),
            normalizers.Replace("’", "'"),
            normalizers.Replace(Regex(r"\s+"), " "),
            normalizers.Strip(),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(SPACE, prepend_scheme="always", split=False),
            pre_tokenizers.Split(Regex("|".join(WORDS)), "isolated"),
        ]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace(SPACE, " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    return tokenizer


def words(tokenizer: Tokenizer, text: str) -> list[str]:
    """Cut a text into what no piece reaches across."""
    plain = tokenizer.normalizer.normalize_str(text)
    return [word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(plain)]


def save_pieces(tokenizer: Tokenizer, folder: Path, positions: int) -> None:
    """Write the files that `AutoTokenizer` reads.

    MarianTokenizer would need sentencepiece and its two files: the plain fast class does not, and
    the languages are told in Marian's words.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "clean_up_tokenization_spaces": False,
        "eos_token": END,
        "model_input_names": ["input_ids", "attention_mask"],
        "model_max_length": positions,
        "pad_token": PAD,
        "source_lang": LANGUAGES[0],
        "target_lang": LANGUAGES[1],
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": UNKNOWN,
    }
    save_json(config, folder / "tokenizer_config.json")
