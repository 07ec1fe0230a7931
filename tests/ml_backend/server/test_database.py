"""When MongoDB is unavailable, the backend reports it, keeps events, reconnects, and stops in time."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from labelscape.ml_backend.server.database import Database
from labelscape.testing.label_studio import LabelscapeServer
from labelscape.testing.processes import free_port, start, stop


def until(what: str, reached: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, f"after {seconds:.0f} s still not: {what}"
        time.sleep(0.1)


# --- the watch -------------------------------------------------------------------------------------------------------


def test_the_watch_tells_when_the_database_goes_and_comes_back() -> None:
    answering = [True]

    def check() -> None:
        if not answering[0]:
            raise OSError("connection refused")

    watch = Database(check)
    assert not watch.available, "nobody may use it before it answered"
    watch.start()
    assert watch.wait_until_known(60)
    assert watch.available
    answering[0] = False
    until("away", lambda: not watch.available)
    assert "does not respond (OSError: connection refused). Events are kept" in watch.problem
    answering[0] = True
    until("back", lambda: watch.available)
    watch.stop()


def test_work_that_met_an_error_is_followed_by_a_check_at_once() -> None:
    checks: list[float] = []
    watch = Database(lambda: checks.append(time.monotonic()))
    watch.start()
    assert watch.wait_until_known(60)
    watch.suspect()
    until("available again", lambda: watch.available and len(checks) > 1)
    watch.stop()


# --- the real backend, with real MongoDBs ----------------------------------------------------------------------------


@pytest.fixture
def make_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., LabelscapeServer]]:
    """Factory of `labelscape serve` on a database of its own, named by address, or FiftyOne's own in a folder."""
    made: list[LabelscapeServer] = []

    def make(*, uri: str | None) -> LabelscapeServer:
        monkeypatch.delenv("FIFTYONE_DATABASE_URI", raising=False)
        monkeypatch.delenv("FIFTYONE_PRIVATE_DATABASE_PORT", raising=False)
        monkeypatch.setenv("FIFTYONE_DATABASE_DIR", str(tmp_path / "fiftyone-database"))
        if uri is not None:
            monkeypatch.setenv("FIFTYONE_DATABASE_URI", uri)
        server = LabelscapeServer(tmp_path / "server")
        made.append(server)
        server.start()
        return server

    yield make
    for server in made:
        server.stop()


@pytest.fixture
def make_mongod(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Factory of MongoDBs at a port, on a folder."""
    from fiftyone.core.service import DatabaseService

    made: list[subprocess.Popen[bytes]] = []

    def make(port: int, folder: Path) -> subprocess.Popen[bytes]:
        folder.mkdir(exist_ok=True, parents=True)
        command = [DatabaseService.find_mongod(), "--dbpath", str(folder), "--port", str(port)]
        command += ["--bind_ip", "127.0.0.1", "--nounixsocket", "--wiredTigerCacheSizeGB", "0.25"]
        process = start(command, stdout=subprocess.DEVNULL)
        made.append(process)
        return process

    yield make
    for process in made:
        if process.poll() is None:
            stop(process)


def status(server: LabelscapeServer) -> str:
    answer = server.get("health")
    assert answer.status_code == (200 if answer.json()["status"] == "UP" else 503)
    return str(answer.json()["status"])


def metric(server: LabelscapeServer, name: str) -> float:
    lines = server.get("metrics").text.splitlines()
    return next(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} "))


@pytest.mark.slow
def test_a_killed_mongodb_is_reported_and_found_again_when_it_is_back(
    make_server: Callable[..., LabelscapeServer], make_mongod: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    port = free_port()
    mongod = make_mongod(port, tmp_path / "db")
    server = make_server(uri=f"mongodb://127.0.0.1:{port}")
    until("up", lambda: status(server) == "UP")
    mongod.kill()
    mongod.wait()
    until("down", lambda: status(server) == "DOWN")
    assert "does not respond" in server.get("health").json()["problems"][0]
    assert metric(server, "labelscape_database_up") == 0
    make_mongod(port, tmp_path / "db")
    until("up again", lambda: status(server) == "UP")
    assert metric(server, "labelscape_database_up") == 1


@pytest.mark.slow
def test_a_mongodb_that_starts_later_than_the_backend_is_found(
    make_server: Callable[..., LabelscapeServer], make_mongod: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    port = free_port()
    server = make_server(uri=f"mongodb://127.0.0.1:{port}")
    assert status(server) == "DOWN"
    until("the terminal saying so", lambda: "labelscape doctor" in server.log())
    make_mongod(port, tmp_path / "db")
    until("up", lambda: status(server) == "UP")


@pytest.mark.slow
def test_fiftyones_own_mongodb_is_started_again_after_it_was_killed(
    make_server: Callable[..., LabelscapeServer], tmp_path: Path
) -> None:
    server = make_server(uri=None)
    until("up", lambda: status(server) == "UP")
    folder = str(tmp_path / "fiftyone-database")
    [mongod] = [each for each in psutil.process_iter(["cmdline"]) if _serves(each, folder)]
    mongod.kill()
    until("down", lambda: status(server) == "DOWN")
    until("up again", lambda: status(server) == "UP")
    [another] = [each for each in psutil.process_iter(["cmdline"]) if _serves(each, folder)]
    assert another.pid != mongod.pid


@pytest.mark.slow
def test_a_backend_stops_in_time_while_mongodb_is_away(
    make_server: Callable[..., LabelscapeServer], make_mongod: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    port = free_port()
    mongod = make_mongod(port, tmp_path / "db")
    server = make_server(uri=f"mongodb://127.0.0.1:{port}")
    until("up", lambda: status(server) == "UP")
    mongod.send_signal(signal.SIGSTOP)  # it hangs, which is worse than being gone
    try:
        until("down", lambda: status(server) == "DOWN")
        begun = time.monotonic()
        server.process.terminate()
        assert server.process.wait(timeout=30) == 0  # 68 to 110 s before
        print(f"stopped within {time.monotonic() - begun:.1f} s")
    finally:
        mongod.send_signal(signal.SIGCONT)


def _serves(process: psutil.Process, folder: str) -> bool:
    command = process.info["cmdline"] or []
    return bool(command) and command[0].endswith("mongod") and folder in command
