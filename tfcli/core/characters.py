"""Characters that would act instead of being shown: controls, bidi overrides, lone surrogates."""

import re

# C0 and C1 controls and DEL; embeddings, overrides and isolates of text direction; line and
# paragraph separators; lone surrogates, which no encoding can write. Unicode TR 36, section 3.
_ACTING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LINES_AND_TABS = re.compile(r"[^\n\t]+")


def visible(text: str) -> str:
    """Acting characters as a terminal can show them: ESC as ``␛``, U+202E as ``<U+202E>``."""
    return _ACTING.sub(_picture, text)


def visible_lines(text: str) -> str:
    r"""The same, with ``\n`` and ``\t`` left to do their work."""
    return _LINES_AND_TABS.sub(lambda found: visible(found[0]), text)


def json_escaped(json_text: str) -> str:
    r"""Escape acting characters inside JSON text as ``\uXXXX``; its meaning stays the same."""
    return _ACTING.sub(lambda found: f"\\u{ord(found[0]):04x}", json_text)


def lone_surrogate(text: str) -> str | None:
    """The first lone surrogate of a text: what no tokenizer and no encoding takes."""
    found = _SURROGATE.search(text)
    return found[0] if found else None


def _picture(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)  # the control pictures
    return "␡" if code == 0x7F else f"<U+{code:04X}>"
