"""Middleware that gives each request an id, a log line, and metrics."""

import time
import uuid

import structlog
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..label_studio.metrics import REQUESTS, SECONDS

_log = structlog.get_logger(__name__)


class Observed:
    """ASGI middleware: a request's id, log line, and metrics. None of them contains data that was sent."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and record the outcome."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        route = next((each.path for each in scope["app"].routes if each.matches(scope)[0] is not Match.NONE), "other")
        started = time.perf_counter()
        status = 500

        async def watched(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        with structlog.contextvars.bound_contextvars(request=uuid.uuid4().hex[:12]):
            try:
                await self.app(scope, receive, watched)
            finally:
                seconds = time.perf_counter() - started
                REQUESTS.labels(route, status).inc()
                SECONDS.labels(route).observe(seconds)
                _log.info("request", route=route, status=status, ms=round(seconds * 1e3, 1))
