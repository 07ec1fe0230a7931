"""`labelscape serve`: it makes its secret, refuses unsafe settings with the fix, and ends well."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from labelscape.ml_backend.server.events import EventQueue

COMMAND = [str(Path(sys.executable).with_name("labelscape")), "serve", "--port", "0"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("LABELSCAPE_", "LABEL_STUDIO_"))}
    return ours | {"LABELSCAPE_DIR": str(tmp_path)}


@contextmanager
def served(environment: dict[str, str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A real `labelscape serve`, and its address."""
    process = subprocess.Popen(COMMAND, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        lines = iter(process.stdout.readline, "")  # FiftyOne may have something to say of its MongoDB first
        listening = next((match for line in lines if (match := re.search(r"listens at (http://\S+)", line))), None)
        assert listening, process.communicate()[1]
        yield process, listening[1]
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_serving_makes_a_secret_answers_with_it_and_ends_well_on_sigterm(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with served(environment) as (process, url):
        assert url.startswith("http://127.0.0.1:")
        secret = json.loads((tmp_path / "label-studio" / "settings.json").read_text())["secret"]
        answer = ask(f"{url}/health", secret)
        assert (answer.status_code, answer.json()["status"]) == (200, "UP")
        assert requests.get(f"{url}/health", timeout=5).status_code == 401
        assert "server" not in answer.headers
        second = subprocess.run(COMMAND, env=environment, capture_output=True, text=True, timeout=300)
        assert second.returncode == 1
        assert "✗ Another `labelscape serve` is using" in second.stderr
        process.terminate()
        output, log = process.communicate(timeout=120)
    assert process.returncode == 0
    assert secret not in output + log
    assert all(json.loads(line) for line in log.splitlines())
    EventQueue(tmp_path / "label-studio" / "events.db").close()


def ask(url: str, secret: str) -> requests.Response:
    """The answer, once the server is listening."""
    for _ in range(100):
        try:
            return requests.get(url, auth=("labelscape", secret), timeout=30)
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError(f"{url} did not answer")


@pytest.mark.slow
def test_serving_others_without_a_secret_is_refused_with_the_fix(environment: dict[str, str], tmp_path: Path) -> None:
    refusal = subprocess.run(
        [*COMMAND, "--host", "0.0.0.0"], env=environment, capture_output=True, text=True, timeout=300
    )
    assert refusal.returncode == 1
    assert "✗ Others can reach the backend at 0.0.0.0: set a secret first, in $LABELSCAPE_SECRET" in refusal.stderr
    assert not (tmp_path / "label-studio").exists()


@pytest.mark.slow
def test_a_port_that_is_taken_is_reported_with_the_fix(environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refusal = subprocess.run([*COMMAND[:-1], port], env=environment, capture_output=True, text=True, timeout=300)
    assert refusal.returncode == 1
    assert f"✗ Cannot listen at 127.0.0.1:{port}" in refusal.stderr
    assert "--port" in refusal.stderr
