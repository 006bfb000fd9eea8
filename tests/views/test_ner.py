"""Entities on a terminal: marked in the text, all of which is shown."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console
from screens import CODES

from tfcli.core.record import Columns
from tfcli.views import console_for
from tfcli.views.ner import view

COLUMNS = Columns(("index", "text"), ("entities",))
ERROR = {"type": "empty", "message": "the text is empty", "file": "in.txt", "line": 2}
TEXT = "Wolfgang lives in New York."


def record(text, *entities, **more):
    """A record whose entities are (label, word); each stands behind the one before."""
    found, place = [], 0
    for label, word in entities:
        start = text.index(word, place)
        place = start + len(word)
        found.append({"entity": label, "score": 0.9, "word": word, "start": start, "end": place})
    return {"index": 0, "text": text, "entities": found, **more}


def shown(one, width=80, columns=COLUMNS):
    console = Console(file=io.StringIO(), width=width, color_system=None)
    return "".join(view([one], columns, console))


def coloured(one, width=80):
    console = console_for(io.StringIO(), "always")
    console.width = width
    return "".join(view([one], COLUMNS, console))


def test_labels_stand_behind_what_they_label():
    one = record(TEXT, ("PER", "Wolfgang"), ("LOC", "New York"))
    assert shown(one) == "Wolfgang[PER] lives in New York[LOC].\n"


def test_entities_are_in_colour_and_the_text_is_not():
    one = record(TEXT, ("PER", "Wolfgang"), ("LOC", "New York"))
    assert coloured(one) == (
        "\x1b[1;4;32mWolfgang\x1b[0m\x1b[32m[PER]\x1b[0m lives in "
        "\x1b[1;4;36mNew York\x1b[0m\x1b[36m[LOC]\x1b[0m.\n"
    )


def test_a_label_has_one_colour_however_it_begins():
    screens = [coloured(record("a", (label, "a"))) for label in ("B-DATE", "I-DATE", "DATE")]
    assert len({CODES.match(screen)[0] for screen in screens}) == 1


def test_a_text_without_entities_is_the_text():
    assert shown(record("nobody")) == "nobody\n"


def test_lines_stay_lines_and_are_wrapped_at_words():
    one = record("First line.\n" + "word " * 20 + "Ada", ("PER", "Ada"))
    lines = shown(one, width=40).splitlines()
    assert lines[0] == "First line."
    assert all(len(line) <= 40 for line in lines)
    assert lines[-1].endswith("Ada[PER]")


def test_of_two_that_overlap_the_first_is_marked():
    one = record("👍🏽 yes", ("PER", "👍🏽"))
    one["entities"].append({**one["entities"][0], "entity": "LOC"})
    assert shown(one) == "👍🏽[PER] yes\n"


@pytest.mark.parametrize("filler", ["word " * 300, "深度学习" * 300, "x" * 2000, "👩‍👩‍👧 " * 200])
@pytest.mark.parametrize("width", [20, 60, 200])
def test_all_of_a_long_text_is_shown(filler, width):
    screen = shown(record(f"{filler}Ada{filler}", ("PER", "Ada")), width)
    assert "Ada" in screen.replace("\n", "")
    assert all(cell_len(line) <= width for line in screen.splitlines())
    seen = "".join(screen.split()).replace("[PER]", "")
    assert seen == "".join(f"{filler}Ada{filler}".split())


def test_nothing_in_text_or_label_acts():
    one = record("\x1b[31mred [bold]Ada[/bold]\u202e", ("[red]\x1b[2J", "[bold]Ada"))
    screen = shown(one)
    assert not {"\x1b", "\u202e"} & set(screen)
    assert screen == "␛[31mred [bold]Ada[[red]␛[2J][/bold]<U+202E>\n"


def test_an_error_says_what_is_wrong_and_where():
    failed = {**record("x"), "entities": None, "error": ERROR}
    assert shown(failed) == "x\n  error  in.txt:2: the text is empty\n"
    assert shown({**failed, "text": None}) == "\n  error  in.txt:2: the text is empty\n"


def test_kept_columns_stand_before_the_text():
    columns = Columns(("index", "text", "id"), COLUMNS.results)
    assert shown({**record("nobody"), "id": 7}, columns=columns) == "7  nobody\n"
