"""The projects that are served, as the routes ask about them."""

import threading
from pathlib import Path

import pytest
from labelscape.ml_backend.label_studio.settings import ServerSettings
from labelscape.ml_backend.server import backend as module
from labelscape.ml_backend.server.backend import LabelStudioBackend
from labelscape.ml_backend.server.database import Database


def test_the_routes_do_not_wait_while_label_studio_keeps_us_waiting(
    settings: ServerSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answered = threading.Event(), threading.Event()

    class Hanging:
        def __init__(self, url: str, token: str) -> None:
            asked.set()
            answered.wait(30)

        def headers(self) -> dict[str, str]:
            return {}

    monkeypatch.setenv("LABELSCAPE_DIR", str(tmp_path))
    monkeypatch.setattr(module, "LabelStudio", Hanging)
    backend = LabelStudioBackend(settings, Database(lambda: None))
    worker = threading.Thread(target=backend.project, args=[3], daemon=True)
    worker.start()
    assert asked.wait(30)
    seen: list[bool] = []
    route = threading.Thread(target=lambda: seen.append(backend.serves(3) and bool(backend.version(3))), daemon=True)
    route.start()
    route.join(2)
    answered.set()
    worker.join()
    assert seen == [True]
