"""Apply labels at once, in a separate save: for hosts that have no “Save changes” step."""

from collections.abc import Sequence
from dataclasses import dataclass

import fiftyone as fo
import numpy as np

from ..progress import Progress, no_progress
from ..store.label_documents import Conflict, Plan
from ..store.label_edits import label_edits
from ..store.labels import LabelField
from ..store.pending_changes import fold
from ..store.records import as_names
from ..store.saves import commit, read_head
from .queue import LabelBatch, label_acts
from .save import show_new_labels


@dataclass(frozen=True)
class AppliedLabels:
    """Labels that were written: the id of the save ("" if nothing changed), the number of labels, and their items.

    Items with another label kept it; they are the ``conflicts``.
    """

    save: str
    written: int
    items: list[str]
    conflicts: list[Conflict]


def apply_labels(
    dataset: fo.Dataset,
    field: LabelField,
    batches: Sequence[LabelBatch],
    *,
    title: str,
    progress: Progress = no_progress,
) -> AppliedLabels:
    """Write labels now. What other people have pending in the dataset stays pending.

    Args:
        title: what the save is called in the list of what can be undone.
        progress: may stop the save until it is committed.

    Raises:
        Refusal: another save is in progress, or the field is read-only.
        Cancelled: nothing was changed.
    """
    head = read_head(dataset)
    dataset.reload()
    acts = [act for batch in batches for act in label_acts(dataset, field, batch, np.ones(len(batch.ids), bool))]
    changes = fold(acts, [field.name] * len(acts)).fields
    plan = Plan([])
    edits = (
        edit
        for field_changes in changes
        for edit in label_edits(dataset, field, field_changes, plan, leaving=np.empty(0, "S12"))
    )
    record = commit(dataset, edits, title, head=head, declare=[field], progress=progress)
    if record.count:
        show_new_labels(dataset)
    refused = {conflict.item for conflict in plan.conflicts}
    return AppliedLabels(
        save=record.id if record.count else "",
        written=record.written.get("label", 0),
        items=[item for field_changes in changes for item in as_names(field_changes.ids) if item not in refused],
        conflicts=plan.conflicts,
    )
