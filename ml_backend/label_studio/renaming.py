"""Rename the labels of a class that was renamed in the label config, as one save that can be undone."""

import fiftyone as fo

from ..store.label_edits import attribute_edit, read_documents
from ..store.labels import LabelField
from ..store.saves import commit, read_head
from ..wording import count
from .marks import stored_labels


def rename_labels(dataset: fo.Dataset, target: LabelField, before: str, now: str) -> int:
    """Rename labels of a class; returns how many.

    Raises:
        Refusal: another save was made at the same time; nothing was changed.
    """
    head = read_head(dataset)
    samples = dataset.match_labels(filter=fo.ViewField("label") == before, fields=target.name).values("id")
    edits = [
        attribute_edit(sample, target.path, stored.position, stored.document, {"label": now})
        for sample, document in read_documents(dataset, samples, [target.name]).items()
        for stored in stored_labels(target, document).values()
        if stored.mark.label == before
    ]
    if edits:
        commit(dataset, edits, f"rename of {count(len(edits), 'label')} from “{before}” to “{now}”", head=head)
    return len(edits)
