"""The embeddings behind maps, with their neighbors: opened once each, in threads of their own."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as StillRunning
from typing import Any

import fiftyone as fo

from ....ml_backend.errors import Refusal
from ....ml_backend.store.session import Session, open_session
from .background import Background
from .map_rows import MapRows

_WARMED = 200_000  # rows of a map whose neighbors are made ready while one looks at it


class NotReady(Refusal):
    """The requested result is still being computed; the message says so."""


class SessionCache:
    """The sessions of one dataset."""

    def __init__(self, lock: threading.RLock, background: Background, changed: Callable[[], None]) -> None:
        self._lock = lock
        self._background = background
        self._changed = changed
        self._sessions: dict[str, Future[Session]] = {}
        self._opening: dict[str, tuple[float, str]] = {}

    def warm(self, dataset: fo.Dataset, rows: MapRows) -> None:
        """Start preparing the neighbors, unless there are many: those are computed on request."""
        if rows.embeddings is not None and len(rows) <= _WARMED and dataset.has_brain_run(rows.embeddings):
            with self._lock:
                if rows.embeddings not in self._sessions:
                    self._sessions[rows.embeddings] = self._open(dataset, rows.embeddings)

    def session(self, dataset: fo.Dataset, rows: MapRows, *, seconds: float = 15) -> Session:
        """The embeddings behind a map with their neighbors.

        Args:
            seconds: how long to wait for them

        Raises:
            NotReady: they are being computed, with progress among the jobs.
            Refusal: it is not known from which embeddings the map was made.
        """
        key = rows.embeddings
        if key is None:
            raise Refusal(
                f"The map “{rows.key}” does not say from which embeddings it was made: compute one here to work with "
                "neighbors."
            )
        with self._lock:
            future = self._sessions.get(key)
            if future is None or future.done():
                future = self._sessions[key] = self._open(dataset, key)
        try:
            return future.result(timeout=seconds)
        except StillRunning:
            raise NotReady(
                f"The neighbors in “{key}” are still being computed, once for these embeddings: try again in a moment."
            ) from None

    def opening(self) -> list[dict[str, Any]]:
        """The running computation of neighbors (`Job`), if any."""
        return [
            {
                "id": f"neighbors-{key}",
                "title": f"Finding the neighbors in “{key}”",
                "progress": round(fraction, 3),
                "status": "running",
                "message": message,
                "cancellable": False,
            }
            for key, (fraction, message) in list(self._opening.items())
        ]

    def clear(self) -> None:
        """Forget the sessions: embeddings were renamed or deleted."""
        self._sessions.clear()

    def _open(self, dataset: fo.Dataset, key: str) -> "Future[Session]":
        future: Future[Session] = Future()

        def work() -> None:
            self._background.wait_for_map()
            try:
                future.set_result(open_session(dataset, key, progress=report))
            except Exception as error:  # handed over to whoever waits
                future.set_exception(error)
            self._opening.pop(key, None)
            self._changed()

        def report(fraction: float, message: str) -> None:
            self._opening[key] = (float(fraction), message)

        threading.Thread(target=work, name="labelscape-neighbors", daemon=True).start()
        return future
