"""The worker processes events in order and loses none; neither a bad event nor an outage blocks anything else."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from labelscape.ml_backend.label_studio.client import LabelStudioDown, LabelStudioError, LabelStudioUnauthorized
from labelscape.ml_backend.label_studio.settings import Pace, ServerSettings
from labelscape.ml_backend.server import worker as working
from labelscape.ml_backend.server.events import ATTEMPTS, Event, EventQueue
from labelscape.ml_backend.server.media_retries import MediaRetries
from labelscape.ml_backend.server.status import ProjectStatus
from labelscape.ml_backend.server.sync import ProjectMissing
from labelscape.ml_backend.server.worker import Worker
from pymongo.errors import AutoReconnect

HURRY = Pace(retry_seconds=0.05)


class Project:
    """A stand-in for a project's sync that records what was requested."""

    project = 3
    version = "labelscape-0001"
    behind, curation = False, 0
    media_retries = MediaRetries(20.0)

    def __init__(self) -> None:
        self.status = ProjectStatus()
        self.studio = Tabs()
        self.missing = False
        self.finds = True  # whether a poll finds something new
        self.applied: list[str] = []
        self.acts: list[str] = []
        self.carried_out: list[list[str]] = []  # what was done before each look at the menus on the tasks
        self.poison: set[str] = set()
        self.down = False
        self.revoked = False
        self.while_publishing: Callable[[], object] = lambda: None
        self.while_catching_up: Callable[[], object] = lambda: None

    def apply(self, events: Sequence[Event]) -> bool:
        if self.down:
            raise LabelStudioDown("Label Studio is down")
        if self.revoked:
            raise LabelStudioUnauthorized("The token was revoked")
        for event in events:
            if event.key in self.poison:
                raise KeyError(event.key)
        self.applied += [event.key for event in events]
        return False

    def catch_up(self) -> bool:
        if self.down:
            raise LabelStudioDown("Label Studio is down")
        if self.missing:
            raise ProjectMissing("Not found")
        self.acts.append("catch up")
        self.while_catching_up()
        return self.finds

    def suggest(self, progress: Callable[[float, str], None]) -> None:
        self.acts.append("suggest")

    def publish(self, keep_on: Callable[[], bool], *, settled: bool) -> int:
        self.acts.append("publish")
        self.while_publishing()
        return 0

    def tidy(self, keep_on: Callable[[], bool]) -> int:
        self.acts.append("tidy")
        return 0


class Tabs:
    """Stands for the client: the titles of the Data Manager's tabs."""

    def __init__(self) -> None:
        self.titles = ["Default"]

    def views(self, project: int) -> list[dict[str, Any]]:
        return [{"id": number, "data": {"title": title}} for number, title in enumerate(self.titles)]

    def create_view(self, project: int, data: dict[str, Any]) -> int:
        self.titles.append(data["title"])
        return len(self.titles) - 1

    def update_view(self, view: int, project: int, data: dict[str, Any]) -> None:
        self.titles[view] = data["title"]


class Database:
    """Stands for MongoDB's watch."""

    def __init__(self) -> None:
        self.available = True

    def suspect(self) -> None:
        self.available = False


class Backend:
    def __init__(self, *projects: Project, pace: Pace = HURRY) -> None:
        self._projects = projects
        self._settings = ServerSettings(pace=pace)
        self.database = Database()
        self.left: list[int] = []

    def settings(self) -> ServerSettings:
        return self._settings

    def leave(self, project: int) -> None:
        self.left.append(project)
        self._projects = tuple(served for served in self._projects if served.project != project)

    def projects(self) -> list[Any]:
        return list(self._projects)

    def serves(self, project: int) -> bool:
        return project in {served.project for served in self._projects}


@pytest.fixture(autouse=True)
def columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "refresh_columns", lambda project, _: project.acts.append("columns") is None)
    monkeypatch.setattr(working, "curation_of", lambda project: project.curation)
    monkeypatch.setattr(working, "remove_old_columns", lambda *_: True)
    monkeypatch.setattr(working, "carry_out_commands", lambda project: project.carried_out.append(list(project.acts)))


@pytest.fixture
def project() -> Project:
    return Project()


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[EventQueue]:
    opened = EventQueue(tmp_path / "events.db")
    yield opened
    opened.close()


@pytest.fixture
def at_work(queue: EventQueue, project: Project) -> Iterator[None]:
    worker = Worker(queue, Backend(project))  # type: ignore[arg-type]
    worker.start()
    yield
    worker.stop()


