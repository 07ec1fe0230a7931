"""Save what is pending, discard it, or undo a save: each is an all-or-nothing action."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import fiftyone as fo
import numpy as np

from ..errors import Refusal
from ..progress import Progress, no_progress
from ..report import Report
from ..store.edits import AnyEdit
from ..store.label_documents import Conflict, Plan
from ..store.label_edits import deletion_edits, label_edits
from ..store.labels import LabelField, label_field
from ..store.maps import list_maps, touch_map
from ..store.pending import PendingAct, add_acts, keep_aside
from ..store.pending_changes import FieldChanges, PendingChanges, pending_changes
from ..store.records import as_names, as_oids
from ..store.sample_state import sample_state
from ..store.saves import SaveRecord, commit, read_head, undo
from ..store.schema import field_today
from ..wording import agree, count, listing
from .evidence import keep_after_save
from .follow import follow_labels
from .queue import conflict_note


@dataclass(frozen=True)
class Blocked:
    """Changes that stay pending because their field cannot be written: the reason, and how many."""

    reason: str
    count: int


@dataclass(frozen=True, repr=False)
class SaveReport(Report):
    """The result of a save, as counted by MongoDB.

    Items that got another label meanwhile were left alone as ``conflicts``; ``overtaken`` changes found that somebody
    had changed the same thing at this very moment; ``blocked`` ones stay pending.
    """

    labels: int
    cleared: int
    deletions: int
    overtaken: int
    conflicts: list[Conflict]
    blocked: list[Blocked]

    def sentence(self) -> str:
        """The closing message."""
        numbers = ((self.labels, "label"), (self.deletions, "deletion"))
        saved = [count(number, noun) for number, noun in numbers if number]
        saved += [f"cleared {count(self.cleared, 'label')}"] if self.cleared else []
        parts = []
        if saved:
            parts.append(f"Saved {listing(saved)}; “Undo save” reverts this.")
        elif not self.blocked:
            parts.append("Nothing to save: the dataset already has all of it.")
        if self.overtaken:
            were = f"{count(self.overtaken, 'change')} {agree(self.overtaken, 'was')}"
            parts.append(f"{were} not written, because the same labels were changed elsewhere meanwhile.")
        parts += [f"{count(one.count, 'change')} still pending: {one.reason}" for one in self.blocked]
        return " ".join([*parts, conflict_note(self.conflicts)]).strip()


def save_changes(dataset: fo.Dataset, progress: Progress = no_progress) -> SaveReport:
    """Write everything pending as one action: all of it now or, after a crash, all of it at the next call.

    Args:
        progress: may stop the save up to the moment when it is committed.

    Raises:
        Refusal: nothing is pending, or another save is written at this moment.
        Cancelled: nothing was changed.
    """
    head = read_head(dataset)
    dataset.reload()  # also sees fields that another process changed
    changes = pending_changes(dataset)
    if not len(changes):
        raise Refusal("Nothing is pending: set a label or ask for a deletion first.")
    targets, blocked = _targets(dataset, changes)
    plan = Plan([])
    state = sample_state(dataset)
    record = commit(
        dataset,
        _edits(dataset, changes, targets, plan),
        f"save of {count(len(changes) - sum(one.count for one, _ in blocked), 'change')}",
        head=head,
        acts=changes.acts,
        kept=keep_aside(dataset, [act for _, acts in blocked for act in acts]),
        declare=[field for field, _ in targets],
        progress=progress,
    )
    if record.count == record.total_written:
        keep_after_save(state, dataset, [one for _, one in targets], plan.conflicts)
    if record.count:
        show_new_labels(dataset)
    return SaveReport(
        labels=record.written.get("label", 0),
        cleared=record.written.get("clear", 0),
        deletions=record.written.get("delete", 0),
        overtaken=record.count - record.total_written,
        conflicts=plan.conflicts,
        blocked=[one for one, _ in blocked],
    )


def discard_changes(dataset: fo.Dataset, ids: Sequence[str] | None = None) -> int:
    """Discard what is pending, for these items or for all; can be undone. Returns the number of changes."""
    changes = pending_changes(dataset)
    oids = None if ids is None else as_oids(ids)
    discarded = _count_of(changes, oids)
    if discarded:
        add_acts(
            dataset, [PendingAct(kind="discard", ids=np.empty(0, "S12") if oids is None else oids, count=discarded)]
        )
    return discarded


def undo_save(dataset: fo.Dataset, progress: Progress = no_progress) -> SaveRecord:
    """Undo the last save; changes made since then stay.

    Raises:
        Refusal: there is nothing to undo, or its fields are gone.
    """
    dataset.reload()
    record = undo(dataset, progress)
    show_new_labels(dataset)
    return record


def show_new_labels(dataset: fo.Dataset) -> None:
    """Update maps and suggestions after labels changed."""
    for key in list_maps(dataset):
        touch_map(dataset, key)
    follow_labels(dataset)


def _edits(
    dataset: fo.Dataset, changes: PendingChanges, targets: Sequence[tuple[LabelField, FieldChanges]], plan: Plan
) -> Iterator[AnyEdit]:
    leaving = changes.deleted.get(None, np.empty(0, "S12"))
    for field, one in targets:
        yield from label_edits(dataset, field, one, plan, leaving=leaving)
    yield from deletion_edits(dataset, changes.deleted)


def _targets(
    dataset: fo.Dataset, changes: PendingChanges
) -> tuple[list[tuple[LabelField, FieldChanges]], list[tuple[Blocked, list[PendingAct]]]]:
    """The fields that can be written, and the changes that stay pending because theirs cannot."""
    targets, blocked = [], []
    for one in changes.fields:
        try:
            if field_today(dataset, one.field, one.mark) is None:
                raise Refusal(
                    f"The field '{one.field}' that they were set in was deleted. Discard them, or set the labels again "
                    "in another field."
                )
            targets.append((label_field(dataset, one.field, one.patches_field), one))
        except Refusal as error:
            acts = _as_acts(one)
            blocked.append((Blocked(str(error), len(one.ids) + len(one.cleared)), acts))
    return targets, blocked


def _as_acts(changes: FieldChanges) -> list[PendingAct]:
    """The acts behind the pending changes of one field."""
    base = PendingAct(
        kind="label",
        ids=changes.ids[:0],
        field=changes.field,
        patches_field=changes.patches_field,
        multi=changes.multi,
        mark=changes.mark,
    )
    acts = []
    for which in dict.fromkeys(changes.which.tolist()):
        ids = changes.cleared[changes.which == which]
        acts.append(replace(base, kind="clear", ids=ids, which=which, count=len(ids)))
    keys = np.column_stack([changes.codes, changes.followed, changes.replace])
    for code, followed, over in np.unique(keys, axis=0).tolist():
        rows = (changes.codes == code) & (changes.followed == followed) & (changes.replace == over)
        act = replace(base, ids=changes.ids[rows], label=changes.names[code], replace=bool(over), count=int(rows.sum()))
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
    pools = [*changes.deleted.values(), *(pool for one in changes.fields for pool in (one.ids, one.cleared))]
    return sum(item in chosen for pool in pools for item in as_names(pool))
