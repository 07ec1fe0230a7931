"""The HTTP routes of the backend: those that Label Studio calls, /metrics, and the status of each project."""

import asyncio
import sqlite3
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

from ..label_studio.metrics import (
    DATABASE_UP,
    EVENTS,
    LAST_SUCCESS,
    OLDEST_EVENT,
    PREDICTIONS,
    QUEUE_DEPTH,
    REGISTRY,
    SET_ASIDE,
)
from ..label_studio.settings import ServerSettings
from .events import ACTIONS, EventQueue, parse_event
from .guard import Guard
from .jobs import JobBoard
from .observing import Observed
from .protocol import PredictRequest, Result, no_prediction, parse_body, parse_predict, parse_project
from .status import BackendStatus, ProjectReport, project_document, report_document

PREDICTS_AT_ONCE = 2  # one already uses all cores
PREDICTS_TAKEN = 16  # including waiting requests
REPORTS_AT_ONCE = 4
LOGGED_IDS = 10  # per event

T = TypeVar("T")
_log = structlog.get_logger(__name__)


class Backend(Protocol):
    """The projects and models behind the routes."""

    def settings(self) -> ServerSettings:
        """The current settings; returns at once."""

    def note_hostname(self, address: str) -> None:
        """Store the address by which browsers know Label Studio."""

    def status(self) -> BackendStatus:
        """The status of the backend and each project; returns at once."""

    def report(self, project: int) -> ProjectReport:
        """The status of one project, task by task; reads the database."""

    def dismiss_notices(self, project: int) -> None:
        """Drop the notices of changes of a project's label config, because somebody has read them."""

    def serves(self, project: int) -> bool:
        """Whether the project is on the allowlist; returns at once."""

    def version(self, project: int) -> str:
        """The current model version of a project's predictions; returns at once."""

    def versions(self) -> list[str]:
        """The model versions of all projects; returns at once."""

    def predict(self, request: PredictRequest) -> Sequence[Result]:
        """One result per task, in order; within `Limits.predict_seconds`."""


class Worker(Protocol):
    """The worker that processes the queue, in parallel with the requests."""

    def start(self) -> None:
        """Start the worker."""

    def stop(self) -> None:
        """Finish the current event and stop."""


def create_app(
    backend: Backend,
    queue: EventQueue,
    worker: Worker | None = None,
    *,
    actions: Sequence[Route] = (),
    jobs: JobBoard | None = None,
) -> Starlette:
    """The backend as an ASGI application. It starts and stops the worker, and closes queue and jobs when it ends.

    Args:
        actions: the routes of the actions API, whose ``jobs`` they start.
    """
    routes = _Routes(backend, queue)
    return Starlette(
        routes=[
            Route("/health", routes.health, methods=["GET"]),
            Route("/setup", routes.setup, methods=["POST"]),
            Route("/versions", routes.versions, methods=["GET"]),
            Route("/predict", routes.predict, methods=["POST"]),
            Route("/webhook", routes.webhook, methods=["POST"]),
            Route("/metrics", routes.metrics, methods=["GET"]),
            Route("/v1/projects/{project:int}", routes.project, methods=["GET"]),
            Route("/v1/projects/{project:int}/notices", routes.dismiss_notices, methods=["DELETE"]),
            *actions,
        ],
        middleware=[
            Middleware(Observed),
            Middleware(Guard, settings=backend.settings),
        ],
        exception_handlers={HTTPException: _refuse, Exception: _apologize},
        lifespan=_lifespan(routes, queue, worker, jobs),
    )


