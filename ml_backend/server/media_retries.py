"""Retries of unavailable media: which tasks lack their medium and why, and when to try each again."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..label_studio.ledger import TaskRecord
from .status import TaskProblem

_LONGEST_SECONDS = 600.0  # unless the first wait is longer
_MOST_DOUBLINGS = 30  # a larger number of them could not be computed
_SHOWN = 200  # characters of an address


@dataclass(frozen=True)
class _Failure:
    """Why a medium is unavailable, how often fetching it failed, and when to try again (monotonic time)."""

    medium: str
    reason: str
    times: int
    retry_at: float


class MediaRetries:
    """Retries each missing medium at increasing intervals of at most ten minutes.

    Refused media are retried too: the file, the settings, or the permissions may have changed in the meantime. All are
    due after a start.
    """

    def __init__(self, first_seconds: float) -> None:
        """Start with no failures.

        Args:
            first_seconds: until the first retry of a medium; each later wait is twice as long.
        """
        self._first_seconds = first_seconds
        self._failures: dict[int, _Failure] = {}

    def due(self, records: Iterable[TaskRecord]) -> list[TaskRecord]:
        """The tasks without a sample whose medium is due for a retry; drops tasks that got theirs or were deleted."""
        lacking = {record.task: record for record in records if not record.sample}
        self._failures = {
            task: failure
            for task, failure in self._failures.items()
            if task in lacking and lacking[task].media == failure.medium
        }
        now = time.monotonic()
        return [record for task, record in lacking.items() if self._retry_at(task) <= now]

    def note(self, records: Mapping[int, TaskRecord], without_medium: Mapping[int, str]) -> list[int]:
        """Record the outcome of a try, with the records after it; returns the tasks whose reason is new."""
        new = []
        for task, reason in without_medium.items():
            former = self._failures.get(task)
            if former is None or former.reason != reason:
                new.append(task)
            times = 1 if former is None else former.times + 1
            wait = min(
                max(_LONGEST_SECONDS, self._first_seconds), self._first_seconds * 2.0 ** min(times - 1, _MOST_DOUBLINGS)
            )
            medium = records[task].media if task in records else ""
            self._failures[task] = _Failure(medium, reason, times, time.monotonic() + wait)
        return new

    def problems(self) -> list[TaskProblem]:
        """The tasks without a medium, by task number."""
        return [
            TaskProblem(task, failure.medium[:_SHOWN], failure.reason)
            for task, failure in sorted(self._failures.items())
        ]

    def _retry_at(self, task: int) -> float:
        return self._failures[task].retry_at if task in self._failures else 0.0
