"""Long runs started from the panel: in the background, one after another for each dataset, with progress and cancel."""

import itertools
import logging
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any, Literal

from ....ml_backend.errors import Cancelled, Refusal
from ....ml_backend.progress import Progress

Status = Literal["queued", "running", "done", "failed", "cancelled"]
_KEPT = 5  # finished jobs that are still listed
_KEPT_SECONDS = 600
_log = logging.getLogger(__name__)


class Job:
    """One run: ``work(progress)`` returns the closing sentence; ``progress`` raises once the job is cancelled."""

    def __init__(self, title: str, work: Callable[[Progress], str], done: Callable[["Job"], None]) -> None:
        self.id = uuid.uuid4().hex
        self.title = title
        self.progress: float | None = None
        self.status: Status = "queued"
        self.message = "Waiting for the previous job."
        self.ended = 0.0
        self._work = work
        self._done = done
        self._stop = threading.Event()

    @property
    def open(self) -> bool:
        """Whether it is still to end."""
        return self.status in ("queued", "running")

    def cancel(self) -> None:
        """Stop it at its next report of progress."""
        self._stop.set()
        if self.open:
            self.message = "Stopping…"

    def run(self) -> None:
        """Do the work and end in words, whatever happens."""
        if self._stop.is_set():
            self._end("cancelled", "Stopped before it started.")
            return
        self.status, self.message = "running", "Starting"
        try:
            self._end("done", self._work(self._report))
        except Cancelled:
            self._end("cancelled", "Stopped. What was finished before is kept.")
        except Refusal as error:
            self._end("failed", str(error))
        except BaseException as error:  # a panic in Rust is no Exception; a lost one would hold up all runs after it
            _log.exception("%s failed", self.title)
            self._end("failed", f"{self.title}: internal error ({type(error).__name__}); see the server's log.")

    def describe(self) -> dict[str, Any]:
        """`Job` of contract.ts."""
        return {
            "id": self.id,
            "title": self.title,
            "progress": None if self.progress is None else round(self.progress, 3),
            "status": self.status,
            "message": self.message,
            "cancellable": self.open and not self._stop.is_set(),
        }

    def _report(self, fraction: float, message: str) -> None:
        if self._stop.is_set():
            raise Cancelled
        self.progress, self.message = float(fraction), message

    def _end(self, status: Status, message: str) -> None:
        self.message, self.ended = message, time.monotonic()
        if status == "done":
            self.progress = 1.0
        # Last: who sees the job ended sees its message too.
        self.status = status
        self._done(self)


class JobQueue:
    """The jobs of one dataset, in their order."""

    def __init__(self, done: Callable[[Job], None]) -> None:
        self._done = done
        self._jobs: list[Job] = []
        self._lock = threading.Lock()
        self._worker: threading.Thread | None = None

    def start(self, title: str, work: Callable[[Progress], str]) -> Job:
        """Put a job at the end of the queue."""
        job = Job(title, work, self._done)
        with self._lock:
            self._jobs.append(job)
            if self._worker is None:
                self._worker = threading.Thread(target=self._run_all, name="labelscape-jobs", daemon=True)
                self._worker.start()
        return job

    def cancel(self, job_id: str) -> None:
        """Stop a job.

        Raises:
            Refusal: no job of this id is queued or running.
        """
        job = next((job for job in self.listing() if job.id == job_id and job.open), None)
        if job is None:
            raise Refusal("This job has already ended.")
        job.cancel()

    def listing(self) -> list[Job]:
        """Jobs that are to end, and the last few that did."""
        now = time.monotonic()
        with self._lock:
            ended = [job for job in self._jobs if not job.open and now - job.ended < _KEPT_SECONDS]
            kept = {job.id for job in ended[-_KEPT:]}
            self._jobs = [job for job in self._jobs if job.open or job.id in kept]
            return list(self._jobs)

    def _run_all(self) -> None:
        while True:
            with self._lock:
                job = next((job for job in self._jobs if job.status == "queued"), None)
                if job is None:
                    self._worker = None
                    return
            job.run()


class Notes:
    """Messages to whoever looks at a dataset, each shown once."""

    _SECONDS = 300.0
    _KEPT = 20

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._start = uuid.uuid4().hex[:8]
        self._notes: list[tuple[float, dict[str, str]]] = []

    def add(self, level: Literal["info", "success", "warning", "error"], text: str) -> None:
        """Leave a message."""
        note = {"id": f"{self._start}-{next(self._numbers)}", "level": level, "text": text}
        self._notes = [*self._notes[-self._KEPT :], (time.monotonic(), note)]

    def listing(self) -> list[dict[str, str]]:
        """Messages that are not too old to matter (`Message`)."""
        now = time.monotonic()
        return [note for at, note in self._notes if now - at < self._SECONDS]
