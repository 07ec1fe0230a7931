"""Messages from the App's server to everybody who views a dataset."""

import itertools
import time
import uuid
from typing import Literal


class Notes:
    """Messages to everybody who views a dataset, each shown once."""

    _SECONDS = 300.0
    _KEPT = 20

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._start = uuid.uuid4().hex[:8]
        self._notes: list[tuple[float, dict[str, str]]] = []

    def add(self, level: Literal["info", "success", "warning", "error"], text: str, why: str = "") -> None:
        """Leave a message; ``why`` says how what it reports came about, for those who ask."""
        note = {"id": f"{self._start}-{next(self._numbers)}", "level": level, "text": text, "why": why}
        self._notes = [*self._notes[-self._KEPT :], (time.monotonic(), note)]

    def listing(self) -> list[dict[str, str]]:
        """Messages that are not too old to matter (`Message`)."""
        now = time.monotonic()
        return [note for at, note in self._notes if now - at < self._SECONDS]
