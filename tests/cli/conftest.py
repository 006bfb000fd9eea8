"""What the tests of the command line share: a program at work, and a terminal to watch it on."""

import os
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest


class Terminal:
    """A terminal of 80 columns, and all that it has shown."""

    def __init__(self) -> None:
        self.ours, self.theirs = os.openpty()
        termios.tcsetwinsize(self.theirs, (24, 80))
        self.screen = ""

    def until(self, wanted: str) -> str:
        """Read on until ``wanted`` is shown."""
        while wanted not in self.screen:
            self._read()
        return self.screen

    def all(self) -> str:
        """Read until the last program has closed the terminal."""
        if self.theirs >= 0:
            os.close(self.theirs)
            self.theirs = -1
        with suppress(OSError):  # Linux says EIO where a file would say that it ends
            while True:
                self._read()
        return self.screen

    def _read(self) -> None:
        self.screen += os.read(self.ours, 4096).decode().replace("\r\n", "\n")


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    os.close(made.ours)
    if made.theirs >= 0:
        os.close(made.theirs)


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start the program and leave it running: pipes on all sides, if nothing else is named."""
    started: list[subprocess.Popen[bytes]] = []

    def run(*arguments: str, **streams: Any) -> subprocess.Popen[bytes]:
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        env = {**os.environ, **streams.pop("env", {})}
        command = [sys.executable, "-m", "tfcli", *arguments]
        started.append(subprocess.Popen(command, env=env, **{**pipes, **streams}))
        return started[-1]

    yield run
    for program in started:
        program.kill()
        program.wait()
        for stream in (program.stdin, program.stdout, program.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture
def watched(start: Callable[..., Any], terminal: Terminal) -> Callable[..., tuple[int, str]]:
    """Run the program to its end with a person watching: the status and the whole screen."""

    def run(*arguments: str, stdin: bytes | None = None, **env: str) -> tuple[int, str]:
        source = terminal.theirs if stdin is None else subprocess.PIPE
        screen = {"stdout": terminal.theirs, "stderr": terminal.theirs}
        program = start(*arguments, stdin=source, **screen, env=env)
        if program.stdin is not None:
            program.stdin.write(stdin)
            program.stdin.close()
        shown = terminal.all()
        return program.wait(timeout=60), shown

    return run


def eventually(found: Callable[[], Any]) -> Any:
    """Wait until there is what is looked for, and give it."""
    while not (result := found()):
        time.sleep(0.01)
    return result
