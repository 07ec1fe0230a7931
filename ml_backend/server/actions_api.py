"""The actions API: one route per action, for the app inside Label Studio and for scripts.

Jobs run in the background.
"""

import asyncio
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from typing import Any, Protocol

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..errors import Refusal
from ..label_studio.client import LabelStudioError
from .action_catalog import ACTIONS, Action
from .database import DATABASE_AWAY
from .guard import SECRET_HEADER
from .jobs import Busy, Job, JobBoard, Once, Outcome
from .project_views import Document, describe_project, map_of, neighbors_of_task, next_tasks
from .protocol import parse_body
from .requests import ActionRequest, read_action_request
from .sync import ProjectSync

READS_AT_ONCE = 16
STARTS_AT_ONCE = 4
READS_OF_ONE_PROJECT = 4  # at once: a project that hangs must not take the threads of all others
KEY_HEADER = "Idempotency-Key"
_LONGEST_KEY = 200
_MOST = 200  # neighbors, or next tasks, in one answer

_log = structlog.get_logger(__name__)


class ServedProjects(Protocol):
    """The projects behind the API."""

    def serves(self, project: int) -> bool:
        """Whether the project is on the allowlist; returns at once."""

    def project(self, project: int) -> ProjectSync:
        """A project that is served."""


def action_routes(projects: ServedProjects, jobs: JobBoard) -> list[Route]:
    """The routes of the API, all below /v1; the `Guard` checks the secret."""
    api = _Api(projects, jobs)
    here = "/v1/projects/{project:int}"
    routes = [
        Route("/v1/openapi.json", api.openapi, methods=["GET"]),
        Route(f"{here}/description", api.view(describe_project), methods=["GET"]),
        Route(f"{here}/map", api.view(map_of), methods=["GET"]),
        Route(f"{here}/next", api.next, methods=["GET"]),
        Route(f"{here}/tasks/{{task:int}}/neighbors", api.neighbors, methods=["GET"]),
        Route(f"{here}/jobs/{{job}}", api.job, methods=["GET"]),
        Route(f"{here}/jobs/{{job}}", api.cancel, methods=["DELETE"]),
    ]
    for action in ACTIONS:
        routes.append(Route(f"{here}/{action.name}", partial(api.start, action), methods=["POST"]))
        routes.append(Route(f"{here}/{action.name}/preview", partial(api.preview, action), methods=["POST"]))
    return routes


