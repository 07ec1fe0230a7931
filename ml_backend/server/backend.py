"""All projects that are served: what the routes ask, and what the worker works on."""

import threading
from typing import Any

from .label_studio import LabelStudio
from .media import MediaCache
from .protocol import PredictRequest
from .publishing import next_version
from .settings import ServerSettings, load_settings, settings_path
from .sync import ProjectSync


class LabelStudioBackend:
    """The projects of the settings; one that `labelscape connect` adds meanwhile is served at once."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._saved = _changed_at()
        self._lock = threading.Lock()
        self._projects: dict[int, ProjectSync] = {}
        self._studio: LabelStudio | None = None
        self._media: MediaCache | None = None

    def serves(self, project: int) -> bool:
        """Whether the project is on the allowlist."""
        return project in self._current().projects

    def version(self, project: int) -> str:
        """The model version of a project's predictions; known at once."""
        held = self._projects.get(project)
        return next_version("") if held is None else held.version

    def versions(self) -> list[str]:
        """The model versions of all projects that are served."""
        return sorted({self.version(project) for project in self._current().projects}) or [next_version("")]

    def predict(self, request: PredictRequest) -> list[dict[str, Any]]:
        """A prediction for each task; see `ProjectSync.predict`."""
        tasks = [vars(task) for task in request.tasks]
        seconds = self._current().limits.predict_seconds
        return self.project(request.project).predict(request.label_config, tasks, seconds)

    def projects(self) -> list[ProjectSync]:
        """All that are served.

        Raises:
            LabelStudioError: the token is not taken.
        """
        served = self._current()
        return [self.project(project) for project in sorted(served.projects)] if served.url and served.token else []

    def project(self, project: int) -> ProjectSync:
        """One that is served."""
        settings = self._current()
        with self._lock:
            if self._studio is None or self._media is None:
                self._studio = LabelStudio(settings.url, settings.token)
                self._media = MediaCache(settings, self._studio.headers)
            if project not in self._projects:
                self._projects[project] = ProjectSync(project, settings, self._studio, self._media.fetch_many)
            return self._projects[project]

    def _current(self) -> ServerSettings:
        """The settings as they are now: their file is read again when it has changed."""
        saved = _changed_at()
        with self._lock:
            if saved == self._saved:
                return self._settings
            before, self._settings, self._saved = self._settings, load_settings(), saved
            if (before.url, before.token, before.media_roots) != (
                self._settings.url,
                self._settings.token,
                self._settings.media_roots,
            ):
                self._projects, self._studio, self._media = {}, None, None
            return self._settings


def _changed_at() -> int:
    path = settings_path()
    return path.stat().st_mtime_ns if path.exists() else 0
