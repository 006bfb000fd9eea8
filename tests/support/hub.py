"""A stand-in for the Hub on loopback: its models, by the Hub's own paths, and its bad days."""

import hashlib
import json
import math
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tfcli.models.cache import cache_folder

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = (".safetensors", ".bin")
"""Files of which the Hub tells a SHA-256."""


@dataclass
class Fault:
    """What goes wrong with requests like ``GET /org/name/resolve/…``, and how many times."""

    like: str
    times: float = math.inf
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    silent: bool = False
    cut: int | None = None
    """Close the connection after so many bytes of the body."""
    drip: float = 0
    """Seconds between the pieces of the body."""
    spoilt: bool = False
    """As many bytes as promised, but others."""


class Hub(ThreadingHTTPServer):
    """Serves the files of a folder as model ``name``, and remembers what was asked.

    ``faults`` are tried in order; ``others`` are the names that a search finds.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Visitor)
        self.name = name
        self.files = {path.name: path.read_bytes() for path in folder.iterdir()}
        self.commits = {"main": COMMIT, COMMIT: COMMIT, COMMIT[:7]: COMMIT}
        self.others: list[str] = []
        self.faults: list[Fault] = []
        self.asked: list[str] = []
        self.ranges: list[str] = []
        self.closing = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def fail(self, like: str, **how: Any) -> None:
        self.faults.append(Fault(like, **how))

    def fetched(self, name: str = "") -> list[str]:
        """The files whose bytes were asked for; those of one name."""
        paths = [line.rpartition("/")[2] for line in self.asked if line.startswith("GET /org/")]
        return [path for path in paths if not name or path == name]

    def fault(self, line: str) -> Fault | None:
        found = next((f for f in self.faults if re.search(f.like, line) and f.times > 0), None)
        if found:
            found.times -= 1
        return found

    def answer(self, path: str, query: dict[str, list[str]]) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body, when nothing goes wrong."""
        if path == "/api/models":
            asked = query.get("search", query.get("author", [""]))[0]
            found = [{"id": name} for name in [self.name, *self.others] if asked in name]
            return 200, {}, json.dumps(found).encode()
        api, resolve = f"/api/models/{self.name}", f"/{self.name}/resolve/"
        if path == api or path.startswith(f"{api}/revision/"):
            commit = self.commits.get(path.rpartition("/")[2] if path != api else "main")
            if commit is None:
                return 404, {"X-Error-Code": "RevisionNotFound"}, b""
            return 200, {}, json.dumps(self._info(commit, "blobs" in query)).encode()
        if path.startswith(resolve):
            revision, _, name = path.removeprefix(resolve).partition("/")
            if name not in self.files:
                return 404, {"X-Error-Code": "EntryNotFound"}, b""
            headers = {"ETag": self._etag(name), "X-Repo-Commit": self.commits[revision]}
            return 200, headers, self.files[name]
        return 404, {"X-Error-Code": "RepoNotFound"}, b""

    def _info(self, commit: str, sizes: bool) -> dict[str, Any]:
        siblings: list[dict[str, Any]] = [{"rfilename": name} for name in self.files]
        for file in siblings if sizes else []:
            name = file["rfilename"]
            file.update(size=len(self.files[name]), blobId=self._etag(name))
            if name.endswith(LARGE):
                file["lfs"] = {"sha256": self._etag(name), "size": file["size"], "pointerSize": 1}
        return {"id": self.name, "sha": commit, "siblings": siblings, "private": False}

    def _etag(self, name: str) -> str:
        """Of a large file its SHA-256, of a small one the SHA-1 of git's blob, as on the Hub."""
        content = self.files[name]
        if name.endswith(LARGE):
            return hashlib.sha256(content).hexdigest()
        return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class _Visitor(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hub = self.server
        line = f"{self.command} {self.path}"
        hub.asked.append(line)
        fault = hub.fault(line) or Fault("")
        if fault.silent:
            hub.closing.wait()
            self.close_connection = True
            return
        url = urlsplit(self.path)
        status, headers, body = hub.answer(url.path, parse_qs(url.query))
        if fault.status:
            status, headers, body = fault.status, fault.headers, b""
        if fault.spoilt:
            body = body[::-1]
        if self.command == "GET" and (wanted := self.headers.get("Range")) and status == 200:
            hub.ranges.append(wanted)
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start, whole = int(first), len(body)
            end = min(int(last) + 1, whole) if last else whole
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{whole}"
            status, body = 206, body[start:end]
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            body = body[: fault.cut]
            step = max(1, len(body) // 8 if fault.drip else len(body))
            for start in range(0, len(body), step):
                self.wfile.write(body[start : start + step])
                hub.closing.wait(fault.drip)
            self.close_connection = fault.cut is not None

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def serving(name: str, folder: Path) -> Iterator[Hub]:
    """A Hub that is open as long as the block runs."""
    with Hub(name, folder) as hub:
        threading.Thread(target=hub.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield hub
        finally:
            hub.closing.set()
            hub.shutdown()


@contextmanager
def asked(monkeypatch: pytest.MonkeyPatch, name: str, folder: Path) -> Iterator[Hub]:
    """The same, and it is the Hub of this process and its children."""
    from huggingface_hub import close_session, constants

    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)  # both were read at import
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache_folder()))
    others = set(threading.enumerate())
    with serving(name, folder) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        yield hub
        _let_end(hub, others)
    close_session()


def _let_end(hub: Hub, others: set[threading.Thread]) -> None:
    """Answer what is still being asked: huggingface_hub would ask again, during the next test.

    Five seconds at most in all: a pool of another library's keeps its threads for ever.
    """
    hub.faults.clear()
    hub.closing.set()
    end = time.monotonic() + 5
    for thread in set(threading.enumerate()) - others:
        if thread.name.startswith("ThreadPoolExecutor") or thread.name.endswith("(run)"):
            thread.join(max(0, end - time.monotonic()))
