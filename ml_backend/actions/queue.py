"""Ask for labels and deletions: everything is pending until it is saved, and no label is overwritten unasked."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import fiftyone as fo

from ..store.items import items_of
from ..store.label_edits import Conflict, label_edits
from ..store.labels import DEFAULT_FIELD, LabelField, label_field
from ..store.pending import PendingAct, PendingLabel, add_act, one_act, pending_changes
from ..store.scores import read_words

_SHOWN_CONFLICTS = 3
_NOTHING_SELECTED = "Nothing is selected: tick samples in the grid, or lasso points on the map."


@dataclass(frozen=True)
class QueueReport:
    """What an act added to the pending changes; items that have another label were left alone as ``conflicts``."""

    queued: list[str]
    conflicts: list[Conflict]
    pending: str

    def sentence(self) -> str:
        """The closing message."""
        return f"Queued {count(len(self.queued), 'change')}. {conflict_note(self.conflicts)}{self.pending}"


def set_label(
    dataset: fo.Dataset,
    ids: Sequence[str],
    label: str,
    *,
    field: str = DEFAULT_FIELD,
    patches_field: str | None = None,
    replace: bool = False,
) -> QueueReport:
    """Ask for a label on samples, or on objects of a patches field; it is pending until it is saved.

    Args:
        replace: overwrite another label that is there; without it such items are left alone and reported.

    Raises:
        ValueError: no ids, an empty label, or a field that cannot hold labels.
    """
    held = label_field(dataset, field, patches_field)
    if not len(ids):
        raise ValueError(_NOTHING_SELECTED)
    name = clean_label(label)
    return queue_labels(
        dataset,
        held,
        [PendingLabel(item, held.name, held.patches_field, name, "human", None, None, replace) for item in ids],
    )


def relabel(
    dataset: fo.Dataset, ids: Sequence[str], *, field: str = DEFAULT_FIELD, patches_field: str | None = None
) -> QueueReport:
    """Ask for the better label that “find wrong labels” found for each item, in place of the one it has.

    Raises:
        ValueError: no ids, or no better label for any of them.
    """
    held = label_field(dataset, field, patches_field)
    if not len(ids):
        raise ValueError(_NOTHING_SELECTED)
    items = items_of(dataset, ids, patches_field)
    better = zip(items.ids.tolist(), read_words(dataset, items, "mislabel_suggestion"), strict=True)
    asked = [
        PendingLabel(item, held.name, held.patches_field, name, "human", None, None, replace=True)
        for item, name in better
        if name
    ]
    if not asked:
        raise ValueError("No better label is known for these: run “Labelscape: find wrong labels” on them first.")
    return queue_labels(dataset, held, asked)


def queue_labels(dataset: fo.Dataset, field: LabelField, asked: Sequence[PendingLabel]) -> QueueReport:
    """Add labels of one field that are asked for, as one act, but for those that would overwrite another one."""
    _, conflicts = label_edits(dataset, field, asked)
    conflicts += _asked_otherwise(dataset, field, [label for label in asked if label.origin == "neighbors"])
    refused = {conflict.item for conflict in conflicts}
    alike = defaultdict(list)
    for label in asked:
        if label.item not in refused:
            alike[label.label, label.origin, label.replace].append(label)
    with one_act():
        for (name, origin, replace), labels in alike.items():
            from_neighbors = origin == "neighbors"
            add_act(
                dataset,
                PendingAct(
                    field=field.name,
                    patches_field=field.patches_field,
                    ids=[label.item for label in labels],
                    label=name,
                    origin=origin,
                    confidence=[float(label.confidence or 0) for label in labels] if from_neighbors else [],
                    anchors=[label.anchor or "" for label in labels] if from_neighbors else [],
                    multi=field.kind == "classifications",
                    replace=replace,
                ),
            )
    queued = [label.item for labels in alike.values() for label in labels]
    return QueueReport(queued, conflicts, pending_changes(dataset).sentence())


def _asked_otherwise(dataset: fo.Dataset, field: LabelField, asked: Sequence[PendingLabel]) -> list[Conflict]:
    """What a person asked for but has not saved goes before what neighbors say."""
    if not asked:
        return []
    changes = pending_changes(dataset)
    waiting = {label.item: label.label for label in changes.labels if label.field == field.name}
    waiting |= dict.fromkeys(changes.deletions, "deletion")
    return [Conflict(label.item, label.label, waiting[label.item]) for label in asked if label.item in waiting]


def delete_items(dataset: fo.Dataset, ids: Sequence[str], *, patches_field: str | None = None) -> QueueReport:
    """Ask for the deletion of samples, or of objects; pending until saved. Media files are never deleted.

    Raises:
        ValueError: no ids, or a dataset whose samples could not be brought back whole.
    """
    if not len(ids):
        raise ValueError(_NOTHING_SELECTED)
    if patches_field is None and dataset.media_type in ("video", "group"):
        raise ValueError(
            f"Samples of a {dataset.media_type} dataset cannot be deleted here, because an undo could not bring back "
            "all that belongs to them: use FiftyOne's own delete."
        )
    add_act(dataset, PendingAct("", patches_field, list(ids), None))
    return QueueReport(list(ids), [], pending_changes(dataset).sentence())


def clean_label(label: str) -> str:
    """A label without blanks around it; a ValueError if nothing is left."""
    cleaned = label.strip()
    if not cleaned:
        raise ValueError("The label is empty: type a class name.")
    return cleaned


def count(number: int, noun: str) -> str:
    """Number and noun, as in “3 labels” or “1 label”; nothing for none."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}" if number else ""


def conflict_note(conflicts: Sequence[Conflict]) -> str:
    """What a user should know of labels that were left alone."""
    if not conflicts:
        return ""
    examples = ", ".join(f"“{c.existing}” instead of “{c.label}”" for c in conflicts[:_SHOWN_CONFLICTS])
    return f"{count(len(conflicts), 'item')} kept the label already there ({examples}); “replace” overwrites. "
