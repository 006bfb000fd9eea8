"""What the tests of ``tfcli models`` share: a Hub with a model that answers."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hub import Hub, asked

from tfcli.tasks import task_named


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, classifier: Callable[..., str]) -> Iterator[Hub]:
    """A Hub with ``org/tiny``, which classifies."""
    with asked(monkeypatch, "org/tiny", Path(classifier("distilbert"))) as open_hub:
        yield open_hub


@pytest.fixture
def standard(hub: Hub) -> Callable[[str], tuple[str, str]]:
    """Give the model the name of a task's standard checkpoint: that, and its commit."""

    def of(task: str) -> tuple[str, str]:
        checkpoint = task_named(task).standard
        hub.name, _, pin = checkpoint.partition("@")
        commit = pin.ljust(40, "0")
        hub.commits = dict.fromkeys(("main", pin, commit), commit)
        return checkpoint, commit

    return of
