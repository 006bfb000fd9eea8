"""The program as a process of its own, without its imports: a fork of one that has made them.

A start takes three seconds, almost all of them for torch and transformers; a fork takes none. It
has the arguments, folder, environment and standard streams of who asks, and ends as the program
ends. What libraries read from the environment when they are imported they have read already: where
that differs, the program is really started.
"""

import array
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

FIXED = ("HF_", "HUGGING", "TRANSFORMERS_", "PYTHON", "LC_", "LANG", "LD_", "OMP_", "MKL_", "TORCH")
"""Beginnings of the variables that are read at import."""
VARIES = ("HF_HOME", "PYTHONPATH")
"""Those of them that may differ: no model is fetched, and the path is followed."""


def fixed(env: Mapping[str, str]) -> dict[str, str]:
    """What has to be the same for a fork to do."""
    return {k: v for k, v in env.items() if k.startswith(FIXED) and k not in VARIES}


def client(address: str, env: Mapping[str, str]) -> str:
    """A program that has a fork run its command line."""
    return f"""#!{sys.executable} -SE
import os, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import quick
if quick.fixed(os.environ) != {fixed(env)!r}:
    os.execv(sys.executable, [sys.executable, "-m", "tfcli", *sys.argv[1:]])
sys.exit(quick.ask({address!r}, sys.argv[1:], (0, 1, 2)))
"""


def ask(address: str, arguments: list[str], streams: tuple[int, int, int]) -> int:
    """Run a command line in a fork, with this process's folder and environment; its status."""
    said = {"arguments": arguments, "env": dict(os.environ), "cwd": str(Path.cwd())}
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.connect(address)
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", streams))]
        message = json.dumps(said).encode()
        server.sendmsg([len(message).to_bytes(4, "big")], rights)
        server.sendall(message)
        answer = server.recv(4)
    return int.from_bytes(answer, "big", signed=True) if answer else 1


class Quick:
    """The process that is forked; it ends with this one."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self.address = str(folder / "quick")
        self.program = folder / "tfcli"
        self.program.write_text(client(self.address, env), encoding="utf-8")
        self.program.chmod(0o755)
        self.process = subprocess.Popen(
            [sys.executable, __file__, self.address, str(os.getpid())],
            stdin=subprocess.DEVNULL,
            env=dict(env),
        )
        while not Path(self.address).exists():
            if self.process.poll() is not None:
                raise RuntimeError("the process to be forked did not start")
            time.sleep(0.01)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


def serve(address: str, parent: int) -> None:
    """Import, then fork for each who asks."""
    import torch  # noqa: F401
    import transformers
    from rich import console  # noqa: F401

    import tfcli.cli.app
    import tfcli.cli.run
    import tfcli.models.load
    import tfcli.worker  # noqa: F401

    for name in ("AutoConfig", "AutoTokenizer", "AutoModelForCausalLM", "BertModel", "GPT2Model"):
        getattr(transformers, name)  # which imports it
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(f"{address}.new")
        server.listen(64)
        os.rename(f"{address}.new", address)  # noqa: PTH104
        server.settimeout(5)
        while os.getppid() == parent:
            try:
                asker, _ = server.accept()
            except TimeoutError:
                continue
            if os.fork() == 0:
                server.close()
                _answer(asker)
            asker.close()


def _answer(asker: socket.socket) -> None:
    """In the fork: fork again, for the program; tell its status."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    asker.settimeout(None)
    head, rights, _, _ = asker.recvmsg(4, socket.CMSG_SPACE(12))
    streams = array.array("i")
    streams.frombytes(rights[0][2])
    said = b""
    while len(said) < int.from_bytes(head, "big"):
        said += asker.recv(1 << 16)
    program = os.fork()
    if program == 0:
        asker.close()
        _become(json.loads(said), streams)
    for stream in streams:
        os.close(stream)
    _, waited = os.waitpid(program, 0)
    asker.sendall(os.waitstatus_to_exitcode(waited).to_bytes(4, "big", signed=True))
    os._exit(0)


def _become(said: dict[str, object], streams: "array.array[int]") -> None:
    """Be the program."""
    from tfcli.cli.app import main

    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, max(streams) + 1)
    os.chdir(said["cwd"])  # type: ignore[arg-type]
    os.environ.clear()
    os.environ.update(said["env"])  # type: ignore[arg-type]
    added = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [folder for folder in added if folder and folder not in sys.path]
    sys.argv = ["tfcli", *said["arguments"]]  # type: ignore[misc]
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", errors="backslashreplace", closefd=False)  # noqa: SIM115
    try:
        main()
    except SystemExit as exc:
        os._exit(exc.code if isinstance(exc.code, int) else 1)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
