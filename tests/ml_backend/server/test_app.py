import base64
import json
import os
import re
import socket
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import structlog
import uvicorn
from labelscape.ml_backend.label_studio.settings import ServerSettings
from labelscape.ml_backend.server.app import PREDICTS_AT_ONCE, PREDICTS_TAKEN, create_app
from labelscape.ml_backend.server.events import EventQueue
from labelscape.ml_backend.server.logs import blacken, configure_logging
from labelscape.ml_backend.server.protocol import PredictRequest, Result
from labelscape.ml_backend.server.status import BackendStatus, ProjectStatus
from starlette.testclient import TestClient

from .conftest import SECRET, TOKEN, FakeBackend, FakeWorker

TASKS = [{"id": number, "data": {"image": f"/data/upload/{number}.png"}} for number in range(3)]
PREDICT = {"project": "3.1", "tasks": TASKS, "label_config": "<View/>", "params": {"context": None}}
EVENT = {"action": "ANNOTATION_CREATED", "annotation": {"id": 1, "task": 7, "result": []}, "project": {"id": 3}}


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
    assert not backend.asked
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


def test_cheap_routes_answer_at_once_while_every_predict_thread_is_busy(
    client: TestClient, backend: FakeBackend
) -> None:
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
            assert statistics.median(seconds(client, method, route, body) for _ in range(21)) < 0.05
        one_more = wait_until_refused(client)
        released.set()
        assert [each.result().status_code for each in asking] == [200] * PREDICTS_TAKEN
    assert one_more.json() == {"detail": f"{PREDICTS_TAKEN} requests for predictions are in progress; try again later."}


def seconds(client: TestClient, method: str, route: str, body: Any) -> float:
    started = time.perf_counter()
    assert client.request(method, route, json=body).is_success
    return time.perf_counter() - started


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


def test_health_tells_the_truth(client: TestClient, backend: FakeBackend) -> None:
    client.post("/webhook", json=EVENT)
    backend.state = BackendStatus(
        projects={3: ProjectStatus(1_700_000_000.0, "The token has expired.", 1_700_000_060.0)}
    )
    answer = client.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "UP")
    assert answer.json()["problems"] == ["Project 3: The token has expired."]
    assert answer.json()["projects"]["3"]["last_success"] == "2023-11-14T22:13:20Z"
    assert answer.json()["queue"]["depth"] == 1
    assert answer.json()["queue"]["oldest_seconds"] >= 0
    backend.state = BackendStatus(database="MongoDB does not answer.")
    answer = client.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (503, "DOWN")
    assert answer.json()["problems"] == ["MongoDB does not answer."]


def test_a_project_with_a_problem_can_be_connected_again(client: TestClient, backend: FakeBackend) -> None:
    backend.state = BackendStatus(projects={3: ProjectStatus(problem="The token has expired.")})
    assert client.post("/setup", json={"project": "3.1"}).status_code == 200
    assert "The token has expired." in client.get("/health").json()["problems"][0]


def test_a_projects_report_lists_the_tasks_without_a_medium(client: TestClient) -> None:
    answer = client.get("/v1/projects/3")
    assert answer.json()["without_medium"] == [{"task": 7, "medium": "/pet", "reason": "/pet answers with status 404."}]
    assert client.get("/v1/projects/4").status_code == 403


def test_metrics_tell_of_the_database_the_queue_and_each_projects_last_success(
    client: TestClient, backend: FakeBackend
) -> None:
    client.post("/webhook", json=EVENT)
    backend.state = BackendStatus(projects={3: ProjectStatus(last_success=1_700_000_000.0)})
    time.sleep(0.01)
    assert metric(client, "labelscape_database_up") == 1
    assert metric(client, "labelscape_oldest_event_seconds") > 0
    assert metric(client, 'labelscape_project_last_success_seconds{project="3"}') == 1_700_000_000
    backend.state = BackendStatus(database="MongoDB does not answer.")
    assert metric(client, "labelscape_database_up") == 0


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


