"""How much a tokenizer.json can make of a text, at most: a bound, found without running it.

Forty steps that write "aa" for "a" make a terabyte of one letter. Each step's growth is bounded
by a factor and by what it adds, in bytes of text or in tokens; steps in a row multiply.
"""

import base64
import struct
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from tfcli.errors import UnsafeModelError

MOST_STEPS = 1_000
TEXT_FACTOR, TEXT_ADDED = 10_000, 1 << 20
"""T5 has 792: a letter of NFKC has up to 33 bytes, for runs of spaces 4, for Metaspace 6."""
TOKEN_FACTOR, TOKENS_ADDED = 10, 1_000
MOST_PADDING = 1 << 20

_LISTS = ("normalizers", "pretokenizers", "processors", "decoders")
_SEQUENCE = {"Sequence": 1}
_DOUBLING = 2  # a byte becomes a letter of two; spaces stand around hanzi, or before each token
_TYPES: dict[str, dict[str, float]] = {
    "normalizer": {
        **dict.fromkeys(("NFC", "NFD", "NFKC", "NFKD", "Nmt", "Lowercase", "Strip"), 1),
        **dict.fromkeys(("StripAccents", "Replace", "Prepend", "Precompiled"), 1),
        **dict.fromkeys(("ByteLevel", "BertNormalizer"), _DOUBLING),
    },
    "pre_tokenizer": {
        **dict.fromkeys(("BertPreTokenizer", "Whitespace", "WhitespaceSplit", "Punctuation"), 1),
        **dict.fromkeys(("Digits", "Split", "CharDelimiterSplit", "UnicodeScripts"), 1),
        **dict.fromkeys(("FixedLength", "Metaspace"), 1),
        "ByteLevel": _DOUBLING,
    },
    "post_processor": {
        **dict.fromkeys(("BertProcessing", "RobertaProcessing", "TemplateProcessing"), 1),
        "ByteLevel": 1,
    },
    "decoder": {
        **dict.fromkeys(("Fuse", "ByteFallback", "Strip", "Metaspace", "Replace"), 1),
        **dict.fromkeys(("WordPiece", "BPEDecoder", "CTC", "ByteLevel"), _DOUBLING),
    },
}
"""What a step of each type makes of a byte, by the type alone: often once, however often it comes.

What its keys say comes on top. tokenizers goes by the keys where it does not know the type for this
part, is given none, or is given one twice, and of a template it never looks at the type.
"""
_UNKNOWN = 4


class _Growth(NamedTuple):
    factor: float = 1
    added: float = 0

    def then(self, step: "_Growth") -> "_Growth":
        return _Growth(self.factor * step.factor, self.added * step.factor + step.added)

    def at_least(self, other: "_Growth") -> "_Growth":
        return _Growth(max(self.factor, other.factor), max(self.added, other.added))


def require_bounded(name: str, content: dict[str, Any]) -> None:
    """Refuse a tokenizer.json that can blow up a text, or a row of tokens.

    Raises:
        UnsafeModelError: naming the part that does.
        ValueError: a part is not what it says it is.
    """
    parts = {part: _grown(name, part, content) for part in _TYPES}
    text = parts["normalizer"].then(parts["pre_tokenizer"])
    for part, growth in (("normalizer", text), ("decoder", parts["decoder"])):
        if growth.factor > TEXT_FACTOR or growth.added > TEXT_ADDED:
            raise UnsafeModelError(f"The {part} of {name} can blow up a text without bound.")
    tokens = parts["post_processor"]
    if tokens.factor > TOKEN_FACTOR or tokens.added > TOKENS_ADDED:
        raise UnsafeModelError(f"The post_processor of {name} adds tokens without bound.")
    for key, value in _padding(content):
        if isinstance(value, (int, float)) and value > MOST_PADDING:
            raise UnsafeModelError(f"{name} pads every text without bound: {key} {value:,}.")


