"""Reports become commands: arguments, options, records, one status of all."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
import typer

from tfcli.cli.report import Argument, Report, add_report
from tfcli.core.task import Flag
from tfcli.errors import ModelNotFoundError


@dataclass(frozen=True, slots=True)
class FruitOptions:
    """What the command of these tests takes."""

    upper: Annotated[bool, Flag("Say it louder.")] = False
    limit: Annotated[int | None, Flag("So many.", min=1, metavar="N")] = None


def columns(names, options):
    return ("fruit", "status")


def records(names, options):
    Path("picked").touch()
    for name in (names or ["apple", "pear"])[: options.limit]:
        if name == "nothing":
            return
        if name == "stone":
            raise ModelNotFoundError("A stone is no fruit.", hint="tfcli fruit apple")
        yield {
            "fruit": name.upper() if options.upper else name,
            "status": {"rotten": 5, "bruised": 1}.get(name, 0),
        }


FRUIT = Report(
    name="fruit",
    summary="Say what fruit there is.",
    notes="All of it is fresh.",
    examples=("tfcli fruit", "tfcli fruit apple"),
    arguments=(Argument("names", "Fruit.", required=False, many=True),),
    options_type=FruitOptions,
    columns=columns,
    records=records,
    status=lambda record: record["status"],
)
PEEL = Report(
    name="peel",
    summary="Peel a fruit.",
    examples=("tfcli peel apple",),
    arguments=(Argument("name", "The fruit."),),
    columns=lambda name, options: ("peeled",),
    records=lambda name, options: [{"peeled": name}],
)


@pytest.fixture
def run(built, monkeypatch, typed):
    """The program with two commands more."""

    def more(*plugins, only=None):
        app = typer.Typer(rich_markup_mode=None)
        add_report(app, FRUIT)
        add_report(app, PEEL)
        return app

    monkeypatch.setattr("tfcli.cli.app.build", more)
    return typed


def test_records_are_numbered(run):
    first, second = (json.loads(line) for line in run("fruit").out.splitlines())
    assert list(first.items()) == [("index", 0), ("fruit", "apple"), ("status", 0)]
    assert second["index"] == 1


def test_arguments_and_options_arrive(run):
    assert run("fruit", "fig", "plum", "--upper", "--limit", "1", "-f", "plain").out == "FIG\n"


def test_a_single_argument_is_a_word(run):
    assert run("peel", "apple", "-f", "plain") == (0, "apple\n", "")


def test_a_missing_argument_is_a_usage_error(run):
    error = "Error: Missing argument 'NAME'.\nHint: tfcli peel --help\n"
    assert run("peel") == (2, "", error)


def test_an_option_out_of_range_is_a_usage_error(run):
    error = "Error: --limit takes a whole number from 1 up, not 0.\n"
    assert run("fruit", "--limit", "0") == (2, "", error)


@pytest.mark.parametrize(
    ("form", "out"), [("csv", "index,fruit,status,error\n"), ("json", "[]\n"), ("jsonl", "")]
)
def test_no_records_are_no_error(run, form, out):
    assert run("fruit", "nothing", "-f", form) == (0, out, "")


@pytest.mark.parametrize(
    ("names", "status"),
    [(["fig"], 0), (["fig", "bruised"], 1), (["bruised", "rotten", "fig"], 5)],
)
def test_the_status_is_the_gravest(run, names, status):
    assert run("fruit", *names).status == status


STONE = (4, "", "Error: A stone is no fruit.\nHint: tfcli fruit apple\n")


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "plain", "table"])
def test_what_goes_wrong_at_once_is_all_that_is_said(run, form):
    assert run("fruit", "stone", "-f", form) == STONE


def test_nor_does_it_leave_a_file(run):
    assert run("fruit", "stone", "-o", "fruit.csv") == STONE
    assert list(Path().glob("*fruit*")) == []


def test_what_goes_wrong_later_leaves_the_records_before_it(run):
    status, out, err = run("fruit", "fig", "stone", "-f", "plain")
    assert (status, out, err) == (4, "fig\n", STONE[2])


def test_where_the_records_cannot_go_nothing_is_done(run):
    status, _, err = run("fruit", "-o", "absent/fruit.csv")
    assert (status, err) == (2, "Error: There is no folder absent to write to.\n")
    assert not Path("picked").exists()


def test_help_says_notes_and_examples_as_typed(run):
    assert run("fruit", "--help").out.startswith(
        """\
Usage: tfcli fruit [OPTIONS] [NAMES]...

  Say what fruit there is.

  All of it is fresh.

    tfcli fruit
    tfcli fruit apple

Arguments:
  [NAMES]...  Fruit.

Options:
  --upper    Say it louder.
  --limit N  So many.

Output:
"""
    )


def test_a_report_has_no_options_for_input_and_model(run):
    sections = [line for line in run("fruit", "--help").out.splitlines() if line.istitle()]
    assert sections == ["Arguments:", "Options:", "Output:", "Other:"]
