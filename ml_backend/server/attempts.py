"""Work that may hang, such as a first request to Label Studio: nobody waits for it longer than they want."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from typing import Generic, TypeVar

T = TypeVar("T")


class Attempts(Generic[T]):
    """Runs work in threads of its own, one attempt at a time for each key: others who need it join that attempt."""

    def __init__(self) -> None:
        self._running: dict[int, Future[T]] = {}
        self._lock = threading.Lock()

    def wait(self, key: int, work: Callable[[], T], seconds: float) -> T | None:
        """The result of the work; None if it takes longer: it goes on, and the next call joins it.

        Raises:
            Exception: whatever the work raises.
        """
        with self._lock:
            attempt = self._running.get(key)
            if attempt is None or attempt.done():
                attempt = Future()
                threading.Thread(
                    target=_fulfill, args=[attempt, work], name=f"labelscape-attempt-{key}", daemon=True
                ).start()
                self._running[key] = attempt  # only now: nobody joins one whose thread could not start
        try:
            return attempt.result(seconds)
        except Late:  # from the wait, or from the work itself; meanwhile, the work may have ended
            return attempt.result() if attempt.done() else None


def _fulfill(attempt: "Future[T]", work: Callable[[], T]) -> None:
    try:
        attempt.set_result(work())
    except BaseException as error:  # whoever waits gets it
        attempt.set_exception(error)
