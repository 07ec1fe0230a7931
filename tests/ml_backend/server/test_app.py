"""Every request Label Studio sends is answered as it needs; failures are reported without a traceback."""

import re
import socket
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
import uvicorn
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.label_studio.settings import ServerSettings
from labelscape.ml_backend.server.actions_api import action_routes
from labelscape.ml_backend.server.app import PREDICTS_AT_ONCE, PREDICTS_TAKEN, create_app
from labelscape.ml_backend.server.events import EventQueue
from labelscape.ml_backend.server.jobs import JobBoard
from labelscape.ml_backend.server.protocol import PredictRequest, Result
from labelscape.ml_backend.server.status import BackendStatus, ProjectReport, ProjectStatus
from labelscape.ml_backend.server.sync import ProjectSync
from starlette.testclient import TestClient

from .conftest import SECRET, FakeBackend, FakeWorker
from .requests_sent import EVENT, PREDICT, TASKS, metric


def test_every_recorded_request_gets_what_label_studio_needs(client: TestClient, any_request: Any) -> None:
    answer = client.request(any_request.method, any_request.path, json=any_request.body)
    expected = {
        "/health": lambda body: body["status"] == "UP",
        "/setup": lambda body: body["model_version"] == f"labelscape-{any_request.body['project'].split('.')[0]}",
        "/versions": lambda body: "labelscape-3" in body["versions"],
        "/predict": lambda body: (
            [result["result"][0]["value"]["choices"] for result in body["results"]]
            == [[str(task["id"])] for task in any_request.body["tasks"]]
        ),
        "/webhook": lambda body: body["status"] == "ok",
    }
    assert answer.status_code == (201 if any_request.path == "/webhook" else 200)
    assert expected[any_request.path](answer.json())


def test_every_recorded_event_waits_in_the_queue(client: TestClient, queue: EventQueue, webhook_request: Any) -> None:
    assert client.post("/webhook", json=webhook_request.body).status_code == 201
    assert [event.action for event in queue.pending()] == [webhook_request.body["action"]]


def test_a_project_off_the_allowlist_is_refused(client: TestClient, backend: FakeBackend, queue: EventQueue) -> None:
    for route, body in (
        ("/setup", {"project": "4.1"}),
        ("/predict", PREDICT | {"project": "4.1"}),
        ("/webhook", EVENT | {"project": {"id": 4}}),
    ):
        answer = client.post(route, json=body)
        assert answer.status_code == 403
        assert "Project 4 is not served" in answer.json()["detail"]
    assert not backend.requests
    assert queue.depth() == 0


def test_an_unknown_action_is_acknowledged_and_counted(client: TestClient, queue: EventQueue) -> None:
    before = metric(client, 'labelscape_events_total{action="other",outcome="unknown"}')
    for action in ("ANNOTATION_EXPLODED", None, 3, ["x"], {}):
        assert client.post("/webhook", json={"action": action}).status_code == 201
    assert metric(client, 'labelscape_events_total{action="other",outcome="unknown"}') == before + 5
    assert queue.depth() == 0


@pytest.mark.parametrize("route", ["/setup", "/predict", "/webhook"])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"action": "TASKS_CREATED", "tasks": 3}'])
def test_a_malformed_request_is_refused_in_one_sentence(client: TestClient, route: str, body: bytes) -> None:
    answer = client.post(route, content=body)
    assert answer.status_code == 400
    assert list(answer.json()) == ["detail"]
    assert re.fullmatch(r"[A-Z][^\n]{10,100}\.", answer.json()["detail"])


def test_more_tasks_than_allowed_are_refused(client: TestClient) -> None:
    answer = client.post("/predict", json=PREDICT | {"tasks": TASKS[:1] * 51})
    assert answer.status_code == 400
    assert "51 tasks" in answer.json()["detail"]


def test_no_tasks_get_no_results(client: TestClient) -> None:
    assert client.post("/predict", json=PREDICT | {"tasks": []}).json() == {"results": []}


def test_what_lies_elsewhere_is_refused_in_words(client: TestClient) -> None:
    for method, route, status in (("GET", "/train", 404), ("GET", "/predict", 405), ("POST", "/health", 405)):
        answer = client.request(method, route)
        assert (answer.status_code, list(answer.json())) == (status, ["detail"])


