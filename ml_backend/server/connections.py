"""Limits on connections: their number, and how long a request may take to arrive."""

import asyncio
import logging
import sys
import time
from typing import ClassVar

import structlog
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..label_studio.metrics import CONNECTIONS_CLOSED

_FILES_PER_CONNECTION = 4  # file descriptors budgeted per connection, to leave some for the rest of the process
_QUIET_SECONDS = 60.0

_log = structlog.get_logger(__name__)


class OncePerMinute(logging.Filter):
    """Lets a library's repeated complaint, such as asyncio's about too many open files, through once a minute."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this message was not logged within the last minute."""
        now, message = time.monotonic(), record.getMessage()[:80]
        if now - self._said.get(message, float("-inf")) < _QUIET_SECONDS:
            return False
        self._said[message] = now
        return True


def allowed_connections(limit: int) -> int:
    """The maximum number of connections: `limit`, or fewer if the process may open only few files.

    Raises the process's own limit on open files as far as it may.
    """
    if sys.platform == "win32":  # no such limit there
        return limit
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return limit if hard == resource.RLIM_INFINITY else min(limit, max(8, hard // _FILES_PER_CONNECTION))


class LimitedProtocol(H11Protocol):
    """Uvicorn's HTTP protocol with limits, which `limited_protocol` sets.

    A connection whose request has not arrived within ``seconds`` is closed. If there would be more than ``limit``
    connections, the one that has waited longest for its request is closed, so that clients that do send one are served.
    The body's time limit is enforced by the `Guard`.
    """

    limit: ClassVar[int]
    seconds: ClassVar[float]
    waiting: ClassVar[dict["LimitedProtocol", None]]  # without a request, the longest first
    log: ClassVar["_ClosedLog"]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection was opened: its request has to arrive in time."""
        super().connection_made(transport)
        self._timer: asyncio.TimerHandle | None = None
        self._await_request()
        if len(self.connections) > self.limit:
            next(iter(self.waiting)).give_up()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection was closed."""
        self._await_no_request()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """More data of a request has arrived."""
        super().data_received(data)
        if self._at_work():
            self._await_no_request()
        elif self not in self.waiting:
            self._await_request()

    def on_response_complete(self) -> None:
        """The next request on this connection gets the same time limit."""
        super().on_response_complete()
        if not self._at_work() and not self.transport.is_closing():
            self._await_request()

    def give_up(self) -> None:
        """Close the connection because its request has not arrived."""
        self._await_no_request()
        self.transport.abort()
        CONNECTIONS_CLOSED.inc()
        self.log.count()

    def _at_work(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _await_request(self) -> None:
        self._await_no_request()
        self.waiting[self] = None
        self._timer = self.loop.call_later(self.seconds, self.give_up)

    def _await_no_request(self) -> None:
        self.waiting.pop(self, None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def limited_protocol(connections: int, seconds: float) -> type[LimitedProtocol]:
    """The protocol for a server with these limits."""
    members = {"limit": connections, "seconds": seconds, "waiting": {}, "log": _ClosedLog()}
    return type("ServerProtocol", (LimitedProtocol,), members)


class _ClosedLog:
    """Logs at most once a minute how many connections were closed."""

    def __init__(self) -> None:
        self._closed = 0
        self._said_at = float("-inf")

    def count(self) -> None:
        """Count one more closed connection."""
        self._closed += 1
        now = time.monotonic()
        if now - self._said_at >= _QUIET_SECONDS:
            _log.warning("connections_closed", connections=self._closed, reason="no request arrived in time")
            self._said_at, self._closed = now, 0
