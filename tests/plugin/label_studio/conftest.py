"""A Label Studio with the app, the backend it calls, and people who use it: shared by all tests of this folder."""

import json
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from labelscape.cli.digits import write_digits
from labelscape.testing.label_studio import (
    PASSWORD,
    QUICK_PACE,
    USER,
    LabelscapeServer,
    LabelStudioServer,
    label_studio_with_app,
)
from labelscape.testing.recording_proxy import Recorder

from ...ml_backend.server.projects import CLASSES, Project, choices, chosen, create_project, eventually

OTHER_NAMES = Path(__file__).with_name("other_label_studio.py")


@dataclass
class Person:
    """A user of Label Studio in a browser session of their own."""

    url: str
    email: str
    session: requests.Session = field(default_factory=requests.Session)

    def log_in(self) -> None:
        self.session.get(f"{self.url}/user/login")
        form = {"email": self.email, "password": PASSWORD, "csrfmiddlewaretoken": self.csrf}
        done = self.session.post(f"{self.url}/user/login", data=form, headers=self._headers(), allow_redirects=False)
        assert done.status_code == 302, f"{self.email} could not log in"

    def sign_up(self, token: str) -> None:
        address = f"{self.url}/user/signup/?token={token}"
        self.session.get(address)
        form = {"email": self.email, "password": PASSWORD, "csrfmiddlewaretoken": self.csrf}
        done = self.session.post(address, data=form, headers=self._headers(), allow_redirects=False)
        assert done.status_code == 302, f"{self.email} could not sign up"

    def ask(self, method: str, path: str, body: Any = None, *, csrf: bool = True) -> requests.Response:
        headers = self._headers() if csrf else {}
        return self.session.request(method, f"{self.url}/{path}", json=body, headers=headers, timeout=120)

    @property
    def csrf(self) -> str:
        return self.session.cookies.get("csrftoken") or ""

    def _headers(self) -> dict[str, str]:
        return {"X-CSRFToken": self.csrf, "Referer": self.url}


@dataclass(frozen=True)
class Desk:
    """A project with our app: its owner, and the actions as the panels request them."""

    project: Project
    owner: Person

    def path(self, rest: str) -> str:
        return f"labelscape/api/projects/{self.project.id}/{rest}"

    def selection(self, tasks: list[int], **values: Any) -> dict[str, Any]:
        return {"selectedItems": {"all": False, "included": tasks}, "values": values}

    def run(self, person: Person, action: str, tasks: list[int], **values: Any) -> dict[str, Any]:
        """The outcome of an action, once its job has finished."""
        started = person.ask("POST", self.path(f"actions/{action}"), self.selection(tasks, **values))
        assert started.ok, started.text
        job = started.json()["id"]

        def ended() -> dict[str, Any] | None:
            now = person.ask("GET", self.path(f"jobs/{job}")).json()
            return now if now["outcome"] is not None else None

        return eventually(f"the end of {action}", ended)

    def annotated(self) -> dict[int, str]:
        return {
            number: task["annotations"][0]["result"][0]["value"]["choices"][0]
            for number, task in self.project.tasks().items()
            if task["annotations"]
        }


@pytest.fixture(scope="session")
def app_backend(label_studio: LabelStudioServer, database: None) -> Iterator[LabelscapeServer]:
    """A backend of the app's own: one that turns from one Label Studio to another changes its secret."""
    server = LabelscapeServer(label_studio.folder.with_name("labelscape-server-app"), QUICK_PACE)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def app_studio(label_studio: LabelStudioServer, app_backend: LabelscapeServer) -> Iterator[LabelStudioServer]:
    """A Label Studio as `labelscape label-studio` starts it, on a copy of the other one's database: no migrations."""
    server = label_studio_with_app(label_studio.folder.with_name("label-studio-app"), app_backend)
    server.token = label_studio.token  # one at a time is issued, and the copy knows it
    # The datasets of both share one database and are named by the project's number.
    server.copy_database(label_studio, "UPDATE sqlite_sequence SET seq = seq + 100000 WHERE name = 'project'")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def owner(app_studio: LabelStudioServer) -> Person:
    person = Person(app_studio.url, USER)
    person.log_in()
    return person


@pytest.fixture(scope="session")
def invite(app_studio: LabelStudioServer, owner: Person) -> Callable[[str], Person]:
    """Factory of new members of the owner's organization, logged in."""

    def make(name: str) -> Person:
        person = Person(app_studio.url, f"{name}-{uuid.uuid4().hex}@example.com")
        person.sign_up(owner.ask("GET", "api/invite").json()["token"])
        return person

    return make


@pytest.fixture(scope="session")
def desk(app_studio: LabelStudioServer, app_backend: LabelscapeServer, owner: Person) -> Iterator[Desk]:
    """One project of 120 digits, 40 of them labeled, with its predictions; tests leave it unchanged or say so."""
    made = set_up_desk(app_studio, app_backend, owner)
    yield made
    app_backend.forget(made.project.id)


def set_up_desk(studio: LabelStudioServer, backend: LabelscapeServer, owner: Person) -> Desk:
    """Create and connect a project of 120 digits, 40 of them labeled, and wait for its predictions."""
    paths, digits = write_digits(studio.media / "digits", count=120)
    rows = [
        {
            "data": {"image": f"/data/local-files/?d=files/digits/{path.name}", "digit": digit},
            "annotations": [{"result": chosen(digit)}] if row < 40 else [],
        }
        for row, (path, digit) in enumerate(zip(paths, map(str, digits), strict=True))
    ]
    number = create_project(studio, choices(CLASSES), rows)
    project = Project(studio, backend, number, {})
    project.digits.update({task: data["digit"] for task, data in project.data().items()})
    done = project.connect()
    assert done.exit_code == 0, done.output
    project.wait_for_predictions()
    return Desk(project, owner)


@dataclass(frozen=True)
class OtherStudio:
    """A Label Studio on a copy of the project's database whose source differs in places, and its owner."""

    server: LabelStudioServer
    owner: Person


def start_other_studio(
    desk: Desk, name: str, backend: LabelscapeServer | Recorder, replaced: Mapping[str, Mapping[str, str]]
) -> OtherStudio:
    """Start it; ``replaced``: part of a module's path → text in its source → other text."""
    server = label_studio_with_app(desk.project.studio.folder.with_name(f"label-studio-{name}"), backend)
    server.copy_database(desk.project.studio, "PRAGMA user_version = 0")
    path = server.folder / "path"
    path.mkdir()
    shutil.copy(OTHER_NAMES, path / "sitecustomize.py")
    server.token = desk.project.studio.token  # one at a time is issued, and the copy knows it
    server.configure({"PYTHONPATH": str(path), "REPLACED": json.dumps(replaced)})
    server.start()
    owner = Person(server.url, desk.owner.email)
    owner.log_in()
    return OtherStudio(server, owner)
