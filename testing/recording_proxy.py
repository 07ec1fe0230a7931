"""An HTTP server that passes every request on to another server, and keeps what it received."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests


@dataclass(frozen=True)
class Received:
    """A request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Recorder:
    """The address to call instead of the server's, the environment of its callers, and what arrived so far."""

    url: str
    environment: Mapping[str, str]
    received: list[Received] = field(default_factory=list)


@contextmanager
def recording_proxy(target: str, environment: Mapping[str, str]) -> Iterator[Recorder]:
    """Pass requests on to ``target`` until the block ends; ``environment`` is what its callers need."""
    kept: list[Received] = []
    handler = type("Handler", (_Handler,), {"target": target, "received": kept})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Recorder(f"http://127.0.0.1:{server.server_port}", environment, kept)
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    target: str
    received: list[Received]

    def handle_any(self) -> None:
        """Keep one request, pass it on, and pass its answer back."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = dict(self.headers.items())
        self.received.append(Received(self.command, self.path, headers, body))
        passed = {name: value for name, value in headers.items() if name.lower() not in ("host", "connection")}
        answer = requests.request(self.command, self.target + self.path, data=body, headers=passed, timeout=300)
        self.send_response(answer.status_code)
        self.send_header("Content-Type", answer.headers.get("Content-Type", ""))
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_GET = do_POST = do_DELETE = handle_any

    def log_message(self, *_: object) -> None:
        """Log nothing."""
