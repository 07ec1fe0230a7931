"""The projects that are served, as the routes ask about them."""

import json
import os
import threading
import time
from pathlib import Path

import pytest
from labelscape.ml_backend.label_studio.client import LabelStudioDown
from labelscape.ml_backend.label_studio.settings import ServerSettings, save_settings, settings_path
from labelscape.ml_backend.server import backend as module
from labelscape.ml_backend.server.backend import LabelStudioBackend
from labelscape.ml_backend.server.database import Database
from labelscape.ml_backend.server.protocol import PredictRequest, Task


def test_the_routes_do_not_wait_while_label_studio_keeps_us_waiting(
    settings: ServerSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    received, answered = threading.Event(), threading.Event()

    class Hanging:
        def __init__(self, url: str, token: str) -> None:
            received.set()
            answered.wait(30)

        def headers(self) -> dict[str, str]:
            return {}

    monkeypatch.setenv("LABELSCAPE_DIR", str(tmp_path))
    monkeypatch.setattr(module, "LabelStudio", Hanging)
    backend = LabelStudioBackend(settings, Database(lambda: None))
    worker = threading.Thread(target=backend.project, args=[3], daemon=True)
    worker.start()
    assert received.wait(30)
    seen: list[bool] = []
    route = threading.Thread(target=lambda: seen.append(backend.serves(3) and bool(backend.version(3))), daemon=True)
    route.start()
    route.join(2)
    answered.set()
    worker.join()
    assert seen == [True]


@pytest.fixture
def backend(settings: ServerSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LabelStudioBackend:
    """A backend whose settings are in a file."""
    monkeypatch.setenv("LABELSCAPE_DIR", str(tmp_path))
    save_settings(settings)
    return LabelStudioBackend(settings, Database(lambda: None))


def edit(**values: object) -> None:
    """Change the settings' file as a person would."""
    path = settings_path()
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
    os.utime(path, ns=(time.time_ns(), time.time_ns()))


def test_changed_settings_apply_at_once(backend: LabelStudioBackend) -> None:
    edit(precision=0.8, limits={"tasks_per_call": 7}, projects=[5])
    assert backend.settings().precision == 0.8
    assert backend.settings().limits.tasks_per_call == 7
    assert (backend.serves(5), backend.serves(3)) == (True, False)


def test_settings_that_cannot_be_applied_are_reported_until_they_are_corrected(backend: LabelStudioBackend) -> None:
    edit(precision=0.3)
    assert backend.settings().precision == 0.95
    assert "The target precision is 0.3; it must be between 0.5 and 1." in backend.status().settings
    edit(precision=0.9)
    assert backend.settings().precision == 0.9
    assert backend.status().settings == ""


def test_a_file_without_a_secret_opens_nothing(backend: LabelStudioBackend, settings: ServerSettings) -> None:
    edit(secret="")
    assert backend.settings().secret == settings.secret


def test_a_project_is_recreated_where_its_settings_changed_and_kept_where_others_joined(
    backend: LabelStudioBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Client:
        def __init__(self, url: str, token: str) -> None:
            self.url = url

        def headers(self) -> dict[str, str]:
            return {}

    monkeypatch.setattr(module, "LabelStudio", Client)
    former = backend.project(3)
    edit(projects=[3, 4])
    assert backend.project(3) is former
    edit(precision=0.7)
    assert backend.project(3) is not former
    assert backend.project(3).settings.precision == 0.7


def test_the_public_address_that_label_studio_names_is_one_of_its_names(backend: LabelStudioBackend) -> None:
    backend.note_hostname("https://labels.example.com/")
    backend.note_hostname("not an address")
    assert backend.settings().aliases == ("https://labels.example.com",)


def test_while_mongodb_is_away_nothing_is_asked_of_it(backend: LabelStudioBackend) -> None:
    request = PredictRequest(3, [Task(1, {}, [], []), Task(2, {}, [], [])], None)
    assert not backend.database.available
    assert backend.predict(request) == [[], []]
    assert backend.status().database
    assert not backend.status().up


def test_a_prediction_does_not_wait_for_a_label_studio_that_may_wait_for_it(
    settings: ServerSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()

    class Hanging:
        def __init__(self, url: str, token: str) -> None:
            answered.wait(60)
            raise LabelStudioDown("It hung.")

    monkeypatch.setenv("LABELSCAPE_DIR", str(tmp_path))
    monkeypatch.setattr(module, "LabelStudio", Hanging)
    database = Database(lambda: None)
    database.start()
    assert database.wait_until_known(60)
    backend = LabelStudioBackend(settings, database)
    request = PredictRequest(3, [Task(1, {}, [], []), Task(2, {}, [], [])], None)
    try:
        assert [backend.predict(request) for _ in range(2)] == [[[], []]] * 2
    finally:
        answered.set()
        database.stop()


def test_a_project_that_left_stays_out(backend: LabelStudioBackend) -> None:
    backend.leave(3)
    assert not backend.serves(3)
    assert backend.serves(8)


def test_settings_that_cannot_be_read_any_longer_leave_the_old_ones_in_use(backend: LabelStudioBackend) -> None:
    before = backend.settings()
    settings_path().write_bytes(b"\xff\xfe{")
    assert backend.settings() == before
    assert backend.status().settings.startswith("The changed settings are not in use.")