def event(name: str, project: int = 3) -> Event:
    return Event(name, "ANNOTATION_CREATED", project, [1], [{"id": 1, "task": 1}])


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not reached():
        assert time.monotonic() < deadline, "not reached within 120 s"
        time.sleep(0.01)


@pytest.mark.usefixtures("at_work")
def test_events_are_processed_in_their_order_and_suggestions_follow(queue: EventQueue, project: Project) -> None:
    for number in range(50):
        queue.put(event(str(number)))
    until(lambda: queue.depth() == 0)
    assert project.applied == [str(number) for number in range(50)]
    project.acts.clear()
    queue.put(event("one more"))
    until(lambda: "publish" in project.acts)
    assert project.acts.index("suggest") < project.acts.index("publish")
    assert project.carried_out[-1][-1] == "suggest", "menus on tasks are looked at between the two"


@pytest.mark.usefixtures("at_work")
def test_an_event_that_cannot_be_processed_holds_up_no_other_and_is_set_aside(
    queue: EventQueue, project: Project
) -> None:
    project.poison = {"bad"}
    for name in ("first", "bad", "last"):
        queue.put(event(name))
    until(lambda: queue.depth() == 0)
    assert project.applied == ["first", "last"]
    assert list(queue.set_aside().values()) == ["'bad'"]
    assert ATTEMPTS == 5
    assert "catch up" in project.acts, "what the event said is asked for anew"


@pytest.mark.usefixtures("at_work")
def test_what_a_poll_took_before_it_failed_is_suggested_for(queue: EventQueue, project: Project) -> None:
    def fail() -> None:
        project.finds, project.while_catching_up = False, lambda: None
        project.acts.clear()
        raise LabelStudioDown("Label Studio is down")

    until(lambda: "publish" in project.acts)
    project.while_catching_up = fail
    project.acts.clear()
    until(lambda: "suggest" in project.acts)
    assert project.acts.index("catch up") < project.acts.index("suggest")


@pytest.mark.usefixtures("at_work")
def test_events_wait_while_label_studio_is_down(queue: EventQueue, project: Project) -> None:
    project.down = True
    queue.put(event("patient"))
    time.sleep(0.3)
    assert queue.depth() == 1
    assert queue.set_aside() == {}
    project.down = False
    until(lambda: queue.depth() == 0)
    assert project.applied == ["patient"]


