"""What Label Studio 1.23 really sent (payloads/), and an app with a stand-in for the models behind it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from labelscape.ml_backend.label_studio.settings import Limits, ServerSettings
from labelscape.ml_backend.server.app import create_app
from labelscape.ml_backend.server.events import EventQueue
from labelscape.ml_backend.server.protocol import PredictRequest, Result
from labelscape.ml_backend.server.status import BackendStatus, ProjectReport, ProjectStatus, TaskProblem
from starlette.testclient import TestClient

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
    """Answers every task with one choice; `answer` is replaced where a test needs another behaviour."""

    current: ServerSettings = field(default_factory=ServerSettings)
    asked: list[PredictRequest] = field(default_factory=list)
    answer: Callable[[PredictRequest], list[Result]] | None = None

    state: BackendStatus = field(default_factory=BackendStatus)

    def settings(self) -> ServerSettings:
        return self.current

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
        self.asked.append(request)
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
