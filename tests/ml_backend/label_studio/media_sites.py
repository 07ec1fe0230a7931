"""Web servers that serve media to the tests."""

import io
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from labelscape.ml_backend.label_studio.media import MediaCache
from labelscape.ml_backend.label_studio.media_hosts import MediaError
from PIL import Image

TOKEN = {"Authorization": "Token our-token"}
UPLOAD = "/data/upload/1/image.png"


def image(width: int = 20, height: int = 10, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height)).save(buffer, kind)
    return buffer.getvalue()


@dataclass
class Site:
    """A web server that responds as a test specifies, and records its requests."""

    port: int = 0
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    answers: dict[str, Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def tokens(self) -> list[str | None]:
        return [headers.get("Authorization") for _, headers in self.requests]


def send(status: int = 200, body: bytes = b"", **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def drip(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "1000000")
    request.end_headers()
    while True:
        request.wfile.write(b"x")
        time.sleep(0.05)


def serve(site: Site) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.requests.append((self.path, dict(self.headers)))
            try:
                site.answers.get(self.path, send(200, image()))(self)
            except OSError:
                self.close_connection = True  # the other side had enough

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server


def left_over(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "media").rglob("*") if path.is_file()]


def refused(cache: MediaCache, match: str, address: str = UPLOAD, kind: type[MediaError] = MediaError) -> None:
    with pytest.raises(MediaError, match=match) as refusal:
        cache.fetch(address)
    assert refusal.type is kind
    assert str(refusal.value).endswith(".")
    assert not left_over(cache.folder.parent)