def test_events_of_a_project_that_is_not_served_any_more_do_not_wait(
    queue: EventQueue, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> list[Any]:
        raise LabelStudioError("The token has expired")

    backend = Backend(project)
    monkeypatch.setattr(backend, "projects", refuse)
    for name, of in (("kept", 3), ("dropped", 4), ("dropped too", 4)):
        queue.put(event(name, of))
    worker = Worker(queue, backend)  # type: ignore[arg-type]
    worker.start()
    until(lambda: queue.projects() == [3])
    worker.stop()
    assert [waiting.key for waiting in queue.pending()] == ["kept"]
    assert queue.set_aside() == {}


def test_a_round_that_fails_is_not_the_last(
    queue: EventQueue, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = iter([OSError("No space left on device")])
    backend = Backend(project)

    def projects() -> list[Any]:
        for error in full:
            raise error
        return [project]

    monkeypatch.setattr(backend, "projects", projects)
    worker = Worker(queue, backend)  # type: ignore[arg-type]
    worker.start()
    queue.put(event("1"))
    until(lambda: queue.depth() == 0)
    worker.stop()
    assert project.applied == ["1"]


def test_a_worker_that_is_stopped_leaves_the_rest_for_the_next_start(queue: EventQueue, project: Project) -> None:
    worker = Worker(queue, Backend(project))  # type: ignore[arg-type]
    worker.start()
    until(lambda: "publish" in project.acts)
    worker.stop()
    queue.put(event("later"))
    assert project.applied == []
    again = Worker(queue, Backend(project))  # type: ignore[arg-type]
    again.start()
    until(lambda: project.applied == ["later"])
    again.stop()


def test_what_can_wait_waits_for_a_quiet_time(queue: EventQueue, project: Project) -> None:
    worker = Worker(queue, Backend(project, pace=replace(HURRY, columns_seconds=0.0)))  # type: ignore[arg-type]
    worker.start()
    until(lambda: "columns" in project.acts)
    project.acts.clear()
    queue.put(event("now"))
    until(lambda: "publish" in project.acts)
    worker.stop()
    assert "columns" not in project.acts


def test_an_event_does_not_wait_for_a_poll_that_is_due(queue: EventQueue, project: Project) -> None:
    def be_slow() -> None:
        project.while_publishing = lambda: None
        time.sleep(2.2)
        project.acts.clear()
        queue.put(event("now"))

    project.while_publishing = be_slow
    worker = Worker(queue, Backend(project, pace=replace(HURRY, poll_seconds=2.0, patience_seconds=3.0)))  # type: ignore[arg-type]
    worker.start()
    until(lambda: project.applied == ["now"] and "catch up" in project.acts)
    worker.stop()
    assert project.acts.index("suggest") < project.acts.index("catch up")


def test_an_event_that_comes_during_a_poll_is_suggested_for_together_with_what_the_poll_found(
    queue: EventQueue, project: Project
) -> None:
    project.while_catching_up = lambda: queue.put(event("now"))
    worker = Worker(queue, Backend(project))  # type: ignore[arg-type]
    worker.start()
    until(lambda: "publish" in project.acts)
    assert project.applied == ["now"]
    assert project.acts[:3] == ["catch up", "suggest", "publish"]
    worker.stop()


def test_an_event_does_not_wait_for_columns(
    queue: EventQueue, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(project: Any, keep_on: Callable[[], bool]) -> bool:
        project.acts.append("columns")
        while keep_on():
            time.sleep(0.01)
        return False

    monkeypatch.setattr(working, "refresh_columns", endless)
    worker = Worker(queue, Backend(project))  # type: ignore[arg-type]
    worker.start()
    until(lambda: "columns" in project.acts)
    queue.put(event("urgent"))
    until(lambda: project.applied == ["urgent"])
    worker.stop()


def test_a_database_that_goes_away_holds_events_until_it_is_back(queue: EventQueue, project: Project) -> None:
    def break_off() -> None:
        raise AutoReconnect("connection refused")

    backend = Backend(project)
    project.while_catching_up = break_off
    worker = Worker(queue, backend)  # type: ignore[arg-type]
    worker.start()
    until(lambda: not backend.database.available)
    queue.put(event("kept"))
    until(lambda: "The database does not respond · Labelscape" in project.studio.titles)
    assert queue.depth() == 1
    assert queue.set_aside() == {}
    project.while_catching_up = lambda: None
    backend.database.available = True
    until(lambda: project.applied == ["kept"])
    until(lambda: "Up to date · Labelscape" in project.studio.titles)
    assert project.status.last_success is not None
    worker.stop()


@pytest.mark.usefixtures("at_work")
def test_the_status_tab_says_why_a_project_stands_still(queue: EventQueue, project: Project) -> None:
    until(lambda: "Up to date · Labelscape" in project.studio.titles)
    project.down = True
    queue.put(event("patient"))
    until(lambda: "Label Studio is down · Labelscape" in project.studio.titles)
    assert project.status.problem == "Label Studio is down"
    project.down = False
    until(lambda: "Up to date · Labelscape" in project.studio.titles)
    assert project.status.problem == ""
    assert len(project.studio.titles) == 2


def test_a_project_that_was_deleted_leaves(queue: EventQueue, project: Project) -> None:
    project.missing = True
    backend = Backend(project, pace=replace(HURRY, missing_seconds=0.1))
    worker = Worker(queue, backend)  # type: ignore[arg-type]
    worker.start()
    until(lambda: backend.left == [3])
    worker.stop()


def test_a_project_that_is_missing_for_a_moment_stays(queue: EventQueue, project: Project) -> None:
    project.missing = True
    backend = Backend(project)
    worker = Worker(queue, backend)  # type: ignore[arg-type]
    worker.start()
    until(lambda: project.status.problem == "Not found")
    project.missing = False
    until(lambda: project.status.problem == "")
    assert backend.left == []
    worker.stop()


def test_stopping_does_not_wait_for_long_work(queue: EventQueue, project: Project) -> None:
    released = threading.Event()
    project.while_publishing = lambda: released.wait(120)
    worker = Worker(queue, Backend(project))  # type: ignore[arg-type]
    worker.start()
    until(lambda: "publish" in project.acts)
    worker.stop()
    assert not released.is_set()
    released.set()


@pytest.mark.usefixtures("at_work")
def test_events_wait_and_none_is_set_aside_while_the_token_is_not_accepted(queue: EventQueue, project: Project) -> None:
    project.revoked = True
    queue.put(event("patient"))
    time.sleep(1)  # many more tries than an event has
    assert queue.depth() == 1
    assert queue.set_aside() == {}
    project.revoked = False
    until(lambda: project.applied == ["patient"])
