"""The thread that processes events, polls for lost ones, and keeps predictions and columns fresh."""

import threading
import time
from collections.abc import Hashable
from dataclasses import dataclass, field, replace

import structlog

from ..errors import Cancelled, Refusal
from ..label_studio.client import LabelStudioDown, LabelStudioUnauthorized
from ..label_studio.label_fields import ProjectHeld
from ..label_studio.metrics import EVENTS, PREDICTIONS
from ..label_studio.settings import Pace
from .backend import LabelStudioBackend
from .columns import curation_of, refresh_columns
from .database import DATABASE_AWAY
from .events import ATTEMPTS, EventQueue
from .old_columns import remove_old_columns
from .status import ProjectStatus
from .sync import ProjectMissing, ProjectSync
from .tabs import StatusTab, state_of
from .task_commands import carry_out_commands

_EVENTS_AT_ONCE = 500
_STOP_SECONDS = 3.0
_MISSING_TIMES = 3
_LOOK_SECONDS = 1.0
_MOST_DOUBLINGS = 30  # of the wait after a failure: a larger number of them could not be computed

_log = structlog.get_logger(__name__)


@dataclass
class _Agenda:
    """What is due for a project, and when."""

    poll_at: float = 0.0
    last_event: float = 0.0
    columns_at: float = 0.0
    suggest: bool = True
    publish: bool = True
    columns: bool = True
    old_columns: bool = True
    curation: Hashable = None  # functions and segments that the columns show
    failures: int = 0
    retry_at: float = 0.0
    missing_since: list[float] = field(default_factory=list)
    status_tab: StatusTab | None = None


