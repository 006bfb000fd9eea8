"""Tokenizers that write a text in every way: by bytes, by characters, by all parts of it."""

from itertools import combinations
from typing import Any

import transformers
from tiny_models import PIECES, tokenizer_of


def byte_fallback() -> Any:
    """As Llama 2 reads: characters it has no token for are tokens of a byte each."""
    spelt = [f"<0x{byte:02X}>" for byte in range(256)]
    pieces = ["<unk>", "<s>", "</s>", *spelt, "▁", *PIECES]
    vocab = {piece: i for i, piece in enumerate(pieces)}
    return transformers.LlamaTokenizer(vocab=vocab, merges=[])


def splits(text: str) -> tuple[Any, list[list[int]]]:
    """A tokenizer with a token for each part of a text, by bytes; the text in all its ways."""
    alphabet = tokenizer_of("gpt2")
    spelt = alphabet.convert_ids_to_tokens(alphabet(text)["input_ids"])
    places = range(len(spelt) + 1)
    parts = {"".join(spelt[i:j]) for i, j in combinations(places, 2) if j > i + 1}
    vocab = {**alphabet.get_vocab(), **{part: len(alphabet) + i for i, part in enumerate(parts)}}
    ways = []
    for count in range(len(spelt)):
        for cuts in combinations(places[1:-1], count):
            edges = zip((0, *cuts), (*cuts, len(spelt)), strict=True)
            ways.append([vocab["".join(spelt[a:b])] for a, b in edges])
    return transformers.GPT2Tokenizer(vocab=vocab, merges=[]), ways
