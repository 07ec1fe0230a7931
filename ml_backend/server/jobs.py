"""Jobs: actions that a host requested, which run in the background with progress and can be canceled."""

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Literal

import structlog

from ..errors import Cancelled, Refusal
from ..progress import Progress
from .database import DATABASE_AWAY

State = Literal["waiting", "running", "done", "failed", "cancelled"]
_AT_ONCE = 2
_WAITING = 20  # jobs that have not ended, in all projects
_KEPT_SECONDS = 3600.0
_KEPT = 1_000  # jobs that have ended, in all projects

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What an action did: a sentence, its numbers by name, the tasks it found, and the tab that shows them."""

    sentence: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    tasks: tuple[int, ...] = ()
    tab: str = ""


@dataclass(frozen=True)
class Job:
    """An action in the background. ``fraction`` runs from 0 to 1; ``by`` is who requested it; times are Unix times."""

    id: str
    project: int
    action: str
    by: str
    created: float
    state: State = "waiting"
    fraction: float = 0.0
    message: str = ""
    outcome: Outcome | None = None
    ended: float | None = None


class Busy(Refusal):
    """Too many jobs are waiting."""


@dataclass(frozen=True)
class Once:
    """The key with which a host asks for one job, however often it asks, and a digest of what it asks for."""

    key: str
    request: bytes


class JobBoard:
    """Runs jobs, a few at once, and remembers for an hour how the last 1,000 ended."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_AT_ONCE, "labelscape-job")
        self._jobs: dict[str, Job] = {}
        self._stopped: set[str] = set()
        self._started: dict[tuple[int, str, str], tuple[str, bytes]] = {}  # project, who, and key → job and request
        self._lock = threading.Lock()

    def start(
        self, project: int, action: str, by: str, work: Callable[[Progress], Outcome], once: Once | None = None
    ) -> Job:
        """Start a job, or queue it; with the key of a job that is remembered, return that one.

        Raises:
            Busy: too many jobs are already waiting.
            Refusal: the key belongs to another request.
        """
        job = Job(uuid.uuid4().hex, project, action, by, time.time())
        with self._lock:
            self._forget_old()
            if once is not None and (known := self._started.get((project, by, once.key))):
                return self._same(known, action, once)
            if sum(job.ended is None for job in self._jobs.values()) >= _WAITING:
                raise Busy(f"{_WAITING} actions are already in progress: try again when one of them is done.")
            self._jobs[job.id] = job
            if once is not None:
                self._started[project, by, once.key] = job.id, once.request
        self._pool.submit(self._run, job.id, work)
        return job

    def _same(self, known: tuple[str, bytes], action: str, once: Once) -> Job:
        number, request = known
        job = self._jobs[number]
        if (job.action, request) != (action, once.request):
            raise Refusal("This key was already used for another request: use a new one for each.")
        return job

    def find(self, project: int, number: str) -> Job | None:
        """A job of a project; None if there is none, or it ended long ago."""
        job = self._jobs.get(number)
        return job if job is not None and job.project == project else None

    def cancel(self, project: int, number: str) -> Job | None:
        """Ask a job to stop; it ends as “cancelled” unless it was done first."""
        with self._lock:
            job = self.find(project, number)
            if job is not None and job.ended is None:
                self._stopped.add(number)
        return job

    def close(self) -> None:
        """Stop all jobs."""
        with self._lock:
            self._stopped.update(self._jobs)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self, number: str, work: Callable[[Progress], Outcome]) -> None:
        def progress(fraction: float, message: str, /) -> None:
            if number in self._stopped:
                raise Cancelled
            self._change(number, fraction=max(self._jobs[number].fraction, min(fraction, 1.0)), message=message)

        job = self._jobs[number]
        try:
            progress(0.0, "Starting")
            self._change(number, state="running")
            outcome = work(progress)
        except Cancelled:
            self._end(number, "cancelled", Outcome("Canceled: nothing else was done."))
        except Refusal as error:
            self._end(number, "failed", Outcome(str(error)))
        except DATABASE_AWAY:
            self._end(number, "failed", Outcome("The backend's database does not respond: try again when it is back."))
        except Exception:
            _log.exception("job_failed", project=job.project, action=job.action, job=number)
            self._end(number, "failed", Outcome("Internal error; see the backend's log."))
        else:
            self._end(number, "done", outcome)

    def _change(self, number: str, **values: object) -> None:
        with self._lock:
            self._jobs[number] = replace(self._jobs[number], **values)  # type: ignore[arg-type]

    def _end(self, number: str, state: State, outcome: Outcome) -> None:
        self._change(number, state=state, outcome=outcome, ended=time.time(), message=outcome.sentence)
        job = self._jobs[number]
        seconds = round(time.time() - job.created, 2)
        _log.info("job_ended", project=job.project, action=job.action, job=number, state=state, seconds=seconds)

    def _forget_old(self) -> None:
        oldest = time.time() - _KEPT_SECONDS
        ended = [job for job in self._jobs.values() if job.ended is not None]
        surplus = {job.id for job in ended[: max(0, len(ended) - _KEPT)]}
        gone = {job.id for job in ended if job.id in surplus or (job.ended or 0.0) < oldest}
        self._jobs = {number: job for number, job in self._jobs.items() if number not in gone}
        self._started = {key: known for key, known in self._started.items() if known[0] not in gone}
        self._stopped -= gone