class Worker:
    """Works on all served projects in one thread; events of a project are processed in order."""

    def __init__(self, queue: EventQueue, backend: LabelStudioBackend) -> None:
        self._queue = queue
        self._backend = backend
        self._agendas: dict[ProjectSync, _Agenda] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="labelscape-worker", daemon=True)

    def start(self) -> None:
        """Start in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the current work, and end; events in the queue wait for the next start.

        Work that cannot be stopped within seconds is left to end with the process: it is done again at the next start.
        """
        self._stopping.set()
        self._thread.join(_STOP_SECONDS)

    @property
    def _pace(self) -> Pace:
        return self._backend.settings().pace

    def _run(self) -> None:
        while not self._stopping.is_set():
            seconds = _LOOK_SECONDS
            try:
                self._round()
                seconds = min(seconds, self._pace.retry_seconds)
            except Exception:  # such as a full disk: the next round may succeed
                _log.exception("round_failed")
            self._queue.wait(seconds)

    def _round(self) -> None:
        if not self._backend.database.available:
            for project, agenda in self._agendas.items():
                self._show_state(project, agenda)
            return
        served = self._served()
        for project in served:
            agenda = self._agendas.setdefault(project, _Agenda())
            if time.monotonic() >= agenda.retry_at and not self._stopping.is_set():
                self._guarded_turn(project, agenda)
        self._agendas = {project: agenda for project, agenda in self._agendas.items() if project in served}
        self._drop_unserved()

    def _served(self) -> list[ProjectSync]:
        try:
            return self._backend.projects()
        except Refusal as error:  # such as an invalid token, or a Label Studio that is down
            _log.warning("not_served", reason=str(error))
            self._stopping.wait(self._pace.retry_seconds / 4)
            return []

    def _drop_unserved(self) -> None:
        """Drop events of a project that was removed from the settings; if it returns, a poll finds the changes."""
        for project in self._queue.projects():
            if not self._backend.serves(project):
                _log.info("events_dropped", project=project, events=self._queue.drop(project), reason="not served")

    def _guarded_turn(self, project: ProjectSync, agenda: _Agenda) -> None:
        try:
            self._turn(project, agenda)
        except Cancelled:
            pass
        except ProjectMissing as error:
            if self._is_gone(agenda):
                self._leave(project)
            else:
                self._put_off(project, agenda, str(error))
        except Refusal as error:
            self._put_off(project, agenda, str(error))
        except DATABASE_AWAY:
            self._backend.database.suspect()
        except Exception:
            _log.exception("turn_failed", project=project.project)
            self._put_off(project, agenda, "Internal error; see the backend's log.")
        else:
            agenda.failures = 0
            agenda.missing_since.clear()
            project.status = ProjectStatus(last_success=time.time(), note=project.status.note)
        self._show_state(project, agenda)

    def _show_state(self, project: ProjectSync, agenda: _Agenda) -> None:
        database = self._backend.database
        without_medium = len(project.media_retries.problems())
        state = state_of(project.status, without_medium) if database.available else "the database does not respond"
        if agenda.status_tab is None:
            agenda.status_tab = StatusTab(project.studio, project.project)
        try:
            agenda.status_tab.show(state)
        except Refusal as error:  # shown later, when Label Studio accepts it
            _log.info("state_not_shown", project=project.project, reason=str(error))

    def _put_off(self, project: ProjectSync, agenda: _Agenda, reason: str) -> None:
        agenda.failures += 1
        wait = min(self._pace.retry_seconds, 2.0 ** min(agenda.failures, _MOST_DOUBLINGS))
        agenda.retry_at = time.monotonic() + wait
        project.status = replace(project.status, problem=reason, retry_at=time.time() + wait)
        _log.warning("put_off", project=project.project, seconds=wait, reason=reason)

    def _is_gone(self, agenda: _Agenda) -> bool:
        """Whether Label Studio has reported for a while that the project does not exist."""
        agenda.missing_since.append(time.monotonic())
        lasted = agenda.missing_since[-1] - agenda.missing_since[0]
        return len(agenda.missing_since) >= _MISSING_TIMES and lasted >= self._pace.missing_seconds

    def _leave(self, project: ProjectSync) -> None:
        self._backend.leave(project.project)
        _log.warning(
            "project_left",
            project=project.project,
            reason="The project no longer exists in Label Studio, or our account cannot see it. Its dataset stays; "
            "`labelscape connect` reconnects the project.",
        )

    def _turn(self, project: ProjectSync, agenda: _Agenda) -> None:
        self._process(project, agenda)
        # While somebody annotates, suggestions come first and events do arrive: polling can wait a little.
        patience = 0 if project.behind or self._is_settled(agenda) else self._pace.patience_seconds
        if time.monotonic() >= agenda.poll_at + patience:
            due, agenda.suggest = agenda.suggest, True  # it stays so if the poll fails after taking some tasks
            agenda.suggest = project.catch_up() or due
            agenda.poll_at = time.monotonic() + (0 if project.behind else self._pace.poll_seconds)
            self._process(
                project, agenda
            )  # events that arrived in the meantime: suggestions are made once for all of them
        if agenda.suggest:
            project.suggest(self._progress)
            carry_out_commands(project)
            agenda.suggest = False
            agenda.publish = agenda.columns = True
        if agenda.publish:
            published = project.publish(lambda: self._idle(project), settled=self._is_settled(agenda))
            if published:
                PREDICTIONS.labels("pushed").inc(published)
                _log.info("published", project=project.project, predictions=published, version=project.version)
            agenda.publish = bool(published)  # until nothing is left
        if self._quiet(agenda):
            self._do_what_can_wait(project, agenda)

    def _progress(self, _fraction: float, _message: str, /) -> None:
        if self._stopping.is_set():
            raise Cancelled

    def _process(self, project: ProjectSync, agenda: _Agenda) -> None:
        while not self._stopping.is_set():
            events = self._queue.pending(project.project, _EVENTS_AT_ONCE)
            if not events:
                return
            agenda.last_event = time.monotonic()
            agenda.suggest = True
            try:
                incomplete = project.apply(events)
            except (LabelStudioDown, LabelStudioUnauthorized, ProjectHeld, *DATABASE_AWAY):
                raise
            except Exception:
                self._process_singly(project, agenda)
                continue
            self._queue.finish([event.number for event in events])
            for event in events:
                EVENTS.labels(event.action, "done").inc()
            if incomplete:
                agenda.poll_at = 0.0

    def _process_singly(self, project: ProjectSync, agenda: _Agenda) -> None:
        """Find the one event among many that cannot be processed, and set it aside."""
        for event in self._queue.pending(project.project, _EVENTS_AT_ONCE):
            try:
                if project.apply([event]):
                    agenda.poll_at = 0.0
            except (LabelStudioDown, LabelStudioUnauthorized, ProjectHeld, *DATABASE_AWAY):
                raise
            except Exception as error:
                _log.exception("event_failed", project=project.project, action=event.action, number=event.number)
                attempts = self._queue.fail(event.number, str(error))
                EVENTS.labels(event.action, "set aside" if attempts >= ATTEMPTS else "failed").inc()
                agenda.poll_at = 0.0
            else:
                self._queue.finish([event.number])
                EVENTS.labels(event.action, "done").inc()

    def _idle(self, project: ProjectSync) -> bool:
        return not self._stopping.is_set() and not self._queue.pending(project.project, 1)

    def _is_settled(self, agenda: _Agenda) -> bool:
        """Whether nobody has annotated for a while."""
        return time.monotonic() - agenda.last_event > self._pace.settled_seconds

    def _quiet(self, agenda: _Agenda) -> bool:
        return not agenda.publish and self._is_settled(agenda) and time.monotonic() >= agenda.columns_at

    def _do_what_can_wait(self, project: ProjectSync, agenda: _Agenda) -> None:
        curation = curation_of(project)
        if agenda.columns or curation != agenda.curation:
            agenda.columns = not refresh_columns(project, lambda: self._idle(project))
            if agenda.columns:
                return
            agenda.curation = curation  # as it was before: what changed meanwhile is shown the next time
            agenda.old_columns = True
        if agenda.old_columns:
            agenda.old_columns = not remove_old_columns(project, lambda: self._idle(project))
        deleted = project.tidy(lambda: self._idle(project))
        if deleted:
            _log.info("old_predictions_deleted", project=project.project, predictions=deleted)
        agenda.columns_at = time.monotonic() + self._pace.columns_seconds
