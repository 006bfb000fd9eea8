"""Sentences in one spelling, and what makes two of them the same."""

from __future__ import annotations

import re
import unicodedata

INVISIBLE = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")
SHORT = {  # in the order in which they are written out
    "can't": "cannot",
    "won't": "will not",
    "n't": " not",
    "'m": " am",
    "'re": " are",
    "'ll": " will",
    "'ve": " have",
}


def tidy(text: str) -> str:
    """Write apostrophes and spaces in one way; nothing invisible stays."""
    plain = unicodedata.normalize("NFC", INVISIBLE.sub("", text)).replace("’", "'")
    return " ".join(plain.split())


def key(text: str) -> str:
    """Reduce a sentence to what tells it from others: no case, punctuation or short forms."""
    text = tidy(text).lower()
    for short, long in SHORT.items():
        text = text.replace(short, long)
    return re.sub(r"[\W_]+", "", text)


def gaps(text: str) -> set[tuple[str, ...]]:
    """Return the words of a sentence with each one left out in turn: alike but for a word."""
    words = re.findall(r"[^\W_]+", tidy(text).lower().replace("'", ""))
    return {(*words[:i], "", *words[i + 1 :]) for i in range(len(words))}
