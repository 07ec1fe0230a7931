"""Serving the Label Studio backend until it is told to stop."""

import math
import signal
import socket
import sys
from contextlib import suppress
from types import FrameType

import fiftyone as fo
import typer
import uvicorn

from ..ml_backend.label_studio.settings import SECRET_VARIABLE, ensure_secret, load_settings, server_directory
from ..ml_backend.server.app import create_app
from ..ml_backend.server.backend import LabelStudioBackend
from ..ml_backend.server.events import EventQueue
from ..ml_backend.server.guard import is_loopback
from ..ml_backend.server.logs import blacken, configure_logging
from ..ml_backend.server.worker import Worker

_SWITCH_SECONDS = 0.0005  # a request changes threads several times, and each time waits so long for a busy worker


def run(*, host: str, port: int) -> None:
    """Serve at this address until SIGTERM or Ctrl-C; requests and events in hand are finished first.

    Raises:
        ValueError: the address is open to others while no secret was set, it is taken, or another
            `labelscape serve` runs on the same data directory
    """
    signal.signal(signal.SIGTERM, _end)
    sys.setswitchinterval(_SWITCH_SECONDS)
    settings = load_settings()
    if not settings.secret and not is_loopback(host):
        raise ValueError(
            f"Others can reach the backend at {host}: set a secret first, in ${SECRET_VARIABLE}, or serve at 127.0.0.1."
        )
    settings = ensure_secret(settings)
    blacken(settings.secret, settings.token)
    configure_logging()
    fo.config.show_progress_bars = False  # they would go into the log
    listening = _listen(host, port)
    queue = EventQueue(server_directory() / "events.db")
    backend = LabelStudioBackend(settings)
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(settings, backend, queue, Worker(queue, backend)),
            log_config=None,
            access_log=False,  # it has paths; ours does not
            server_header=False,
            timeout_graceful_shutdown=math.ceil(settings.limits.predict_seconds),
        )
    )
    typer.echo(f"The Label Studio backend listens at http://{host}:{listening.getsockname()[1]} . Ctrl-C stops it.")
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listening])
    if not server.started:
        raise ValueError("The backend did not start; its log, above, says why.")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ValueError(
            f"{host}:{port} cannot be served: {error.strerror}. Choose another port with --port."
        ) from error


def _end(_signal: int, _frame: FrameType | None) -> None:
    """End well. Uvicorn (0.54) raises the signal again, when it has shut down."""
    raise SystemExit(0)
