"""Books and stories as plain paragraphs, one a line."""

from __future__ import annotations

import re

HEADER_END = re.compile(r"\n-{5,}\r?\n")
LINE_END = re.compile(r"""[.!?:;,…—-]["'”’)\]]*$""")
SENTENCES = re.compile(r"""(?<=[.!?])["'”’]*\s+|\n""")
LONG_SENTENCE = 40  # letters; shorter ones recur in texts that have nothing to do with each other


def tidy(text: str) -> str:
    """Write one paragraph a line: no carriage returns, blank lines, or runs of spaces.

    Nothing else changes: quotes, dashes and italics stay as they are.
    """
    lines = re.sub(r"\r\n?", "\n", text).replace("\ufeff", "").split("\n")
    tidied = (re.sub(r"[ \t\xa0]+", " ", line).strip() for line in lines)
    return "\n".join(line for line in tidied if line)


def tidy_book(text: str) -> str:
    """Tidy a book, without the header `Title: … Author: … Year: … -------`."""
    found = HEADER_END.search(text, 0, 1000)
    return tidy(text[found.end() :] if found else text)


def tidy_story(text: str) -> str:
    """Tidy a story, joining lines that were broken inside a sentence.

    Picture books break lines where the page ends. The first line may be a title and stays alone.
    """
    title, *lines = tidy(text).split("\n")
    joined: list[str] = []
    for line in lines:
        if joined and (line[0].islower() or not LINE_END.search(joined[-1])):
            joined[-1] += " " + line
        else:
            joined.append(line)
    return "\n".join([title, *joined])


def letters_only(text: str) -> str:
    """Reduce a text to its letters and digits, to compare texts across spellings."""
    return re.sub(r"[\W_]+", "", text.lower())


def long_sentences(text: str) -> set[str]:
    """Return the letters of every sentence long enough to tell one text from another."""
    spelt = map(letters_only, SENTENCES.split(text))
    return {letters for letters in spelt if len(letters) >= LONG_SENTENCE}
