"""The labels that embedded items have: what suggestions, neighbors and the next best to label start from."""

import fiftyone as fo

from ..store.embeddings import check_embeddings
from ..store.labels import LabelField, Labels, label_field, read_labels, with_pending
from ..store.pending_changes import pending_changes
from ..store.session import Session


def field_of_embeddings(dataset: fo.Dataset, embeddings: str, field: str) -> LabelField:
    """The label field of the embedded items: the one asked for, of embedded patches their own."""
    patches_field = check_embeddings(dataset, embeddings).patches_field
    return label_field(dataset, patches_field or field, patches_field)


def labels_with_pending(session: Session, field: LabelField) -> Labels:
    """The labels of all embedded items as they will be once what a person set is saved."""
    items = session.embeddings.items
    saved = read_labels(session.dataset, items, field)
    return with_pending(saved, items, field, pending_changes(session.dataset))
