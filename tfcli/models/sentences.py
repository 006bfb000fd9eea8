"""Where sentences end, in any language: no text is lost, and where it is unsure it does not cut.

The rules are those of Unicode's standard annex 29 (version 17, "Sentence Boundaries"), with what it
leaves to others: abbreviations, initials, ordinals and closing quotes. A cut inside of a sentence
costs a translation its sense; two sentences that stay together cost it nothing.
"""

import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

_ABBREVIATIONS = """
mr mrs ms messrs dr prof rev hon st ste sr jr gen col capt cpt lt sgt maj gov sen rep pres approx vs
cf ca etc inc ltd co corp dept est ave blvd rd mt ft al eds
hr fr frl herr dipl ing med phil jur bzw vgl evtl ggf inkl exkl sog bes hrsg usw usf allg dt engl
geb gest str tel mio mrd std jh jhd anm
mm mme mmes mlle mlles mgr env sra srta dra ud uds sig dott avv dhr mevr drs bijv
ул им гг см рис стр тыс млн млрд проф
jan feb febr mar apr jun jul aug sept oct okt nov dec dez
"""
"""Words that a full stop belongs to, of the languages that most translators know."""

_COUNTED = """
no nos nr fig figs eq eqs vol vols ch chap sec sect pp art tab ref refs app abb abs bd aufl kap min
sek núm pág págs pag
"""
"""The same where a number follows; else they may be words at the end."""

_LINE = r"[^\n\r\v\f\x85\u2028\u2029]+"
_WIDE = r"[。！？．｡︒︕︖]"
"""Ends that need no space behind them."""
_MARK = r"[\p{SB=STerm}\p{SB=ATerm}…]"
_CLOSING = r"(?: [\p{SB=Close}--\p{Ps}] | \s[»›](?=[\s\p{P}]|$) )*+"
_END = rf"""
    (?P<wide> {_WIDE} [{_WIDE[1:-1]}!?…]*+ (?P<closed> [\p{{Pe}}\p{{Pf}}”’"']*+ ) )
  | (?<!{_MARK}) (?P<narrow> {_MARK}++ {_CLOSING} ) (?=\s)
"""
"""What may end a sentence, with the quotes and brackets that close behind it."""
_GOES_ON = r"\s*+ (?: [\p{SB=SContinue}\p{Pe}] | [\p{Ps}\p{Pi}\"']*+ \p{Lower} )"
"""What cannot begin a sentence (SB8, SB8a)."""
_OPENS = r"\s | [\p{Ps}\p{Pi}]"
_WORD = r"(?:^|[^\w.])([\w.]*\w)\.$"
"""The word that a full stop stands behind; it may have others inside."""
_NUMBER = r"\s+\d"
_ORDINAL = r"\d{1,2}|[IVXLC]+"
_REACH = 24
"""Characters before a full stop in which its word is looked for."""


class Patterns(NamedTuple):
    """Compiled when they are needed: ``regex`` takes a while to import."""

    line: Any
    end: Any
    goes_on: Any
    opens: Any
    word: Any
    number: Any
    ordinal: Any


def sentences(text: str) -> list[tuple[int, int]]:
    """The sentences of a text as half-open offsets; between them is white space only.

    A line end is always the end of a sentence.
    """
    patterns = _patterns()
    found: list[tuple[int, int]] = []
    for line in patterns.line.finditer(text):
        begin, stop = line.span()
        for end in patterns.end.finditer(text, begin, stop):
            if _ends(text, end, stop, patterns):
                found.append((begin, end.end()))
                begin = end.end()
        found.append((begin, stop))
    trimmed = (trim(text, begin, end) for begin, end in found)
    return [(begin, end) for begin, end in trimmed if begin < end]


def says(text: str) -> bool:
    """Whether there is a letter or a digit in it: something to translate."""
    return any(character.isalnum() for character in text)


def joined(text: str, spans: Sequence[tuple[int, int]], others: Sequence[str]) -> str:
    """A text with others in place of its sentences.

    What stands between stays, but for the one space: Chinese and Japanese have none between
    sentences, where the other language has one.
    """
    written, before, end = [], "", 0
    for (begin, stop), other in zip(spans, others, strict=True):
        gap = text[end:begin]
        if before and other and gap in ("", " "):
            gap = "" if _is_wide(before) else " "
        written += [gap, other]
        before, end = other, stop
    return "".join(written) + text[end:]


def _is_wide(text: str) -> bool:
    """Whether a text ends as Chinese or Japanese ones do."""
    last = (text.rstrip("”’\"' ") or " ")[-1]
    name = unicodedata.name(last, "")
    if unicodedata.category(last).startswith("P"):
        return unicodedata.east_asian_width(last) in "WF"
    return name.startswith(("CJK ", "HIRAGANA ", "KATAKANA "))


def trim(text: str, begin: int, end: int) -> tuple[int, int]:
    """The same characters without white space around them."""
    begin = end - len(text[begin:end].lstrip())
    return begin, begin + len(text[begin:end].rstrip())


def _ends(text: str, end: Any, stop: int, patterns: Patterns) -> bool:
    """Whether a sentence ends where it might."""
    if end["wide"]:
        # Behind 「…。」 a sentence often goes on: と言った.
        return not end["closed"] or bool(patterns.opens.match(text, end.end(), stop))
    if patterns.goes_on.match(text, end.end(), stop):
        return False
    mark = end["narrow"]
    if mark[0] != "." or mark.startswith(".."):
        return True
    word = patterns.word.search(text, max(0, end.start() - _REACH), end.start() + 1)
    if word is None:
        return True
    counted = word[1].lower() in _words(_COUNTED) and patterns.number.match(text, end.end(), stop)
    return not (counted or _abbreviates(word[1], patterns))


def _abbreviates(word: str, patterns: Patterns) -> bool:
    """Whether the full stop behind a word may not be the end: ``Dr``, ``J``, ``U.S``, ``3``."""
    short = len(word) == 1 and word.isalpha()
    inner = "." in word and not word.replace(".", "").isdecimal() and len(word) < 8
    known = word.lower() in _words(_ABBREVIATIONS)
    return short or inner or known or bool(patterns.ordinal.fullmatch(word))


@cache
def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


@cache
def _patterns() -> Patterns:
    import regex

    flags = regex.VERBOSE | regex.VERSION1
    every = (_LINE, _END, _GOES_ON, _OPENS, _WORD, _NUMBER, _ORDINAL)
    return Patterns(*(regex.compile(one, flags) for one in every))
