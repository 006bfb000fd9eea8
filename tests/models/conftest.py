"""What the tests of the Hub share: a model that is no more than files, a Hub that has it."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub import Hub, serving

FILES = {
    "config.json": b'{"model_type": "bert"}',
    "tokenizer.json": b"{}",
    "model.safetensors": bytes(range(256)) * 64,
    "README.md": b"# A model",
    "pytorch_model.bin": b"a pickle",
    "trainer_state.json": b"{}",
}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A Hub with ``org/tiny``, asked by this process."""
    from huggingface_hub import close_session, constants

    folder = tmp_path / "on the hub"
    folder.mkdir()
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)  # it was read at import
    with serving("org/tiny", folder) as open_hub:
        monkeypatch.setenv("HF_ENDPOINT", open_hub.address)
        yield open_hub
    close_session()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """No wait between two tries, and how long each would have been."""
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    return waited
