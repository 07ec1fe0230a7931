"""An HTTP server that shows another server beneath a path, as the proxy of a hub does."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

_HOP_BY_HOP = {"connection", "transfer-encoding", "content-encoding", "content-length", "host", "keep-alive"}


@contextmanager
def path_proxy(
    target: str, path: str, tls: ssl.SSLContext | None = None, *, accept_doubled: bool = False
) -> Iterator[str]:
    """Serve ``target`` beneath ``path`` until the block ends, and answer 404 anywhere else; yields the address.

    Args:
        accept_doubled: take an address that has the path twice for one that has it once.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            if not self.path.startswith(f"{path}/"):
                self.send_error(404)
                return
            rest = self.path.removeprefix(path)
            if accept_doubled and rest.startswith(f"{path}/"):
                rest = rest.removeprefix(path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
            answer = requests.request(
                self.command,
                target + rest,
                data=body,
                headers=headers,
                allow_redirects=False,
                timeout=300,
            )
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = do_HEAD = handle_any

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"{'http' if tls is None else 'https'}://localhost:{server.server_port}{path}"
    finally:
        server.shutdown()
        server.server_close()
