"""What stands around a program at work: a terminal, a reader that has gone, another package."""

import os
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple


class Ended(NamedTuple):
    """How a run of the program ended."""

    status: int
    out: str
    err: str


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

    def to_the_end(self) -> str:
        """Read until the last program has let go of the terminal."""
        os.close(self.theirs)
        self.theirs = -1
        with suppress(OSError):  # Linux says EIO where a file would say that it ends
            while True:
                self._read()
        return self.screen

    def close(self) -> None:
        for side in (self.ours, self.theirs):
            if side >= 0:
                os.close(side)

    def _read(self) -> None:
        self.screen += os.read(self.ours, 4096).decode().replace("\r\n", "\n")


def gone() -> int:
    """The writing end of a pipe whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def eventually(found: Callable[[], Any]) -> Any:
    """Wait until there is what is looked for, and give it; half a minute at most."""
    for _ in range(3000):
        if result := found():
            return result
        time.sleep(0.01)
    raise TimeoutError


def package(name: str, source: str) -> None:
    """Install a package, as far as Python can tell, that brings the command ``name``."""
    folder = Path("site").absolute()
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[tfcli.tasks]\n{name} = {name}_task:TASK\n")
    (folder / f"{name}_task.py").write_text(source)
    os.environ["PYTHONPATH"] += os.pathsep + str(folder)  # conftest puts it back