class _Api:
    def __init__(self, projects: ServedProjects, jobs: JobBoard) -> None:
        self._projects = projects
        self._jobs = jobs
        # A separate pool: reads wait for a busy project, and never block the threads of the webhook.
        self._reading = ThreadPoolExecutor(READS_AT_ONCE, "read")
        # Likewise, so that a start does not wait behind reads of its project.
        self._starting = ThreadPoolExecutor(STARTS_AT_ONCE, "start")
        self._shares: defaultdict[int, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(READS_OF_ONE_PROJECT))

    async def openapi(self, _: Request) -> Response:
        return JSONResponse(openapi_document())

    def view(self, read: Callable[[ProjectSync], Document]) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            return await self._answer(request, read)

        return answer

    async def neighbors(self, request: Request) -> Response:
        task, number = request.path_params["task"], _count(request, 12)
        region = request.query_params.get("region", "")
        return await self._answer(request, lambda project: neighbors_of_task(project, task, number, region))

    async def next(self, request: Request) -> Response:
        number = _count(request, 1)
        return await self._answer(request, lambda project: next_tasks(project, number))

    async def preview(self, action: Action, request: Request) -> Response:
        requested = await _read(action, request)
        return await self._answer(request, lambda project: outcome_document(action.preview(project, requested)))

    async def start(self, action: Action, request: Request) -> Response:
        number = self._served(request)
        requested, key = await _read(action, request), _key(request)
        project = await self._refusing(self._starting, lambda: self._projects.project(number))
        work, once = partial(action.run, project, requested), Once(key, _digest(requested)) if key else None
        try:
            job = self._jobs.start(number, action.name, requested.by, work, once)
        except Busy as error:
            raise HTTPException(429, str(error)) from error
        except Refusal as error:
            raise HTTPException(422, str(error)) from error
        tasks = "all" if requested.tasks is None else len(requested.tasks)
        _log.info("job_started", project=number, action=action.name, job=job.id, tasks=tasks)
        return JSONResponse(job_document(job), 202)

    async def job(self, request: Request) -> Response:
        return _shown(self._jobs.find(self._served(request), request.path_params["job"]))

    async def cancel(self, request: Request) -> Response:
        return _shown(self._jobs.cancel(self._served(request), request.path_params["job"]))

    async def _answer(self, request: Request, read: Callable[[ProjectSync], Document]) -> Response:
        number = self._served(request)
        async with self._shares[number]:
            return JSONResponse(await self._refusing(self._reading, lambda: read(self._projects.project(number))))

    async def _refusing(self, pool: ThreadPoolExecutor, work: Callable[[], Any]) -> Any:
        """Run in a thread; what cannot be done is answered with 422 and the reason, or 503 if trying again may help."""
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, copy_context().run, work)
        except LabelStudioError as error:
            raise HTTPException(503, str(error)) from error
        except Refusal as error:
            raise HTTPException(422, str(error)) from error
        except DATABASE_AWAY as error:
            raise HTTPException(503, "The backend's database does not respond: try again when it is back.") from error

    def _served(self, request: Request) -> int:
        number: int = request.path_params["project"]
        if not self._projects.serves(number):
            raise HTTPException(403, f"Project {number} is not served: connect it with `labelscape connect`.")
        return number


async def _read(action: Action, request: Request) -> ActionRequest:
    body = await request.body()
    try:
        return read_action_request(parse_body(body or b"{}"), action.parameters, takes_tasks=action.takes_tasks)
    except ValueError as error:
        raise HTTPException(422, str(error)) from error


def _digest(requested: ActionRequest) -> bytes:
    """Stands for a request, which may name hundreds of thousands of tasks, as long as its key is remembered."""
    content = json.dumps([requested.tasks, dict(requested.values)], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).digest()


def _key(request: Request) -> str:
    """The key of a start, "" if it has none."""
    key = request.headers.get(KEY_HEADER, "")
    if len(key) > _LONGEST_KEY:
        raise HTTPException(422, f"“{KEY_HEADER}” may have at most {_LONGEST_KEY} characters.")
    return key


def _count(request: Request, default: int) -> int:
    given = request.query_params.get("count", str(default))
    if not (given.isdecimal() and 1 <= int(given) <= _MOST):
        raise HTTPException(422, f"“count” is {given[:20]}; it must be a whole number from 1 to {_MOST}.")
    return int(given)


def _shown(job: Job | None) -> Response:
    if job is None:
        raise HTTPException(
            404, "There is no such job (any longer): jobs are kept for an hour, or until the backend stops."
        )
    return JSONResponse(job_document(job))


def job_document(job: Job) -> Document:
    """A job as JSON."""
    document = asdict(job)
    document["outcome"] = None if job.outcome is None else outcome_document(job.outcome)
    return document


def outcome_document(outcome: Outcome) -> Document:
    """An outcome as JSON."""
    return {
        "sentence": outcome.sentence,
        "numbers": dict(outcome.numbers),
        "tasks": list(outcome.tasks),
        "tab": outcome.tab,
    }


