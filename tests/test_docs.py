"""The task that docs/adding-a-task.md makes is installed as its readers would, and runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "adding-a-task.md"
FILES = {"python": "tfcli_unsure.py", "toml": "pyproject.toml"}


@pytest.fixture
def installed(tmp_path):
    """A folder with the package of the page, as pip has installed it."""
    text = PAGE.read_text(encoding="utf-8")
    source, target = tmp_path / "tfcli-unsure", tmp_path / "installed"
    source.mkdir()
    for language, name in FILES.items():
        (block,) = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        (source / name).write_text(block, encoding="utf-8")
    alone = ["--no-deps", "--no-index", "--no-build-isolation", "--target", str(target)]
    pip = [sys.executable, "-m", "pip", "install", "-q", *alone, str(source)]
    subprocess.run(pip, check=True, timeout=120)
    return str(target)


def test_the_new_task_is_a_command(tfcli, installed):
    """Its help, its record, its numbers as the page shows them, its error, its option's check."""
    status, out, err = tfcli("unsure", "--help", PYTHONPATH=installed)
    assert (status, err) == (0, "")
    assert "Say how unsure a classifier is of texts." in out
    assert "--base bits|share" in out

    _, shown = PAGE.read_text(encoding="utf-8").split("tfcli unsure -m bert-starter -f plain\n")
    numbers = [float(line) for line in shown.partition("```")[0].split()]
    texts = b"A wonderful film!\nIt is a film.\n"
    options = ("-m", "bert-starter", "-f", "plain")
    status, out, err = tfcli("unsure", *options, stdin=texts, PYTHONPATH=installed)
    assert (status, err) == (0, "")
    assert [float(line) for line in out.split()] == pytest.approx(numbers, abs=1e-3)

    status, out, err = tfcli("unsure", "long " * 600, *options, PYTHONPATH=installed)
    assert status == 3
    assert "602 tokens; the model reads 512" in err
    assert tfcli("unsure", "x", "--base", "nats", PYTHONPATH=installed).status == 2