class _Routes:
    def __init__(self, backend: Backend, queue: EventQueue) -> None:
        self._backend = backend
        self._queue = queue
        self._predicting = ThreadPoolExecutor(PREDICTS_AT_ONCE, "predict")
        self._predicts = 0
        self._reading = ThreadPoolExecutor(REPORTS_AT_ONCE, "report")  # may wait for Label Studio and a busy project

    async def health(self, _: Request) -> Response:
        """The state of the database, the queue, and every project: 200 if all is well, else 503.

        Label Studio (1.23) only reads the status code: anything but 200 shows as “Disconnected”.
        """
        status = self._backend.status()
        document = {
            "status": "UP" if status.up else "DOWN",
            "model_class": "Labelscape",
            "problems": status.problems,
            "queue": {
                "depth": await run_in_threadpool(self._queue.depth),
                "oldest_seconds": round(await run_in_threadpool(self._queue.oldest_seconds), 1),
            },
            "projects": {str(number): project_document(project) for number, project in status.projects.items()},
        }
        return JSONResponse(document, 200 if status.up else 503)

    async def setup(self, request: Request) -> Response:
        """The current model version of a project, which Label Studio asks for when it connects.

        It is answered even while the project has a problem: otherwise Label Studio (1.23) does not accept a new
        connection, and a connection with a new token is what fixes most problems. The status tab and “labelscape
        status” report them.
        """
        body = _parse(parse_body, await _body(request))
        project = _parse(parse_project, body.get("project"))
        self._check_project(project)
        self._backend.note_hostname(str(body.get("hostname") or ""))
        return JSONResponse({"model_version": self._backend.version(project)})

    async def project(self, request: Request) -> Response:
        """The state of one project: its tasks without a medium and why, its queue, and its last error."""
        project = request.path_params["project"]
        status = self._check_available(project)
        report = await self._read(self._backend.report, project)
        queue = {
            "depth": await run_in_threadpool(self._queue.depth, project),
            "oldest_seconds": round(await run_in_threadpool(self._queue.oldest_seconds, project), 1),
        }
        return JSONResponse(report_document(report) | {"settings_problem": status.settings, "queue": queue})

    async def dismiss_notices(self, request: Request) -> Response:
        """Drop the notices of changes of a project's label config."""
        project = request.path_params["project"]
        self._check_available(project)
        await self._read(self._backend.dismiss_notices, project)
        return JSONResponse({"status": "ok"})

    async def versions(self, _: Request) -> Response:
        """The model versions of all projects that are served."""
        return JSONResponse({"versions": self._backend.versions()})

    async def predict(self, request: Request) -> Response:
        """Predictions for the tasks of one request, one per task and in their order."""
        parse = partial(parse_predict, most_tasks=self._backend.settings().limits.tasks_per_call)
        predict_request = await run_in_threadpool(_parse, parse, await _body(request))
        self._check_project(predict_request.project)
        if self._predicts >= PREDICTS_TAKEN:
            raise HTTPException(429, f"{self._predicts} requests for predictions are in progress; try again later.")
        self._predicts += 1
        try:
            return await self._answer(predict_request)
        finally:
            self._predicts -= 1

    async def _answer(self, request: PredictRequest) -> Response:
        """The results; after an error they contain no predictions, and Label Studio asks again."""
        try:
            # A separate pool: a prediction that hangs blocks one of its threads, never those of the webhook.
            working = asyncio.get_running_loop().run_in_executor(
                self._predicting, copy_context().run, self._backend.predict, request
            )
            results = await asyncio.wait_for(working, self._backend.settings().limits.predict_seconds)
            if len(results) != len(request.tasks):
                raise RuntimeError(f"{len(results)} results for {len(request.tasks)} tasks")
            answer = JSONResponse({"results": results})
        except Exception:
            _log.exception("predict_failed", project=request.project, tasks=len(request.tasks))
            results = [no_prediction(request)] * len(request.tasks)
            answer = JSONResponse({"results": results})
        empty = sum(_is_empty(result) for result in results)
        PREDICTIONS.labels("empty").inc(empty)
        PREDICTIONS.labels("answered").inc(len(results) - empty)
        _log.info("predicted", project=request.project, tasks=len(results), empty=empty)
        return answer

    async def webhook(self, request: Request) -> Response:
        """Queue one of Label Studio's events and answer at once; the worker processes it later."""
        body = _parse(parse_body, await _body(request))
        if body.get("action") not in ACTIONS:
            EVENTS.labels("other", "unknown").inc()
            return JSONResponse({"status": "ignored"}, 201)
        event = _parse(parse_event, body)
        summary = {
            "action": event.action,
            "project": event.project,
            "count": max(len(event.tasks), len(event.annotations)),
            "tasks": event.tasks[:LOGGED_IDS],
            "annotations": [annotation["id"] for annotation in event.annotations[:LOGGED_IDS]],
        }
        if not self._backend.serves(event.project):
            EVENTS.labels(event.action, "refused").inc()
            _log.warning("event_refused", **summary)
        self._check_project(event.project)
        try:
            new = await run_in_threadpool(self._queue.put, event)
        except sqlite3.Error:
            _log.exception("event_lost", **summary)
            raise HTTPException(503, "The event could not be stored; the next reconcile finds it.") from None
        EVENTS.labels(event.action, "queued" if new else "repeated").inc()
        _log.info("event_queued" if new else "event_repeated", **summary)
        return JSONResponse({"status": "ok"}, 201)

    async def metrics(self, _: Request) -> Response:
        """Queue, database, and requests in the Prometheus text format."""
        status = self._backend.status()
        QUEUE_DEPTH.set(self._queue.depth())
        OLDEST_EVENT.set(self._queue.oldest_seconds())
        SET_ASIDE.set(len(self._queue.set_aside()))
        DATABASE_UP.set(not status.database)
        LAST_SUCCESS.clear()
        for number, project in status.projects.items():
            LAST_SUCCESS.labels(number).set(project.last_success or 0)
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    async def _read(self, read: Callable[[int], T], project: int) -> T:
        working = asyncio.get_running_loop().run_in_executor(self._reading, copy_context().run, read, project)
        return await working

    def close(self) -> None:
        for pool in (self._predicting, self._reading):
            pool.shutdown(wait=False, cancel_futures=True)

    def _check_available(self, project: int) -> BackendStatus:
        """The status of the backend; an error if the project or the database cannot be reached."""
        self._check_project(project)
        status = self._backend.status()
        if status.database:
            raise HTTPException(503, status.database)
        return status

    def _check_project(self, project: int) -> None:
        if not self._backend.serves(project):
            raise HTTPException(403, f"Project {project} is not served: connect it with `labelscape connect`.")


def _lifespan(
    routes: _Routes, queue: EventQueue, worker: Worker | None, jobs: JobBoard | None
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            if worker is not None:
                worker.start()
            yield
            if jobs is not None:
                jobs.close()
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
        raise HTTPException(400, "The request ended before its body was complete.") from None


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
    return JSONResponse({"detail": "Internal error; see the backend's log."}, 500)
