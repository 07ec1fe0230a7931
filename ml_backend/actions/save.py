"""Save what is pending, discard it, or undo a save: each is an all-or-nothing action."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import fiftyone as fo
import numpy as np

from ..errors import Refusal
from ..progress import Progress, no_progress
from ..report import Report
from ..store.edits import AnyEdit
from ..store.existence import ends_with_dataset
from ..store.label_documents import Conflict, Plan
from ..store.label_edits import deletion_edits, label_edits
from ..store.labels import LabelField, label_field
from ..store.maps import list_maps, touch_map
from ..store.pending import NOTHING_SEEN, UNKNOWN, PendingAct, add_acts, keep_aside, one_act
from ..store.pending_changes import pending_changes
from ..store.pending_columns import FieldChanges, PendingChanges
from ..store.records import as_names, as_oids
from ..store.sample_state import sample_state
from ..store.saves import SaveRecord, commit, read_head, saves_acts, undo
from ..store.schema import field_mark, field_today
from ..store.seen_contents import seen_contents
from ..store.unwritten import Unwritten, objects_in, unwritten
from ..wording import agree, count, listing, noun
from .conflict_notes import kept_notes
from .evidence import keep_after_save
from .follow import follow_labels
from .queue import check_deletable


@dataclass(frozen=True)
class Blocked:
    """Changes that stay pending because their field cannot be written: the reason, and how many."""

    reason: str
    count: int


@dataclass(frozen=True, repr=False)
class SaveReport(Report):
    """The result of a save, as counted by MongoDB.

    Items that somebody changed since the change was queued were left alone as ``conflicts``; ``overtaken`` changes were
    not written because somebody changed the same thing during the save; ``gone`` ones are of items that were deleted;
    ``blocked`` ones stay pending.
    """

    labels: int
    cleared: int
    deletions: int
    overtaken: int
    gone: int
    conflicts: list[Conflict]
    blocked: list[Blocked]

    def sentence(self) -> str:
        """The closing message."""
        numbers = ((self.labels, "label"), (self.deletions, "deletion"))
        saved = [count(number, singular) for number, singular in numbers if number]
        done = [f"saved {listing(saved)}"] if saved else []
        done += [f"cleared {count(self.cleared, 'label')}"] if self.cleared else []
        parts = []
        if done:
            sentence = listing(done)
            parts.append(f"{sentence[0].upper()}{sentence[1:]}; “Undo save” reverts this.")
        elif not (self.blocked or self.gone or self.overtaken or self.conflicts):
            parts.append("Nothing to save: the dataset already contains all of it.")
        if self.overtaken:
            were = f"{count(self.overtaken, 'change')} {agree(self.overtaken, 'was')}"
            parts.append(f"{were} not written, because the same labels were changed elsewhere in the meantime.")
        if self.gone:
            were = f"{count(self.gone, 'change')} {agree(self.gone, 'was')} dropped"
            no_longer = f"{noun(self.gone, 'item')} {agree(self.gone, 'was')} deleted elsewhere"
            parts.append(f"{were}, because {agree(self.gone, 'its')} {no_longer}.")
        parts += [f"{count(entry.count, 'change')} still pending: {entry.reason}" for entry in self.blocked]
        return " ".join([*parts, *kept_notes(self.conflicts)])


@ends_with_dataset
def save_changes(dataset: fo.Dataset, progress: Progress = no_progress) -> SaveReport:
    """Write everything pending in one save: all of it now or, after a crash, all of it at the next call.

    Args:
        progress: may stop the save until it is committed.

    Raises:
        Refusal: nothing is pending, or another save is in progress.
        Cancelled: nothing was changed.
    """
    head = read_head(dataset)
    dataset.reload()  # also sees fields that another process changed
    changes = pending_changes(dataset)
    if not len(changes):
        raise Refusal("Nothing is pending: set a label or mark something for deletion first.")
    targets, blocked = _targets(dataset, changes)
    deleted, undeletable = _deleted(dataset, changes)
    blocked += undeletable
    plan = Plan([])
    deleted = _without_changed(dataset, deleted, changes, plan)
    leaving = _leaving_objects(dataset, targets, deleted)
    state = sample_state(dataset)
    record = commit(
        dataset,
        _edits(dataset, targets, deleted, plan),
        f"save of {count(len(changes) - sum(entry.count for entry, _ in blocked), 'change')}",
        head=head,
        acts=changes.acts,
        kept=keep_aside(dataset, [act for _, acts in blocked for act in acts]),
        declare=[field for field, _ in targets],
        progress=progress,
    )
    lost = _unwritten(dataset, record, plan, [field_changes for _, field_changes in targets], deleted, leaving)
    if record.count == record.total_written:
        keep_after_save(state, dataset, [field_changes for _, field_changes in targets], plan.conflicts)
    if record.count:
        show_new_labels(dataset)
    return SaveReport(
        labels=record.written.get("label", 0),
        cleared=record.written.get("clear", 0),
        deletions=record.written.get("delete", 0),
        overtaken=lost.changed,
        gone=lost.gone,
        conflicts=plan.conflicts,
        blocked=[entry for entry, _ in blocked],
    )


def discard_changes(dataset: fo.Dataset, ids: Sequence[str] | None = None) -> int:
    """Discard what is pending, for these items or for all; can be undone. Returns the number of changes.

    Raises:
        Refusal: a save is in progress.
    """
    read_head(dataset)  # a save that was interrupted is finished: what it writes is no longer pending
    changes = pending_changes(dataset)
    oids = None if ids is None else as_oids(ids)
    discarded = _count_of(changes, oids)
    if discarded:
        ids_of_all = np.empty(0, "S12")
        act = PendingAct("discard", ids_of_all if oids is None else oids, discards=changes.acts, count=discarded)
        with one_act():
            add_acts(dataset, [act])
            if saves_acts(dataset, changes.acts):
                raise Refusal("These changes were just saved: undo the save instead.")
    return discarded


@ends_with_dataset
def undo_save(dataset: fo.Dataset, save: str | None = None, progress: Progress = no_progress) -> SaveRecord:
    """Undo the last save; changes made since then stay.

    Args:
        save: the id of the save that is meant; without it, whichever is the last one now.

    Raises:
        Refusal: another save was made since the one that is meant, there is nothing to undo, or its fields are gone.
    """
    dataset.reload()
    record = undo(dataset, save, progress)
    show_new_labels(dataset)
    return record


def show_new_labels(dataset: fo.Dataset) -> None:
    """Update maps and suggestions after labels changed."""
    for key in list_maps(dataset):
        touch_map(dataset, key)
    follow_labels(dataset)


def _edits(
    dataset: fo.Dataset,
    targets: Sequence[tuple[LabelField, FieldChanges]],
    deleted: Mapping[str | None, np.ndarray],
    plan: Plan,
) -> Iterator[AnyEdit]:
    leaving = deleted.get(None, np.empty(0, "S12"))
    for field, field_changes in targets:
        yield from label_edits(dataset, field, field_changes, plan, leaving=leaving)
    yield from deletion_edits(dataset, deleted)


def _leaving_objects(
    dataset: fo.Dataset, targets: Sequence[tuple[LabelField, FieldChanges]], deleted: Mapping[str | None, np.ndarray]
) -> np.ndarray:
    """The objects (m,) that may have pending changes and go with their samples, which are deleted too."""
    leaving = deleted.get(None, np.empty(0, "S12"))
    fields = {field_changes.patches_field for _, field_changes in targets} | set(deleted)
    return np.concatenate([leaving[:0], *(objects_in(dataset, field, leaving) for field in fields if field)])


def _unwritten(
    dataset: fo.Dataset,
    record: SaveRecord,
    plan: Plan,
    fields: Sequence[FieldChanges],
    deleted: Mapping[str | None, np.ndarray],
    leaving: np.ndarray,
) -> Unwritten:
    """Why less was written than was pending; nothing is looked up where all of it was."""
    pending = sum(len(changes.ids) + len(changes.cleared) for changes in fields) + sum(map(len, deleted.values()))
    kept = sum(conflict.act != "delete" for conflict in plan.conflicts)  # ``deleted`` is without those that are kept
    # A clearing in a field of several labels per item writes each label that it removes.
    several = any(changes.multi and len(changes.cleared) for changes in fields)
    if not several and record.total_written == record.count and record.total_written + kept >= pending:
        return Unwritten()
    return unwritten(dataset, record, fields, deleted, leaving)


def _targets(
    dataset: fo.Dataset, changes: PendingChanges
) -> tuple[list[tuple[LabelField, FieldChanges]], list[tuple[Blocked, list[PendingAct]]]]:
    """The fields that can be written, and the changes that stay pending because their field cannot be."""
    targets, blocked = [], []
    for field_changes in changes.fields:
        try:
            if field_today(dataset, field_changes.field, field_changes.mark) is None:
                raise Refusal(
                    f"The field '{field_changes.field}' that they were set in was deleted. Discard them, or set the "
                    "labels again in another field."
                )
            targets.append((label_field(dataset, field_changes.field, field_changes.patches_field), field_changes))
        except Refusal as error:
            acts = _as_acts(field_changes)
            blocked.append((Blocked(str(error), len(field_changes.ids) + len(field_changes.cleared)), acts))
    return targets, blocked


def _deleted(
    dataset: fo.Dataset, changes: PendingChanges
) -> tuple[dict[str | None, np.ndarray], list[tuple[Blocked, list[PendingAct]]]]:
    """The deletions to make, by field of objects, and those that stay pending because the field is read-only."""
    deleted, blocked = {}, []
    for field, ids in changes.deleted.items():
        try:
            if field is not None and dataset.get_field(field) is None:
                raise Refusal(f"The field '{field}' of the objects to delete was itself deleted. Discard them.")
            if field is not None:
                check_deletable(dataset, field)
            deleted[field] = ids
        except Refusal as error:
            mark = field_mark(dataset, field or "")
            act = PendingAct("delete", ids, field=field or "", patches_field=field, mark=mark, count=len(ids))
            act = replace(act, seen=changes.deleted_seen[field])
            blocked.append((Blocked(str(error), len(ids)), [act]))
    return deleted, blocked


def _without_changed(
    dataset: fo.Dataset, deleted: Mapping[str | None, np.ndarray], changes: PendingChanges, plan: Plan
) -> dict[str | None, np.ndarray]:
    """The items to delete, except those that somebody changed since their deletion was queued: these are conflicts."""
    result = {}
    for field, ids in deleted.items():
        seen, now = changes.deleted_seen[field], seen_contents(dataset, field, ids)
        changed = (seen != UNKNOWN) & (now != NOTHING_SEEN) & (now != seen)
        for row in np.flatnonzero(changed).tolist():
            plan.keep(ids[row : row + 1], "", "delete")
        if not changed.all():
            result[field] = ids[~changed]
    return result


def _as_acts(changes: FieldChanges) -> list[PendingAct]:
    """The pending actions that changed one field."""
    base = PendingAct(
        kind="label",
        ids=changes.ids[:0],
        field=changes.field,
        patches_field=changes.patches_field,
        multi=changes.multi,
        mark=changes.mark,
    )
    acts = []
    whiches = np.concatenate([changes.which, changes.lifted])
    cleared = np.concatenate([changes.cleared, changes.ids])
    seen = np.concatenate([changes.cleared_seen, changes.seen])
    for which in filter(None, dict.fromkeys(whiches.tolist())):
        ids = cleared[whiches == which]
        acts.append(replace(base, kind="clear", ids=ids, seen=seen[whiches == which], which=which, count=len(ids)))
    keys = np.column_stack([changes.codes, changes.followed, changes.replace])
    for code, followed, over in np.unique(keys, axis=0).tolist():
        rows = (changes.codes == code) & (changes.followed == followed) & (changes.replace == over)
        act = replace(base, ids=changes.ids[rows], label=changes.names[code], replace=bool(over), count=int(rows.sum()))
        act = replace(act, seen=changes.seen[rows])
        if followed:
            more = {"confidence": changes.confidence[rows], "anchors": changes.anchors[rows]}
            act = replace(act, origin="neighbors", **more)
        acts.append(act)
    return acts


def _count_of(changes: PendingChanges, ids: np.ndarray | None) -> int:
    """How many changes are pending, for these items or in total."""
    if ids is None:
        return len(changes)
    chosen = set(as_names(ids))
    pools = [
        *changes.deleted.values(),
        *(pool for field_changes in changes.fields for pool in (field_changes.ids, field_changes.cleared)),
    ]
    return sum(item in chosen for pool in pools for item in as_names(pool))
