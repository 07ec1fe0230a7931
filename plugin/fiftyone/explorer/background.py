"""Background work that pauses while a map is being opened, so that the map's points come first."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

_OPENING_SECONDS = 5.0  # longest pause between opening a map and its panel's next request


class Background:
    """One thread for work that nobody is waiting for."""

    def __init__(self) -> None:
        self._opened = threading.Event()
        self._opened.set()
        self._until = 0.0
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="labelscape-panel")

    def later(self, work: Callable[[], None]) -> "Future[None]":
        """Do something, but only after a map that is being opened has its points."""

        def run() -> None:
            self.wait_for_map()
            work()

        return self._pool.submit(run)

    def open_map_first(self) -> None:
        """A map is being opened: work waits until its panel requests something else."""
        self._until = time.monotonic() + _OPENING_SECONDS
        self._opened.clear()

    def map_is_open(self) -> None:
        """The panel has its points: work continues."""
        self._opened.set()

    def wait_for_map(self) -> None:
        """Wait until no map is being opened."""
        self._opened.wait(max(0.0, self._until - time.monotonic()))
