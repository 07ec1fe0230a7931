"""The label and the label state of every row of a map: saved labels overlaid with pending changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import fiftyone as fo
import numpy as np

from ....ml_backend.store.items import FRAMES_PREFIX
from ....ml_backend.store.labels import LabelField
from ....ml_backend.store.pending import UNKNOWN
from ....ml_backend.store.pending_columns import PendingChanges
from ....ml_backend.store.seen import seen_label
from ....ml_backend.store.suggestions import suggestion_path
from .column_files import MISSING_CODE, digest, pack
from .field_values import FieldSource, code_of, distinct_classes, fetch, first_of
from .map_rows import MapRows
from .seen_labels import SeenLabels

UNLABELED, HUMAN, SUGGESTED, PENDING_LABEL, PENDING_DELETE, NEIGHBORS, UNCERTAIN, CHECKED = range(8)
_STATES = 8
OPEN_SUGGESTIONS = (SUGGESTED, UNCERTAIN)
_NO_IDS = np.empty(0, "S12")
_OVERLAP = timedelta(seconds=10)  # a write may arrive shortly after its own timestamp


@dataclass(frozen=True)
class Snapshot:
    """Labels of the rows at one moment: ``states`` (n,) uint8, ``codes`` (n,) int32 into ``classes``, -1 = none.

    ``suggested`` (n,) int32 are the classes of the suggestions, open or not.
    """

    version: str
    states: np.ndarray
    codes: np.ndarray
    suggested: np.ndarray
    classes: list[str]

    @property
    def marked(self) -> np.ndarray:
        """(n,) whether a row is marked for deletion."""
        rows: np.ndarray = self.states == PENDING_DELETE
        return rows

    @property
    def checked(self) -> np.ndarray:
        """(n,) whether somebody looked at a row and found nothing to label."""
        rows: np.ndarray = self.states == CHECKED
        return rows


class LabelRows:
    """The labels of one field over the rows of a map, kept in sync with the database."""

    def __init__(self, rows: MapRows, field: LabelField) -> None:
        self.rows = rows
        self.field = field
        self.classes: list[str] = []
        self.saved_codes = np.full(len(rows), -1, np.int32)
        self.present = np.ones(len(rows), bool)
        self._saved_states = np.zeros(len(rows), np.uint8)
        self._suggested_codes = np.full(len(rows), -1, np.int32)
        self._code_of: dict[str, int] = {}
        self._pending = PendingChanges((), {}, ())
        self.snapshot = self._overlay()
        self.seen = SeenLabels(len(rows))

    def over(self, rows: MapRows) -> "LabelRows":
        """The same saved labels over another map, whose rows are the same items."""
        labels = LabelRows(rows, self.field)
        labels.classes, labels._code_of = list(self.classes), dict(self._code_of)
        labels.saved_codes, labels.present = self.saved_codes.copy(), self.present.copy()
        labels._saved_states = self._saved_states.copy()
        labels._suggested_codes = self._suggested_codes.copy()
        return labels

    def read(self, dataset: fo.Dataset) -> None:
        """Read the saved labels of all rows."""
        self.present = np.zeros(len(self.rows), bool)
        self.saved_codes = np.full(len(self.rows), -1, np.int32)
        self._saved_states = np.zeros(len(self.rows), np.uint8)
        self._suggested_codes = np.full(len(self.rows), -1, np.int32)
        self._read(dataset, [])

    def read_since(self, dataset: fo.Dataset, since: datetime) -> None:
        """Read again what was changed since a time."""
        if self.rows.root is not None or self.rows.in_frames:
            # An object that left its sample leaves no trace there, so all of them are read.
            self.read(dataset)
        else:
            self._read(dataset, [{"$match": {"last_modified_at": {"$gte": since - _OVERLAP}}}])

    def show_pending(self, pending: PendingChanges) -> None:
        """Overlay the saved labels with pending changes."""
        before, self._pending = self.snapshot, pending
        self.snapshot = self._overlay()
        self.seen.note(before, self.snapshot)

    def _read(self, dataset: fo.Dataset, stages: Sequence[dict[str, Any]]) -> None:
        collection = self.rows.collection(dataset)
        label = FieldSource(f"{self.field.path}.label", "categorical", int(self.field.kind == "classifications"))
        root = self.rows.root
        classes = distinct_classes(collection, root, label, stages)
        path = self.field.path.removeprefix(FRAMES_PREFIX)
        origin = first_of(f"{path}.labelscape") if label.listed else f"${path}.labelscape"
        # “Checked, nothing there” is a state of its own: no label, set by a person.
        owner = self.field.name.removeprefix(FRAMES_PREFIX) if label.listed else path
        looked: Any = False if self.field.kind == "patch" else {"$eq": [f"${owner}.labelscape", "human"]}
        suggested_path = suggestion_path(dataset, self.rows.patches_field)
        suggestion = suggested_path.removeprefix(FRAMES_PREFIX)
        made_for = {"$in": [{"$ifNull": [f"${suggestion}.field", ""]}, ["", self.field.name]]}
        confident = {"$cond": [{"$eq": [f"${suggestion}.sure", True]}, SUGGESTED, UNCERTAIN]}
        state = {
            "$switch": {
                "branches": [
                    {
                        "case": {"$gt": [label.expression, ""]},
                        "then": {"$cond": [{"$eq": [origin, "neighbors"]}, NEIGHBORS, HUMAN]},
                    },
                    {"case": looked, "then": CHECKED},
                    {"case": {"$and": [{"$gt": [f"${suggestion}.label", ""]}, made_for]}, "then": confident},
                ],
                "default": UNLABELED,
            }
        }
        proposed = FieldSource(f"{suggestion}.label", "categorical", 0)
        has_any = dataset.get_field(suggested_path) is not None
        proposals = distinct_classes(collection, root, proposed, stages) if has_any else []
        expressions = {"c": code_of(label, classes), "s": (state, "<i4"), "g": code_of(proposed, proposals)}
        fetched = fetch(collection, root, expressions, stages=stages)
        rows = self.rows.locate(fetched.ids)
        on_map = rows >= 0
        codes = np.asarray([*(self._code(str(name)) for name in classes), -1], np.int32)
        self.saved_codes[rows[on_map]] = codes[fetched.columns["c"][on_map]]
        suggested = np.asarray([*(self._code(str(name)) for name in proposals), -1], np.int32)
        self._suggested_codes[rows[on_map]] = suggested[fetched.columns["g"][on_map]]
        self._saved_states[rows[on_map]] = fetched.columns["s"][on_map]
        self.present[rows[on_map]] = True

    def _overlay(self) -> Snapshot:
        states, codes = self._saved_states.copy(), self.saved_codes.copy()
        self._replaceable = np.isin(states, (HUMAN, NEIGHBORS))
        self._seen_by_pending = np.full(len(self.rows), UNKNOWN, np.uint64)
        for changes in self._pending.fields:
            if (changes.field, changes.patches_field) != (self.field.name, self.rows.patches_field):
                continue
            cleared = self.rows.locate(changes.cleared.astype("S12"))
            cleared = cleared[cleared >= 0]
            codes[cleared], states[cleared] = -1, PENDING_LABEL
            self._note_seen(changes.cleared, changes.cleared_seen)
            self._note_seen(changes.ids, changes.seen)
            rows = self.rows.locate(changes.ids.astype("S12"))
            self._replaceable[rows[rows >= 0]] = changes.replace[rows >= 0]
            named = np.asarray([self._code(name) for name in changes.names], np.int32)
            new = named[changes.codes] if len(changes.codes) else np.empty(0, np.int32)
            if self.field.kind == "classifications":
                # The label joins those that are there, of which the first one is shown: it is written last.
                rows, new = rows[::-1], np.where(codes[rows] >= 0, codes[rows], new)[::-1]
            codes[rows[rows >= 0]] = new[rows >= 0]
            states[rows[rows >= 0]] = PENDING_LABEL
        states[self.deleted_rows()] = PENDING_DELETE
        suggested = self._suggested_codes.copy()
        names = "\0".join(self.classes).encode()  # codes mean the same only with the same classes
        version = digest(states.tobytes() + codes.tobytes() + suggested.tobytes() + names)
        return Snapshot(version, states, codes, suggested, self.classes)

    def replaceable(self, rows: np.ndarray) -> np.ndarray:
        """Whether a new label may replace a saved one at each of some rows (m,): a person has seen what is there.

        A pending label hides the saved one below it, so a label that replaces the pending one may overwrite only what
        that one may.
        """
        chosen: np.ndarray = self._replaceable[rows]
        return chosen

    def seen_below(self, rows: np.ndarray) -> np.ndarray:
        """(m,) uint64: the saved label that a person has seen at each of some rows (`store.seen.seen_label`).

        A pending change hides the saved label below it, so that the one which its author saw counts.
        """
        kinds = (self.saved_codes[rows].astype(np.int64) + 1) * _STATES + self._saved_states[rows]
        counts = np.bincount(kinds)
        present = np.flatnonzero(counts)
        number_of = np.zeros(len(counts), np.uint64)
        number_of[present] = [self._seen_of_kind(kind // _STATES - 1, kind % _STATES) for kind in present.tolist()]
        by_pending = self._seen_by_pending[rows]
        seen: np.ndarray = np.where(by_pending == UNKNOWN, number_of[kinds], by_pending)
        return seen

    def _seen_of_kind(self, code: int, state: int) -> int:
        if code >= 0:
            return seen_label(self.classes[code], "neighbors" if state == NEIGHBORS else None)
        return seen_label(None, "human" if state == CHECKED else None)

    def _note_seen(self, ids: np.ndarray, seen: np.ndarray) -> None:
        rows = self.rows.locate(ids.astype("S12"))
        self._seen_by_pending[rows[rows >= 0]] = seen[rows >= 0]

    def codes_with_suggestions(self) -> np.ndarray:
        """(n,) int32 code of the label, and where there is none, of the open suggestion; -1 = neither."""
        snapshot = self.snapshot
        is_open = np.isin(snapshot.states, OPEN_SUGGESTIONS)
        return np.where((snapshot.codes < 0) & is_open, self._suggested_codes, snapshot.codes)

    def deleted_rows(self) -> np.ndarray:
        """Rows whose deletion is pending, a patch's also through its sample."""
        deleted = self._pending.deleted
        rows = self.rows.locate(deleted.get(self.rows.patches_field, _NO_IDS).astype("S12"))
        rows = rows[rows >= 0]
        if self.rows.patches_field is not None:
            samples = deleted.get(None, _NO_IDS).astype("S12")
            rows = np.union1d(rows, np.flatnonzero(np.isin(self.rows.sample_ids, samples)))
        return rows

    def _code(self, name: str) -> int:
        code = self._code_of.get(name)
        if code is None:
            code = self._code_of[name] = len(self.classes)
            self.classes.append(name)
        return code


def state_patch(before: Snapshot, after: Snapshot) -> dict[str, Any]:
    """What a front end that shows ``before`` must change to show ``after`` (`StatePatch`)."""
    rows = np.flatnonzero((before.states != after.states) | (before.codes != after.codes))
    used, codes = np.unique(after.codes[rows], return_inverse=True)
    labels = [after.classes[code] for code in used.tolist() if code >= 0]
    offset = int(bool(len(used)) and used[0] < 0)
    return {
        "from": before.version,
        "to": after.version,
        "rows": pack(rows, "<u4"),
        "states": pack(after.states[rows], "u1"),
        "codes": pack(np.where(after.codes[rows] < 0, MISSING_CODE, codes.ravel() - offset), "<u2"),
        "labels": labels,
    }
