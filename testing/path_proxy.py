"""An HTTP server that serves another server under a path, like a hub's proxy."""

import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

_HOP_BY_HOP = {"connection", "transfer-encoding", "content-encoding", "content-length", "host", "keep-alive"}


@contextmanager
def path_proxy(
    target: str,
    path: str,
    tls: ssl.SSLContext | None = None,
    *,
    accept_doubled: bool = False,
    keep_host: bool = False,
) -> Iterator[str]:
    """Serve ``target`` beneath ``path`` until the block ends, and answer 404 anywhere else; yields the address.

    Args:
        accept_doubled: treat an address with the path doubled like one with the path once.
        keep_host: tell the server the host that was asked for, as ``proxy_set_header Host`` of nginx does.
    """
    options = {"target": target, "path_above": path, "accept_doubled": accept_doubled, "keep_host": keep_host}
    handler = type("Handler", (_Handler,), options)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"{'http' if tls is None else 'https'}://localhost:{server.server_port}{path}"
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """Passes requests below ``path_above`` on to ``target``."""

    protocol_version = "HTTP/1.1"
    target: str
    path_above: str
    accept_doubled: bool
    keep_host: bool

    def handle_any(self) -> None:
        """Pass one request on, and its answer back."""
        if not self.path.startswith(f"{self.path_above}/"):
            self.send_error(404)
            return
        rest = self.path.removeprefix(self.path_above)
        if self.accept_doubled and rest.startswith(f"{self.path_above}/"):
            rest = rest.removeprefix(self.path_above)
        headers = _end_to_end(dict(self.headers.items()))
        if self.keep_host:
            headers["Host"] = self.headers["Host"]
        answer = requests.request(
            self.command,
            self.target + rest,
            data=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
            headers=headers,
            allow_redirects=False,
            timeout=300,
        )
        self.send_response(answer.status_code)
        for name, value in answer.raw.headers.items():  # several cookies are several headers
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = do_HEAD = handle_any

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


def _end_to_end(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _HOP_BY_HOP}
