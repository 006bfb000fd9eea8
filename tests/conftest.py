"""What tests share: the program as a process, a folder of its own, no network."""

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from quick import Quick
from watching import Ended

# No deadline: the machine may be busy. No database: a test leaves nothing behind.
settings.register_profile("tfcli", max_examples=100, deadline=None, database=None, print_blob=True)
settings.load_profile("tfcli")

PLUGIN = Path(__file__).parent / "plugin"
WORLD = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "PYTHONUNBUFFERED", "PYTHONIOENCODING")


@pytest.fixture(autouse=True)
def _own_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has a folder of its own, no network, and nothing of the user's settings."""
    for name in _strange(os.environ):
        monkeypatch.delenv(name)
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "HF_HOME"):
        monkeypatch.setenv(name, str(tmp_path / ".home" / name))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("PYTHONPATH", str(PLUGIN))
    monkeypatch.chdir(tmp_path)


def _strange(env: Mapping[str, str]) -> list[str]:
    """The settings of a user."""
    return [name for name in env if name.startswith(("TFCLI_", "HF_")) or name in WORLD]


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quick]:
    """The program without the seconds that its imports take."""
    usual = {k: v for k, v in os.environ.items() if k not in _strange(os.environ)}
    made = Quick(tmp_path_factory.mktemp("quick"), {**usual, "HF_HUB_OFFLINE": "1"})
    yield made
    made.close()


@pytest.fixture
def tfcli(quick: Quick) -> Callable[..., Ended]:
    """Run the program to its end: ``tfcli("shout", "hello", stdin=b"…")``."""

    def run(*arguments: str | bytes, stdin: bytes | None = b"", **env: str) -> Ended:
        ended = subprocess.run(
            [quick.program, *arguments],
            input=stdin,
            capture_output=True,
            env={**os.environ, **env},
            timeout=120,
            check=False,
        )
        return Ended(ended.returncode, ended.stdout.decode(), ended.stderr.decode())

    return run


@pytest.fixture(scope="session")
def answerer(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The folder of a tiny model with a span head: ``answerer("roberta")``."""
    from tiny_models import make_answerer

    @cache
    def folder(family: str) -> str:
        return str(make_answerer(tmp_path_factory.mktemp(family), family))

    return folder


@pytest.fixture
def standard_checkpoint() -> Callable[[str], str]:
    """The folder of ``org/name@revision`` in the user's cache; without it the test is skipped."""
    from huggingface_hub import try_to_load_from_cache

    cache = Path(os.environ.get("TFCLI_TEST_HUB_CACHE", "~/.cache/huggingface/hub")).expanduser()

    def folder(checkpoint: str) -> str:
        name, _, revision = checkpoint.partition("@")
        for wanted in (revision, "main"):
            found = try_to_load_from_cache(name, "model.safetensors", cache, wanted)
            if isinstance(found, str):
                return str(Path(found).parent)
        pytest.skip(f"{checkpoint} is not in the Hub's cache on this machine")

    return folder


@pytest.fixture(scope="session")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """The folder of a tiny random classifier: ``classifier("roberta", num_labels=5)``."""
    from tiny_models import make_classifier

    return _made_once(tmp_path_factory, make_classifier, "bert")


@pytest.fixture(scope="session")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """The folder of a tiny random model that writes: ``writer("t5", length=512)``."""
    from tiny_models import make_writer

    return _made_once(tmp_path_factory, make_writer, "gpt2")


@pytest.fixture(scope="session")
def seq2seq(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """The folder of a tiny translator or summarizer: ``seq2seq("m2m_100")``."""
    from tiny_seq2seq import make_seq2seq

    return _made_once(tmp_path_factory, make_seq2seq, "marian")


@pytest.fixture(scope="session")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """The folder of a tiny random model without a head: ``reader("longformer")``."""
    from tiny_models import make_reader

    return _made_once(tmp_path_factory, make_reader, "bert")


@pytest.fixture(scope="session")
def filler(reader: Callable[..., str]) -> Callable[[str], str]:
    """The folder of a tiny random model that fills blanks: ``filler("roberta")``."""
    return lambda family="bert": reader(family, head="MaskedLM")


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """The folder of a tiny model of sentence-transformers: ``encoder("mpnet", pooling="cls")``."""
    from tiny_models import make_encoder

    return _made_once(tmp_path_factory, make_encoder, "bert")


@pytest.fixture(scope="session")
def speaker(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The folder of a tiny model that says a text behind ``x``: ``speaker("你好.")``."""
    from tiny_models import make_speaker

    @cache
    def folder(text: str) -> str:
        return str(make_speaker(tmp_path_factory.mktemp("speaker"), text))

    return folder


def _made_once(
    tmp_path_factory: pytest.TempPathFactory, make: Callable[..., Path], usual: str
) -> Callable[..., str]:
    """What gives the folder of a model of a family, and makes each only the first time."""
    made: dict[str, str] = {}

    def folder(family: str = usual, **config: Any) -> str:
        key = f"{family} {config}"
        if key not in made:
            made[key] = str(make(tmp_path_factory.mktemp(family), family, **config))
        return made[key]

    return folder
