"""Bulk writes for the backend: one transaction for what Label Studio's API (1.23) does in 100 ms per task."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.timezone import now

from .access import Refused, body_of, check_permission, project_view
from .hooks import FOR_BULK, check_hooks, hook

_AT_ONCE = 500
_OWN = "ls_"  # columns with this prefix are ours; no others are written


@project_view("GET", permission="projects_view")
def hello(request: HttpRequest, project: Any) -> HttpResponse:
    """Report that bulk writes are available; otherwise, the backend writes one by one."""
    missing = check_hooks()
    for name in sorted(FOR_BULK & missing.keys()):
        raise Refused(404, missing[name])
    return JsonResponse({"app": "labelscape", "bulk": ["predictions", "data"]})


@project_view("POST", permission="predictions_any")
def predictions(request: HttpRequest, project: Any) -> HttpResponse:
    """Change, create, and delete predictions: ``{change: [{id, result, score}], delete: [id]}``; all or nothing."""
    body = body_of(request)
    change, gone = _objects(body, "change"), _numbers(body, "delete")
    model = hook("predictions")
    new = {int(prediction["id"]): prediction for prediction in change if _is_prediction(prediction)}
    if len(new) != len(change):
        raise Refused(400, "A changed prediction needs an id, a result, and a score from 0 to 1.")
    with transaction.atomic():
        known = list(_locked(model.objects.filter(project=project, id__in=list(new))))
        for prediction in known:
            prediction.result, prediction.score = new[prediction.id]["result"], new[prediction.id]["score"]
            prediction.updated_at = now()
        model.objects.bulk_update(known, ["result", "score", "updated_at"], batch_size=_AT_ONCE)
        deleted = list(model.objects.filter(project=project, id__in=gone).values_list("id", "task_id"))
        if deleted:
            _delete(model, deleted)
    lost = sorted(set(new) - {prediction.id for prediction in known})
    return JsonResponse({"changed": len(known), "deleted": len(deleted), "lost": lost})


@project_view("POST", permission="tasks_change")
def data(request: HttpRequest, project: Any) -> HttpResponse:
    """Write columns of ours into the data of tasks: ``{values: {task: {column: value}}}``; all or nothing."""
    values = body_of(request).get("values")
    if not isinstance(values, dict) or not all(_is_row(key, row) for key, row in values.items()):
        raise Refused(400, f"“values” must map tasks to columns whose names begin with “{_OWN}”.")
    check_permission(request, "tasks_change")
    model = hook("tasks")
    rows = {int(key): row for key, row in values.items()}
    with transaction.atomic():
        batches = (_locked(model.objects.filter(project=project, id__in=part)) for part in _parts(sorted(rows)))
        tasks = [task for some in batches for task in some]
        for task in tasks:
            task.data = {**task.data, **rows[task.id]}
        model.objects.bulk_update(tasks, ["data"], batch_size=_AT_ONCE)
        _declare(project, {name for row in rows.values() for name in row}, len(tasks))
    return JsonResponse({"written": len(tasks)})


def _locked(rows: Any) -> Any:
    """Rows that nobody else changes before they are written: the data of a task is read and written as a whole."""
    return rows.order_by("id").select_for_update(of=("self",))


def _declare(project: Any, columns: set[str], count: int) -> None:
    """Make new columns known to the Data Manager; Label Studio counts the tasks that have each."""
    summary = project.summary
    unknown = columns - set(summary.all_data_columns)
    if unknown and count:
        summary.all_data_columns = {**summary.all_data_columns, **dict.fromkeys(sorted(unknown), count)}
        summary.save(update_fields=["all_data_columns"])


def _delete(model: Any, deleted: list[tuple[int, int]]) -> None:
    """Delete predictions, and correct the counters of their tasks."""
    tasks = hook("tasks").objects.filter(id__in=[task for _, task in deleted])
    model.objects.filter(id__in=[number for number, _ in deleted]).delete()
    hook("counters")(tasks)


def _objects(body: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    listed = body.get(name, [])
    if not isinstance(listed, list) or not all(isinstance(element, dict) for element in listed):
        raise Refused(400, f"“{name}” must be a list of JSON objects.")
    return listed


def _numbers(body: Mapping[str, Any], name: str) -> list[int]:
    listed = body.get(name, [])
    if not isinstance(listed, list) or not all(isinstance(number, int) for number in listed):
        raise Refused(400, f"“{name}” must be a list of IDs.")
    return listed


def _is_prediction(prediction: Mapping[str, Any]) -> bool:
    score = prediction.get("score")
    has_score = isinstance(score, int | float) and 0 <= score <= 1
    return isinstance(prediction.get("id"), int) and isinstance(prediction.get("result"), list) and has_score


def _is_row(key: str, row: Any) -> bool:
    if not key.isdecimal() or not isinstance(row, dict):
        return False
    return all(name.startswith(_OWN) and isinstance(value, str | int | float) for name, value in row.items())


def _parts(numbers: list[int]) -> Iterable[list[int]]:
    return (numbers[start : start + _AT_ONCE] for start in range(0, len(numbers), _AT_ONCE))
