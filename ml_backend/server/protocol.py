"""Label Studio's requests as dataclasses, and our answers: the ML backend protocol of Label Studio 1.23."""

import re
from dataclasses import dataclass
from typing import Any

from ..label_studio.whole_json import read_json

# The result for one task: a prediction, several of them, or none.
Result = dict[str, Any] | list[dict[str, Any]]


@dataclass(frozen=True)
class Task:
    """A task as Label Studio sends it: its data by name, and the annotations and predictions it has so far."""

    id: int
    data: dict[str, Any]
    annotations: list[dict[str, Any]]
    predictions: list[dict[str, Any]]


@dataclass(frozen=True)
class PredictRequest:
    """Tasks of one project to be pre-labeled.

    Attributes:
        project: the project's id.
        tasks: in the order in which their results are expected.
        context: of an annotator at work (interactive pre-annotation), what is drawn so far; None = not interactive.
    """

    project: int
    tasks: list[Task]
    context: dict[str, Any] | None


def parse_body(body: bytes) -> dict[str, Any]:
    """The JSON object in a request's body.

    Raises:
        ValueError: it is none
    """
    try:
        parsed = read_json(body)
    except (ValueError, RecursionError):
        raise ValueError("The request's body is not JSON.") from None  # the cause would quote the body
    if not isinstance(parsed, dict):
        raise ValueError("The request's body must be a JSON object.")
    return parsed


def parse_predict(body: bytes, *, most_tasks: int) -> PredictRequest:
    """The body of POST /predict.

    Raises:
        ValueError: it is malformed, or asks for more than `most_tasks` tasks
    """
    parsed = parse_body(body)
    tasks = expect(parsed, "tasks", list)
    if len(tasks) > most_tasks:
        raise ValueError(f"{len(tasks):,} tasks were sent at once; at most {most_tasks:,} are accepted.")
    context = expect(expect(parsed, "params", dict, default={}), "context", dict, default=None)
    return PredictRequest(
        project=parse_project(parsed.get("project")),
        tasks=[_parse_task(task) for task in tasks],
        context=context,
    )


def parse_project(project: object) -> int:
    """The project's id, from ``3`` or Label Studio's ``"3.1795215554"`` (id and time of creation).

    Raises:
        ValueError: it is neither
    """
    if isinstance(project, int | str) and re.fullmatch(r"[0-9]{1,18}(\.[0-9]*)?", str(project)):
        return int(str(project).partition(".")[0])
    raise ValueError("The request does not name a project.")


def no_prediction(request: PredictRequest) -> Result:
    """The result of a task that got no prediction.

    Label Studio (1.23) saves nothing for an empty list and asks again at the next retrieval; an empty prediction
    would be saved and hide the task from it. Only the interactive route needs an object.
    """
    return [] if request.context is None else {"result": []}


def expect(values: dict[str, Any], name: str, kind: type, **default: Any) -> Any:
    """The value of this name and type; `default`, if given, replaces null and missing values.

    Raises:
        ValueError: it is missing or of another type
    """
    value = values.get(name)
    if value is None and default:
        return default["default"]
    if not isinstance(value, kind) or isinstance(value, bool) or _is_no_number_of_a_database(value):
        raise ValueError(f"The request's '{name}' is missing or of the wrong type.")
    return value


def objects(values: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The JSON objects listed under this name; none if it is missing.

    Raises:
        ValueError: it is not a list, or lists something else
    """
    listed: list[dict[str, Any]] = expect(values, name, list, default=[])
    if not all(isinstance(each, dict) for each in listed):
        raise ValueError(f"The request's '{name}' must list JSON objects.")
    return listed


def _is_no_number_of_a_database(value: object) -> bool:
    """Whether this integer is too large for SQLite and MongoDB, and so cannot be an id of Label Studio."""
    return isinstance(value, int) and not -(2**63) <= value < 2**63


def _parse_task(task: object) -> Task:
    if not isinstance(task, dict):
        raise ValueError("A task in the request is not a JSON object.")
    return Task(
        id=expect(task, "id", int),
        data=expect(task, "data", dict),
        annotations=objects(task, "annotations"),
        predictions=objects(task, "predictions"),
    )
