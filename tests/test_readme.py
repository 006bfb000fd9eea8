"""README and docs: every example is run; the two set-up commands are the ones that CI runs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
NUMBER = re.compile(r"\d\.\d+")
LETTER = (
    "Ada Lovelace wrote the notes in 1843. They describe how the Engine could compute Bernoulli\n"
    "numbers, and are three times as long as the paper that she translated.\n"
)
QUESTIONS = (
    '{"id": 1, "question": "Who died in 1852?", "paragraph": "Ada Lovelace died in 1852."}\n'
    '{"id": 2, "question": "Where did she die?", "paragraph": "She died in London."}\n'
)
REVIEWS = 'id,review\na1,"Warm, funny and wise."\na2,\na3,Two hours of nothing.\n'


def blocks(language, page=README):
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands():
    """Each command of the console blocks, with what the page says that it prints."""
    for block in (block for page in PAGES for block in blocks("console", page)):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, printed = part.partition("\n")
            yield command, printed


def shell(command, quick):
    path = f"{quick.program.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    ended = subprocess.run(
        ["bash", "-c", command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PATH": path},
        timeout=120,
        check=False,
    )
    return ended.stdout.decode()


def lay_out_models():
    """The two folders of docs/trust.md: a pickle that acts, and one that holds tensors."""
    import torch
    from hostile import acting_pickle, edit

    for name in ("hostile", "old"):
        Path(name).mkdir()
        edit(Path(name) / "config.json", model_type="bert")
    acting_pickle(Path("hostile/pytorch_model.bin"))
    torch.save({"classifier.weight": torch.ones(2, 2)}, "old/pytorch_model.bin")


@pytest.mark.parametrize(("command", "printed"), list(commands()), ids=lambda text: text[:50])
def test_a_command_prints_what_its_page_says(command, printed, quick):
    for name, text in (
        ("reviews.csv", REVIEWS),
        ("letter.txt", LETTER),
        ("questions.jsonl", QUESTIONS),
    ):
        Path(name).write_text(text, encoding="utf-8")
    if re.search(r"\b(hostile|old)\b", command):
        lay_out_models()
    output = shell(command, quick)
    assert NUMBER.sub("#", output) == NUMBER.sub("#", printed)
    shown, real = NUMBER.findall(printed), NUMBER.findall(output)
    assert [float(n) for n in real] == pytest.approx([float(n) for n in shown], abs=1e-3)


def test_the_python_example_runs(capsys):
    (code,) = blocks("python")
    exec(code, {})
    assert capsys.readouterr().out == "POSITIVE 2\nNEGATIVE 2\n"


def test_the_two_set_up_commands_are_those_of_ci():
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8").replace(" -q", "")
    install, test = (block.strip() for block in blocks("sh"))
    assert install in ci
    assert test in ci
