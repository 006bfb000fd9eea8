"""What tests share: a Hub, with a model that is no more than files; a tiny Llama, also as GGUF."""

import shutil
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


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny Llama that writes."""
    from tiny_models import make_writer

    return make_writer(tmp_path_factory.mktemp("llama"), "llama")


@pytest.fixture(scope="session")
def gguf_file(llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a GGUF file, not to be changed."""
    from tiny_gguf import make_gguf

    return make_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf", llama)


@pytest.fixture
def gguf_copy(gguf_file: Path, tmp_path: Path) -> Path:
    """A copy of it, to be broken."""
    return Path(shutil.copy(gguf_file, tmp_path / "tiny.gguf"))
