"""Set labels, clear them, or delete items: all is pending until saved, and no label is overwritten unless requested."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import fiftyone as fo
import numpy as np

from ..errors import Refusal
from ..report import Report
from ..store.conflicts import conflicts_with, labels_there
from ..store.items import FRAMES, check_patches_field, items_of
from ..store.label_documents import Conflict
from ..store.label_edits import clearable_counts, clearable_items
from ..store.labels import DEFAULT_FIELD, LabelField, label_field, locked_path
from ..store.multi_label_edits import seen_in_lists
from ..store.pending import Clear, PendingAct, add_acts
from ..store.pending_changes import pending_changes
from ..store.records import as_names, as_oids
from ..store.schema import field_mark
from ..store.scores import read_words
from ..store.seen import LabelsThere
from ..store.seen_contents import seen_contents
from ..wording import count
from .conflict_notes import conflict_note

_NOTHING_SELECTED = "Nothing is selected: tick samples in the grid, or lasso points on the map."


@dataclass(frozen=True, repr=False)
class QueueReport(Report):
    """The pending changes that an action added; items that have another label were left alone as ``conflicts``."""

    queued: list[str]
    conflicts: list[Conflict]
    pending: str

    def sentence(self) -> str:
        """The closing message."""
        return f"Queued {count(len(self.queued), 'change')}. {conflict_note(self.conflicts)}{self.pending}"


@dataclass(frozen=True)
class ClearableCounts:
    """How many labels can be cleared, by origin: set by a person here, by neighbors, or imported."""

    human: int
    neighbors: int
    imported: int

    @property
    def total(self) -> int:
        """The total count."""
        return self.human + self.neighbors + self.imported

    def sentence(self) -> str:
        """What a user should know before clearing."""
        return (
            f"{count(self.total, 'label')}: {self.human:,} set by hand in Labelscape, {self.neighbors:,} from "
            f"neighbors, {self.imported:,} imported."
        )


@dataclass(frozen=True)
class LabelBatch:
    """Labels to queue: ``names[codes[i]]`` for item ``ids[i]`` (12 bytes each), n of them.

    ``confidence`` (n,) and ``anchors`` (n,) are given if the labels come from neighbors, else None. ``seen`` (n,) is
    what a person saw at each item (`store.seen`); None = what is there now.
    """

    ids: np.ndarray
    codes: np.ndarray
    names: Sequence[str]
    confidence: np.ndarray | None = None
    anchors: np.ndarray | None = None
    replace: bool = False
    seen: np.ndarray | None = None


def set_label(
    dataset: fo.Dataset,
    ids: Sequence[str],
    label: str,
    *,
    field: str = DEFAULT_FIELD,
    patches_field: str | None = None,
    replace: bool = False,
) -> QueueReport:
    """Set a label on samples, or on objects of a patches field; it is pending until saved.

    Args:
        replace: overwrite existing other labels; otherwise such items are left alone and reported.

    Raises:
        Refusal: no ids, an empty label, or a field that cannot hold labels.
    """
    target = label_field(dataset, field, patches_field)
    if not len(ids):
        raise Refusal(_NOTHING_SELECTED)
    oids = as_oids(ids)
    batch = LabelBatch(oids, np.zeros(len(oids), np.int32), [clean_label(label)], replace=replace)
    return queue_labels(dataset, target, batch)


def relabel(
    dataset: fo.Dataset, ids: Sequence[str], *, field: str = DEFAULT_FIELD, patches_field: str | None = None
) -> QueueReport:
    """Set the better label that “find wrong labels” proposed for each item, pending, in place of the current one.

    Raises:
        Refusal: no ids, or no better label for any of them.
    """
    target = label_field(dataset, field, patches_field)
    if not len(ids):
        raise Refusal(_NOTHING_SELECTED)
    items = items_of(dataset, ids, patches_field)
    better = read_words(dataset, items, "mislabel_suggestion")
    rows = [row for row, name in enumerate(better) if name]
    if not rows:
        raise Refusal("No better labels are known for these: run “Labelscape: find wrong labels” on them first.")
    names, codes = np.unique([str(better[row]) for row in rows], return_inverse=True)
    return queue_labels(dataset, target, LabelBatch(as_oids(items.ids[rows]), codes, names.tolist(), replace=True))


def queue_labels(dataset: fo.Dataset, field: LabelField, batch: LabelBatch) -> QueueReport:
    """Set pending labels of one field as one action, except those that would overwrite a label without permission.

    A pending label that a person set takes precedence over a label from neighbors.
    """
    present = labels_there(dataset, field, batch.ids)
    batch = replace(batch, seen=present.seen_by(batch.ids))
    conflicts = [] if batch.replace else _overwriting(dataset, field, batch, present)
    if batch.confidence is not None:
        conflicts += _labeled_by_hand(dataset, field, batch)
    kept = np.ones(len(batch.ids), bool)
    if conflicts:
        kept = ~np.isin(batch.ids, as_oids(list({conflict.item for conflict in conflicts})))
    add_acts(dataset, label_acts(dataset, field, batch, kept))
    others = [conflict for conflict in conflicts if conflict.label != conflict.existing]
    return QueueReport(as_names(batch.ids[kept]), others, pending_changes(dataset).sentence())


def add_labels(dataset: fo.Dataset, field: LabelField, batch: LabelBatch) -> None:
    """Set pending labels of one field; the save finds those that would overwrite a label without permission."""
    if batch.seen is None:
        batch = replace(batch, seen=labels_there(dataset, field, batch.ids).seen_by(batch.ids))
    add_acts(dataset, label_acts(dataset, field, batch, np.ones(len(batch.ids), bool)))


def label_acts(dataset: fo.Dataset, field: LabelField, batch: LabelBatch, writable: np.ndarray) -> list[PendingAct]:
    """The pending actions that set the labels of a batch where ``writable`` (n,) is true, one per class."""
    rows = [np.flatnonzero(writable & (batch.codes == code)) for code in range(len(batch.names))]
    return [_label_act(dataset, field, batch, mine, code) for code, mine in enumerate(rows) if len(mine)]


def count_clearable(
    samples: fo.core.collections.SampleCollection, *, field: str = DEFAULT_FIELD, patches_field: str | None = None
) -> ClearableCounts:
    """Count the labels of a view that `clear_labels` could remove."""
    by_origin = clearable_counts(samples, label_field(samples._root_dataset, field, patches_field))
    return ClearableCounts(*(by_origin[origin] for origin in ("human", "neighbors", "imported")))


def clear_labels(
    samples: fo.core.collections.SampleCollection,
    *,
    field: str = DEFAULT_FIELD,
    patches_field: str | None = None,
    which: Clear = "ours",
) -> QueueReport:
    """Clear labels of a view; this is pending until saved.

    Args:
        which: "all" labels, "ours" = set through Labelscape, "neighbors" = those that came from neighbors.

    Raises:
        Refusal: there are no such labels in the view.
    """
    dataset = samples._root_dataset
    target = label_field(dataset, field, patches_field)
    ids, who = clearable_items(samples, target)
    meant = {"all": np.ones(len(ids), bool), "ours": who != "imported", "neighbors": who == "neighbors"}[which]
    chosen = np.unique(ids[meant])
    if not len(chosen):
        raise Refusal(f"There are no such labels in '{field}' here: there is nothing to clear.")
    add_acts(
        dataset,
        [
            PendingAct(
                kind="clear",
                ids=chosen,
                field=target.name,
                patches_field=target.patches_field,
                multi=target.kind == "classifications",
                which=which,
                seen=_seen_now(dataset, target, chosen, which),
                mark=field_mark(dataset, target.name),
                count=len(chosen),
            )
        ],
    )
    return QueueReport(as_names(chosen), [], pending_changes(dataset).sentence())


def delete_items(dataset: fo.Dataset, ids: Sequence[str], *, patches_field: str | None = None) -> QueueReport:
    """Mark samples or objects for deletion, pending until saved. Media files are never deleted.

    Raises:
        Refusal: no IDs, a read-only field, or a dataset whose samples an undo could not fully restore.
    """
    if not len(ids):
        raise Refusal(_NOTHING_SELECTED)
    if patches_field == FRAMES:
        raise Refusal("Frames cannot be deleted here: they belong to their videos. Delete the objects in them instead.")
    if patches_field is None and dataset.media_type in ("video", "group"):
        raise Refusal(
            f"Samples of a {dataset.media_type} dataset cannot be deleted here, because an undo could not restore "
            "everything that belongs to them: use FiftyOne's own delete."
        )
    oids = as_oids(ids)
    act = PendingAct(kind="delete", ids=oids, patches_field=patches_field, count=len(oids))
    if patches_field is not None:
        check_deletable(dataset, patches_field)
        act = replace(act, field=patches_field, mark=field_mark(dataset, patches_field))
    add_acts(dataset, [replace(act, seen=seen_contents(dataset, patches_field, oids))])
    return QueueReport(as_names(oids), [], pending_changes(dataset).sentence())


def check_deletable(dataset: fo.Dataset, patches_field: str) -> None:
    """Raise a Refusal unless objects can be deleted from a field."""
    check_patches_field(dataset, patches_field)
    locked = locked_path(dataset, patches_field)
    if locked is not None:
        raise Refusal(f"The field '{locked}' is read-only: make it writable to delete objects in it.")


def clean_label(label: str) -> str:
    """A label without surrounding whitespace.

    Raises:
        Refusal: nothing is left.
    """
    cleaned = label.strip()
    if not cleaned:
        raise Refusal("The label is empty: type a class name.")
    return cleaned


def _seen_now(dataset: fo.Dataset, field: LabelField, ids: np.ndarray, which: Clear) -> np.ndarray:
    """(n,) what items have that is to be cleared: all of it, where a view shows only some of the labels of a list."""
    if field.kind == "classifications":
        return seen_in_lists(dataset, field, ids, which)
    return labels_there(dataset, field, ids).seen_by(ids)


def _overwriting(dataset: fo.Dataset, field: LabelField, batch: LabelBatch, present: LabelsThere) -> list[Conflict]:
    """Items that have another label, unless that label is about to be cleared."""
    kept = np.ones(len(batch.ids), bool)
    for changes in pending_changes(dataset).fields:
        if changes.field == field.name and len(changes.cleared):
            kept &= ~np.isin(batch.ids, changes.cleared)
    return conflicts_with(present, batch.ids[kept], batch.codes[kept], batch.names)


def _labeled_by_hand(dataset: fo.Dataset, field: LabelField, batch: LabelBatch) -> list[Conflict]:
    """Conflicts between pending labels that a person set and labels from neighbors."""
    changes = pending_changes(dataset)
    if not len(changes):
        return []
    waiting: dict[str, str] = {}
    for field_changes in changes.fields:
        if field_changes.field == field.name:
            rows = np.flatnonzero(np.isin(field_changes.ids, batch.ids))
            labels = [field_changes.names[code] for code in field_changes.codes[rows].tolist()]
            waiting |= dict(zip(as_names(field_changes.ids[rows]), labels, strict=True))
    for ids in changes.deleted.values():
        waiting |= dict.fromkeys(as_names(ids[np.isin(ids, batch.ids)]), "deletion")
    if not waiting:
        return []
    code_of = dict(zip(as_names(batch.ids), batch.codes.tolist(), strict=True))
    return [Conflict(item, batch.names[code_of[item]], label) for item, label in waiting.items()]


def _label_act(dataset: fo.Dataset, field: LabelField, batch: LabelBatch, rows: np.ndarray, code: int) -> PendingAct:
    act = PendingAct(
        kind="label",
        ids=batch.ids[rows],
        field=field.name,
        patches_field=field.patches_field,
        label=batch.names[code],
        multi=field.kind == "classifications",
        replace=batch.replace,
        mark=field_mark(dataset, field.name),
        count=len(rows),
    )
    if batch.seen is not None:
        act = replace(act, seen=batch.seen[rows])
    if batch.confidence is None or batch.anchors is None:
        return act
    more = {"confidence": batch.confidence[rows], "anchors": batch.anchors[rows]}
    return replace(act, origin="neighbors", **more)
