"""The child that reads pickles: tensors only, and a fence around it should that fail."""

import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from hostile import MARKER

from tfcli.errors import ModelNotFoundError, ResourceError, TfcliError, UnsafeModelError
from tfcli.models import unpickle

FENCED = "import os, sys\nfrom tfcli.models.unpickle import _fence\nsys.addaudithook(_fence)\n"


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "act",
    [
        f"os.system('touch \"{MARKER}\"')",
        f"open({MARKER!r}, 'w')",
        f"open({MARKER!r}, 'a')",
        f"os.open({MARKER!r}, os.O_CREAT | os.O_WRONLY)",
        f"os.mkdir({MARKER!r})",
        f"os.symlink('x', {MARKER!r})",
        f"os.rename('there', {MARKER!r})",
        "os.remove('there')",
        "os.truncate('there', 0)",
        f"os.execvp('touch', ['touch', {MARKER!r}])",
        "os.fork()",
        "import socket; socket.socket()",
        "import socket; socket.getaddrinfo('example.org', 80)",
        "import subprocess; subprocess.run(['true'])",
        "import ctypes; ctypes.CDLL(None)",
        "import shutil; shutil.rmtree('.')",
    ],
)
def test_behind_the_fence_nothing_acts(act):
    Path("there").write_text("there")
    child = python(FENCED + act)
    assert child.returncode == 1
    assert "The pickle tried to act" in child.stderr
    assert not Path(MARKER).exists()
    assert Path("there").read_text() == "there"


def test_behind_the_fence_files_are_read_and_tensors_written():
    child = python(
        "import torch, safetensors.torch\n"
        + FENCED
        + "open('/dev/null').close(); open('/dev/null', 'rb').close()\n"
        "safetensors.torch.save_file({'a': torch.zeros(1)}, 'a.safetensors')"
    )
    assert (child.returncode, child.stderr) == (0, "")
    assert Path("a.safetensors").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has networks of one's own")
def test_the_child_is_in_a_network_without_interfaces():
    child = python(
        "import socket\nfrom tfcli.models.unpickle import _leave_the_network\n"
        "before = {name for _, name in socket.if_nameindex()}\n_leave_the_network()\n"
        "print(*{name for _, name in socket.if_nameindex()} - {'lo'})\n"
        "try: socket.create_connection(('127.0.0.1', 9), timeout=5)\n"
        "except OSError as exc: print(exc.strerror)"
    )
    if child.stdout.startswith("\n"):  # where the system lets us
        assert child.stdout == "\nNetwork is unreachable\n"
    else:
        assert (
            "Operation not permitted"
            in python(
                "import ctypes, os; ctypes.CDLL(None, use_errno=True).unshare(0x50000000);"
                "print(os.strerror(ctypes.get_errno()))"
            ).stdout
        )


class TestTheContent:
    def tensors(self, content):
        torch.save(content, "source.bin")
        return unpickle._tensors(content, Path("source.bin"))

    def test_is_tensors_by_name(self):
        content = {"a": torch.ones(2), "b": torch.zeros(1, 3)}
        assert self.tensors(content) == content

    def test_may_lie_one_level_down(self):
        content = {"a": torch.ones(2)}
        assert self.tensors({"state_dict": content, "epoch": 3}) == content

    @pytest.mark.parametrize("content", [[torch.ones(1)], torch.ones(1), {}, None])
    def test_without_names_is_no_model(self, content):
        with pytest.raises(ModelNotFoundError, match=r"source\.bin holds no weights by name"):
            self.tensors(content)

    @pytest.mark.parametrize("content", [{"a": 1}, {"a": {"b": torch.ones(1)}}, {1: torch.ones(1)}])
    def test_that_is_more_than_tensors_is_refused(self, content):
        with pytest.raises(ModelNotFoundError, match=r"source\.bin holds more than weights"):
            self.tensors(content)

    @pytest.mark.parametrize("tensor", [torch.ones(1, device="meta"), torch.ones(2, 2).to_sparse()])
    def test_of_another_kind_is_refused(self, tensor):
        with pytest.raises(ModelNotFoundError, match=r"source\.bin holds a tensor of another kind"):
            self.tensors({"a": tensor})

    def test_that_unpacks_to_a_terabyte_is_refused(self):
        with pytest.raises(UnsafeModelError, match="unpacks to far more than it is"):
            self.tensors({"a": torch.zeros(1).expand(1 << 38)})

    def test_that_is_shared_counts_once(self):
        large = torch.zeros(8 << 20)
        content = {f"w{i}": large for i in range(20)}
        assert len(self.tensors(content)) == 20


def test_a_zip_that_unpacks_to_gigabytes_is_refused():
    with zipfile.ZipFile("source.bin", "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("archive/data/0", bytes(100 << 20))
    with pytest.raises(UnsafeModelError, match="unpacks to far more than it is"):
        unpickle._require_no_bomb(Path("source.bin"))
    assert Path("source.bin").stat().st_size < 1 << 20


@pytest.mark.parametrize(
    ("raised", "expected", "said"),
    [
        (pickle.UnpicklingError("… GLOBAL posix.system was …"), UnsafeModelError, "asks for posix"),
        (pickle.UnpicklingError("Unsupported operand 110"), UnsafeModelError, "of tensors alone"),
        (MemoryError(), ResourceError, "does not fit into the memory"),
        (RuntimeError("damaged\nin line 3"), ModelNotFoundError, "cannot be converted: damaged$"),
        (UnsafeModelError("The pickle tried to act"), UnsafeModelError, "tried to act"),
    ],
)
def test_what_goes_wrong_is_told_in_one_line(monkeypatch, raised, expected, said):
    def load(*args, **kwargs):
        raise raised

    Path("source.bin").write_bytes(b"\x80")
    monkeypatch.setattr(torch, "load", load)
    for name in ("_leave_the_network", "_limit_memory"):  # this process wants both
        monkeypatch.setattr(unpickle, name, lambda: None)
    monkeypatch.setattr(unpickle.sys, "addaudithook", lambda hook: None)
    with pytest.raises(TfcliError, match=said) as caught:
        unpickle.main(Path("source.bin"), Path.cwd(), "")
    assert type(caught.value) is expected
    assert "\n" not in str(caught.value)


def test_every_fence_stands_before_the_pickle_is_read(monkeypatch):
    done = []
    Path("source.bin").write_bytes(b"\x80")
    for name in ("_require_no_bomb", "_leave_the_network", "_limit_memory"):
        monkeypatch.setattr(unpickle, name, lambda *args, name=name: done.append(name))
    monkeypatch.setattr(unpickle.sys, "addaudithook", done.append)
    monkeypatch.setattr(torch, "load", lambda *args, **kwargs: done.append(kwargs) or {})
    with pytest.raises(ModelNotFoundError, match="no weights by name"):
        unpickle.main(Path("source.bin"), Path.cwd(), "")
    fences = ["_require_no_bomb", "_leave_the_network", "_limit_memory", unpickle._fence]
    assert done == [*fences, {"map_location": "cpu", "weights_only": True}]
