"""The maps of a dataset: those in the database, the rows of loaded ones, and how outdated each is."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import fiftyone as fo
from bson import ObjectId
from fiftyone.core.odm.database import get_db_conn

from ....ml_backend.errors import Refusal
from .background import Background
from .map_rows import MapRows, Staleness, read_rows, staleness
from .stamps import last_change

_log = logging.getLogger(__name__)
_KEPT_MAPS = 3
COMPARED_AT_ONCE = 20_000  # samples that are compared with a map, or rows whose labels are read, while the user waits
_VISUALIZATION = "fiftyone.brain.visualization."


@dataclass(frozen=True)
class Run:
    """A map in the database: ``results`` names its points and becomes another one when they are replaced."""

    key: str
    results: str
    computed_at: datetime | None
    config: dict[str, Any]

    @property
    def dims(self) -> int:
        """How many coordinates a point has."""
        return int(self.config.get("num_dims") or 2)


class MapCache:
    """The maps of one dataset."""

    def __init__(
        self,
        dataset_id: str,
        lock: threading.RLock,
        background: Background,
        changed: Callable[[], None],
        dropped: Callable[[MapRows], None],
    ) -> None:
        self._dataset_id = dataset_id
        self._lock = lock
        self._background = background
        self._changed = changed
        self._dropped = dropped
        self._rows: OrderedDict[tuple[str, str], MapRows] = OrderedDict()
        self._stale: dict[str, tuple[object, Staleness]] = {}

    def runs(self) -> list[Run]:
        """The maps as the database has them now, oldest first."""
        fields = {"key": 1, "results": 1, "config": 1}
        records = get_db_conn().runs.find({"_dataset_id": ObjectId(self._dataset_id)}, fields).sort("_id", 1)
        return [
            Run(
                record["key"],
                str(record["results"]),
                record["results"].generation_time.replace(tzinfo=None),
                record["config"],
            )
            for record in records
            if str((record.get("config") or {}).get("cls")).startswith(_VISUALIZATION) and record.get("results")
        ]

    def shown_runs(self) -> list[Run]:
        """The maps of two or three dimensions."""
        return [run for run in self.runs() if run.dims in (2, 3)]

    def run_of(self, key: str) -> Run:
        """The map of this key.

        Raises:
            Refusal: it is no longer there; the message names those there are.
        """
        runs = self.runs()
        run = next((run for run in runs if run.key == key), None)
        if run is None:
            listing = ", ".join(run.key for run in runs) or "none yet"
            raise Refusal(f"The map “{key}” no longer exists; the existing maps are: {listing}.")
        return run

    def rows_of(self, dataset: fo.Dataset, run: Run) -> MapRows:
        """The rows of a map, from memory if they are unchanged."""
        name = (run.key, run.results)
        with self._lock:
            if name not in self._rows:
                # Another process may have replaced the run under its key; FiftyOne's cache would not notice.
                dataset.clear_cache()
                if not dataset.has_brain_run(run.key):
                    dataset.reload()  # made by a thread or process with its own dataset object
                self._rows[name] = read_rows(dataset, run.key)
            self._rows.move_to_end(name)
            while len(self._rows) > _KEPT_MAPS:
                self._dropped(self._rows.popitem(last=False)[1])
            return self._rows[name]

    def staleness_of(self, dataset: fo.Dataset, run: Run) -> Staleness:
        """How outdated a map is; reported as up to date while that is being computed."""
        stamp = (run.results, last_change(dataset).members)
        known = self._stale.get(run.key)
        if known is not None and known[0] == stamp:
            return known[1]
        self._stale[run.key] = (stamp, Staleness(0, 0))

        def find_out() -> None:
            try:
                self._stale[run.key] = (stamp, staleness(dataset, self.rows_of(dataset, run), run.computed_at))
            except Exception:
                # A run of another tool may have lost its view or its embeddings; the map itself still shows.
                _log.exception("Could not compare the map %s with its samples", run.key)

        if dataset.count() <= COMPARED_AT_ONCE:
            find_out()
        else:
            self._background.later(find_out).add_done_callback(lambda _: self._changed())
        return self._stale[run.key][1]

    def clear(self) -> None:
        """Forget what was read."""
        self._rows.clear()
        self._stale.clear()
