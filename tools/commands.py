"""The help of every command, for docs/commands.md: what cog puts between its markers."""

import os
import subprocess
import sys

from tfcli.cli.app import OWN
from tfcli.cli.models import REPORTS

WIDTH = "80"


def text() -> str:
    """A section for each command, with the help that it shows."""
    names = ["", *sorted(OWN), *(f"models {report.name}" for report in REPORTS)]
    return "\n\n".join(_section(name.split()) for name in sorted(names))


def _section(words: list[str]) -> str:
    title = " ".join(["tfcli", *words])
    child = [sys.executable, "-m", "tfcli", *words, "--help"]
    world = {**os.environ, "COLUMNS": WIDTH, "TERMINAL_WIDTH": WIDTH, "NO_COLOR": "1"}
    said = subprocess.run(child, env=world, check=True, capture_output=True, text=True).stdout
    shown = "\n".join(line.rstrip() for line in said.strip().splitlines())
    return f"## {title}\n\n```text\n{shown}\n```"
