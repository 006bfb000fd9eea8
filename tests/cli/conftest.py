"""What the tests of the command line share: a program left running, and a person who watches it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from quick import Quick
from watching import Ended, Terminal

REAL = (sys.executable, "-m", "tfcli")


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    made.close()


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start the program and leave it running, with pipes on all sides that are not named."""
    started: list[subprocess.Popen[bytes]] = []

    def run(
        *arguments: str, env: Any = (), program: Any = REAL, **sides: Any
    ) -> subprocess.Popen[bytes]:
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        command, world = [*program, *arguments], {**os.environ, **dict(env)}
        begun = subprocess.Popen(command, bufsize=0, env=world, **{**pipes, **sides})
        started.append(begun)
        return begun

    yield run
    for begun in started:
        begun.kill()
        begun.communicate()


@pytest.fixture
def watched(start: Any, terminal: Terminal, quick: Quick) -> Callable[..., tuple[int, str]]:
    """Run the program to its end on a terminal: the status, and all that was shown."""

    def run(*arguments: str, stdin: bytes | None = None, **env: str) -> tuple[int, str]:
        sides = {"stdout": terminal.theirs, "stderr": terminal.theirs}
        sides["program"] = [quick.program]
        world = {"TERM": "xterm", **env}
        if stdin is None:
            program = start(*arguments, stdin=terminal.theirs, env=world, **sides)
        else:
            program = start(*arguments, env=world, **sides)
            program.stdin.write(stdin)
            program.stdin.close()
        screen = terminal.to_the_end()
        return program.wait(timeout=60), screen

    return run


@pytest.fixture(scope="session")
def built() -> Any:
    """What makes the program's commands, once for all tests."""
    from tfcli.cli.app import build

    return cache(build)


@pytest.fixture
def typed(built: Any, monkeypatch: Any, capsys: Any) -> Callable[..., Ended]:
    """Run the program in this process, where it may ask the Hub of a test."""
    from tfcli.cli import app, messages

    ended: list[int] = []
    for name in ("handlers", "propagate", "level", "disabled"):
        monkeypatch.setattr(messages.log, name, getattr(messages.log, name))
    monkeypatch.setattr(app, "build", built)
    monkeypatch.setattr(app, "_leave", ended.append)
    monkeypatch.setattr(signal, "signal", lambda *_: None)

    def run(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["tfcli", *arguments])
        capsys.readouterr()
        app.main()
        return Ended(ended.pop(), *capsys.readouterr())

    return run
