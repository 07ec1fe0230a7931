"""How tests type in a command, serve the App by one, and a plugins folder of their own."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from labelscape.cli import app
from typer.testing import CliRunner

REPOSITORY = Path(__file__).resolve().parent.parent.parent
LABELSCAPE = Path(sys.executable).with_name("labelscape")
PLUGIN = "@labelscape/data-explorer"


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """FiftyOne's plugins folder, empty."""
    import fiftyone as fo

    folder = tmp_path / "plugins"
    monkeypatch.setattr(fo.config, "plugins_dir", str(folder))
    return folder


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def type_in(*words: str) -> Any:
    return CliRunner().invoke(app, words)


def serve(port: int, *command: str) -> tuple[subprocess.Popen[str], str]:
    """Start a command and wait until it prints the App's address; return the process and its output until then."""
    process = subprocess.Popen(
        [str(LABELSCAPE), *command, "--no-browser", "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=_take_interrupts,
    )
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if f"http://localhost:{port}/datasets/" in line:
            return process, "".join(said)
    raise AssertionError(f"{command[0]} ended: " + "".join(said))


def _take_interrupts() -> None:
    # A shell that runs the tests in background lets all its children ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=120)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
