"""The HTTP face of the backend: the routes that Label Studio calls, and /metrics."""

import asyncio
import sqlite3
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import copy_context
from functools import partial
from typing import Protocol, TypeVar

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..label_studio.metrics import EVENTS, PREDICTIONS, QUEUE_DEPTH, REGISTRY, REQUESTS, SECONDS, SET_ASIDE
from ..label_studio.settings import ServerSettings
from .events import ACTIONS, EventQueue, parse_event
from .guard import Guard
from .protocol import PredictRequest, Result, no_prediction, parse_body, parse_predict, parse_project

PREDICTS_AT_ONCE = 2  # one already uses all cores
PREDICTS_TAKEN = 16  # with those that wait
LOGGED_IDS = 10  # of an event

T = TypeVar("T")
_log = structlog.get_logger(__name__)


class Backend(Protocol):
    """The projects and models behind the routes."""

    def serves(self, project: int) -> bool:
        """Whether the project is on the allowlist; known at once."""

    def version(self, project: int) -> str:
        """The model version of the predictions that a project gets now; known at once."""

    def versions(self) -> list[str]:
        """The model versions of all projects; known at once."""

    def predict(self, request: PredictRequest) -> Sequence[Result]:
        """One result a task, in order; within `Limits.predict_seconds`."""


class Worker(Protocol):
    """What works the queue off, beside the requests."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """Finish the event in hand and end."""


def create_app(
    settings: ServerSettings, backend: Backend, queue: EventQueue, worker: Worker | None = None
) -> Starlette:
    """The backend as an ASGI application. It starts and stops the worker, and closes the queue when it ends."""
    routes = _Routes(settings, backend, queue)
    return Starlette(
        routes=[
            Route("/health", routes.health, methods=["GET"]),
            Route("/setup", routes.setup, methods=["POST"]),
            Route("/versions", routes.versions, methods=["GET"]),
            Route("/predict", routes.predict, methods=["POST"]),
            Route("/webhook", routes.webhook, methods=["POST"]),
            Route("/metrics", routes.metrics, methods=["GET"]),
        ],
        middleware=[
            Middleware(_Observed),
            Middleware(Guard, secret=settings.secret, body_bytes=settings.limits.body_bytes),
        ],
        exception_handlers={HTTPException: _refuse, Exception: _apologize},
        lifespan=_lifespan(routes, queue, worker),
    )


class _Routes:
    def __init__(self, settings: ServerSettings, backend: Backend, queue: EventQueue) -> None:
        self._limits = settings.limits
        self._backend = backend
        self._queue = queue
        self._predicting = ThreadPoolExecutor(PREDICTS_AT_ONCE, "predict")
        self._predicts = 0

    async def health(self, _: Request) -> Response:
        return JSONResponse({"status": "UP", "model_class": "Labelscape"})

    async def setup(self, request: Request) -> Response:
        body = _parse(parse_body, await _body(request))
        project = _parse(parse_project, body.get("project"))
        self._check_project(project)
        return JSONResponse({"model_version": self._backend.version(project)})

    async def versions(self, _: Request) -> Response:
        return JSONResponse({"versions": self._backend.versions()})

    async def predict(self, request: Request) -> Response:
        parse = partial(parse_predict, most_tasks=self._limits.tasks_per_call)
        asked = await run_in_threadpool(_parse, parse, await _body(request))
        self._check_project(asked.project)
        if self._predicts >= PREDICTS_TAKEN:
            raise HTTPException(429, f"{self._predicts} requests for predictions are at work; try again later.")
        self._predicts += 1
        try:
            return await self._answer(asked)
        finally:
            self._predicts -= 1

    async def _answer(self, asked: PredictRequest) -> Response:
        """The results; without a prediction each, where something went wrong: Label Studio then asks again."""
        try:
            # The pool is ours: a prediction that hangs holds one of its threads, and never those of the webhook.
            working = asyncio.get_running_loop().run_in_executor(
                self._predicting, copy_context().run, self._backend.predict, asked
            )
            results = await asyncio.wait_for(working, self._limits.predict_seconds)
            if len(results) != len(asked.tasks):
                raise RuntimeError(f"{len(results)} results for {len(asked.tasks)} tasks")
            answer = JSONResponse({"results": results})
        except Exception:
            _log.exception("predict_failed", project=asked.project, tasks=len(asked.tasks))
            results = [no_prediction(asked)] * len(asked.tasks)
            answer = JSONResponse({"results": results})
        empty = sum(_is_empty(result) for result in results)
        PREDICTIONS.labels("empty").inc(empty)
        PREDICTIONS.labels("answered").inc(len(results) - empty)
        _log.info("predicted", project=asked.project, tasks=len(results), empty=empty)
        return answer

    async def webhook(self, request: Request) -> Response:
        body = _parse(parse_body, await _body(request))
        if body.get("action") not in ACTIONS:
            EVENTS.labels("other", "unknown").inc()
            return JSONResponse({"status": "ignored"}, 201)
        event = _parse(parse_event, body)
        told = {
            "action": event.action,
            "project": event.project,
            "count": max(len(event.tasks), len(event.annotations)),
            "tasks": event.tasks[:LOGGED_IDS],
            "annotations": [annotation["id"] for annotation in event.annotations[:LOGGED_IDS]],
        }
        if not self._backend.serves(event.project):
            EVENTS.labels(event.action, "refused").inc()
            _log.warning("event_refused", **told)
        self._check_project(event.project)
        try:
            new = await run_in_threadpool(self._queue.put, event)
        except sqlite3.Error:
            _log.exception("event_lost", **told)
            raise HTTPException(503, "The event could not be stored; the next reconcile finds it.") from None
        EVENTS.labels(event.action, "queued" if new else "repeated").inc()
        _log.info("event_queued" if new else "event_repeated", **told)
        return JSONResponse({"status": "ok"}, 201)

    async def metrics(self, _: Request) -> Response:
        QUEUE_DEPTH.set(self._queue.depth())
        SET_ASIDE.set(len(self._queue.set_aside()))
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    def close(self) -> None:
        self._predicting.shutdown(cancel_futures=True)

    def _check_project(self, project: int) -> None:
        if not self._backend.serves(project):
            raise HTTPException(403, f"Project {project} is not served: connect it with `labelscape connect`.")


class _Observed:
    """ASGI middleware: a request's id, its line in the log and its metrics. Neither holds anything that was sent."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        routes = {route.path for route in scope["app"].routes}
        route = scope["path"] if scope["path"] in routes else "other"
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


def _lifespan(
    routes: _Routes, queue: EventQueue, worker: Worker | None
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            if worker is not None:
                worker.start()
            yield
            if worker is not None:
                await run_in_threadpool(worker.stop)
            await run_in_threadpool(routes.close)
        finally:
            queue.close()

    return lifespan


async def _body(request: Request) -> bytes:
    try:
        return await request.body()
    except ClientDisconnect:
        raise HTTPException(400, "The request ended before its body.") from None


def _parse(parse: Callable[..., T], value: object) -> T:
    try:
        return parse(value)
    except ValueError as error:
        raise HTTPException(400, str(error)) from error


def _is_empty(result: Result) -> bool:
    return not (result.get("result") if isinstance(result, dict) else result)


async def _refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"detail": error.detail}, error.status_code, headers=error.headers)


async def _apologize(_: Request, _error: Exception) -> Response:
    return JSONResponse({"detail": "Something went wrong here; the backend's log says what."}, 500)