def openapi_document() -> Document:
    """The API, described as OpenAPI 3.1."""
    here = "/v1/projects/{project}"
    paths: Document = {
        f"{here}/description": {"get": _get("What forms need to know about a project")},
        f"{here}/map": {"get": _get("The map as columns, one value per task")},
        f"{here}/next": {"get": _get("The most informative unlabeled tasks, best first", _query_count(1))},
        f"{here}/tasks/{{task}}/neighbors": {
            "get": _get(
                "The nearest tasks of a task, or the nearest regions of one of its regions",
                _path("task", "integer"),
                _query_count(12),
                {"name": "region", "in": "query", "schema": {"type": "string", "default": ""}},
            )
        },
        f"{here}/jobs/{{job}}": {
            "get": _get("A job: its progress, then its outcome", _path("job", "string"), schema="Job"),
            "delete": _get("Cancel a job", _path("job", "string"), schema="Job"),
        },
    }
    for action in ACTIONS:
        paths[f"{here}/{action.name}"] = {"post": _post(action, action.title, "202", "Job")}
        preview = f"{action.title}: what it would do, in numbers; changes nothing"
        paths[f"{here}/{action.name}/preview"] = {"post": _post(action, preview, "200", "Outcome")}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Labelscape actions", "version": version("labelscape")},
        "security": [{"secret": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"secret": {"type": "apiKey", "in": "header", "name": SECRET_HEADER}},
            "schemas": _SCHEMAS,
        },
    }


def _get(summary: str, *parameters: Document, schema: str | None = None) -> Document:
    return {
        "summary": summary,
        "parameters": [_path("project", "integer"), *parameters],
        "responses": {"200": _response(schema), **_REFUSALS},
    }


def _post(action: Action, summary: str, status: str, schema: str) -> Document:
    properties = {parameter.name: parameter.schema() for parameter in action.parameters}
    properties["by"] = {"type": "string", "description": "who makes the request; users can undo only their own actions"}
    required = [parameter.name for parameter in action.parameters if parameter.required]
    if action.takes_tasks:
        ids = {"type": "array", "items": {"type": "integer"}, "minItems": 1}
        properties["tasks"] = {"oneOf": [ids, {"const": "all"}], "description": "IDs of tasks, or “all” with “count”"}
        properties["count"] = {"type": "integer", "description": "with “all”: the number that the user confirmed"}
        required.append("tasks")
    body = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return {
        "operationId": f"{action.name}{'_preview' if schema == 'Outcome' else ''}",
        "summary": summary,
        "parameters": [_path("project", "integer"), *([_KEY] if schema == "Job" else [])],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {status: _response(schema), **_REFUSALS},
    }


def _response(schema: str | None) -> Document:
    content = {"type": "object"} if schema is None else {"$ref": f"#/components/schemas/{schema}"}
    return {"description": "The answer", "content": {"application/json": {"schema": content}}}


def _path(name: str, kind: str) -> Document:
    return {"name": name, "in": "path", "required": True, "schema": {"type": kind}}


def _query_count(default: int) -> Document:
    schema = {"type": "integer", "default": default, "minimum": 1, "maximum": _MOST}
    return {"name": "count", "in": "query", "schema": schema}


_KEY: Document = {
    "name": KEY_HEADER,
    "in": "header",
    "schema": {"type": "string", "maxLength": _LONGEST_KEY},
    "description": "a new key for each start: repeated with it after a lost answer, the request returns the same job",
}
_REFUSALS: Document = {
    "401": {"description": "The secret is missing or wrong"},
    "403": {"description": "The project is not served"},
    "422": {"description": "It cannot be done; “detail” says why"},
    "503": {"description": "The database or Label Studio does not respond"},
}
_SCHEMAS: Document = {
    "Outcome": {
        "type": "object",
        "properties": {
            "sentence": {"type": "string"},
            "numbers": {"type": "object", "additionalProperties": {"type": "number"}},
            "tasks": {"type": "array", "items": {"type": "integer"}},
            "tab": {"type": "string"},
        },
    },
    "Job": {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "action": {"type": "string"},
            "state": {"enum": ["waiting", "running", "done", "failed", "cancelled"]},
            "fraction": {"type": "number", "minimum": 0, "maximum": 1},
            "message": {"type": "string"},
            "outcome": {"oneOf": [{"$ref": "#/components/schemas/Outcome"}, {"type": "null"}]},
        },
    },
}
