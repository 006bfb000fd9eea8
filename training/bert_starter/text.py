"""Treebank tokens back to ordinary text, and to the form of the SST-2 sentence files."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

BRACKETS = {
    "-LRB-": "(",
    "-RRB-": ")",
    "-LSB-": "[",
    "-RSB-": "]",
    "-LCB-": "{",
    "-RCB-": "}",
}
CLINGS_LEFT = re.compile(r"[.,;:?!%)\]}]+|\.\.\.|''|'|n't|'(s|m|re|ve|d|ll)", re.IGNORECASE)
CLINGS_RIGHT = frozenset({"(", "[", "{", "``", "`", "$", "#"})
SPELLINGS = {"``": '"', "''": '"', "`": "'"}
KEPT_MARKS = frozenset({",", "?", "!", "'", "`", "``", "''"})


def join_tokens(tokens: list[str]) -> tuple[str, list[int]]:
    """Write Penn Treebank tokens as ordinary text: `ca n't` becomes `can't`, `-LRB-` a bracket.

    A plain `"` opens and closes in turn. Returns the text and each token's offset in it, so that
    an answer given as tokens can be found again.
    """
    text = ""
    starts = []
    inside_quotes = False
    glue = True  # no space before the first token
    for raw in tokens:
        token = BRACKETS.get(raw, raw).replace("\\/", "/").replace("\\*", "*")
        closes = token == '"' and inside_quotes
        if not (glue or closes or CLINGS_LEFT.fullmatch(token)):
            text += " "
        starts.append(len(text))
        text += SPELLINGS.get(token, token)
        glue = token in CLINGS_RIGHT or (token == '"' and not inside_quotes)
        if token == '"':
            inside_quotes = not inside_quotes
    return text, starts


def rewrite_span(context: str, start: int, answer: str) -> tuple[str, int, str]:
    """Write a tokenised context as ordinary text; the answer moves with its tokens.

    An answer that ends inside a token is returned as it was, in the context as it was.
    """
    spans = [match.span() for match in re.finditer(r"\S+", context)]
    first = next((i for i, span in enumerate(spans) if span[0] == start), None)
    last = next((i for i, span in enumerate(spans) if span[1] == start + len(answer)), None)
    if first is None or last is None:
        return context, start, answer
    text, starts = join_tokens([context[a:b] for a, b in spans])
    end = starts[last + 1] if last + 1 < len(starts) else len(text)
    return text, starts[first], text[starts[first] : end].rstrip()


def sst2_form(tokens: list[str]) -> str:
    """Write Treebank tokens as the SST-2 sentence files do.

    Lower case, spaces between tokens, hyphens and slashes opened, most punctuation dropped.
    """
    words = []
    for token in tokens:
        if token in KEPT_MARKS:
            words.append(token)
        elif any(character.isalnum() for character in token) and token not in BRACKETS:
            words.extend(re.sub(r"[-/\\*.]+", " ", token.lower()).split())
    return " ".join(words)


@dataclass
class Node:
    """A phrase of a parsed sentence: its label (0 to 4), where it begins, its tokens."""

    label: int
    start: int
    tokens: list[str] = field(default_factory=list)


def parse_tree(line: str) -> list[Node]:
    """Read one Treebank line: every phrase of a sentence, the whole sentence first."""
    nodes: list[Node] = []
    opened: list[Node] = []
    words = 0
    for part in re.findall(r"\(\d|[^()\s]+|\)", line):
        if part.startswith("(") and len(part) > 1:
            nodes.append(Node(int(part[1:]), words))
            opened.append(nodes[-1])
        elif part == ")":
            opened.pop()
        else:
            words += 1
            for node in opened:
                node.tokens.append(part)
    return nodes


def letters_only(text: str) -> str:
    """Reduce a text to its letters and digits, to compare texts across spellings."""
    return re.sub(r"[\W_]+", "", text.lower())
