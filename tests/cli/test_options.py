"""The options that every command has: the same names, letters and defaults everywhere."""

import pytest

from tfcli.cli.options import COMPLETIONS, InputOptions, ModelOptions, OutputOptions
from tfcli.core.options import options_of
from tfcli.models.cache import repo_folder
from tfcli.models.registry import starters
from tfcli.tasks import BUILT_IN, task_named

SHARED = (InputOptions, OutputOptions, ModelOptions)
OPTIONS = [option for group in SHARED for option in options_of(group)]
LETTERS = {
    "-i": "input",
    "-o": "output",
    "-f": "format",
    "-c": "column",
    "-m": "model",
    "-q": "quiet",
    "-v": "verbose",
    "-0": "null",
}


def test_each_letter_has_its_one_meaning():
    assert {o.flag.short: o.name for o in OPTIONS if o.flag.short} == LETTERS


def test_no_two_groups_share_a_name():
    names = [option.name for option in OPTIONS]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_task_takes_no_name_and_no_letter_of_theirs(name):
    own = list(options_of(task_named(name).options_type))
    fields = {field.name for field in task_named(name).fields}
    assert not ({option.name for option in own} | fields) & {option.name for option in OPTIONS}
    assert not {option.flag.short for option in own} & {"-h", *LETTERS}


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_command_has_them_all(option, help_of_shout):
    assert option.switch in help_of_shout.split()


class TestCompletingAModel:
    @pytest.fixture(autouse=True)
    def _cached(self):
        for name in ("org/tiny", "bert/base"):
            folder = repo_folder(name) / "snapshots" / "0"
            folder.mkdir(parents=True)
            (folder / "config.json").touch()

    @pytest.mark.parametrize(
        ("begun", "names"),
        [
            ("", [*starters(), "bert/base", "org/tiny"]),
            ("bert", ["bert-starter", "bert/base"]),
            ("org/", ["org/tiny"]),
            ("nothing", []),
        ],
    )
    def test_offers_starters_and_cached_models(self, begun, names):
        assert COMPLETIONS["model"](begun) == names

    def test_the_shell_hears_them(self, tfcli):
        asked = {"COMP_WORDS": "tfcli sentiment -m org/", "COMP_CWORD": "3"}
        assert tfcli(_TFCLI_COMPLETE="complete_bash", **asked) == (0, "org/tiny\n", "")


@pytest.fixture(scope="module")
def help_of_shout():
    from typer.testing import CliRunner

    from tfcli.cli.app import build

    return CliRunner().invoke(build("shout"), ["shout", "--help"]).output


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (
            ("--input-format", "pdf"),
            "--input-format takes one of auto, txt, csv, tsv, json, jsonl, parquet, not 'pdf'.",
        ),
        (
            ("-f", "xml"),
            "--format takes one of auto, table, plain, jsonl, json, csv, tsv, not 'xml'.",
        ),
        (("--color", "red"), "--color takes one of auto, always, never, not 'red'."),
        (
            ("--dtype", "int8"),
            "--dtype takes one of auto, float32, bfloat16, float16, not 'int8'.",
        ),
        (("--limit", "0"), "--limit takes a whole number from 1 up, not 0."),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_what_they_do_not_take_is_a_usage_error(tfcli, arguments, error):
    assert tfcli("shout", "x", *arguments) == (2, "", f"Error: {error}\n")
