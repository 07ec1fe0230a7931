"""A client of Label Studio's API: the calls we need, with errors as sentences."""

import itertools
import json
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import httpx

from ..certificates import trusted_certificates
from ..embedding.packages import require
from ..errors import Refusal
from .whole_json import read_json

_CONNECT_SECONDS = 5.0
_SECONDS = 120.0  # an import of 10,000 predictions takes 8 s on SQLite
_TASKS_PER_PAGE = 500
_READINGS = 3  # of all tasks, until none is missing
_APP = "labelscape/api/projects"
_BULK_SECONDS = 60.0  # for which an answer about the app stays valid
_PROJECTS_PER_PAGE = 100  # the maximum in Label Studio (1.23)


class LabelStudioError(Refusal):
    """Label Studio rejected the request or failed; the message says what to do."""


class LabelStudioDown(LabelStudioError):
    """Label Studio cannot be reached or is not ready: retry later."""


class LabelStudioPartly(LabelStudioError):
    """Label Studio created the tasks, but refused what belongs to them."""


class LabelStudioUnauthorized(LabelStudioError):
    """Label Studio does not accept our token: somebody must provide another one."""


class LabelStudioMissing(LabelStudioError):
    """The object does not exist in Label Studio, or our account cannot see it."""


class LabelStudio:
    """One Label Studio server, as the user whose token this is.

    Takes a personal access token (refreshed as it expires) or a legacy token. The token goes to ``url`` only:
    redirects are not followed.
    """

    def __init__(self, url: str, token: str, *, seconds: float = _SECONDS) -> None:
        require("label_studio_sdk", "label-studio", wanted_by="Working with Label Studio")
        from label_studio_sdk import LabelStudio as Client
        from label_studio_sdk.core.api_error import ApiError

        self.url = url.rstrip("/")
        self._bulk: dict[int, tuple[bool, float]] = {}  # project → whether it takes bulk writes, checked when
        transport = httpx.Client(
            timeout=httpx.Timeout(seconds, connect=_CONNECT_SECONDS),
            follow_redirects=False,
            verify=trusted_certificates(),
        )
        try:
            self._client = Client(base_url=self.url + "/", api_key=token, httpx_client=transport)
        except ApiError as error:
            raise _not_taken(self.url, error.status_code) from error

    def headers(self) -> dict[str, str]:
        """The header with our credentials, for media of this server."""
        from label_studio_sdk.core.api_error import ApiError

        try:
            return {"Authorization": self._client._client_wrapper.get_headers()["Authorization"]}
        except ApiError as error:
            raise _not_taken(self.url, error.status_code) from error
        except (httpx.HTTPError, json.JSONDecodeError) as error:  # the latter: a proxy's page instead of a response
            raise LabelStudioDown(_not_reached(self.url, error)) from error

    def whoami(self) -> dict[str, Any]:
        """The user whose token this is."""
        return dict(self._json("GET", "api/current-user/whoami"))

    def user(self, number: int) -> str:
        """The email address of a user, to record the annotator."""
        return str(self._json("GET", f"api/users/{number}/").get("email") or number)

    def project(self, project: int) -> dict[str, Any]:
        """A project with its label config and its counters."""
        return dict(self._json("GET", f"api/projects/{project}/"))

    def projects(self) -> list[dict[str, Any]]:
        """Id, title, description, label config and model version of all projects, newest first."""
        included = "id,title,description,label_config,model_version"
        query = {"include": included, "page_size": _PROJECTS_PER_PAGE, "ordering": "-id"}
        projects: list[dict[str, Any]] = []
        for page in itertools.count(1):
            answer = self._json("GET", "api/projects/", params={**query, "page": page}, missing_ok=page > 1)
            projects += answer["results"] if answer else []
            if not answer or not answer["next"]:
                break
        return projects

    def create_project(self, title: str, label_config: str, *, description: str = "") -> int:
        """Create a project; returns its id."""
        project = {"title": title, "description": description, "label_config": label_config}
        return int(self._json("POST", "api/projects/", json=project)["id"])

    def update_project(self, project: int, **values: Any) -> None:
        """Change settings of a project."""
        self._json("PATCH", f"api/projects/{project}/", json=values)

    def task_ids(self, project: int) -> list[int]:
        """The ids of all tasks of a project.

        Raises:
            LabelStudioDown: tasks were added or deleted during the call: try again.
        """
        return sorted(int(task["id"]) for task in self._every_task(project, "id"))

    def tasks(self, project: int, *, changed_since: str | None = None) -> Iterator[dict[str, Any]]:
        """The tasks of a project with their annotations and predictions, all or those changed since a time."""
        changed = {} if changed_since is None else _where(("updated_at", "Datetime", changed_since))
        return itertools.chain.from_iterable(self._pages(project, {"fields": "all", **changed}, _TASKS_PER_PAGE))

    def first_tasks(self, project: int, count: int) -> list[dict[str, Any]]:
        """The id and data of some tasks of a project."""
        query = {"project": project, "include": "id,data", "fields": "task_only", "page_size": count}
        return list(self._json("GET", "api/tasks", params=query)["tasks"])

    def annotated_tasks(self, project: int) -> Iterator[dict[str, Any]]:
        """The tasks that somebody annotated or skipped, as `tasks` returns them; saves 15 ms for each of the others."""
        annotated = _where(("total_annotations", "Number", 0), ("cancelled_annotations", "Number", 0))
        return itertools.chain.from_iterable(self._pages(project, {"fields": "all", **annotated}, _TASKS_PER_PAGE))

    def task_data(self, project: int) -> dict[int, dict[str, Any]]:
        """Task id → data, of all tasks of a project; raises as `task_ids`."""
        return {int(task["id"]): dict(task["data"]) for task in self._every_task(project, "id,data")}

    def data_columns(self, project: int) -> set[str]:
        """The names of the columns in the data of a project's tasks."""
        return set(self._json("GET", f"api/projects/{project}/summary/")["all_data_columns"])

    def recount_columns(self, project: int) -> None:
        """Make `data_columns` exact: Label Studio (1.23) counts the tasks that have a column, but not every change."""
        self._json("POST", f"api/projects/{project}/summary/reset/")

    def remove_columns(self, task: int, names: Collection[str]) -> None:
        """Remove columns from a task, if it still exists; its data are read just before, as others may change them."""
        stored = {"resolve_uri": "false"}  # by default, addresses in cloud storage are replaced: they would be lost
        data = (self._json("GET", f"api/tasks/{task}/", params=stored, missing_ok=True) or {"data": {}})["data"]
        rest = {name: value for name, value in data.items() if name not in names}
        if rest != data:
            self._json("PATCH", f"api/tasks/{task}/", json={"data": rest}, missing_ok=True)

    def import_tasks(self, project: int, tasks: Sequence[dict[str, Any]]) -> list[int]:
        """Add tasks, optionally with ``predictions``, which Label Studio does not check; returns the ids, in order."""
        query = {"return_task_ids": "true"}
        answer = self._json("POST", f"api/projects/{project}/import", params=query, json=list(tasks))
        numbers = [int(number) for number in answer["task_ids"]]
        predictions = [
            {"task": number, **prediction}
            for number, task in zip(numbers, tasks, strict=True)
            for prediction in task.get("predictions") or []
        ]
        # If SQLite was locked, Label Studio (1.23) repeats the import, but without the predictions.
        if predictions and not answer["prediction_count"]:
            try:
                self.import_predictions(project, predictions)
            except LabelStudioDown:
                raise
            except LabelStudioError as error:
                raise LabelStudioPartly(f"The tasks were created, but without predictions: {error}") from error
        return numbers

    def upload(self, project: int, files: Sequence[tuple[str, bytes]]) -> list[int]:
        """Upload files to a project's own storage without creating tasks; returns the upload ids."""
        parts = {f"file{number}": (name, body) for number, (name, body) in enumerate(files)}
        answer = self._json("POST", f"api/projects/{project}/import?commit_to_project=false", files=parts)
        return [int(number) for number in answer["file_upload_ids"]]

    def uploads(self, project: int, numbers: Sequence[int]) -> dict[int, str]:
        """Upload id → its path in a task's data."""
        listing = self._json(
            "GET", f"api/projects/{project}/file-uploads", params={"ids": json.dumps(list(numbers)), "all": "true"}
        )
        return {int(upload["id"]): f"/data/{upload['file']}" for upload in listing}

    def delete_uploads(self, project: int, numbers: Sequence[int]) -> None:
        """Delete uploaded files, even those of a task, so use it only if no task was created."""
        path = f"api/projects/{project}/file-uploads"
        self._json("DELETE", path, json={"file_upload_ids": list(numbers)}, missing_ok=True)

    def create_annotation(self, task: int, result: list[dict[str, Any]]) -> dict[str, Any]:
        """Create an annotation of a task, as the user whose token this is."""
        return dict(self._json("POST", f"api/tasks/{task}/annotations/", json={"result": result}))

    def annotations(self, task: int) -> list[dict[str, Any]]:
        """The annotations of a task, without skipped ones; none for a deleted task."""
        return list(self._json("GET", f"api/tasks/{task}/annotations/", missing_ok=True) or [])

    def delete_annotation(self, annotation: int) -> None:
        """Delete an annotation, if it still exists."""
        self._json("DELETE", f"api/annotations/{annotation}/", missing_ok=True)

    def import_predictions(self, project: int, predictions: Sequence[dict[str, Any]]) -> int:
        """Add predictions in one call; returns how many Label Studio kept: it silently drops invalid ones."""
        return int(self._json("POST", f"api/projects/{project}/import/predictions", json=list(predictions))["created"])

    def predictions(self, project: int) -> list[dict[str, Any]]:
        """All predictions of a project."""
        return list(self._json("GET", "api/predictions/", params={"project": project}))

    def create_prediction(self, prediction: dict[str, Any]) -> int:
        """Add one prediction; returns its id."""
        return int(self._json("POST", "api/predictions/", json=prediction)["id"])

    def update_prediction(self, number: int, prediction: dict[str, Any]) -> bool:
        """Change one prediction; False if it was deleted."""
        return self._json("PATCH", f"api/predictions/{number}/", json=prediction, missing_ok=True) is not None

    def delete_prediction(self, number: int) -> None:
        """Delete one prediction, if it still exists."""
        self._json("DELETE", f"api/predictions/{number}/", missing_ok=True)

    def writes_in_bulk(self, project: int) -> bool:
        """Whether Label Studio runs with our app, which changes many predictions or columns in one request."""
        known, at = self._bulk.get(project, (False, float("-inf")))
        if time.monotonic() - at > _BULK_SECONDS:
            answer = self._json("GET", f"{_APP}/{project}/bulk", missing_ok=True)
            known = bool(answer) and answer.get("app") == "labelscape"
            self._bulk[project] = known, time.monotonic()
        return known

    def change_predictions(self, project: int, changed: Sequence[dict[str, Any]], gone: Sequence[int]) -> list[int]:
        """Change and delete predictions in one request to our app; returns the ids of those that were deleted there."""
        body = {"change": list(changed), "delete": list(gone)}
        return list(self._json("POST", f"{_APP}/{project}/bulk/predictions", json=body)["lost"])

    def set_columns(self, project: int, values: Mapping[int, Mapping[str, str | float]]) -> None:
        """Set values in the data of tasks in one request to our app; ``values``: task → column → value."""
        body = {"values": {str(task): dict(columns) for task, columns in values.items()}}
        self._json("POST", f"{_APP}/{project}/bulk/data", json=body)

    def model_versions(self, project: int) -> dict[str, int]:
        """Model version → how many predictions of a project have it."""
        return dict(self._json("GET", f"api/projects/{project}/model-versions/"))

    def set_data(self, project: int, tasks: Sequence[int], name: str, kind: str, value: str | float) -> None:
        """Set one value in the data of many tasks; ``kind`` is "Number" or "String"."""
        if not len(tasks):
            return  # Label Studio interprets an empty list as all tasks
        selected = {"selectedItems": {"all": False, "included": list(tasks)}, "project": project}
        body = {**selected, "value_name": name, "value_type": kind, "value": value}
        self._json("POST", "api/dm/actions", params={"id": "add_data_field", "project": project}, json=body)

    def views(self, project: int) -> list[dict[str, Any]]:
        """The tabs of a project's Data Manager."""
        return list(self._json("GET", "api/dm/views/", params={"project": project}))

    def create_view(self, project: int, data: dict[str, Any]) -> int:
        """Create a tab; returns its id."""
        return int(self._json("POST", "api/dm/views/", json={"project": project, "data": data})["id"])

    def update_view(self, view: int, project: int, data: dict[str, Any]) -> None:
        """Change a tab."""
        self._json("PATCH", f"api/dm/views/{view}/", json={"project": project, "data": data})

    def delete_view(self, view: int) -> None:
        """Delete a tab, if it still exists."""
        self._json("DELETE", f"api/dm/views/{view}/", missing_ok=True)

    def backends(self, project: int) -> list[dict[str, Any]]:
        """The ML backends of a project."""
        return list(self._json("GET", "api/ml", params={"project": project}))

    def create_backend(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Connect an ML backend: Label Studio calls its /health and /setup before it answers."""
        return dict(self._json("POST", "api/ml", json=settings))

    def update_backend(self, number: int, settings: dict[str, Any]) -> dict[str, Any]:
        """Change an ML backend; Label Studio calls it again."""
        return dict(self._json("PATCH", f"api/ml/{number}", json=settings))

    def webhooks(self, project: int) -> list[dict[str, Any]]:
        """The webhooks of a project."""
        return list(self._json("GET", "api/webhooks/", params={"project": project}))

    def create_webhook(self, settings: dict[str, Any]) -> int:
        """Create a webhook; returns its id."""
        return int(self._json("POST", "api/webhooks/", json=settings)["id"])

    def update_webhook(self, number: int, settings: dict[str, Any]) -> None:
        """Change a webhook."""
        self._json("PATCH", f"api/webhooks/{number}/", json=settings)

    def delete_webhook(self, number: int) -> None:
        """Delete a webhook, if it still exists."""
        self._json("DELETE", f"api/webhooks/{number}/", missing_ok=True)

    def _every_task(self, project: int, included: str) -> list[dict[str, Any]]:
        """All tasks of a project: if one is deleted while they are read, the next page lacks another one."""
        for _ in range(_READINGS):
            pages = list(self._pages(project, {"include": included, "fields": "task_only"}, 10_000))
            tasks = list(itertools.chain(*pages))
            if len(pages) == 1:
                return tasks
            read = {int(task["id"]) for task in tasks}
            again = itertools.chain(*self._pages(project, {"include": "id", "fields": "task_only"}, 10_000))
            # A task with a higher id was only added in the meantime.
            left_out = {int(task["id"]) for task in again if int(task["id"]) < max(read, default=0)} - read
            if not left_out:
                return tasks
        missed = f"{len(left_out):,} of the tasks of project {project} could not be read"
        raise LabelStudioDown(f"{missed}, because tasks are being deleted: try again.")

    def _pages(self, project: int, query: dict[str, Any], size: int) -> Iterator[list[dict[str, Any]]]:
        read = 0
        for page in itertools.count(1):
            params = {"project": project, "page": page, "page_size": size, **query}
            answer = self._json("GET", "api/tasks", params=params, missing_ok=page > 1)
            tasks = answer["tasks"] if answer else []
            yield tasks
            read += len(tasks)
            if not tasks or read >= answer["total"]:  # a page may have fewer tasks than requested
                return

    def _json(self, method: str, path: str, *, missing_ok: bool = False, **options: Any) -> Any:
        answer = self._asked(method, path, options)
        if answer.status_code == httpx.codes.UNAUTHORIZED:  # our access token may have expired: retry once
            answer = self._asked(method, path, options)
        if missing_ok and answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if answer.is_error or answer.is_redirect:
            raise _refusal(self.url, method, path, answer)
        return read_json(answer.content) if answer.content else {}

    def _asked(self, method: str, path: str, options: Mapping[str, Any]) -> httpx.Response:
        transport = self._client._client_wrapper.httpx_client.httpx_client
        try:
            return transport.request(method, f"{self.url}/{path}", headers=self.headers(), **options)
        except httpx.HTTPError as error:
            raise LabelStudioDown(_not_reached(self.url, error)) from error


def _where(*above: tuple[str, str, Any]) -> dict[str, str]:
    """A query for tasks that exceed any of these values: (name, kind, value)."""
    items = [
        {"filter": f"filter:tasks:{name}", "operator": "greater", "type": kind, "value": value}
        for name, kind, value in above
    ]
    return {"query": json.dumps({"filters": {"conjunction": "or", "items": items}})}


def _wrong_token(url: str) -> str:
    return (
        f"{url} does not accept this token: it is wrong, has expired, or was revoked. Create a new one there under "
        "“Account & Settings”, “Personal Access Token”, and run “labelscape connect” again."
    )


def _not_taken(url: str, status: int | None) -> LabelStudioError:
    """Why Label Studio issued no access token."""
    if _is_passing(status or httpx.codes.UNAUTHORIZED):
        return LabelStudioDown(f"{url} cannot accept tokens at the moment (status {status}).")
    return LabelStudioUnauthorized(_wrong_token(url))


def _is_passing(status: int) -> bool:
    """Whether a retry may succeed; SQLite's "database is locked" under load is a 500 too."""
    return status >= httpx.codes.INTERNAL_SERVER_ERROR or status == httpx.codes.TOO_MANY_REQUESTS


def _not_reached(url: str, error: Exception) -> str:
    return f"Label Studio at {url} cannot be reached ({type(error).__name__}): is it running, and is the address right?"


def _refusal(url: str, method: str, path: str, answer: httpx.Response) -> LabelStudioError:
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        return LabelStudioUnauthorized(_wrong_token(url))
    sentence = f"{method} {path.split('?')[0]} at {url} was answered {answer.status_code}: {_detail(answer)}"
    if answer.status_code == httpx.codes.NOT_FOUND:
        return LabelStudioMissing(sentence)
    if answer.is_redirect:
        return LabelStudioError(f"{url} redirects to another address: use Label Studio's own address.")
    if _is_passing(answer.status_code):
        return LabelStudioDown(sentence)
    return LabelStudioError(sentence)


def _detail(answer: httpx.Response) -> str:
    try:
        body = answer.json()
    except ValueError:
        return answer.reason_phrase
    if isinstance(body, dict):
        body = body.get("validation_errors") or body.get("detail") or body
    return str(body)[:300]