def metric(client: TestClient, name: str) -> float:
    lines = client.get("/metrics").text.splitlines()
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} ")), 0.0)


def test_metrics_count_requests_events_predictions_and_the_queue(client: TestClient, backend: FakeBackend) -> None:
    names = [
        'labelscape_requests_total{route="/webhook",status="201"}',
        'labelscape_requests_total{route="other",status="404"}',
        'labelscape_request_seconds_count{route="/predict"}',
        'labelscape_events_total{action="ANNOTATION_CREATED",outcome="queued"}',
        'labelscape_events_total{action="ANNOTATION_CREATED",outcome="repeated"}',
        'labelscape_predictions_total{outcome="answered"}',
        'labelscape_predictions_total{outcome="empty"}',
    ]
    before = [metric(client, name) for name in names]
    backend.answer = lambda _: [[], {"result": [], "score": None}, backend.result_of(2)]
    client.post("/webhook", json=EVENT)
    client.post("/webhook", json=EVENT)
    client.post("/predict", json=PREDICT)
    client.get("/elsewhere")
    assert [metric(client, name) - was for name, was in zip(names, before, strict=True)] == [2, 1, 1, 1, 1, 1, 2]
    assert metric(client, "labelscape_queue_depth") == 1


@pytest.fixture(autouse=True)
def structlog_as_it_was() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_no_answer_and_no_line_of_the_log_holds_a_secret_or_what_was_sent(
    client: TestClient, backend: FakeBackend, capfd: pytest.CaptureFixture[str]
) -> None:
    blacken(SECRET, TOKEN)
    configure_logging()

    def fail(_: PredictRequest) -> list[Result]:
        raise RuntimeError(f"could not reach http://user:{TOKEN}@host, secret {SECRET}")

    backend.answer = fail
    marked = {"token": "marker-1", "task_data_password": "marker-2", "title": "marker-3", "id": 3}
    annotation = {"id": 1, "task": 7, "result": [{"value": "marker-4"}]}
    task = {"id": 7, "data": {"image": "marker-5"}, "meta": "marker-6"}
    wrong = {
        "Authorization": "Basic " + base64.b64encode(b"marker-7:marker-8").decode(),
        "X-Labelscape-Secret": "marker-9",
    }
    answers = [
        client.post("/setup", json={"project": "3.1", "access_token": "marker-10", "schema": "marker-11"}),
        client.post("/setup", json={"project": "marker-12", "access_token": "marker-13"}),
        client.post(
            "/predict", json=PREDICT | {"tasks": [task], "params": {"login": "marker-14", "password": "marker-15"}}
        ),
        client.post("/predict", json=PREDICT | {"tasks": [task | {"id": "marker-16"}]}),
        client.post("/webhook", json=EVENT | {"annotation": annotation, "project": marked, "task": task}),
        client.post("/webhook", json={"action": "marker-17", "project": marked}),
        client.post("/webhook", json=EVENT | {"annotation": {"id": "marker-18"}, "project": marked}),
        client.post("/webhook", json=EVENT | {"project": marked | {"id": 4}}),
        client.post("/webhook", content=b"marker-19"),
        client.get("/marker-20?marker-21"),
        client.get("/health?token=marker-22", headers=wrong),
        client.get("/versions", headers={"Cookie": "marker-23"}),
        client.get("/metrics"),
    ]
    log = capfd.readouterr().err
    for text in (log, *(answer.text for answer in answers)):
        assert "marker" not in text
        assert SECRET not in text
        assert TOKEN not in text
    assert "could not reach http://user:***@host" in log


def test_the_log_tells_each_request_with_its_id_and_duration_as_json(
    client: TestClient, capfd: pytest.CaptureFixture[str]
) -> None:
    blacken(SECRET, TOKEN)
    configure_logging()
    client.post("/webhook", json=EVENT)
    queued, request = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert (queued["event"], queued["action"], queued["project"]) == ("event_queued", "ANNOTATION_CREATED", 3)
    assert (queued["tasks"], queued["annotations"]) == ([7], [1])
    assert (request["event"], request["route"], request["status"]) == ("request", "/webhook", 201)
    assert request["request"] == queued["request"]
    assert request["ms"] > 0


