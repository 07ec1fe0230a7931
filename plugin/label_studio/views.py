"""What the panels call: forms, previews, jobs, and the map. Each view checks the user, then asks the backend."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse

from . import backend
from .access import Refused, body_of, check_permission, project_view
from .catalog import BY_NAME, MENU, MenuAction, as_values, describe, form_of
from .hooks import MissingHook, check_hooks
from .selection import selected_task_ids

SCRIPT = Path(__file__).parent / "static" / "labelscape.js"


def script(request: HttpRequest) -> HttpResponse:
    """The panel script, which is the same for everybody."""
    if not SCRIPT.is_file():
        raise Http404
    stat = SCRIPT.stat()
    tag = f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"'
    if request.headers.get("If-None-Match") == tag:
        return HttpResponseNotModified()
    answer = FileResponse(SCRIPT.open("rb"), content_type="text/javascript; charset=utf-8")
    answer["ETag"] = tag
    answer["Cache-Control"] = "private, max-age=60"
    return answer


@project_view("GET", permission="projects_view")
def description(request: HttpRequest, project: Any) -> HttpResponse:
    """What the panels need at their start: the classes, and the actions that this user may run, with their forms."""
    described = describe(project.id)
    actions = [
        {
            "name": action.name,
            "id": action.id,
            "title": action.title,
            "text": action.text,
            "takes_tasks": action.takes_tasks,
            "form": form_of(action, described),
        }
        for action in MENU
        if _may(request, action)
    ]
    document = {"described": described, "actions": actions, "missing": list(check_hooks().values())}
    return JsonResponse(document | {"user": request.user.pk})


@project_view("POST", permission="tasks_view")
def preview(request: HttpRequest, project: Any, name: str) -> HttpResponse:
    """What an action would do, in numbers; changes nothing."""
    action, body = _requested(request, project, name)
    answer = backend.call("POST", project.id, f"{action.name}/preview", body)
    document = {**answer.document, "selected": len(body.get("tasks", ()))}
    return JsonResponse(document, status=answer.status)


@project_view("POST", permission="tasks_view")
def start(request: HttpRequest, project: Any, name: str) -> HttpResponse:
    """Start an action; the answer is its job, the same one for a request that is repeated with its key."""
    action, body = _requested(request, project, name)
    key = request.headers.get(backend.KEY_HEADER, "")
    return _passed_on(backend.call("POST", project.id, action.name, body, key=key))


@project_view("GET", "DELETE", permission="tasks_view")
def job(request: HttpRequest, project: Any, job: str) -> HttpResponse:
    """A job's progress and outcome, or, with DELETE, its cancellation. Users see and stop their own jobs only."""
    path = f"jobs/{quote(job, safe='')}"
    answer = backend.call("GET", project.id, path)
    if answer.ok and answer.document.get("by") != str(request.user.pk):
        raise Refused(404, "You have no such job.")
    if answer.ok and request.method == "DELETE":
        answer = backend.call("DELETE", project.id, path)
    return _passed_on(answer)


@project_view("GET", permission="tasks_view")
def project_map(request: HttpRequest, project: Any) -> HttpResponse:
    """The map of a project, as columns."""
    return _passed_on(backend.call("GET", project.id, "map"))


@project_view("GET", permission="tasks_view")
def neighbors(request: HttpRequest, project: Any, task: int) -> HttpResponse:
    """The nearest tasks of a task, or the nearest regions of one of its regions."""
    region = quote(request.GET.get("region", ""), safe="")
    return _passed_on(backend.call("GET", project.id, f"tasks/{task}/neighbors?count=12&region={region}"))


@project_view("GET", permission="tasks_view")
def next_best(request: HttpRequest, project: Any) -> HttpResponse:
    """The unlabeled tasks that are most informative to label, best first."""
    return _passed_on(backend.call("GET", project.id, "next?count=5"))


def _requested(request: HttpRequest, project: Any, name: str) -> tuple[MenuAction, Mapping[str, Any]]:
    """The action, and the request for the backend: the form's values, and the selected tasks."""
    action = BY_NAME.get(name)
    if action is None:
        raise Refused(404, f"There is no action “{name[:50]}”.")
    check_permission(request, action.permission)
    given = body_of(request)
    values = given.get("values", {})
    if not isinstance(values, dict):
        raise Refused(400, "“values” must be a JSON object.")
    body = {"by": str(request.user.pk), **as_values(action, values)}
    if action.takes_tasks:
        body["tasks"] = selected_task_ids(request, project, given)
    return action, body


def _may(request: HttpRequest, action: MenuAction) -> bool:
    try:
        check_permission(request, action.permission)
    except (Refused, MissingHook):
        return False
    return True


def _passed_on(answer: backend.Answer) -> HttpResponse:
    return JsonResponse(dict(answer.document), status=answer.status)
