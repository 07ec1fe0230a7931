"""Health, project reports, and metrics show what the server does and what is wrong."""

import time

from labelscape.ml_backend.server.status import BackendStatus, ProjectStatus
from starlette.testclient import TestClient

from .conftest import FakeBackend
from .requests_sent import EVENT, PREDICT, metric


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
