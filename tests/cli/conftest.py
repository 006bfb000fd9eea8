"""What the tests of the command line share: a program left running, and a person who watches it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from watching import Terminal


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    made.close()


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start the program and leave it running, with pipes on all sides that are not named."""
    started: list[subprocess.Popen[bytes]] = []

    def run(*arguments: str, env: Any = (), **sides: Any) -> subprocess.Popen[bytes]:
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        command = [sys.executable, "-m", "tfcli", *arguments]
        program = subprocess.Popen(
            command, bufsize=0, env={**os.environ, **dict(env)}, **{**pipes, **sides}
        )
        started.append(program)
        return program

    yield run
    for program in started:
        program.kill()
        program.communicate()


@pytest.fixture
def watched(start: Any, terminal: Terminal) -> Callable[..., tuple[int, str]]:
    """Run the program to its end on a terminal: the status, and all that was shown."""

    def run(*arguments: str, stdin: bytes | None = None, **env: str) -> tuple[int, str]:
        sides = {"stdout": terminal.theirs, "stderr": terminal.theirs}
        if stdin is None:
            program = start(
                *arguments, stdin=terminal.theirs, env={"TERM": "xterm", **env}, **sides
            )
        else:
            program = start(*arguments, env={"TERM": "xterm", **env}, **sides)
            program.stdin.write(stdin)
            program.stdin.close()
        screen = terminal.to_the_end()
        return program.wait(timeout=60), screen

    return run
