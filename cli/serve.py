"""Serve the Label Studio backend until it is stopped."""

import gc
import logging
import os
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from types import FrameType

import fiftyone as fo
import structlog
import typer
import uvicorn

from ..ml_backend.embedding.packages import require
from ..ml_backend.errors import Refusal
from ..ml_backend.label_studio.settings import (
    SECRET_VARIABLE,
    ServerSettings,
    ensure_secret,
    load_settings,
    server_directory,
)
from ..ml_backend.server.actions_api import action_routes
from ..ml_backend.server.app import create_app
from ..ml_backend.server.backend import LabelStudioBackend
from ..ml_backend.server.connections import OncePerMinute, allowed_connections, limited_protocol
from ..ml_backend.server.database import Database
from ..ml_backend.server.events import EventQueue
from ..ml_backend.server.guard import is_loopback
from ..ml_backend.server.jobs import JobBoard
from ..ml_backend.server.logs import blacken, configure_logging
from ..ml_backend.server.worker import Worker

_SWITCH_SECONDS = 0.0005  # a request switches threads several times, each time waiting this long for a busy worker
_DATABASE_SECONDS = 5.0
_STOP_SECONDS = 5.0
_GRACE_SECONDS = 2  # the part of _STOP_SECONDS given to requests in progress

_log = structlog.get_logger(__name__)


def run(*, host: str, port: int) -> None:
    """Serve at this address until SIGTERM or Ctrl-C, and end within five seconds.

    Unfinished work is redone at the next start, as after a crash.

    Raises:
        Refusal: the Label Studio SDK is not installed, other machines can reach the address but no secret is set, the
            address is in use, or another `labelscape serve` uses the same data directory
    """
    require("label_studio_sdk", "label-studio", wanted_by="Serving Label Studio")
    signal.signal(signal.SIGTERM, _end)
    sys.setswitchinterval(_SWITCH_SECONDS)
    settings = load_settings()
    if not settings.secret and not is_loopback(host):
        raise Refusal(
            f"Others can reach the backend at {host}: set a secret first, in ${SECRET_VARIABLE}, or serve at 127.0.0.1."
        )
    settings = ensure_secret(settings)
    blacken(settings.secret, settings.token)
    configure_logging()
    for library in ("asyncio", "uvicorn.error"):
        logging.getLogger(library).addFilter(OncePerMinute())
    fo.config.show_progress_bars = False  # they would end up in the log
    listening = _listen(host, port)
    database = Database()
    server = _make_server(settings, database)
    database.start()
    database.wait_until_known(_DATABASE_SECONDS)
    gc.freeze()  # what was imported stays: without this, full collections look through it, for up to 0.3 s each
    typer.echo(f"The Label Studio backend listens at http://{host}:{listening.getsockname()[1]} . Ctrl-C stops it.")
    if database.problem:
        typer.echo(f"{database.problem} “labelscape doctor” says how to fix it.", err=True)
    try:
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listening])
    finally:
        database.stop()
        if server.started:
            _leave()
    if not server.started:
        raise Refusal("The backend did not start; its log, above, says why.")


def _make_server(settings: ServerSettings, database: Database) -> "_Server":
    queue = EventQueue(server_directory() / "events.db")
    backend = LabelStudioBackend(settings, database)
    jobs = JobBoard()
    connections = allowed_connections(settings.limits.connections)
    return _Server(
        uvicorn.Config(
            create_app(backend, queue, Worker(queue, backend), actions=action_routes(backend, jobs), jobs=jobs),
            http=limited_protocol(connections, settings.limits.request_seconds),
            ws="none",
            backlog=connections,
            log_config=None,
            access_log=False,  # it would log paths; our own log does not
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
    )


class _Server(uvicorn.Server):
    """Uvicorn that exits by force if unfinished work, or the database, keeps the stopped process alive."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Start stopping, and make sure that the process ends."""
        if not self.should_exit:
            threading.Thread(target=_end_by_force, name="labelscape-end", daemon=True).start()
        super().handle_exit(sig, frame)


def _end_by_force() -> None:
    time.sleep(_STOP_SECONDS)
    _log.warning("stopped_by_force", reason="Work did not finish in time; it will be redone at the next start.")
    _leave()


def _leave() -> None:
    """End the process without Python's shutdown, which waits for work in other threads: 10 s on a busy machine."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise Refusal(f"Cannot listen at {host}:{port}: {error.strerror}. Choose another port with --port.") from error


def _end(_signal: int, _frame: FrameType | None) -> None:
    """Exit cleanly. Uvicorn (0.54) raises the signal again after it has shut down."""
    raise SystemExit(0)
