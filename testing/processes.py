"""Processes that never outlive the one that started them."""

import ctypes
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Whether something listens on this port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def start(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
    """Start a process that never outlives this one."""
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_die_with_parent, **options)


def stop(process: subprocess.Popen[bytes], seconds: float = 10) -> None:
    """Terminate the process; kill it if that takes longer than ``seconds``."""
    process.terminate()
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_for(what: str, ready: Callable[[], bool], process: subprocess.Popen[bytes], seconds: float = 300) -> None:
    """Wait until a process that was just started is ready.

    Raises:
        RuntimeError: it ended before it was ready
        TimeoutError: it took longer
    """
    deadline = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None:
            raise RuntimeError(f"{what} ended with code {process.returncode} before it was ready")
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} was not ready after {seconds} s")
        time.sleep(0.05)


def _die_with_parent() -> None:
    """Make the kernel kill this child when its parent ends for any reason (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
