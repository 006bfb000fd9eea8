"""Answers on a terminal: each with its score, then the context with the answers marked."""

import re
from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from tfcli.core.characters import visible
from tfcli.core.record import Columns, to_text
from tfcli.core.task import Record
from tfcli.views import bar, cut, error_text, rendered

LINES = 4
"""The most lines of a context that are shown."""
INDENT = "  "
MARK = "bold underline green"
_BREAKS = re.compile(r"\s")


def view(records: Iterable[Record], columns: Columns, console: Console) -> Iterator[str]:
    """The question, a line for each answer, and the context around the best one."""
    room = max(10, console.width - 2 * len(INDENT))
    kept = [name for name in columns.inputs if name not in ("index", "question", "context")]
    for record in records:
        values = [f"{to_text(record.get(name))}  " for name in kept]
        asked = cut("".join(values) + (record["question"] or ""), room).rstrip()
        yield rendered(console, Text(asked, style="bold"))
        if "error" in record:
            yield rendered(console, INDENT, Text("error  ", style="bold red"), error_text(record))
            continue
        answers = record.get("answers") or [record]
        for answer in answers:
            said = cut(answer["answer"] or "no answer", max(10, room - 20)).rstrip()
            style = "bold green" if answer["answer"] else "dim italic"
            yield rendered(console, INDENT, *bar(answer["score"], 10, "green"), Text(said, style))
        if context := record.get("context"):
            for line in _excerpt(context, answers, console, room):
                yield rendered(console, INDENT, line)
        yield "\n"


def _excerpt(
    context: str, answers: Sequence[Record], console: Console, width: int
) -> Iterator[Text]:
    """As much of the context as fits the lines, around the best answer, with all answers marked."""
    spans: list[tuple[int, int]] = []
    for answer in answers:  # best first: a worse one that overlaps it stays unmarked
        first, last = answer["start"], answer["end"]
        if first is not None and all(last <= a or first >= b for a, b in spans):
            spans.append((first, last))
    room = width * (LINES - 1)
    begin, end = _around(context, *(spans[0] if spans else (0, 0)), room)
    text = Text("" if begin == 0 else "… ", style="dim")
    place = begin
    for first, last in sorted(spans):
        if begin <= first and last <= end:
            text.append(_plain(context[place:first]))
            text.append(_plain(context[first:last]), style=f"not dim {MARK}")
            place = last
    text.append(_plain(context[place:end]))
    text.append("" if end == len(context) else " …")
    yield from text.wrap(console, width, overflow="fold")[: LINES + 1]


def _around(context: str, start: int, end: int, cells: int) -> tuple[int, int]:
    """Where to cut a context so that about ``cells`` cells remain around a span, between words."""
    if len(context) <= cells and cell_len(_plain(context)) <= cells:
        return 0, len(context)
    # A Chinese character has two cells.
    near = context[max(0, start - cells) : end + cells]
    room = max(0, cells * len(near) // max(1, cell_len(_plain(near))) - (end - start))
    before = min(start, max(room // 2, room - (len(context) - end)))
    begin, stop = start - before, min(len(context), end + room - before)
    if begin and (space := _BREAKS.search(context, begin, min(start, begin + 20))):
        begin = space.end()
    if stop < len(context):
        words = context[end:stop].rsplit(None, 1)
        stop = end + len(words[0]) if len(words) > 1 else stop
    return begin, stop


def _plain(text: str) -> str:
    """Text in running lines: breaks and tabs are spaces, what would act is made visible."""
    return visible(_BREAKS.sub(" ", text))
