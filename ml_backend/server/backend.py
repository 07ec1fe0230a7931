"""All projects that are served: what the routes ask, and what the worker works on."""

import threading

import structlog

from ..label_studio.client import LabelStudio
from ..label_studio.media import MediaCache
from ..label_studio.publishing import next_version
from ..label_studio.settings import ServerSettings, load_settings, settings_path
from .logs import blacken
from .protocol import PredictRequest, Result, no_prediction
from .sync import ProjectSync

_log = structlog.get_logger(__name__)


class LabelStudioBackend:
    """The projects of the settings; one that `labelscape connect` adds meanwhile is served at once."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._saved = _changed_at()
        self._lock = threading.Lock()  # the routes wait for it: held for moments only
        self._building = threading.Lock()  # held while a client is made, which may take as long as Label Studio likes
        self._projects: dict[int, ProjectSync] = {}
        self._clients: tuple[LabelStudio, MediaCache] | None = None
        self._made_from: ServerSettings | None = None

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

    def predict(self, request: PredictRequest) -> list[Result]:
        """A prediction for each task; see `ProjectSync.predict`."""
        tasks = [vars(task) for task in request.tasks]
        seconds = self._current().limits.predict_seconds
        made = self.project(request.project).predict(request.label_config, tasks, seconds)
        return [no_prediction(request) if prediction is None else prediction for prediction in made]

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
        with self._building:
            if self._clients is None or not _same_clients(self._made_from, settings):
                blacken(settings.token)
                studio = LabelStudio(settings.url, settings.token)
                self._clients = studio, MediaCache(settings, studio.headers)
                self._projects, self._made_from = {}, settings
            studio, media = self._clients
            if project not in self._projects:
                self._projects[project] = ProjectSync(
                    project, settings, studio, lambda addresses, seconds: media.fetch_many(addresses, seconds=seconds)
                )
            return self._projects[project]

    def _current(self) -> ServerSettings:
        """The settings as they are now: their file is read again when it has changed."""
        saved = _changed_at()
        with self._lock:
            if saved != self._saved:
                self._saved = saved
                try:
                    self._settings = load_settings()
                except ValueError as error:  # somebody is editing the file: what was said before goes on
                    _log.warning("settings_not_read", reason=str(error))
            return self._settings


def _same_clients(before: ServerSettings | None, now: ServerSettings) -> bool:
    return before is not None and (before.url, before.token, before.media_roots) == (
        now.url,
        now.token,
        now.media_roots,
    )


def _changed_at() -> int:
    path = settings_path()
    return path.stat().st_mtime_ns if path.exists() else 0
