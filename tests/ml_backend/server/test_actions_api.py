"""The routes of the actions API: a start that is repeated, and what a project that hangs costs the others."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.server.actions_api import READS_AT_ONCE, action_routes
from labelscape.ml_backend.server.app import create_app
from labelscape.ml_backend.server.events import EventQueue
from labelscape.ml_backend.server.jobs import JobBoard
from starlette.testclient import TestClient

from .conftest import SECRET, FakeBackend

HANGS, ANSWERS = 3, 8


class Projects:
    """Two projects, of which one hangs until it is released; no action works on either."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.arrived = threading.Semaphore(0)

    def serves(self, project: int) -> bool:
        if project == HANGS:
            self.arrived.release()
        return project in (HANGS, ANSWERS)

    def project(self, project: int) -> Any:
        if project == HANGS:
            self.released.wait(120)
            raise Refusal("It was busy.")
        return self

    @property
    def lock(self) -> Any:
        raise Refusal("It is only a stand-in.")

    def opened(self) -> Any:
        raise Refusal("It is only a stand-in.")


@pytest.fixture
def projects() -> Projects:
    return Projects()


@pytest.fixture
def client(backend: FakeBackend, queue: EventQueue, projects: Projects) -> Iterator[TestClient]:
    app = create_app(backend, queue, actions=action_routes(projects, JobBoard()))
    with TestClient(app, headers={"X-Labelscape-Secret": SECRET}) as opened:
        yield opened


def start(client: TestClient, key: str | None, **body: Any) -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post(
        f"/v1/projects/{ANSWERS}/suggest_labels", json={"tasks": [1], "by": "7", **body}, headers=headers
    )


def test_a_start_that_is_repeated_with_its_key_returns_the_same_job(client: TestClient) -> None:
    jobs = [start(client, key).json()["id"] for key in ("one", "one", "two", None, None)]
    assert jobs[0] == jobs[1]
    assert len(set(jobs)) == 4


def test_a_key_is_for_one_request_and_not_longer_than_keys_are(client: TestClient) -> None:
    assert start(client, "one").status_code == 202
    another = start(client, "one", precision=0.9)
    assert (another.status_code, "already used for another request" in another.json()["detail"]) == (422, True)
    assert start(client, "x" * 201).status_code == 422


def test_a_project_that_hangs_leaves_the_panels_of_others_their_threads(client: TestClient, projects: Projects) -> None:
    with ThreadPoolExecutor(2 * READS_AT_ONCE + 1) as people:
        address = f"/v1/projects/{HANGS}/map"
        waiting = [people.submit(client.get, address) for _ in range(2 * READS_AT_ONCE)]
        try:
            assert all(projects.arrived.acquire(timeout=120) for _ in waiting)
            answer = people.submit(client.get, f"/v1/projects/{ANSWERS}/map")
            assert "stand-in" in answer.result(60).json()["detail"]
        finally:
            projects.released.set()
        assert {each.result().status_code for each in waiting} == {422}
