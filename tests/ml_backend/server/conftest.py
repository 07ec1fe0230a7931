"""What Label Studio 1.23 really sent (payloads/), and an app with a stand-in for the models behind it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from labelscape.cli.digits import write_digits
from labelscape.ml_backend.label_studio.settings import Limits, ServerSettings
from labelscape.ml_backend.server.app import create_app
from labelscape.ml_backend.server.events import EventQueue
from labelscape.ml_backend.server.protocol import PredictRequest, Result
from labelscape.ml_backend.server.status import BackendStatus, ProjectReport, ProjectStatus, TaskProblem
from labelscape.testing.label_studio import LabelscapeServer, LabelStudioServer
from starlette.testclient import TestClient

from .projects import CLASSES, Project, choices, chosen, create_project

PAYLOADS = Path(__file__).parent / "payloads"
SECRET = "the-secret-of-this-backend"
TOKEN = "our-token-at-label-studio"
PROJECTS = frozenset({3, 8, 9, 16, 18, 20})  # those of the recordings


@dataclass(frozen=True)
class Recorded:
    """A request as Label Studio sent it."""

    name: str
    method: str
    path: str
    body: dict[str, Any] | None

    def __str__(self) -> str:
        return self.name


def _read(file: Path) -> list[Recorded]:
    requests = json.loads(file.read_text())
    return [
        Recorded(f"{file.stem}[{place}]{request['path']}", request["method"], request["path"], request["body"])
        for place, request in enumerate(requests)
    ]


RECORDED = [request for file in sorted(PAYLOADS.glob("*.json")) for request in _read(file)]


def recorded(path: str) -> list[Recorded]:
    return [request for request in RECORDED if request.path == path]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `any_request`, `predict_request` or `webhook_request` runs for each recorded one."""
    kinds = {
        "any_request": RECORDED,
        "predict_request": recorded("/predict"),
        "webhook_request": recorded("/webhook"),
    }
    for name, requests in kinds.items():
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, requests, ids=str)


@dataclass
class FakeBackend:
    """Answers every task with one choice; `answer` is replaced where a test needs another behavior."""

    current: ServerSettings = field(default_factory=ServerSettings)
    requests: list[PredictRequest] = field(default_factory=list)
    answer: Callable[[PredictRequest], list[Result]] | None = None

    state: BackendStatus = field(default_factory=BackendStatus)
    hostnames: list[str] = field(default_factory=list)

    dismissed: list[int] = field(default_factory=list)

    def settings(self) -> ServerSettings:
        return self.current

    def dismiss_notices(self, project: int) -> None:
        self.dismissed.append(project)

    def note_hostname(self, address: str) -> None:
        self.hostnames.append(address)

    def status(self) -> BackendStatus:
        return self.state

    def report(self, project: int) -> ProjectReport:
        return ProjectReport(ProjectStatus(), "v", 3, 1, 2, [TaskProblem(7, "/pet", "/pet answers with status 404.")])

    def serves(self, project: int) -> bool:
        return project in PROJECTS

    def version(self, project: int) -> str:
        return f"labelscape-{project}"

    def versions(self) -> list[str]:
        return [self.version(project) for project in sorted(PROJECTS)]

    def predict(self, request: PredictRequest) -> list[Result]:
        self.requests.append(request)
        return self.answer(request) if self.answer else [self.result_of(task.id) for task in request.tasks]

    def result_of(self, task: int) -> Result:
        return {"result": [{"type": "choices", "value": {"choices": [str(task)]}}], "score": 0.5, "model_version": "v"}


@dataclass
class FakeWorker:
    turns: list[str] = field(default_factory=list)

    def start(self) -> None:
        self.turns.append("start")

    def stop(self) -> None:
        self.turns.append("stop")


@pytest.fixture
def settings() -> ServerSettings:
    limits = Limits(body_bytes=100_000, tasks_per_call=50, predict_seconds=5)
    return ServerSettings(url="http://localhost:8080", token=TOKEN, secret=SECRET, projects=PROJECTS, limits=limits)


@pytest.fixture
def backend(settings: ServerSettings) -> FakeBackend:
    return FakeBackend(settings)


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[EventQueue]:
    opened = EventQueue(tmp_path / "label-studio" / "events.db")
    yield opened
    opened.close()


@pytest.fixture
def worker() -> FakeWorker:
    return FakeWorker()


@pytest.fixture
def client(backend: FakeBackend, queue: EventQueue, worker: FakeWorker) -> Iterator[TestClient]:
    """Label Studio at work: it knows the secret."""
    app = create_app(backend, queue, worker)
    with TestClient(app, headers={"X-Labelscape-Secret": SECRET}, raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def make_project(
    label_studio: LabelStudioServer, labelscape_server: LabelscapeServer
) -> Iterator[Callable[..., Project]]:
    """Factory of projects with `n` digits, connected, and served until the test's end.

    The first `labeled` are annotated right, with what `answer` makes of a digit, except those of the class `without`.
    `rows` are tasks to import instead.
    """
    made: list[int] = []
    for server in (label_studio, labelscape_server):  # a test that failed may have left one ended
        server.ensure_running()
    paths, digits = write_digits(label_studio.media / "digits", count=500)

    def make(
        config: str = choices(CLASSES),
        n: int = 120,
        labeled: int = 40,
        *,
        answer: Callable[[str], list[dict[str, Any]]] = chosen,
        without: str = "",
        rows: list[dict[str, Any]] | None = None,
        connected: bool = True,
    ) -> Project:
        rows = rows or [
            {
                "data": {"image": f"/data/local-files/?d=files/digits/{path.name}", "digit": digit},
                "annotations": [{"result": answer(digit)}] if row < labeled and digit != without else [],
            }
            for row, (path, digit) in enumerate(zip(paths[:n], map(str, digits), strict=False))
        ]
        number = create_project(label_studio, config, rows)
        made.append(number)
        project = Project(label_studio, labelscape_server, number, {})
        project.digits.update({task: data.get("digit", "") for task, data in project.data().items()})
        if connected:
            done = project.connect()
            assert done.exit_code == 0, done.output
        return project

    written = len(labelscape_server.log())
    yield make
    for number in made:
        labelscape_server.forget(number)
    print(labelscape_server.log()[written:])  # pytest shows it where a test failed


@pytest.fixture
def project(make_project: Callable[..., Project]) -> Project:
    """A connected project of 120 digits, 40 of them labeled, with its predictions."""
    made = make_project()
    made.wait_for_predictions()
    return made
