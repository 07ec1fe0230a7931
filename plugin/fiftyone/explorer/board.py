"""What all panels on one dataset share inside the App's server: loaded maps, labels, jobs, messages."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillRunning
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import fiftyone as fo
from fiftyone.core.odm.database import get_db_conn
from fiftyone.operators.store import ExecutionStore

from ....ml_backend.errors import Refusal
from ....ml_backend.store.labels import LabelField, default_label_field, label_field
from ....ml_backend.store.pending_changes import PendingChanges, pending_changes
from ....ml_backend.store.session import Session, open_session
from ....operators.jobs import Job, jobs_of
from .field_values import last_change
from .label_states import LabelRows
from .map_rows import MapRows, Staleness, read_rows, staleness
from .notes import Notes

_log = logging.getLogger(__name__)
_STORE = "labelscape.explorer"
_KEPT_MAPS = 3
_KEPT_BOARDS = 8
_READ_AT_ONCE = 20_000  # rows whose labels are read while the user waits: 0.1 s
_OPENING_SECONDS = 5.0  # at most, between a map that is opened and the next thing its panel asks
_WARMED = 200_000  # rows of a map whose neighbors are made ready while one looks at it
_VISUALIZATION = "fiftyone.brain.visualization."
_boards: "OrderedDict[str, Board]" = OrderedDict()
_boards_lock = threading.Lock()
_Result = TypeVar("_Result")


class NotReady(Refusal):
    """What was asked for is being computed; the message says so."""


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


@dataclass
class _Labels:
    rows: LabelRows
    read_at: tuple[Any, ...]
    pending_at: tuple[Any, ...] | None


class Board:
    """The shared state of one dataset. Everything here can be built again from the database."""

    def __init__(self, dataset: fo.Dataset) -> None:
        self.dataset_id = str(dataset._doc.id)
        self.name = dataset.name
        self.lock = threading.RLock()
        self.notes = Notes()
        self.jobs = jobs_of(dataset)
        self.jobs.on_end = self._job_ended
        self.version = 0  # of what no stamp of the database shows
        self.map_of_panel: dict[str, str] = {}
        self.states: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {}
        self.memory: dict[str, tuple[Any, Any]] = {}
        self._maps: OrderedDict[tuple[str, str], MapRows] = OrderedDict()
        self._labels: dict[tuple[str, str, str], _Labels] = {}
        self._reading: dict[tuple[str, str, str], Future[None]] = {}
        self._stale: dict[str, tuple[Any, Staleness]] = {}
        self._sessions: dict[str, Future[Session]] = {}
        self._opening: dict[str, tuple[float, str]] = {}
        self.opened = threading.Event()  # cleared by `places_first`
        self.opened.set()
        self._places_until = 0.0
        self._background = ThreadPoolExecutor(1, thread_name_prefix="labelscape-panel")
        self._pending: tuple[Any, PendingChanges] = (None, PendingChanges((), {}, ()))

    # --- maps ------------------------------------------------------------------------------------------------------

    def runs(self) -> list[Run]:
        """The maps of the dataset as the database has them now, oldest first."""
        from bson import ObjectId

        fields = {"key": 1, "results": 1, "config": 1}
        records = get_db_conn().runs.find({"_dataset_id": ObjectId(self.dataset_id)}, fields).sort("_id", 1)
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

    def rows_of(self, dataset: fo.Dataset, run: Run) -> MapRows:
        """The rows of a map, from memory where they are the same."""
        name = (run.key, run.results)
        with self.lock:
            if name not in self._maps:
                # Another process may have replaced the run under its key; FiftyOne's cache would not notice.
                dataset.clear_cache()
                if not dataset.has_brain_run(run.key):
                    dataset.reload()  # made by a thread or process with a dataset object of its own
                self._maps[name] = read_rows(dataset, run.key)
            self._maps.move_to_end(name)
            while len(self._maps) > _KEPT_MAPS:
                gone = self._maps.popitem(last=False)[1]
                self._labels = {key: held for key, held in self._labels.items() if key[1] != gone.digest}
            return self._maps[name]

    def run_of(self, key: str) -> Run:
        """The map of this key; a ValueError names those there are."""
        runs = self.runs()
        found = next((run for run in runs if run.key == key), None)
        if found is None:
            listing = ", ".join(run.key for run in runs) or "none yet"
            raise Refusal(f"The map “{key}” is no longer there; there are: {listing}.")
        return found

    def staleness_of(self, dataset: fo.Dataset, run: Run) -> Staleness:
        """How far a map is behind the dataset; as if it were not, while that is being found out."""
        stamp = (run.results, *last_change(dataset)[::2])
        held = self._stale.get(run.key)
        if held is not None and held[0] == stamp:
            return held[1]
        self._stale[run.key] = (stamp, Staleness(0, 0))

        def find_out() -> None:
            try:
                self._stale[run.key] = (stamp, staleness(dataset, self.rows_of(dataset, run), run.computed_at))
            except Exception:
                # A run of another tool may have lost its view or its embeddings; the map itself still shows.
                _log.exception("Could not compare the map %s with its samples", run.key)

        if dataset.count() <= _READ_AT_ONCE:
            find_out()
        else:
            self._later(find_out).add_done_callback(lambda _: self._changed())
        return self._stale[run.key][1]

    def remember_map(self, dataset: fo.Dataset, panel_id: str, key: str) -> None:
        """Note which map a panel has loaded; the next panel on this dataset opens with it."""
        self.map_of_panel[panel_id] = key
        self._store(dataset).set("map", key)

    def open_map(self, dataset: fo.Dataset, panel_id: str) -> None:
        """Load the map that was loaded last, else the first, into a panel that has none."""
        runs = self.shown_runs()
        if panel_id in self.map_of_panel or not runs:
            return
        last = self._store(dataset).get("map")
        run = next((run for run in runs if run.key == last), runs[0])
        self.places_first()
        try:
            self.warm(dataset, self.rows_of(dataset, run))
        except Exception:
            # Nobody asked for this map. The front end asks for it next, and is told why it cannot be shown.
            _log.exception("Could not open the map %s", run.key)
        else:
            self.map_of_panel[panel_id] = run.key

    # --- labels ----------------------------------------------------------------------------------------------------

    def label_field(self, dataset: fo.Dataset, patches_field: str | None) -> LabelField:
        """The label field chosen for this dataset, else a good first one, never one of predictions."""
        chosen = self._store(dataset).get("label_field")
        stamp = (chosen, tuple(dataset.get_field_schema()), tuple(dataset.list_evaluations()), last_change(dataset)[0])
        return self.remember(
            f"label field {patches_field}",
            stamp,
            lambda: default_label_field(dataset, patches_field, chosen=chosen),
        )

    def choose_label_field(self, dataset: fo.Dataset, name: str) -> None:
        """Use this label field from now on, in every tab; a ValueError if it cannot hold labels."""
        self._store(dataset).set("label_field", label_field(dataset, name).name)

    def labels_at_hand(self, dataset: fo.Dataset, rows: MapRows) -> LabelRows | None:
        """`labels`, or None where they are many and were never read: then reading them begins."""
        field = self.label_field(dataset, rows.patches_field)
        return self.labels(dataset, rows) if self._first_reading(dataset, rows, field) is None else None

    def labels(self, dataset: fo.Dataset, rows: MapRows) -> LabelRows:
        """The labels of a map's rows as the database and the pending changes have them now."""
        field = self.label_field(dataset, rows.patches_field)
        name = (rows.key, rows.digest, field.name)
        reading = self._first_reading(dataset, rows, field, again=True)
        if reading is not None:
            reading.result()
        with self.lock:
            stamp = last_change(dataset)
            held = self._labels.get(name)
            if held is None:
                held = self._labels[name] = _read_all(dataset, LabelRows(rows, field), stamp)
            elif held.read_at != stamp:
                count, at, deleted_at, _ = held.read_at
                if (count, deleted_at) != (stamp[0], stamp[2]) or at is None:
                    held.rows.read(dataset)
                else:
                    held.rows.read_since(dataset, at)
                held.read_at, held.pending_at = stamp, None
            pending_at = self.stamps(dataset).get("labelscape.pending")
            if held.pending_at is None or held.pending_at != (pending_at,):
                held.rows.show_pending(self.pending(dataset))
                held.pending_at = (pending_at,)
            return held.rows

    def pending(self, dataset: fo.Dataset) -> PendingChanges:
        """What is pending, folded again only where it has changed."""
        stamp = (self.stamps(dataset).get("labelscape.pending"),)
        with self.lock:
            if self._pending[0] != stamp:
                self._pending = (stamp, pending_changes(dataset))
            return self._pending[1]

    def stamps(self, dataset: fo.Dataset) -> dict[str, tuple[int, datetime | None]]:
        """For each of Labelscape's stores of this dataset: how many records, and when the last was written."""
        match = {"dataset_id": dataset._doc.id, "store_name": {"$regex": "^labelscape[.]"}}
        group = {"_id": "$store_name", "number": {"$sum": 1}, "at": {"$max": "$updated_at"}}
        found = get_db_conn()["execution_store"].aggregate([{"$match": match}, {"$group": group}])
        return {record["_id"]: (record["number"], record["at"]) for record in found}

    # --- neighbors -------------------------------------------------------------------------------------------------

    def warm(self, dataset: fo.Dataset, rows: MapRows) -> None:
        """Begin to make the neighbors ready, unless they are many: those wait until they are asked for."""
        if rows.embeddings is not None and len(rows) <= _WARMED and dataset.has_brain_run(rows.embeddings):
            with self.lock:
                if rows.embeddings not in self._sessions:
                    self._sessions[rows.embeddings] = self._open_session(dataset, rows.embeddings)

    def session(self, dataset: fo.Dataset, rows: MapRows, *, seconds: float = 15) -> Session:
        """The embeddings behind a map with their neighbors.

        Args:
            seconds: how long to wait for them

        Raises:
            NotReady: they are being computed, with progress among the jobs.
            ValueError: it is not known of which embeddings the map was made.
        """
        key = rows.embeddings
        if key is None:
            raise Refusal(
                f"The map “{rows.key}” does not say of which embeddings it was made: compute one here to work with "
                "neighbors."
            )
        with self.lock:
            future = self._sessions.get(key)
            if future is None or future.done():
                future = self._sessions[key] = self._open_session(dataset, key)
        try:
            return future.result(timeout=seconds)
        except StillRunning:
            raise NotReady(
                f"The neighbors in “{key}” are still being computed, once for these embeddings: try again in a moment."
            ) from None

    def _open_session(self, dataset: fo.Dataset, key: str) -> "Future[Session]":
        future: Future[Session] = Future()

        def work() -> None:
            self._wait_for_places()
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

    def opening(self) -> list[dict[str, Any]]:
        """The computing of neighbors that is under way (`Job`)."""
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

    # --- changes ---------------------------------------------------------------------------------------------------

    def remember(self, name: str, stamp: Any, make: Callable[[], _Result]) -> _Result:
        """What ``make`` returns, made again only where the stamp is another one."""
        held = self.memory.get(name)
        if held is None or held[0] != stamp:
            held = self.memory[name] = (stamp, make())
        result: _Result = held[1]
        return result

    def forget(self, dataset: fo.Dataset) -> None:
        """Forget everything that is not a label: choices, loaded maps, cached columns."""
        with self.lock:
            self._store(dataset).delete("label_field")
            self._store(dataset).delete("map")
            self.map_of_panel.clear()
            self.memory.clear()
            self._maps.clear()
            self._labels.clear()
            self.version += 1

    def forget_runs(self) -> None:
        """Forget what was read of maps and embeddings: some of them were renamed or deleted."""
        with self.lock:
            self.memory.pop("embeddings", None)
            self._sessions.clear()
            self._stale.clear()
            self._maps.clear()
            self.version += 1

    def rename_map(self, dataset: fo.Dataset, key: str, name: str) -> None:
        """Let panels that show a map go on with it under its new name."""
        self.map_of_panel = {panel: name if shown == key else shown for panel, shown in self.map_of_panel.items()}
        if self._store(dataset).get("map") == key:
            self._store(dataset).set("map", name)

    def _first_reading(
        self, dataset: fo.Dataset, rows: MapRows, field: LabelField, *, again: bool = False
    ) -> "Future[None] | None":
        """The reading in background of labels that were never read; None where they were, or are few.

        Args:
            again: try again what has failed, which is told once
        """
        name = (rows.key, rows.digest, field.name)

        def read() -> None:
            try:
                with self.lock:
                    self._take_over(rows, field, name)
                if name not in self._labels:
                    held = _read_all(dataset, LabelRows(rows, field), last_change(dataset))
                    with self.lock:
                        self._labels[name] = held
                self._reading.pop(name, None)
            except Exception as error:
                _log.exception("Could not read the labels of the map %s", rows.key)
                why = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}; the log says where"
                self.notes.add("error", f"The labels in “{field.name}” could not be read ({why}).")
                raise
            finally:
                self._changed()

        with self.lock:
            self._take_over(rows, field, name)
            if name in self._labels or len(rows) <= _READ_AT_ONCE:
                return None
            future = self._reading.get(name)
            if future is None or (again and future.done()):
                future = self._reading[name] = self._later(read)
            return future

    def _take_over(self, rows: MapRows, field: LabelField, name: tuple[str, str, str]) -> None:
        """Begin with the labels that were read for another map of the same items."""
        if name in self._labels:
            return
        for held in self._labels.values():
            if held.rows.field.name == field.name and held.rows.rows.items == rows.items:
                self._labels[name] = _Labels(held.rows.over(rows), held.read_at, None)
                return

    def _later(self, deed: Callable[[], None]) -> "Future[None]":
        """Do something in background, but not before a map that is being opened has its places."""

        def do() -> None:
            self._wait_for_places()
            deed()

        return self._background.submit(do)

    def places_first(self) -> None:
        """A map is being opened: what is done in background waits until its panel asks for something else."""
        self._places_until = time.monotonic() + _OPENING_SECONDS
        self.opened.clear()

    def _wait_for_places(self) -> None:
        self.opened.wait(max(0.0, self._places_until - time.monotonic()))

    def _changed(self) -> None:
        self.version += 1

    def _job_ended(self, job: Job) -> None:
        self.version += 1
        if job.by_operator:  # its message stands at the job, with its next steps
            return
        if job.status == "done":
            self.notes.add("success", job.message)
        elif job.status == "failed":
            self.notes.add("error", job.message)

    def _store(self, dataset: fo.Dataset) -> ExecutionStore:
        return ExecutionStore.create(_STORE, dataset._doc.id)


def board_of(dataset: fo.Dataset) -> Board:
    """The board of a dataset; the one not used for longest is forgotten when there are many."""
    key = str(dataset._doc.id)
    with _boards_lock:
        board = _boards.get(key)
        if board is None:
            board = _boards[key] = Board(dataset)
        board.name = dataset.name
        _boards.move_to_end(key)
        idle = [name for name, other in _boards.items() if not any(job.open for job in other.jobs.listing())]
        for name in idle[: max(0, len(_boards) - _KEPT_BOARDS)]:
            del _boards[name]
        return board


def _read_all(dataset: fo.Dataset, rows: LabelRows, stamp: tuple[Any, ...]) -> _Labels:
    rows.read(dataset)
    return _Labels(rows, stamp, None)