def test_people_get_lines_they_can_read(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("LABELSCAPE_LOG", "console")
    blacken(SECRET)
    configure_logging()
    structlog.get_logger().info("event_queued", note=SECRET)
    line = capfd.readouterr().err
    assert "event_queued" in line
    assert "***" in line
    assert not line.startswith("{")


def test_the_worker_lives_as_long_as_the_app(backend: FakeBackend, queue: EventQueue, worker: FakeWorker) -> None:
    with TestClient(create_app(backend, queue, worker)):
        assert worker.turns == ["start"]
    assert worker.turns == ["start", "stop"]
    with pytest.raises(sqlite3.ProgrammingError):
        queue.depth()


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
        time.sleep(0.3)
        assert worker.turns == ["start"]
        released.set()
        assert len(asking.result().json()["results"]) == 3
    serving.join(5)
    assert worker.turns == ["start", "stop"]


COMMAND = [str(Path(sys.executable).with_name("labelscape")), "serve", "--port", "0"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("LABELSCAPE_", "LABEL_STUDIO_"))}
    return ours | {"LABELSCAPE_DIR": str(tmp_path)}


@contextmanager
def served(environment: dict[str, str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A real `labelscape serve`, and its address."""
    process = subprocess.Popen(COMMAND, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        lines = iter(process.stdout.readline, "")  # FiftyOne may have something to say of its MongoDB first
        found = next((match for line in lines if (match := re.search(r"listens at (http://\S+)", line))), None)
        assert found, process.communicate()[1]
        yield process, found[1]
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_serving_makes_a_secret_answers_with_it_and_ends_well_on_sigterm(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with served(environment) as (process, url):
        assert url.startswith("http://127.0.0.1:")
        secret = json.loads((tmp_path / "label-studio" / "settings.json").read_text())["secret"]
        answer = ask(f"{url}/health", secret)
        assert (answer.status_code, answer.json()["status"]) == (200, "UP")
        assert requests.get(f"{url}/health", timeout=5).status_code == 401
        assert "server" not in answer.headers
        second = subprocess.run(COMMAND, env=environment, capture_output=True, text=True, timeout=300)
        assert second.returncode == 1
        assert "✗ Another `labelscape serve` is using" in second.stderr
        process.terminate()
        output, log = process.communicate(timeout=120)
    assert process.returncode == 0
    assert secret not in output + log
    assert all(json.loads(line) for line in log.splitlines())
    EventQueue(tmp_path / "label-studio" / "events.db").close()


def ask(url: str, secret: str) -> requests.Response:
    """The answer, once the server is listening."""
    for _ in range(100):
        try:
            return requests.get(url, auth=("labelscape", secret), timeout=30)
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError(f"{url} did not answer")


@pytest.mark.slow
def test_serving_others_without_a_secret_is_refused_with_the_fix(environment: dict[str, str], tmp_path: Path) -> None:
    refusal = subprocess.run(
        [*COMMAND, "--host", "0.0.0.0"], env=environment, capture_output=True, text=True, timeout=300
    )
    assert refusal.returncode == 1
    assert "✗ Others can reach the backend at 0.0.0.0: set a secret first, in $LABELSCAPE_SECRET" in refusal.stderr
    assert not (tmp_path / "label-studio").exists()


@pytest.mark.slow
def test_a_port_that_is_taken_is_reported_with_the_fix(environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refusal = subprocess.run([*COMMAND[:-1], port], env=environment, capture_output=True, text=True, timeout=300)
    assert refusal.returncode == 1
    assert f"✗ 127.0.0.1:{port} cannot be served" in refusal.stderr
    assert "--port" in refusal.stderr
