"""A stand-in for the Hub on loopback: one public model, by the Hub's own paths."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """Serves the files of a folder as model ``name``, and remembers the paths asked for."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Visitor)
        self.api = f"/api/models/{name}"
        self.files = {path.name: path.read_bytes() for path in folder.iterdir()}
        self.resolve = f"/{name}/resolve/"
        self.name = name
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def tree(self) -> list[dict[str, Any]]:
        return [
            {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
            for name, data in self.files.items()
        ]

    def info(self) -> dict[str, Any]:
        siblings = [{"rfilename": name} for name in self.files]
        return {"id": self.name, "sha": COMMIT, "siblings": siblings, "private": False}


class _Visitor(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def do_HEAD(self) -> None:
        self.server.asked.append(self.path)
        hub = self.server
        headers = {"Content-Type": "application/json"}
        status, self.body = 200, b""
        if self.path.startswith(f"{hub.api}/tree/"):
            self.body = json.dumps(hub.tree()).encode()
        elif self.path.startswith(hub.api):
            self.body = json.dumps(hub.info()).encode()
        elif self.path.startswith(hub.resolve):
            self.body = hub.files[self.path.rpartition("/")[2]]
            headers = {"ETag": hashlib.sha256(self.body).hexdigest(), "X-Repo-Commit": COMMIT}
        else:
            status, headers = 404, {"X-Error-Code": "RepoNotFound"}
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(self.body))}.items():
            self.send_header(key, value)
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()
        self.wfile.write(self.body)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def serving(name: str, folder: Path) -> Iterator[Hub]:
    """A Hub that is open as long as the block runs."""
    with Hub(name, folder) as hub:
        threading.Thread(target=hub.serve_forever, daemon=True).start()
        yield hub
        hub.shutdown()
