"""The shape of the package: a test file for each module, small files, starts that load little."""

import subprocess
import sys
from pathlib import Path

import pytest

from tfcli.cli.app import REPORTS
from tfcli.cli.attn_stats import ATTN_STATS
from tfcli.cli.models import REPORTS as MODELS
from tfcli.tasks import BUILT_IN, task_named

REPOSITORY = Path(__file__).parent.parent
PACKAGE = REPOSITORY / "tfcli"
TESTS = REPOSITORY / "tests"
MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))
ROOMS = {path.parent for path in MODULES}
OF_THE_WHOLE = {Path("test_rooms.py"), Path("test_readme.py"), Path("test_docs.py")}
HEAVY = {
    *("torch", "transformers", "tokenizers", "safetensors", "numpy", "accelerate"),
    *("pydantic", "huggingface_hub", "rich"),
}


def twin(module: Path) -> Path:
    return module.with_name(f"test_{module.stem.strip('_')}.py")


@pytest.mark.parametrize("module", [m for m in MODULES if not m.stem.startswith("__")], ids=str)
def test_every_module_has_a_test_file(module):
    assert (TESTS / twin(module)).is_file()


def test_every_test_file_tests_a_module():
    written = {path.relative_to(TESTS) for path in TESTS.rglob("test_*.py")}
    of_rooms = {path for path in written if path.parent in ROOMS}
    assert of_rooms - OF_THE_WHOLE <= {twin(module) for module in MODULES}


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_file_is_one_idea_of_less_than_300_lines(module):
    assert len((PACKAGE / module).read_text().splitlines()) < 300


EXAMPLES = {
    **{name: task_named(name).examples for name in BUILT_IN},
    ATTN_STATS.name: ATTN_STATS.examples,
    **{report.name: report.examples for report in REPORTS},
    **{f"models {report.name}": report.examples for report in MODELS},
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_help_of_every_command_has_two_examples_of_it(name):
    assert len(EXAMPLES[name]) >= 2
    assert all(f"tfcli {name}" in example for example in EXAMPLES[name])


def loaded_after(code: str, *arguments: str) -> set[str]:
    """The heavy packages among those that a child has loaded when it ends."""
    report = "import atexit, os, sys; os._exit = sys.exit\n"  # tfcli leaves without atexit
    report += "atexit.register(lambda: print('LOADED', *sys.modules))\n"
    command = [sys.executable, "-c", report + code, *arguments]
    child = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    *_, line = child.stdout.splitlines()
    lead, *modules = line.split()
    assert lead == "LOADED"
    assert "tfcli" in modules
    return {module.partition(".")[0] for module in modules} & HEAVY


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--help",),
        ("--version",),
        ("nope",),
        ("sentiment", "-h"),
        ("sentiment", "--nope"),
        ("sentiment", "--top-k", "0", "x"),
        ("sentiment", "x", "-i", "y"),
        ("sentiment", "x", "-o", "y.xls"),
        ("sentiment", "-i", "absent.txt"),
        ("models",),
        ("models", "nope"),
        ("models", "list", "--task", "qa"),
        ("models", "show", "bert"),
        ("models", "show", "nope"),
        ("models", "use", "sentiment", "--reset"),
        ("models", "convert", "-h"),
        ("models", "convert", "absent"),
        ("config",),
        ("env", "-h"),
        ("doctor", "-h"),
        ("shout", "a task without a model"),
    ],
    ids=" ".join,
)
def test_what_needs_no_model_loads_nothing_heavy(arguments):
    assert loaded_after("from tfcli.cli.app import main; main()", *arguments) == set()


def test_importing_tfcli_loads_nothing_heavy():
    assert loaded_after("import tfcli") == set()


def test_the_check_itself_sees_what_is_loaded():
    assert loaded_after("import tfcli, numpy") == {"numpy"}
