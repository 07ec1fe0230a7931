"""The labels over maps: read once, in the background if there are many, then kept in sync with the database."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

import fiftyone as fo

from ....ml_backend.store.labels import LabelField, default_label_field
from ....ml_backend.store.pending_changes import pending_changes
from ....ml_backend.store.pending_columns import PendingChanges
from .background import Background
from .label_states import LabelRows
from .map_cache import COMPARED_AT_ONCE
from .map_rows import MapRows
from .memo import Memo
from .stamps import Stamp, StoreStamp, last_change, store_stamps

_log = logging.getLogger(__name__)
_PENDING = "labelscape.pending"
_Name = tuple[str, str, str]  # map, digest of its rows, label field


@dataclass
class _ReadLabels:
    rows: LabelRows
    read_at: Stamp
    pending_at: tuple[StoreStamp, ...] | None


class LabelCache:
    """The labels of one dataset."""

    def __init__(
        self,
        lock: threading.RLock,
        background: Background,
        changed: Callable[[], None],
        failed: Callable[[str], None],
    ) -> None:
        self._lock = lock
        self._background = background
        self._changed = changed
        self._failed = failed
        self._labels: dict[_Name, _ReadLabels] = {}
        self._reading: dict[_Name, Future[None]] = {}
        self._fields: Memo[LabelField] = Memo()
        self._pending: Memo[PendingChanges] = Memo()

    def field(self, dataset: fo.Dataset, patches_field: str | None, chosen: str | None) -> LabelField:
        """The label field that was chosen, else a good first one, never one of predictions."""
        schema, evaluations = tuple(dataset.get_field_schema()), tuple(dataset.list_evaluations())
        return self._fields.get(
            patches_field,
            (chosen, schema, evaluations, last_change(dataset).count),
            lambda: default_label_field(dataset, patches_field, chosen=chosen),
        )

    def if_read(self, dataset: fo.Dataset, rows: MapRows, field: LabelField) -> LabelRows | None:
        """`over`; None if they are many and not read yet, in which case reading starts in the background."""
        return self.over(dataset, rows, field) if self._first_reading(dataset, rows, field) is None else None

    def over(self, dataset: fo.Dataset, rows: MapRows, field: LabelField) -> LabelRows:
        """The current labels of a map's rows, from the database and the pending changes."""
        name = (rows.key, rows.digest, field.name)
        reading = self._first_reading(dataset, rows, field, again=True)
        if reading is not None:
            reading.result()
        with self._lock:
            known = self._labels.get(name)
            if known is None:
                known = self._labels[name] = _read_all(dataset, LabelRows(rows, field), last_change(dataset))
            else:
                _read_changes(dataset, known)
            pending_at = store_stamps(dataset).of(_PENDING)
            if known.pending_at != pending_at:
                known.rows.show_pending(self.pending(dataset))
                known.pending_at = pending_at
            return known.rows

    def pending(self, dataset: fo.Dataset) -> PendingChanges:
        """The pending changes, folded again only if they changed."""
        with self._lock:
            return self._pending.get(None, store_stamps(dataset).of(_PENDING), lambda: pending_changes(dataset))

    def drop(self, rows: MapRows) -> None:
        """Forget the labels over a map that is no longer kept."""
        self._labels = {name: known for name, known in self._labels.items() if name[1] != rows.digest}

    def clear(self) -> None:
        """Forget what was read."""
        self._labels.clear()
        self._fields.clear()

    def _first_reading(
        self, dataset: fo.Dataset, rows: MapRows, field: LabelField, *, again: bool = False
    ) -> "Future[None] | None":
        """The background reading of labels that were never read; None if they were, or are few.

        Args:
            again: retry after a failure, which is reported once
        """
        name = (rows.key, rows.digest, field.name)

        def read() -> None:
            try:
                self._read_first(dataset, rows, field, name)
            except Exception as error:
                _log.exception("Could not read the labels of the map %s", rows.key)
                why = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}; the log says where"
                self._failed(f"The labels in “{field.name}” could not be read ({why}).")
                raise
            finally:
                self._changed()

        with self._lock:
            self._take_over(rows, field, name)
            if name in self._labels or len(rows) <= COMPARED_AT_ONCE:
                return None
            future = self._reading.get(name)
            if future is None or (again and future.done()):
                future = self._reading[name] = self._background.later(read)
            return future

    def _read_first(self, dataset: fo.Dataset, rows: MapRows, field: LabelField, name: _Name) -> None:
        with self._lock:
            self._take_over(rows, field, name)
        if name not in self._labels:
            labels = _read_all(dataset, LabelRows(rows, field), last_change(dataset))
            with self._lock:
                self._labels[name] = labels
        self._reading.pop(name, None)

    def _take_over(self, rows: MapRows, field: LabelField, name: _Name) -> None:
        """Start with the labels that were read for another map of the same items."""
        if name in self._labels:
            return
        for known in self._labels.values():
            if known.rows.field.name == field.name and known.rows.rows.items == rows.items:
                self._labels[name] = _ReadLabels(known.rows.over(rows), known.read_at, None)
                return


def _read_all(dataset: fo.Dataset, rows: LabelRows, stamp: Stamp) -> _ReadLabels:
    rows.read(dataset)
    return _ReadLabels(rows, stamp, None)


def _read_changes(dataset: fo.Dataset, known: _ReadLabels) -> None:
    """Reread what has changed since; everything if samples were added or deleted."""
    stamp = last_change(dataset)
    if known.read_at == stamp:
        return
    before = known.read_at
    if before.members != stamp.members or before.changed_at is None:
        known.rows.read(dataset)
    else:
        known.rows.read_since(dataset, before.changed_at)
    known.read_at, known.pending_at = stamp, None
