"""Half-open requests do not keep others from being answered."""

import json
import logging
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from labelscape.ml_backend.server.connections import OncePerMinute, allowed_connections
from labelscape.testing.processes import start, stop, wait_for

SERVER = """
import socket, sys
import uvicorn
from labelscape.ml_backend.server.connections import limited_protocol

async def app(scope, receive, send):
    while scope["type"] == "http" and (await receive()).get("more_body"):
        pass
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
config = uvicorn.Config(app, http=limited_protocol(8, float(sys.argv[1])), lifespan="off", log_config=None)
uvicorn.Server(config).run(sockets=[listening])
"""


@pytest.fixture
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """Of a server with eight connections at most, whose requests have as many seconds as the test says."""
    process = start([sys.executable, "-c", SERVER, str(request.param)], stdout=subprocess.PIPE)
    assert process.stdout
    number = int(process.stdout.readline())
    wait_for("the server", lambda: answers(number), process)
    yield number
    stop(process)


def answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/", timeout=30).text == "ok"
    except requests.ConnectionError:
        return False


def half_open(port: int, begun: bytes = b"GET / HTTP/1.1\r\nHost: x\r\n") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(begun)
    return connection


def is_closed(connection: socket.socket) -> bool:
    """True once the server has closed it; raises where that takes a minute."""
    connection.settimeout(60)
    try:
        while connection.recv(100):  # what is left of an answer
            pass
    except ConnectionResetError:
        pass
    return True


@pytest.mark.slow
@pytest.mark.parametrize("port", [3600], indirect=True)
def test_more_unfinished_requests_than_connections_leave_others_answered(port: int) -> None:
    waiting = [half_open(port) for _ in range(40)]
    assert answers(port)
    assert all(is_closed(connection) for connection in waiting[:30]), "the oldest gave way"
    late = waiting[-1]
    late.sendall(b"\r\n")
    assert late.recv(20).startswith(b"HTTP/1.1 200"), "whoever goes on is answered"


@pytest.mark.slow
@pytest.mark.parametrize("port", [0.5], indirect=True)
@pytest.mark.parametrize("begun", [b"", b"GET /", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_a_request_that_does_not_arrive_in_time_is_closed(port: int, begun: bytes) -> None:
    assert is_closed(half_open(port, begun))
    assert answers(port)


@pytest.mark.slow
@pytest.mark.parametrize("port", [0.5], indirect=True)
def test_a_second_request_on_a_connection_has_its_time_too(port: int) -> None:
    connection = half_open(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    connection.sendall(b"GET / HTTP/1.1\r\nHo")
    assert is_closed(connection)


@pytest.mark.slow
def test_400_unfinished_requests_to_a_backend_that_may_open_256_files(tmp_path: Path) -> None:
    log = tmp_path / "log"

    def few_files() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))

    command = [str(Path(sys.executable).with_name("labelscape")), "serve", "--port", "0"]

    environment = os.environ | {"LABELSCAPE_DIR": str(tmp_path), "LABELSCAPE_SECRET": "secret"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=subprocess.STDOUT, preexec_fn=few_files
        )
    try:
        deadline = time.monotonic() + 300
        while "listens at" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        port = int(log.read_text().split("listens at http://127.0.0.1:")[1].split()[0])
        waiting = [half_open(port, b"POST /webhook HTTP/1.1\r\n") for _ in range(400)]
        for _ in range(20):
            health = requests.get(f"http://127.0.0.1:{port}/health", auth=("", "secret"), timeout=60)
            assert health.json()["model_class"] == "Labelscape"
        assert len(waiting) == 400
        events = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
        assert sum(event["event"] == "connections_closed" for event in events) == 1
        assert log.stat().st_size < 50_000
    finally:
        process.terminate()
        assert process.wait(60) == 0


def test_as_many_connections_as_the_process_may_have_files() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert allowed_connections(5) == 5
    assert allowed_connections(10**9) <= max(8, hard)


def test_a_librarys_complaint_that_repeats_itself_is_one_line_a_minute() -> None:
    once = OncePerMinute()
    record = logging.LogRecord("asyncio", logging.ERROR, "f", 1, "socket.accept() out of system resource", (), None)
    other = logging.LogRecord("asyncio", logging.ERROR, "f", 1, "something else", (), None)
    assert [once.filter(each) for each in (record, record, other, record)] == [True, False, True, False]