def _fail(_: PredictRequest) -> list[Result]:
    raise RuntimeError("the model is broken")


def _overflow(_: PredictRequest) -> list[Result]:
    raise RecursionError


WRONG_ANSWERS: dict[str, Callable[[PredictRequest], list[Result]]] = {
    "raises": _fail,
    "recurses": _overflow,
    "too few": lambda request: [{"result": []}] * (len(request.tasks) - 1),
    "too many": lambda request: [{"result": []}] * (len(request.tasks) + 1),
    "no JSON": lambda request: [{"result": [{1, 2}]}] * len(request.tasks),
    "not a number": lambda request: [{"result": [], "score": float("nan")}] * len(request.tasks),
    "no text": lambda request: [{"result": ["\ud800"]}] * len(request.tasks),
}


@pytest.mark.parametrize("wrong", WRONG_ANSWERS)
def test_a_failing_model_answers_with_an_empty_result_per_task(
    client: TestClient, backend: FakeBackend, wrong: str
) -> None:
    backend.answer = WRONG_ANSWERS[wrong]
    answer = client.post("/predict", json=PREDICT)
    assert (answer.status_code, answer.json()) == (200, {"results": [[], [], []]})
    drawing = client.post("/predict", json=PREDICT | {"params": {"context": {"result": []}}})
    assert (drawing.status_code, drawing.json()) == (200, {"results": [{"result": []}] * 3})


def test_a_model_that_hangs_is_answered_for_in_time(
    settings: ServerSettings, client: TestClient, backend: FakeBackend
) -> None:
    released = threading.Event()
    backend.answer = lambda request: released.wait(120) and []  # type: ignore[return-value]
    started = time.monotonic()
    answer = client.post("/predict", json=PREDICT)
    seconds = time.monotonic() - started
    released.set()
    assert answer.json() == {"results": [[], [], []]}
    assert settings.limits.predict_seconds <= seconds


def test_cheap_routes_answer_while_every_predict_thread_is_busy(client: TestClient, backend: FakeBackend) -> None:
    released = threading.Event()
    entered = threading.Semaphore(0)

    def hang(request: PredictRequest) -> list[Result]:
        entered.release()
        released.wait(120)
        return [{"result": []} for _ in request.tasks]

    backend.answer = hang
    with ThreadPoolExecutor(PREDICTS_TAKEN) as annotators:
        asking = [annotators.submit(client.post, "/predict", json=PREDICT) for _ in range(PREDICTS_TAKEN)]
        assert all(entered.acquire(timeout=120) for _ in range(PREDICTS_AT_ONCE))
        for method, route, body in (
            ("GET", "/health", None),
            ("POST", "/setup", {"project": "3.1"}),
            ("GET", "/versions", None),
            ("POST", "/webhook", EVENT),
        ):
            assert client.request(method, route, json=body).is_success
        one_more = wait_until_refused(client)
        released.set()
        assert [each.result().status_code for each in asking] == [200] * PREDICTS_TAKEN
    assert one_more.json() == {"detail": f"{PREDICTS_TAKEN} requests for predictions are in progress; try again later."}


class BusyProject:
    """A project that is busy for minutes: it keeps everything waiting that reads it, until it is released."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.arrived = threading.Semaphore(0)

    def serves(self, project: int) -> bool:
        self.arrived.release()
        return True

    def project(self, project: int) -> ProjectSync:
        self.released.wait(120)
        raise Refusal("It was busy.")

    def report(self, project: int) -> ProjectReport:
        self.released.wait(120)
        return ProjectReport(ProjectStatus(), "v", 3, 1, 2, [])


@pytest.mark.parametrize(("route", "status"), [("/v1/projects/3/map", 422), ("/v1/projects/3", 200)])
def test_events_and_health_checks_wait_for_no_report_and_no_panel(
    backend: FakeBackend, queue: EventQueue, monkeypatch: pytest.MonkeyPatch, route: str, status: int
) -> None:
    """Each annotator who has a panel open waits for a project that is busy, and each open status page."""
    busy = BusyProject()
    monkeypatch.setattr(backend, "report", busy.report)
    monkeypatch.setattr(backend, "serves", busy.serves)
    app = create_app(backend, queue, actions=action_routes(busy, JobBoard()))
    with TestClient(app, headers={"X-Labelscape-Secret": SECRET}) as client, ThreadPoolExecutor(62) as annotators:
        waiting = [annotators.submit(client.get, route) for _ in range(60)]  # more than the webhook has threads
        try:
            assert all(busy.arrived.acquire(timeout=120) for _ in waiting)
            event = annotators.submit(client.post, "/webhook", json=EVENT)
            health = annotators.submit(client.get, "/health")
            assert event.result(60).is_success
            assert health.result(60).is_success
        finally:
            busy.released.set()
        assert {each.result().status_code for each in waiting} == {status}


def wait_until_refused(client: TestClient) -> Any:
    """The first refusal; all requests before it are still in progress."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        answer = client.post("/predict", json=PREDICT)
        if answer.status_code == 429:
            return answer
    raise AssertionError("no request was refused")


