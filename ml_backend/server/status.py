"""The status of the backend and its projects, for /health, /metrics, Label Studio, and `labelscape status`."""

from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from typing import Any


@dataclass(frozen=True)
class ProjectStatus:
    """The status of serving one project.

    Attributes:
        last_success: when the project was last brought up to date, in Unix time; None = not since the start.
        problem: why it cannot be served now, in a sentence; "" = nothing is wrong.
        retry_at: when a project with a problem is tried again, in Unix time.
        note: why it gets no suggestions although nothing is wrong, such as too few labels.
    """

    last_success: float | None = None
    problem: str = ""
    retry_at: float | None = None
    note: str = ""


@dataclass(frozen=True)
class TaskProblem:
    """A task with a problem, and the problem."""

    task: int
    medium: str
    reason: str


@dataclass(frozen=True)
class ProjectReport:
    """The status of a project, task by task.

    Attributes:
        status: the project as a whole.
        version: the model version of its predictions.
        tasks, labeled, predicted: how many tasks it has, how many are labeled, how many have a prediction.
        without_medium: the tasks whose medium is unavailable.
        held_back: the tasks whose label was saved in FiftyOne and cannot become an annotation.
        unreadable: the tasks with annotations that cannot be read.
        notices: what a change of the label config did to the labels, in sentences.
    """

    status: ProjectStatus
    version: str
    tasks: int
    labeled: int
    predicted: int
    without_medium: list[TaskProblem] = field(default_factory=list)
    held_back: list[TaskProblem] = field(default_factory=list)
    unreadable: list[int] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class BackendStatus:
    """The backend as a whole.

    Attributes:
        database: why MongoDB cannot be used; "" if it responds.
        settings: what is wrong with the settings or the token; "" if nothing is.
        projects: project ID → its status, for all projects that are served.
    """

    database: str = ""
    settings: str = ""
    projects: dict[int, ProjectStatus] = field(default_factory=dict)

    @property
    def up(self) -> bool:
        """Whether the backend can serve Label Studio's requests."""
        return not self.database

    @property
    def problems(self) -> list[str]:
        """All problems, in sentences."""
        of_projects = [
            f"Project {number}: {project.problem}" for number, project in self.projects.items() if project.problem
        ]
        return [problem for problem in (self.database, self.settings, *of_projects) if problem]


def project_document(status: ProjectStatus) -> dict[str, Any]:
    """The status of a project as JSON has it; times in ISO format, UTC."""
    return {
        "last_success": iso_time(status.last_success),
        "problem": status.problem,
        "retry_at": iso_time(status.retry_at),
        "note": status.note,
    }


def report_document(report: ProjectReport) -> dict[str, Any]:
    """The report on a project as JSON has it."""
    return project_document(report.status) | {
        "version": report.version,
        "tasks": report.tasks,
        "labeled": report.labeled,
        "predicted": report.predicted,
        "without_medium": [asdict(each) for each in report.without_medium],
        "held_back": [asdict(each) for each in report.held_back],
        "unreadable": report.unreadable,
        "notices": report.notices,
    }


def iso_time(moment: float | None) -> str | None:
    """A Unix time in ISO format, UTC, to the second."""
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
