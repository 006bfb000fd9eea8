"""What a hostile author would put into a model's folder, and how to see that it did not act."""

import json
import os
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tfcli.errors import TfcliError

MARKER = "it was run"


class Acting:
    """Its pickle makes a file in the working directory when it is loaded."""

    def __reduce__(self) -> Any:
        return os.system, (f"touch '{MARKER}'",)


def acting_pickle(path: Path, protocol: int = 2) -> None:
    path.write_bytes(pickle.dumps(Acting(), protocol))


def acting_code(path: Path) -> None:
    path.write_text(f"open({MARKER!r}, 'w').close()\nclass Evil: pass\n")


def tree(folder: Path) -> dict[str, Any]:
    """Everything below a folder: its kind, and the content of ordinary files."""
    found = {}
    for path in sorted(folder.rglob("*")):
        plain = path.is_file() and not path.is_symlink()
        found[str(path)] = path.read_bytes() if plain else path.lstat().st_mode
    return found


@contextmanager
def refused(error: type[TfcliError], match: str) -> Iterator[Any]:
    """The block ends in that error, of one line, and nothing was run, made or changed."""
    before = tree(Path.cwd())
    with pytest.raises(error, match=match) as caught:
        yield caught
    assert "\n" not in str(caught.value)
    assert not Path(MARKER).exists()
    assert tree(Path.cwd()) == before


def edit(path: Path, **changes: Any) -> None:
    """Change keys of a JSON object, or make one."""
    content = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(content | changes))