def test_an_event_that_cannot_be_stored_is_not_acknowledged(
    client: TestClient, queue: EventQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object) -> bool:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(queue, "put", full)
    answer = client.post("/webhook", json=EVENT)
    assert answer.status_code == 503
    assert "could not be stored" in answer.json()["detail"]


def test_an_unforeseen_error_is_reported_without_a_traceback(
    client: TestClient, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> str:
        raise KeyError("marker")

    monkeypatch.setattr(backend, "version", fail)
    answer = client.post("/setup", json={"project": "3.1"})
    assert answer.json() == {"detail": "Internal error; see the backend's log."}


def test_a_project_with_a_problem_can_be_connected_again(client: TestClient, backend: FakeBackend) -> None:
    backend.state = BackendStatus(projects={3: ProjectStatus(problem="The token has expired.")})
    assert client.post("/setup", json={"project": "3.1"}).status_code == 200
    assert "The token has expired." in client.get("/health").json()["problems"][0]


@pytest.mark.parametrize("number", [2**63, 10**30, -(2**64)])
def test_an_id_that_no_database_can_hold_is_refused(client: TestClient, queue: EventQueue, number: int) -> None:
    events = [
        EVENT | {"annotation": {"id": number, "task": 7, "result": []}},
        EVENT | {"annotation": {"id": 1, "task": number, "result": []}},
        {"action": "TASKS_DELETED", "tasks": [{"id": number}], "project": {"id": 3}},
        EVENT | {"project": {"id": number}},
    ]
    for event in events:
        assert client.post("/webhook", json=event).status_code == 400
    assert client.post("/predict", json=PREDICT | {"tasks": [{"id": number, "data": {}}]}).status_code == 400
    assert queue.depth() == 0


def test_the_worker_lives_as_long_as_the_app(backend: FakeBackend, queue: EventQueue, worker: FakeWorker) -> None:
    with TestClient(create_app(backend, queue, worker)):
        assert worker.turns == ["start"]
    assert worker.turns == ["start", "stop"]
    with pytest.raises(sqlite3.ProgrammingError):
        queue.depth()


def wait_until_closed(port: int) -> None:
    """Return once nothing accepts connections at a port any longer."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.01)
    raise AssertionError("the server still accepts connections")


def test_a_stopping_server_finishes_the_current_request(
    backend: FakeBackend, queue: EventQueue, worker: FakeWorker
) -> None:
    entered, released = threading.Event(), threading.Event()

    def slow(request: PredictRequest) -> list[Result]:
        entered.set()
        released.wait(120)
        return [backend.result_of(task.id) for task in request.tasks]

    backend.answer = slow
    server = uvicorn.Server(uvicorn.Config(create_app(backend, queue, worker), port=0, log_config=None))
    serving = threading.Thread(target=server.run)
    serving.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    with ThreadPoolExecutor(1) as annotator:
        asking = annotator.submit(
            requests.post, f"http://127.0.0.1:{port}/predict", json=PREDICT, auth=("labelscape", SECRET), timeout=120
        )
        assert entered.wait(120)
        server.should_exit = True
        wait_until_closed(port)
        assert worker.turns == ["start"]
        released.set()
        assert len(asking.result().json()["results"]) == 3
    serving.join(5)
    assert worker.turns == ["start", "stop"]
