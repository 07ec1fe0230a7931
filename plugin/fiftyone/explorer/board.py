"""What all panels on one dataset share inside the App's server: caches of its parts, jobs, messages."""

import logging
import threading
from collections import OrderedDict
from typing import Any

import fiftyone as fo

from ....ml_backend.actions.label_neighbors import NeighborPreview
from ....ml_backend.errors import Refusal
from ....ml_backend.store.label_origins import may_hold_predictions, unclear_origin
from ....ml_backend.store.labels import LabelField, label_field
from ....ml_backend.store.pending_columns import PendingChanges
from ....ml_backend.store.records import open_store
from ....ml_backend.store.schema import field_mark, field_today
from ....operators.jobs import Job, jobs_of
from .background import Background
from .label_cache import LabelCache
from .label_states import LabelRows
from .map_cache import MapCache
from .map_rows import MapRows
from .memo import Memo
from .notes import Notes
from .session_cache import SessionCache
from .stamps import last_change

_log = logging.getLogger(__name__)
_STORE = "labelscape.explorer"
_KEPT_BOARDS = 8
_boards: "OrderedDict[str, Board]" = OrderedDict()
_boards_lock = threading.Lock()

StateParts = list[dict[str, Any]]


class Board:
    """The shared state of one dataset. Everything here can be rebuilt from the database."""

    def __init__(self, dataset: fo.Dataset) -> None:
        self.dataset_id = str(dataset._doc.id)
        self.name = dataset.name
        self.lock = threading.RLock()
        self.deciding = threading.Lock()  # decisions are applied one call after another
        self.revision = 0  # of the newest state
        self.version = 0  # of changes that no stamp of the database shows
        self.notes = Notes()
        self.jobs = jobs_of(dataset)
        self.jobs.on_end = self._job_ended
        self.background = Background()
        self.sessions = SessionCache(self.lock, self.background, self._changed)
        self.label_cache = LabelCache(
            self.lock, self.background, self._changed, lambda sentence: self.notes.add("error", sentence)
        )
        self.maps = MapCache(self.dataset_id, self.lock, self.background, self._changed, self.label_cache.drop)
        self.map_of_panel: dict[str, str] = {}
        self.states: Memo[dict[str, Any]] = Memo()  # by panel
        self.columns: Memo[dict[str, Any]] = Memo()  # references of column files, by what they hold
        self.parts: Memo[StateParts] = Memo()  # parts of the state that take time to list
        self.names: Memo[list[str]] = Memo()  # label fields and classes
        self.unclear: Memo[bool] = Memo()  # label fields that may hold predictions
        self.functions: Memo[dict[str, Any]] = Memo()
        self.reach: Memo[NeighborPreview] = Memo()  # the neighbors last shown as reached by a label

    def remember_map(self, dataset: fo.Dataset, panel_id: str, key: str) -> None:
        """Record which map a panel has loaded; the next panel on this dataset opens with it."""
        self.map_of_panel[panel_id] = key
        open_store(dataset, _STORE).set("map", key)

    def open_map(self, dataset: fo.Dataset, panel_id: str) -> None:
        """Load the map that was loaded last, else the first, into a panel that has none."""
        runs = self.maps.shown_runs()
        if panel_id in self.map_of_panel or not runs:
            return
        last = open_store(dataset, _STORE).get("map")
        run = next((run for run in runs if run.key == last), runs[0])
        self.background.open_map_first()
        try:
            self.sessions.warm(dataset, self.maps.rows_of(dataset, run))
        except Exception:
            # Nobody requested this map. The front end requests it next, and is told why it cannot be shown.
            _log.exception("Could not open the map %s", run.key)
        else:
            self.map_of_panel[panel_id] = run.key

    def rename_map(self, dataset: fo.Dataset, key: str, name: str) -> None:
        """Let panels that show a map continue with it under its new name."""
        self.map_of_panel = {panel: name if shown == key else shown for panel, shown in self.map_of_panel.items()}
        if open_store(dataset, _STORE).get("map") == key:
            open_store(dataset, _STORE).set("map", name)

    def label_field(self, dataset: fo.Dataset, patches_field: str | None) -> LabelField:
        """The label field chosen for this dataset, or else a sensible default, never one of predictions."""
        return self.label_cache.field(dataset, patches_field, self._chosen_label_field(dataset))

    def is_label_field_unclear(self, dataset: fo.Dataset, field: LabelField) -> bool:
        """Whether labels may be set in this field only once somebody has chosen it: it may hold predictions."""
        if field.kind == "patch" or self._chosen_label_field(dataset) == field.name:
            return False
        return self.unclear.get(
            field.name,
            (tuple(dataset.list_evaluations()), last_change(dataset)),
            lambda: may_hold_predictions(dataset, field.name),
        )

    def check_label_field(self, dataset: fo.Dataset, field: LabelField) -> None:
        """Raise a Refusal unless it is clear that labels are to go to this field.

        Raises:
            Refusal: it may hold predictions, and nobody has chosen it.
        """
        if self.is_label_field_unclear(dataset, field):
            raise Refusal(f"{unclear_origin(field.name)} Choose it, or a new field, under “Labels go to” first.")

    def choose_label_field(self, dataset: fo.Dataset, name: str) -> None:
        """Use this label field from now on, in every tab.

        Raises:
            Refusal: it cannot hold labels.
        """
        chosen = label_field(dataset, name).name
        open_store(dataset, _STORE).set("label_field", {"name": chosen, "mark": field_mark(dataset, chosen)})

    def _chosen_label_field(self, dataset: fo.Dataset) -> str | None:
        """The field that was chosen, by its new name if it was renamed; None if none is chosen.

        Where another field has taken the name, that one is meant: the labels of a Label Studio project move to a new
        field of the same name when its config changes from several classes to one.
        """
        chosen = open_store(dataset, _STORE).get("label_field")
        if chosen is None or isinstance(chosen, str):  # a record of an earlier version
            return chosen
        name, mark = chosen["name"], chosen["mark"]
        if mark is None and dataset.get_field(name) is not None:  # it was made since
            open_store(dataset, _STORE).set("label_field", {"name": name, "mark": field_mark(dataset, name)})
        return name if dataset.get_field(name) is not None else field_today(dataset, name, mark)

    def labels(self, dataset: fo.Dataset, rows: MapRows) -> LabelRows:
        """The current labels of a map's rows, from the database and the pending changes."""
        return self.label_cache.over(dataset, rows, self.label_field(dataset, rows.patches_field))

    def labels_if_read(self, dataset: fo.Dataset, rows: MapRows) -> LabelRows | None:
        """`labels`; None if they are many and not read yet, in which case reading starts in the background."""
        return self.label_cache.if_read(dataset, rows, self.label_field(dataset, rows.patches_field))

    def pending(self, dataset: fo.Dataset) -> PendingChanges:
        """The pending changes."""
        return self.label_cache.pending(dataset)

    def forget(self, dataset: fo.Dataset) -> None:
        """Forget everything except labels: choices, loaded maps, cached columns."""
        with self.lock:
            open_store(dataset, _STORE).delete("label_field")
            open_store(dataset, _STORE).delete("map")
            self.map_of_panel.clear()
            for memo in (self.columns, self.parts, self.names, self.functions, self.reach):
                memo.clear()
            self.maps.clear()
            self.label_cache.clear()
            self.version += 1

    def forget_runs(self) -> None:
        """Forget what was read of maps and embeddings: some of them were renamed or deleted."""
        with self.lock:
            self.parts.clear()
            self.sessions.clear()
            self.maps.clear()
            self.version += 1

    def _changed(self) -> None:
        self.version += 1

    def _job_ended(self, job: Job) -> None:
        self.version += 1
        # An error is shown with the job until it is closed, as is the result of an operator's run.
        if job.status == "done" and not job.by_operator:
            self.notes.add("success", job.message, "" if job.outcome is None else job.outcome.why)


def board_of(dataset: fo.Dataset) -> Board:
    """The board of a dataset; when there are many, the least recently used one is forgotten."""
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
