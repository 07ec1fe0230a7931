"""The labels of embedded items: the evidence for suggestions, label neighbors, and what to label next."""

import fiftyone as fo

from ..store.embeddings import check_embeddings
from ..store.labels import LabelField, Labels, field_of_parts, label_field, read_labels, with_pending
from ..store.pending_changes import pending_changes
from ..store.session import Session


def field_of_embeddings(dataset: fo.Dataset, embeddings: str, field: str) -> LabelField:
    """The label field of the embedded items: ``field``, in the frames if those are embedded; for patches, their field.

    Raises:
        Refusal: no such embeddings, the field cannot hold labels, or clips are embedded.
    """
    run = check_embeddings(dataset, embeddings)
    return label_field(dataset, run.patches_field or field_of_parts(field, run.parts), run.patches_field)


def labels_with_pending(session: Session, field: LabelField) -> Labels:
    """The labels of all embedded items, including pending ones that a person set."""
    items = session.embeddings.items
    saved = read_labels(session.dataset, items, field)
    return with_pending(saved, items, field, pending_changes(session.dataset))
