"""The labels of embedded items: the evidence for suggestions, label neighbors, and what to label next."""

import threading
import weakref
from collections import OrderedDict

import fiftyone as fo

from ..store.embeddings import check_embeddings
from ..store.items import Items
from ..store.labels import LabelField, Labels, field_of_parts, label_field, read_labels, with_pending
from ..store.pending_changes import pending_changes
from ..store.sample_state import SampleState, sample_state
from ..store.session import Session

_FIELDS_KEPT = 4  # the labels of a million samples take about 50 MB
_kept: "OrderedDict[tuple[str, str, str], tuple[weakref.ref[Items], SampleState, Labels]]" = OrderedDict()
_lock = threading.Lock()


def field_of_embeddings(dataset: fo.Dataset, embeddings: str, field: str) -> LabelField:
    """The label field of the embedded items: ``field``, in the frames if those are embedded.

    For patches and clips it is the field that they are from.

    Raises:
        Refusal: no such embeddings, or the field cannot hold labels.
    """
    run = check_embeddings(dataset, embeddings)
    return label_field(dataset, run.patches_field or field_of_parts(field, run.parts), run.field)


def labels_with_pending(session: Session, field: LabelField) -> Labels:
    """The labels of all embedded items, including pending ones that a person set.

    Saved labels are kept in memory while nothing is written to the dataset, so that a click does not read every sample.
    """
    items = session.embeddings.items
    key = (session.embeddings.key, field.name)
    state = sample_state(session.dataset)  # before the labels are read
    saved = None if state is None else _recall(key, items, state)
    if saved is None:
        saved = read_labels(session.dataset, items, field)
        if state is not None:
            _keep(key, items, state, saved)
    return with_pending(saved, items, field, pending_changes(session.dataset))


def _recall(key: tuple[str, str], items: Items, state: SampleState) -> Labels | None:
    with _lock:
        known = _kept.get((state.dataset, *key))
    if known is None or known[0]() is not items or known[1] != state:
        return None
    return known[2]


def _keep(key: tuple[str, str], items: Items, state: SampleState, labels: Labels) -> None:
    with _lock:
        _kept[(state.dataset, *key)] = (weakref.ref(items), state, labels)
        _kept.move_to_end((state.dataset, *key))
        while len(_kept) > _FIELDS_KEPT:
            _kept.popitem(last=False)
