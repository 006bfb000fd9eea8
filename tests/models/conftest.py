"""What tests share: a Hub, with a model that is no more than files; a tiny Llama, also as GGUF."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hub import Hub, asked

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
    folder = tmp_path / "on the hub"
    folder.mkdir()
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    with asked(monkeypatch, "org/tiny", folder) as open_hub:
        yield open_hub


@pytest.fixture
def tiny(hub: Hub, classifier: Callable[..., str]) -> Hub:
    """The same, and its model is one: a tiny BERT that classifies."""
    hub.files = {path.name: path.read_bytes() for path in Path(classifier()).iterdir()}
    return hub


@pytest.fixture
def pickled(tiny: Hub) -> Hub:
    """The same with its weights in a pickle, and in no other file."""
    import io

    import torch
    from safetensors.torch import load

    written = io.BytesIO()
    torch.save(load(tiny.files.pop("model.safetensors")), written)
    tiny.files["pytorch_model.bin"] = written.getvalue()
    return tiny


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
