"""What `labelscape status` says."""

import threading
import time
from collections.abc import Iterator

import pytest
import requests
import uvicorn
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.server.app import create_app
from labelscape.ml_backend.server.events import Event, EventQueue
from labelscape.ml_backend.server.inspecting import backend_lines, dismiss_notices, project_lines
from labelscape.ml_backend.server.status import BackendStatus, ProjectStatus

from .conftest import SECRET, FakeBackend


@pytest.fixture
def url(backend: FakeBackend, queue: EventQueue) -> Iterator[str]:
    """The address of the real routes, in a thread."""
    server = uvicorn.Server(uvicorn.Config(create_app(backend, queue), port=0, log_config=None))
    serving = threading.Thread(target=server.run)
    serving.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    serving.join()


def test_the_queue_and_each_projects_state_are_listed(url: str, backend: FakeBackend, queue: EventQueue) -> None:
    queue.put(Event("a", "ANNOTATION_CREATED", 3, [1], [{"id": 1, "task": 1}]))
    states = {
        3: ProjectStatus(1_700_000_000.0, "The token has expired.", 1_700_000_060.0),
        8: ProjectStatus(1_700_000_000.0, note="too few labels"),
        9: ProjectStatus(),
    }
    backend.state = BackendStatus(settings="The changed settings are not in use.", projects=states)
    lines = backend_lines(SECRET, url)
    assert lines[0] == "Backend: UP"
    assert lines[1].startswith("Queue: 1 event, the oldest waiting for ")
    assert "✗ The changed settings are not in use." in lines
    assert lines[-3:] == [
        "Project 3: The token has expired. Next attempt at 2023-11-14T22:14:20Z; last up to date: 2023-11-14T22:13:20Z",
        "Project 8: up to date (too few labels); last success: 2023-11-14T22:13:20Z",
        "Project 9: starting",
    ]


def test_a_projects_tasks_without_a_medium_are_listed_with_the_reason(url: str) -> None:
    lines = project_lines(SECRET, url, 3)
    assert "3 tasks: 1 labeled, 1 without a medium, 2 with a prediction of v" in lines
    assert lines[-1] == "  task 7 (/pet), without a medium: /pet answers with status 404."


def test_notices_that_were_read_are_dismissed_project_by_project(url: str, backend: FakeBackend) -> None:
    dismiss_notices(SECRET, url, 3)
    assert backend.dismissed == [3]
    with pytest.raises(Refusal, match="Project 4 is not served"):
        dismiss_notices(SECRET, url, 4)
    assert backend.dismissed == [3]
    assert requests.delete(f"{url}/v1/projects/3/notices", timeout=60).status_code == 401


def test_a_project_that_is_not_served_is_reported(url: str) -> None:
    with pytest.raises(Refusal, match="Project 4 is not served"):
        project_lines(SECRET, url, 4)


def test_another_secret_is_reported(url: str) -> None:
    with pytest.raises(Refusal, match="another secret"):
        backend_lines("other", url)


def test_a_backend_that_does_not_run_is_reported() -> None:
    with pytest.raises(Refusal, match="labelscape serve"):
        backend_lines(SECRET, "http://127.0.0.1:9")
