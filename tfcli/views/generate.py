"""Generated text on a terminal: the prompt dim, what is new bright, as it is made."""

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.text import Text

from tfcli.core.characters import visible_lines
from tfcli.core.record import Columns, to_text
from tfcli.core.task import Piece, Record
from tfcli.views import error_text

GIVEN, NEW, KEPT, END = "dim", "bold", "cyan", "dim italic"


def view(records: Iterable[Record | Piece], columns: Columns, console: Console) -> Iterator[str]:
    """Each text whole, not cut to the width, and below it what repeats it; a blank line between.

    What came in pieces is not shown again; a line that was begun is ended, whatever happens.
    """
    kept = [name for name in columns.inputs if name not in ("index", "prompt")]
    begun, between = False, ""
    try:
        for one in records:
            if isinstance(one, Piece):
                yield (between if not begun else "") + _styled(console, _part(one.text, one.given))
                begun, between = True, ""
                continue
            if not begun:
                values = "".join(f"{to_text(one.get(name))}  " for name in kept)
                yield between + _styled(console, Text(values, style=KEPT))
            yield _styled(console, *_rest(one, begun)) + "\n"
            begun, between = False, "\n"
    except GeneratorExit:
        raise
    except BaseException:
        if begun:
            yield "\n"
        raise
    if begun:
        yield "\n"


def _rest(record: Record, begun: bool) -> Iterator[Text]:
    """What is to be shown of a record, behind a text that was shown in pieces or with it."""
    prompt = record["prompt"] or ""
    if "error" in record:
        yield Text("\n") if begun else _part(f"{prompt}  ", given=True)
        yield error_text(record)
        return
    sequences = record.get("sequences")
    for number, sequence in enumerate(sequences or [record]):
        if number:
            yield Text("\n")
        if not begun:
            text = sequence["text"]
            given = prompt if text.startswith(prompt) else ""
            yield _part(given, given=True)
            yield _part(text.removeprefix(given), given=False)
        yield Text("\n" + _end(sequence), style=END)


def _end(sequence: Record) -> str:
    """Why a text ended, and the seed that repeats it."""
    seed = "" if sequence["seed"] is None else f"seed {sequence['seed']}, "
    return f"({seed}{sequence['new_tokens']:,} tokens, {sequence['finish_reason']})"


def _part(text: str, given: bool) -> Text:
    return Text(visible_lines(text), style=GIVEN if given else NEW)


def _styled(console: Console, *parts: Text) -> str:
    """Text as it is, lines and all; the terminal breaks what is long."""
    with console.capture() as captured:
        console.print(Text.assemble(*parts), end="", soft_wrap=True)
    return captured.get()
