"""Whose certificates are trusted."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from labelscape.ml_backend.certificates import FILE_VARIABLES, trusted_certificates
from labelscape.ml_backend.embedding.base import UnreadableMedium
from labelscape.ml_backend.embedding.remote_media import ROOTS_VARIABLE, read_remote
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.label_studio.settings import ServerSettings
from labelscape.ml_backend.server.connecting import check_backend
from labelscape.testing.tls_proxy import TlsProxy, tls_proxy


@pytest.fixture(autouse=True)
def no_authorities(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (*FILE_VARIABLES, "SSL_CERT_DIR"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[TlsProxy]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        with tls_proxy(f"http://127.0.0.1:{server.server_port}", "/under", tmp_path) as made:
            yield made
        server.shutdown()


def get(url: str) -> int:
    with httpx.Client(verify=trusted_certificates()) as client:
        return client.get(f"{url}/").status_code


def test_an_unknown_authority_is_refused(proxy: TlsProxy) -> None:
    with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
        get(proxy.url)


@pytest.mark.parametrize("variable", FILE_VARIABLES)
def test_an_authority_that_the_environment_names_is_trusted(
    proxy: TlsProxy, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(proxy.authority))
    assert get(proxy.url) == 200


@pytest.mark.parametrize("variable", FILE_VARIABLES)
def test_remote_media_of_a_host_with_an_authority_of_its_own_are_read(
    proxy: TlsProxy, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(ROOTS_VARIABLE, proxy.url)
    with pytest.raises(UnreadableMedium, match="cannot be read: ConnectError"):
        read_remote(f"{proxy.url}/a.png")
    monkeypatch.setenv(variable, str(proxy.authority))
    assert read_remote(f"{proxy.url}/a.png") == b"ok"


@pytest.mark.parametrize("variable", FILE_VARIABLES)
def test_a_backend_with_an_authority_of_its_own_is_asked(
    proxy: TlsProxy, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    with pytest.raises(Refusal, match="No Labelscape backend responds"):
        check_backend(proxy.url, ServerSettings())
    monkeypatch.setenv(variable, str(proxy.authority))
    check_backend(proxy.url, ServerSettings())
    monkeypatch.setenv(variable, "/nowhere.pem")
    with pytest.raises(Refusal, match=f"{variable} names /nowhere.pem"):
        check_backend(proxy.url, ServerSettings())


def test_a_file_that_cannot_be_read_is_named_with_its_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "nowhere.pem"))
    with pytest.raises(Refusal, match=r"\$REQUESTS_CA_BUNDLE names .*nowhere.pem"):
        trusted_certificates()
