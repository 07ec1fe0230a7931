"""Save what is pending, undo, clear: each is one act that happens whole or not at all."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import fiftyone as fo

from ..store.label_edits import Clear, Conflict, clearing_edits, deletion_edits, label_edits
from ..store.labels import DEFAULT_FIELD, ensure_label_field, label_field
from ..store.maps import list_maps, touch_map
from ..store.pending import discard, pending_changes
from ..store.saves import Edit, SaveRecord, commit, read_head, undo
from .follow import follow_labels
from .queue import conflict_note, count


@dataclass(frozen=True)
class SaveReport:
    """What a save wrote; labels that meanwhile got another label were left alone as ``conflicts``."""

    labels: int
    deletions: int
    conflicts: list[Conflict]

    def sentence(self) -> str:
        """The closing message."""
        saved = " and ".join(part for part in (count(self.labels, "label"), count(self.deletions, "deletion")) if part)
        done = f"Saved {saved}; “Undo save” takes it back." if saved else "Nothing to save: it is there already."
        return f"{done} {conflict_note(self.conflicts)}".strip()


def save_changes(dataset: fo.Dataset) -> SaveReport:
    """Write everything pending as one act: all of it or, after a crash, all of it at the next call.

    Raises:
        ValueError: nothing is pending, or another tab saves at this moment.
    """
    head = read_head(dataset)
    changes = pending_changes(dataset)
    if not len(changes):
        raise ValueError("Nothing is pending: set a label or ask for a deletion first.")
    edits: list[Edit] = []
    conflicts: list[Conflict] = []
    by_field = defaultdict(list)
    for label in changes.labels:
        by_field[label.field, label.patches_field].append(label)
    for (name, patches_field), labels in by_field.items():
        try:
            field = label_field(dataset, name, patches_field)
        except ValueError as error:  # the field was deleted or locked since; the other changes must not wait for it
            conflicts += [Conflict(label.item, label.label, str(error)) for label in labels]
            continue
        ensure_label_field(dataset, field)
        more_edits, more_conflicts = label_edits(dataset, field, labels)
        edits += more_edits
        conflicts += more_conflicts
    deletions = deletion_edits(dataset, changes)
    commit(dataset, edits + deletions, f"save of {count(len(changes), 'change')}", head=head, acts=changes.acts)
    show_new_labels(dataset)
    return SaveReport(labels=len(edits), deletions=len(deletions), conflicts=conflicts)


def discard_changes(dataset: fo.Dataset, ids: Sequence[str] | None = None) -> int:
    """Forget what is pending, for these items or for all; returns how many changes that were."""
    return discard(dataset, ids)


def undo_save(dataset: fo.Dataset) -> SaveRecord:
    """Undo the last save or clearing; what a person changed since then stays.

    Raises:
        ValueError: there is nothing to undo.
    """
    record = undo(dataset)
    show_new_labels(dataset)
    return record


def clear_labels(
    samples: fo.core.collections.SampleCollection,
    *,
    field: str = DEFAULT_FIELD,
    patches_field: str | None = None,
    which: Clear = "ours",
) -> int:
    """Take labels away from a view, as one act that can be undone; returns how many.

    Args:
        which: "all" labels, "ours" = set through Labelscape, "neighbors" = those that followed a neighbor's.

    Raises:
        ValueError: there is no such label in the view.
    """
    dataset = samples._root_dataset
    head = read_head(dataset)
    edits = clearing_edits(samples, label_field(dataset, field, patches_field), which)
    if not edits:
        raise ValueError(f"No such label in '{field}' here: there is nothing to clear.")
    commit(dataset, edits, f"clearing of {count(len(edits), 'label')}", head=head)
    show_new_labels(dataset)
    return len(edits)


def show_new_labels(dataset: fo.Dataset) -> None:
    """After labels changed: maps show them, and suggestions follow them."""
    for key in list_maps(dataset):
        touch_map(dataset, key)
    follow_labels(dataset)
