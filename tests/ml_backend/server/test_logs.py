"""The log reports each request, and neither it nor an answer contains a secret or what was sent."""

import base64
import json
from collections.abc import Iterator

import pytest
import structlog
from labelscape.ml_backend.server.logs import blacken, configure_logging
from labelscape.ml_backend.server.protocol import PredictRequest, Result
from starlette.testclient import TestClient

from .conftest import SECRET, TOKEN, FakeBackend
from .requests_sent import EVENT, PREDICT


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