def _grown(name: str, part: str, content: dict[str, Any]) -> _Growth:
    growth = _Growth()
    for count, step in enumerate(_steps(content.get(part))):
        if count == MOST_STEPS:
            raise UnsafeModelError(f"The {part} of {name} has more than {MOST_STEPS:,} steps.")
        growth = growth.then(_growth(part, step))
    return growth


def _steps(node: Any) -> Iterator[dict[str, Any]]:
    """The steps of a part in order, and all that any of them holds, whatever its type."""
    left = [] if node is None else [node]
    while left:
        step = left.pop()
        if not isinstance(step, dict):  # tokenizers takes ["x"] for a Prepend
            raise ValueError("a step is no object")
        yield step
        left += reversed([inner for key in _LISTS for inner in step.get(key) or ()])


def _growth(part: str, step: dict[str, Any]) -> _Growth:
    """The growth of one step, apart from what it holds: the largest of all that it may mean.

    So there is no key that hides another. Every reading only adds to the bound.
    """
    kind = step.get("type")
    factor = (_TYPES[part] | _SEQUENCE).get(kind, _UNKNOWN) if isinstance(kind, str) else _UNKNOWN
    growth = _Growth(factor, 4 if part == "post_processor" else 0)  # two special tokens, or four
    if "pattern" in step and "content" in step:
        growth = growth.at_least(_replacing(step["pattern"], _size(step["content"])))
    if "prepend" in step:  # before each piece of a text that special tokens cut up
        size = _size(step["prepend"])
        growth = growth.at_least(_Growth(1 + size, size))
    if "precompiled_charsmap" in step:
        growth = growth.at_least(_Growth(_longest(step["precompiled_charsmap"])))
    if "single" in step or "pair" in step:
        growth = growth.at_least(_template(step))
    if "replacement" in step or kind == "Metaspace":  # a sign for a space, and one in front
        growth = growth.at_least(_Growth(2 * max(1, _size(step.get("replacement")))))
    return growth


def _replacing(pattern: Any, content: int) -> _Growth:
    literal = pattern.get("String") if isinstance(pattern, dict) and len(pattern) == 1 else None
    if isinstance(literal, str) and literal:
        return _Growth(max(1, content / _size(literal)))
    return _Growth(
        1 + content, content
    )  # it may match the empty text before, between, behind letters


def _longest(charsmap: Any) -> int:
    """The longest text that one letter becomes: sentencepiece's map is a trie, then the texts."""
    if not charsmap:
        return 1
    blob = base64.b64decode(charsmap)
    try:
        (trie,) = struct.unpack_from("<I", blob)
    except struct.error as exc:
        raise ValueError("precompiled_charsmap") from exc
    return max(1, *map(len, blob[4 + trie :].split(b"\0")))


def _template(step: dict[str, Any]) -> _Growth:
    """How often a template repeats a text, and how many tokens it adds."""
    specials = step.get("special_tokens") or {}
    sizes = {key: len(token.get("ids", ())) for key, token in specials.items()}
    factor = added = 0
    for pieces in (step.get("single") or (), step.get("pair") or ()):
        texts = Counter(str(p["Sequence"]["id"]) for p in pieces if "Sequence" in p)
        factor = max(factor, *texts.values(), 1)
        special = (p["SpecialToken"]["id"] for p in pieces if "SpecialToken" in p)
        added = max(added, sum(sizes.get(key, 1) for key in special))
    return _Growth(factor, added)


def _padding(content: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    padding = content.get("padding")
    if isinstance(padding, dict):
        strategy = padding.get("strategy")
        yield "to", strategy.get("Fixed") if isinstance(strategy, dict) else None
        yield "pad_to_multiple_of", padding.get("pad_to_multiple_of")


def _size(text: Any) -> int:
    return len(text.encode("utf-8", "surrogatepass")) if isinstance(text, str) else 0
