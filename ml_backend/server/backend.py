"""All projects that are served, for the routes and the worker."""

import dataclasses
import threading
import time
from dataclasses import replace
from functools import partial

import structlog

from ..errors import Refusal
from ..label_studio.client import LabelStudio, LabelStudioDown
from ..label_studio.media import MediaCache
from ..label_studio.notices import dismiss_notices
from ..label_studio.publishing import next_version
from ..label_studio.settings import ServerSettings, is_http_address, load_settings, save_settings, settings_path
from .attempts import Attempts
from .database import Database
from .logs import blacken
from .protocol import PredictRequest, Result, no_prediction
from .status import BackendStatus, ProjectReport, ProjectStatus
from .sync import ProjectSync

_OPENING_SHARE = 1 / 8  # of the time for a prediction, for which it waits for its project to be opened

_log = structlog.get_logger(__name__)


class LabelStudioBackend:
    """The projects of the settings. A change of the settings file applies at once, also to open projects."""

    def __init__(self, settings: ServerSettings, database: Database) -> None:
        self.database = database
        self._settings = settings
        self._settings_problem = ""
        self._token_problem = ""
        self._hostname = ""
        self._saved = _changed_at()
        self._lock = threading.Lock()  # the routes wait for it, so it is only held briefly
        self._building = threading.Lock()  # held while a client is created, for as long as Label Studio takes
        self._projects: dict[int, ProjectSync] = {}
        self._clients: tuple[LabelStudio, MediaCache] | None = None
        self._made_from: ServerSettings | None = None
        self._openings = Attempts[ProjectSync]()

    def settings(self) -> ServerSettings:
        """The current settings: the file is read again when it has changed."""
        saved = _changed_at()
        with self._lock:
            if saved != self._saved:
                self._saved = saved
                self._reload()
            if self._hostname and self._hostname not in (self._settings.url, *self._settings.aliases):
                self._settings = replace(self._settings, aliases=(*self._settings.aliases, self._hostname))
            return self._settings

    def note_hostname(self, address: str) -> None:
        """Store the address by which browsers know Label Studio: tasks may use it in media addresses."""
        if is_http_address(address):
            self._hostname = address.rstrip("/")

    def serves(self, project: int) -> bool:
        """Whether the project is on the allowlist."""
        return project in self.settings().projects

    def version(self, project: int) -> str:
        """The model version of a project's predictions; returns at once."""
        served = self._projects.get(project)
        return next_version("") if served is None else served.version

    def versions(self) -> list[str]:
        """The model versions of all projects that are served."""
        return sorted({self.version(project) for project in self.settings().projects}) or [next_version("")]

    def status(self) -> BackendStatus:
        """The status of the backend and each project; returns at once."""
        served = {number: self._projects.get(number) for number in sorted(self.settings().projects)}
        return BackendStatus(
            database=self.database.problem,
            settings=self._settings_problem or self._token_problem,
            projects={number: ProjectStatus() if sync is None else sync.status for number, sync in served.items()},
        )

    def report(self, project: int) -> ProjectReport:
        """The status of one project, task by task; reads the database, and Label Studio if not done before."""
        return self.project(project).report()

    def dismiss_notices(self, project: int) -> None:
        """Drop the notices of changes of a project's label config, because somebody has read them."""
        served = self.project(project)
        with served.lock:
            dismiss_notices(served.opened().dataset)

    def predict(self, request: PredictRequest) -> list[Result]:
        """A prediction for each task, see `ProjectSync.predict`; none while MongoDB is unavailable.

        Nor is there one for a project that is not open yet and takes more than a few seconds to open: Label Studio,
        which is needed for that, may itself wait for the answer. It asks again when the task is next opened.
        """
        seconds = self.settings().limits.predict_seconds
        deadline = time.monotonic() + seconds
        available = self.database.available
        project = self._open_project(request.project, seconds * _OPENING_SHARE) if available else None
        if project is None:
            return [no_prediction(request)] * len(request.tasks)
        made = project.predict([vars(task) for task in request.tasks], deadline - time.monotonic())
        return [no_prediction(request) if prediction is None else prediction for prediction in made]

    def _open_project(self, number: int, seconds: float) -> ProjectSync | None:
        """A project that is open, or is within this time; else None."""
        served = self._projects.get(number)
        if served is not None and served.is_open and _same_but_projects(self._made_from, self.settings()):
            return served
        opened = self._openings.wait(number, partial(self._opened, number), seconds)
        if opened is None:
            _log.warning("prediction_too_late", project=number, reason="the project is still being opened")
        return opened

    def _opened(self, number: int) -> ProjectSync:
        project = self.project(number)
        project.open()
        return project

    def projects(self) -> list[ProjectSync]:
        """All projects that are served.

        Raises:
            LabelStudioError: the token is not accepted, or Label Studio is down.
        """
        settings = self.settings()
        if not (settings.url and settings.token):
            self._token_problem = ""
            return []
        try:
            served = [self.project(project) for project in sorted(settings.projects)]
        except LabelStudioDown:
            raise
        except Refusal as error:
            self._token_problem = str(error)
            raise
        self._token_problem = ""
        return served

    def project(self, project: int) -> ProjectSync:
        """A project that is served."""
        settings = self.settings()
        with self._building:
            if self._clients is None or not _same_but_projects(self._made_from, settings):
                blacken(settings.token)
                studio = LabelStudio(settings.url, settings.token)
                self._clients = studio, MediaCache(settings, studio.headers)
                self._projects, self._made_from = {}, settings
            studio, media = self._clients
            if project not in self._projects:
                self._projects[project] = ProjectSync(project, settings, studio, media.fetch_many)
            return self._projects[project]

    def leave(self, project: int) -> None:
        """Stop serving a project that was deleted in Label Studio; its dataset stays."""
        saved = load_settings({})
        save_settings(replace(saved, projects=saved.projects - {project}))

    def _reload(self) -> None:
        try:
            loaded = load_settings()
        except (ValueError, OSError) as error:  # somebody is editing the file, or it is not ours to read any longer
            self._settings_problem = f"The changed settings are not in use. {error}"
            _log.warning("settings_not_applied", reason=str(error))
            return
        blacken(loaded.secret, loaded.token)
        changed = [each.name for each in dataclasses.fields(loaded) if _differ(loaded, self._settings, each.name)]
        self._settings = loaded if loaded.secret else replace(loaded, secret=self._settings.secret)
        self._settings_problem = ""
        _log.info("settings_applied", changed=changed)


def _differ(one: ServerSettings, other: ServerSettings, name: str) -> bool:
    return bool(getattr(one, name) != getattr(other, name))


def _same_but_projects(before: ServerSettings | None, now: ServerSettings) -> bool:
    return before is not None and replace(before, projects=now.projects) == now


def _changed_at() -> int:
    try:
        return settings_path().stat().st_mtime_ns
    except OSError:  # it was deleted, or its folder is not ours to look into
        return 0
