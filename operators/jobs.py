"""Each dataset's single queue of long jobs, started by operators and panels and run in the background, one by one."""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, Literal, TypeVar

import fiftyone as fo

from ..ml_backend.errors import Cancelled, Refusal
from ..ml_backend.progress import Progress

T = TypeVar("T")
Status = Literal["queued", "running", "done", "failed", "cancelled"]
_KEPT = 5  # finished jobs that are still listed
_KEPT_SECONDS = 600
_SECONDS_UNLISTED = 2.0  # of work that others need not see if it is done soon
_WATCHED_SECONDS = 60
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NextStep:
    """A button under the closing message that opens another menu entry, with its form filled in from ``params``."""

    label: str
    operator: str
    params: Mapping[str, Any] = dataclass_field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What a run did: a closing message, what the App should reload and show, and possible next steps.

    ``shown_fields`` are added to the fields that the App shows on thumbnails. ``why`` says how the result came
    about, for those who ask.
    """

    message: str
    reload_dataset: bool = False
    reload_samples: bool = False
    view: fo.DatasetView | None = None
    shown_fields: Sequence[str] = ()
    next_steps: Sequence[NextStep] = ()
    why: str = ""


Work = Callable[[Progress], Outcome]


class Job:
    """One run: ``work(progress)`` returns its outcome; ``progress`` raises once the job is cancelled.

    ``in_call`` jobs are those of a call that waits for them (`JobQueue.listed`): they make no map and no embeddings,
    and at some point can no longer be stopped, or from the beginning if they are not ``stoppable``.
    ``by_operator`` jobs have an outcome that a panel still has to show in the App, unless the operator waited for it.
    """

    def __init__(
        self, title: str, work: Work, *, by_operator: bool = False, in_call: bool = False, stoppable: bool = True
    ) -> None:
        self.id = uuid.uuid4().hex
        self.title = title
        self.by_operator = by_operator
        self.outcome: Outcome | None = None
        self.error: BaseException | None = None
        self.progress: float | None = None
        self.status: Status = "queued"
        self.message = "Waiting for the previous job."
        self.ended = 0.0
        self.in_call = in_call
        self._stoppable = stoppable
        self.listed_from = time.monotonic() + (_SECONDS_UNLISTED if in_call else 0.0)
        self._work = work
        self._told_to_stop = False
        self._stop = threading.Event()
        self._over = threading.Event()
        self._shown = threading.Lock()

    @property
    def open(self) -> bool:
        """Whether it has not finished yet."""
        return self.status in ("queued", "running")

    def cancel(self) -> None:
        """Stop it the next time it reports progress."""
        self._stop.set()
        if self.open:
            self.message = "Stopping…"

    def run(self) -> None:
        """Do the work and end with a message, whatever happens."""
        if self._stop.is_set():
            self._end("cancelled", "Stopped before it started.")
            return
        self.status, self.message = "running", "Starting"
        try:
            self.outcome = self._work(self.report)
            self._end("done", self.outcome.message)
        except Cancelled:
            self._end("cancelled", "Stopped. Work finished before that is kept.")
        except Refusal as error:
            self.error = error
            self._end("failed", str(error))
        except ValueError as error:  # not every action raises a Refusal for user errors yet
            self.error = error
            _log.exception("%s failed", self.title)
            self._end("failed", str(error))
        except BaseException as error:  # a panic in Rust is not an Exception; missing one would block all later jobs
            self.error = error
            _log.exception("%s failed", self.title)
            self._end("failed", f"{self.title}: internal error ({type(error).__name__}); see the server's log.")

    def wait(self, seconds: float) -> bool:
        """Wait for it to finish; return whether it has."""
        return self._over.wait(seconds)

    def claim(self) -> bool:
        """Whether the caller is the first to claim the outcome, which is shown only once."""
        return self._shown.acquire(blocking=False)

    def describe(self) -> dict[str, Any]:
        """`Job` of contract.ts."""
        return {
            "id": self.id,
            "title": self.title,
            "progress": None if self.progress is None else round(self.progress, 3),
            "status": self.status,
            "message": self.message,
            "why": self.outcome.why if self.outcome is not None else "",
            "cancellable": self._stoppable and self.open and not self._stop.is_set(),
            "steps": [step.label for step in self.outcome.next_steps] if self.outcome is not None else [],
            "by_operator": self.by_operator,
            "in_call": self.in_call,
        }

    def report(self, fraction: float, message: str) -> None:
        """Note how far it is.

        Raises:
            Cancelled: it should stop.
        """
        if self._stop.is_set():
            if self.in_call and self._told_to_stop:
                self.progress, self.message = float(fraction), f"{message}; it is too late to stop."
            self._told_to_stop = True
            raise Cancelled
        self.progress, self.message = float(fraction), message

    def _end(self, status: Status, message: str) -> None:
        self.message, self.ended = message, time.monotonic()
        if status == "done":
            self.progress = 1.0
        # Set last: whoever sees that the job has finished also sees its message.
        self.status = status
        self._over.set()


class JobQueue:
    """The jobs of one dataset, in their order."""

    def __init__(self) -> None:
        self.on_end: Callable[[Job], None] = lambda _job: None
        self._jobs: list[Job] = []
        self._watchers: dict[str, float] = {}
        self._lock = threading.Lock()
        self._worker: threading.Thread | None = None

    def start(self, title: str, work: Work, *, by_operator: bool = False) -> Job:
        """Add a job at the end of the queue."""
        job = Job(title, work, by_operator=by_operator)
        with self._lock:
            if not any(other.open for other in self._jobs):
                job.message = "Starting"
            self._jobs.append(job)
            if self._worker is None:
                self._worker = threading.Thread(target=self._run_all, name="labelscape-jobs", daemon=True)
                self._worker.start()
        return job

    @contextmanager
    def listed(self, job: Job) -> Iterator[None]:
        """List a job while the calling thread does its work, outside the queue, if that takes over two seconds."""
        job.status = "running"  # so that the queue's own thread leaves it alone
        with self._lock:
            self._jobs.append(job)
        try:
            yield
        finally:
            with self._lock:
                self._jobs = [other for other in self._jobs if other is not job]

    def run_now(self, title: str, work: Callable[[Progress], T], *, stoppable: bool = True) -> T:
        """Do work in the calling thread, listed as a job meanwhile.

        Raises:
            Cancelled: it was stopped.
        """
        job = Job(title, lambda _: Outcome(""), in_call=True, stoppable=stoppable)
        with self.listed(job):
            return work(job.report)

    def cancel(self, job_id: str) -> None:
        """Stop a job.

        Raises:
            Refusal: no job of this id is queued or running.
        """
        job = next((job for job in self.listing() if job.id == job_id and job.open), None)
        if job is None:
            raise Refusal("This job has already finished.")
        job.cancel()

    def watch(self, panel_id: str) -> None:
        """Record that a panel is showing these jobs."""
        self._watchers[panel_id] = time.monotonic()

    def watching(self) -> list[str]:
        """The panels that asked in the last minute and should ask again at once when a job starts."""
        now = time.monotonic()
        self._watchers = {panel: at for panel, at in self._watchers.items() if now - at < _WATCHED_SECONDS}
        return list(self._watchers)

    def find(self, job_id: str) -> Job:
        """The job of this id.

        Raises:
            Refusal: it is no longer listed.
        """
        job = next((job for job in self.listing() if job.id == job_id), None)
        if job is None:
            raise Refusal("This job finished a while ago and is no longer listed.")
        return job

    def listing(self) -> list[Job]:
        """Unfinished jobs, and the last few finished ones."""
        now = time.monotonic()
        with self._lock:
            ended = [job for job in self._jobs if not job.open and now - job.ended < _KEPT_SECONDS]
            kept = {job.id for job in ended[-_KEPT:]}
            self._jobs = [job for job in self._jobs if job.open or job.id in kept]
            return [job for job in self._jobs if job.listed_from <= now and (job.open or not job.in_call)]

    def _run_all(self) -> None:
        while True:
            with self._lock:
                job = next((job for job in self._jobs if job.status == "queued"), None)
                if job is None:
                    self._worker = None
                    return
            job.run()
            self.on_end(job)


_queues: dict[str, JobQueue] = {}
_queues_lock = threading.Lock()


def jobs_of(dataset: fo.Dataset) -> JobQueue:
    """The dataset's queue in this process; an empty queue costs nothing, so none is ever removed."""
    with _queues_lock:
        return _queues.setdefault(str(dataset._doc.id), JobQueue())
