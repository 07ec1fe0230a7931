"""The thread that works events off, polls for lost ones, and keeps predictions and columns fresh."""

import threading
import time
from dataclasses import dataclass

import structlog

from ..label_studio.client import LabelStudioDown
from ..label_studio.metrics import EVENTS, PREDICTIONS
from .backend import LabelStudioBackend
from .columns import refresh_columns
from .events import ATTEMPTS, EventQueue
from .sync import ProjectSync

_POLL_SECONDS = 20.0
_PATIENCE_SECONDS = 10.0
_TURN_SECONDS = 1.0
_EVENTS_AT_ONCE = 500
_SETTLED_SECONDS = 30.0  # without an event: time for what can wait, and for what nobody can wait for
_COLUMNS_SECONDS = 60.0
_LONGEST_WAIT = 60.0

_log = structlog.get_logger(__name__)


@dataclass
class _Agenda:
    """When what is due for a project."""

    poll_at: float = 0.0
    last_event: float = 0.0
    columns_at: float = 0.0
    suggest: bool = True
    publish: bool = True
    columns: bool = True
    failures: int = 0
    retry_at: float = 0.0

    @property
    def settled(self) -> bool:
        """Whether nobody has annotated for a while."""
        return time.monotonic() - self.last_event > _SETTLED_SECONDS


class Worker:
    """Works on all projects that are served, in one thread: events of a project are worked off in their order."""

    def __init__(self, queue: EventQueue, backend: LabelStudioBackend) -> None:
        self._queue = queue
        self._backend = backend
        self._agendas: dict[ProjectSync, _Agenda] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="labelscape-worker", daemon=True)

    def start(self) -> None:
        """Begin in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Finish what is at hand, and end; what waits in the queue waits for the next start."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._round()
            except Exception:  # a full disk, say: the next round may do better
                _log.exception("round_failed")
            self._queue.wait(_TURN_SECONDS)

    def _round(self) -> None:
        for project in self._served():
            agenda = self._agendas.setdefault(project, _Agenda())
            if time.monotonic() >= agenda.retry_at and not self._stopping.is_set():
                self._guarded_turn(project, agenda)
        self._drop_unserved()

    def _served(self) -> list[ProjectSync]:
        try:
            return self._backend.projects()
        except ValueError as error:  # settings that cannot be read, a token that is not taken
            _log.warning("not_served", reason=str(error))
            self._stopping.wait(_LONGEST_WAIT / 4)
            return []

    def _drop_unserved(self) -> None:
        """Events of a project that left the settings: should it come back, a poll finds what they said."""
        for project in self._queue.projects():
            if not self._backend.serves(project):
                _log.info("events_dropped", project=project, events=self._queue.drop(project), reason="not served")

    def _guarded_turn(self, project: ProjectSync, agenda: _Agenda) -> None:
        try:
            self._turn(project, agenda)
            agenda.failures = 0
        except ValueError as error:
            self._put_off(project, agenda, str(error))
        except Exception:
            _log.exception("turn_failed", project=project.project)
            self._put_off(project, agenda, "an unexpected error")

    def _put_off(self, project: ProjectSync, agenda: _Agenda, reason: str) -> None:
        agenda.failures += 1
        wait = min(_LONGEST_WAIT, 2.0**agenda.failures)
        agenda.retry_at = time.monotonic() + wait
        _log.warning("put_off", project=project.project, seconds=wait, reason=reason)

    def _turn(self, project: ProjectSync, agenda: _Agenda) -> None:
        self._work_off(project, agenda)
        # Somebody who annotates waits for suggestions, and events do arrive: a poll waits a little.
        patience = 0 if project.behind or agenda.settled else _PATIENCE_SECONDS
        if time.monotonic() >= agenda.poll_at + patience:
            agenda.suggest |= project.catch_up()
            agenda.poll_at = time.monotonic() + (0 if project.behind else _POLL_SECONDS)
            self._work_off(project, agenda)  # what came meanwhile: suggestions are made once for all of it
        if agenda.suggest:
            project.suggest()
            agenda.suggest = False
            agenda.publish = agenda.columns = True
        if agenda.publish:
            published = project.publish(lambda: self._idle(project), settled=agenda.settled)
            if published:
                PREDICTIONS.labels("pushed").inc(published)
                _log.info("published", project=project.project, predictions=published, version=project.version)
            agenda.publish = bool(published)  # until nothing is left
        if self._quiet(agenda):
            self._do_what_can_wait(project, agenda)

    def _work_off(self, project: ProjectSync, agenda: _Agenda) -> None:
        while not self._stopping.is_set():
            events = self._queue.pending(project.project, _EVENTS_AT_ONCE)
            if not events:
                return
            agenda.last_event = time.monotonic()
            agenda.suggest = True
            try:
                ask = project.apply(events)
            except LabelStudioDown:
                raise
            except Exception:
                self._work_off_singly(project, agenda)
                continue
            self._queue.finish([event.number for event in events])
            for event in events:
                EVENTS.labels(event.action, "done").inc()
            if ask:
                agenda.poll_at = 0.0

    def _work_off_singly(self, project: ProjectSync, agenda: _Agenda) -> None:
        """One event among many cannot be worked off: find which, and set it aside."""
        for event in self._queue.pending(project.project, _EVENTS_AT_ONCE):
            try:
                if project.apply([event]):
                    agenda.poll_at = 0.0
            except LabelStudioDown:
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

    def _quiet(self, agenda: _Agenda) -> bool:
        return not agenda.publish and agenda.settled and time.monotonic() >= agenda.columns_at

    def _do_what_can_wait(self, project: ProjectSync, agenda: _Agenda) -> None:
        if agenda.columns:
            agenda.columns = not refresh_columns(project, lambda: self._idle(project))
            if agenda.columns:
                return
        deleted = project.tidy()
        if deleted is not None:
            _log.info("old_version_deleted", project=project.project, version=deleted)
        agenda.columns_at = time.monotonic() + _COLUMNS_SECONDS
