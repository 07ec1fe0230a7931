"""Get the status of a running backend and its projects, for `labelscape status`."""

from collections.abc import Iterator
from json import JSONDecodeError
from typing import Any

import httpx

from ..certificates import trusted_certificates
from ..errors import Refusal
from ..wording import count

_SECONDS = 30.0
_USER = "labelscape"
_SHOWN = 50  # tasks per kind of problem


def backend_lines(secret: str, backend_url: str) -> list[str]:
    """The status of the backend and all its projects, line by line.

    Raises:
        Refusal: no backend answers there, or it runs with another secret.
    """
    health = _ask(secret, f"{backend_url}/health")
    queue = health["queue"]
    lines = [f"Backend: {health['status']}", _queue_line(queue), *(f"✗ {problem}" for problem in health["problems"])]
    for number, project in health["projects"].items():
        lines.append(f"Project {number}: {_state(project)}")
    if not health["projects"]:
        lines.append("No project is connected: run “labelscape connect”.")
    return lines


def project_lines(secret: str, backend_url: str, project: int) -> list[str]:
    """The status of one project, line by line: counts, queue, last error, and each task with a problem.

    Raises:
        Refusal: no backend answers there, it runs with another secret, does not serve the project, or cannot work at
            the moment.
    """
    report = _ask(secret, f"{backend_url}/v1/projects/{project}")
    if report.get("detail"):
        raise Refusal(str(report["detail"]))
    lines = [
        f"Project {project}: {_state(report)}",
        f"{count(report['tasks'], 'task')}: {report['labeled']:,} labeled, {len(report['without_medium']):,} without a "
        f"medium, {report['predicted']:,} with a prediction of {report['version']}",
        _queue_line(report["queue"]),
    ]
    lines += [f"✗ {report['settings_problem']}"] if report["settings_problem"] else []
    lines += [f"! {notice}" for notice in report["notices"]]
    if report["notices"]:
        lines.append(f"  To dismiss: labelscape status --project {project} --dismiss")
    lines += _listed("without a medium", report["without_medium"])
    lines += _listed("label from FiftyOne not sent", report["held_back"])
    lines += _listed("annotations that cannot be read", [{"task": task} for task in report["unreadable"]])
    return lines


def dismiss_notices(secret: str, backend_url: str, project: int) -> None:
    """Have the backend drop the notices of changes of a project's label config.

    Raises:
        Refusal: see `project_lines`.
    """
    answer = _ask(secret, f"{backend_url}/v1/projects/{project}/notices", "DELETE")
    if answer.get("detail"):
        raise Refusal(str(answer["detail"]))


def _ask(secret: str, address: str, method: str = "GET") -> dict[str, Any]:
    try:
        answer = httpx.request(method, address, auth=(_USER, secret), timeout=_SECONDS, verify=trusted_certificates())
        document = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, JSONDecodeError) as error:
        raise Refusal(
            f"No Labelscape backend responds at {address} ({type(error).__name__}): start it with “labelscape serve”, "
            "or name its address with --backend."
        ) from error
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        raise Refusal(
            "The backend runs with another secret: set LABELSCAPE_SECRET or LABELSCAPE_DIR to the values it uses."
        )
    return dict(document)


def _queue_line(queue: dict[str, Any]) -> str:
    if not queue["depth"]:
        return "Queue: empty"
    return f"Queue: {count(queue['depth'], 'event')}, the oldest waiting for {queue['oldest_seconds']:.0f} s"


def _state(project: dict[str, Any]) -> str:
    last = project["last_success"] or "not since the backend started"
    if project["problem"]:
        return f"{project['problem']} Next attempt at {project['retry_at']}; last up to date: {last}"
    note = f" ({project['note']})" if project["note"] else ""
    return f"up to date{note}; last success: {last}" if project["last_success"] else f"starting{note}"


def _listed(what: str, problems: list[dict[str, Any]]) -> Iterator[str]:
    for problem in problems[:_SHOWN]:
        medium = f" ({problem['medium']})" if problem.get("medium") else ""
        reason = f": {problem['reason']}" if problem.get("reason") else ""
        yield f"  task {problem['task']}{medium}, {what}{reason}"
    if len(problems) > _SHOWN:
        yield f"  and {count(len(problems) - _SHOWN, 'more task')} {what}"
