import asyncio
import base64
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from labelscape.ml_backend.label_studio.settings import Limits, ServerSettings
from labelscape.ml_backend.server.guard import Guard, is_loopback
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient

from .conftest import SECRET, FakeBackend

ROUTES = [
    ("GET", "/health"),
    ("POST", "/setup"),
    ("GET", "/versions"),
    ("POST", "/predict"),
    ("POST", "/webhook"),
    ("GET", "/metrics"),
    ("GET", "/v1/projects/3"),
    ("GET", "/elsewhere"),
]


def basic(password: str, user: str = "labelscape") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.fixture
def stranger(client: TestClient) -> TestClient:
    del client.headers["X-Labelscape-Secret"]
    return client


@pytest.mark.parametrize(("method", "route"), ROUTES)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Labelscape-Secret": ""},
        {"X-Labelscape-Secret": SECRET[:-1]},
        {"X-Labelscape-Secret": SECRET + "x"},
        {"X-Labelscape-Secret": SECRET.upper()},
        {"X-Labelscape-Secret": "schlüssel".encode("latin-1")},
        {"Authorization": f"Token {SECRET}"},
        {"Authorization": f"Bearer {SECRET}"},
        {"Authorization": f"Basic {SECRET}"},
        {"Authorization": "Basic"},
        {"Authorization": "Basic " + base64.b64encode(b"\xff:\xff").decode()},
        basic(""),
        basic("another"),
        basic("", user=SECRET),
        {"Cookie": f"secret={SECRET}"},
    ],
)
def test_no_route_opens_without_the_secret(
    stranger: TestClient, method: str, route: str, headers: dict[str, Any]
) -> None:
    answer = stranger.request(method, f"{route}?secret={SECRET}", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    "headers",
    [{"X-Labelscape-Secret": SECRET}, basic(SECRET), basic(SECRET, user=""), basic(SECRET, user="labelscäpe")],
)
def test_the_secret_opens_as_a_header_or_as_a_password(stranger: TestClient, headers: dict[str, str]) -> None:
    assert stranger.get("/health", headers=headers).status_code == 200
    assert stranger.post("/webhook", headers=headers, json={"action": "OTHER"}).status_code == 201


def test_a_guard_without_a_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="secret"):
        Guard(lambda *_: None, settings=ServerSettings)  # type: ignore[arg-type, return-value]


def chunks(count: int) -> Iterator[bytes]:
    yield b'{"action": "'
    yield from [b"x" * 1_000] * count
    yield b'"}'


@pytest.mark.parametrize("route", ["/setup", "/predict", "/webhook"])
def test_too_large_a_body_is_refused_with_and_without_its_length_told(client: TestClient, route: str) -> None:
    for body in (b"".join(chunks(100)), chunks(100)):
        answer = client.post(route, content=body)
        assert answer.status_code == 413
        assert answer.json() == {"detail": "The request's body is larger than 100,000 bytes."}


def test_a_body_up_to_the_limit_is_taken(client: TestClient) -> None:
    body = b"".join(chunks(99))
    assert client.post("/webhook", content=body + b" " * (100_000 - len(body))).status_code == 201


def test_of_too_large_a_body_no_more_is_read_than_the_limit(client: TestClient) -> None:
    read = 0

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": b"x" * 1_000, "more_body": True}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    sent: list[dict[str, Any]] = []
    headers = [(b"x-labelscape-secret", SECRET.encode())]
    scope = {"type": "http", "method": "POST", "path": "/webhook", "query_string": b"", "headers": headers}
    asyncio.run(client.app(scope, receive, send))  # type: ignore[arg-type]
    assert sent[0]["status"] == 413
    assert read == 101


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_addresses_are_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "studio.example.com", "localhost.example.com", ""])
def test_all_other_addresses_are_open_to_others(host: str) -> None:
    assert not is_loopback(host)


def test_a_body_that_does_not_arrive_in_time_is_refused(settings: ServerSettings, backend: FakeBackend) -> None:
    limits = Limits(request_seconds=0.05)
    guarded = Guard(_read_all, settings=lambda: replace(settings, limits=limits))
    parts = iter([b"{", b"}"])

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0.2)
        return {"type": "http.request", "body": next(parts), "more_body": True}

    headers = [(b"x-labelscape-secret", SECRET.encode())]
    scope = {"type": "http", "method": "POST", "path": "/webhook", "query_string": b"", "headers": headers}
    with pytest.raises(HTTPException) as refusal:
        asyncio.run(guarded(scope, receive, _send))  # type: ignore[arg-type]
    assert refusal.value.status_code == 408
    assert refusal.value.detail == "The request's body did not arrive within 0.05 seconds."


async def _read_all(_scope: Any, receive: Any, _send: Any) -> None:
    while (await receive()).get("more_body"):
        pass


async def _send(_message: Any) -> None:
    pass
