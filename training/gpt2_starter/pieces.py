"""The tokenizer: byte-level BPE like GPT-2's, with a vocabulary of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from runs import save_json
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

END = "<|endoftext|>"
SAMPLE = {  # characters of each kind that the pieces are learnt from
    "stories": 7_000_000,
    "everyday": 3_000_000,
    "plain": 12_000_000,
    "ornate": 8_000_000,
    "wiki": 4_000_000,
}


def learn_pieces(training: Mapping[str, Sequence[str]], size: int) -> Tokenizer:
    """Learn `size` pieces from a sample in which no kind of text drowns the others.

    The end of a text is the last id, as in GPT-2; any bytes can be written, so there is no unknown.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=size - 1,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(sample(training), trainer)
    tokenizer.add_special_tokens([END])
    return tokenizer


def sample(training: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Take the beginning of every document, as long as the kind's share allows."""
    for kind, characters in SAMPLE.items():
        documents = training[kind]
        for text in documents:
            yield text[: characters // len(documents) + 1]


def save_pieces(tokenizer: Tokenizer, folder: Path, positions: int) -> None:
    """Write the files that `AutoTokenizer` reads as GPT-2's class."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    tokenizer.model.save(str(folder))  # vocab.json, merges.txt
    vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    vocabulary[END] = tokenizer.token_to_id(END)  # the model alone does not know it
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    config = {
        "add_prefix_space": False,
        "bos_token": END,
        "clean_up_tokenization_spaces": False,
        "eos_token": END,
        "model_max_length": positions,
        "tokenizer_class": "GPT2Tokenizer",
        "unk_token": END,
    }
    save_json(config, folder / "tokenizer_config.json")
