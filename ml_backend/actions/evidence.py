"""The labels of embedded items: the evidence for suggestions, label neighbors, and what to label next."""

import threading
import weakref
from collections import OrderedDict
from collections.abc import Sequence

import fiftyone as fo

from ..store.embeddings import check_embeddings
from ..store.items import Items
from ..store.label_documents import Conflict
from ..store.labels import LabelField, Labels, field_of_parts, label_field, read_labels, with_pending
from ..store.pending_changes import pending_changes
from ..store.pending_columns import FieldChanges
from ..store.sample_state import SampleState, sample_state
from ..store.saved_labels import with_saved
from ..store.session import Session

_FIELDS_KEPT = 4  # the labels of a million samples take about 50 MB
_kept: "OrderedDict[tuple[str, str, str], tuple[weakref.ref[Items], SampleState, Labels]]" = OrderedDict()
_lock = threading.Lock()


def field_of_embeddings(dataset: fo.Dataset, embeddings: str, field: str) -> LabelField:
    """The label field of the embedded items: ``field``, in the frames if those are embedded.

    For patches and clips, it is the field that they come from.

    Raises:
        Refusal: no such embeddings, or the field cannot hold labels.
    """
    run = check_embeddings(dataset, embeddings)
    return label_field(dataset, run.patches_field or field_of_parts(field, run.parts), run.field)


def labels_with_pending(session: Session, field: LabelField) -> Labels:
    """The labels of all embedded items, including pending ones that a person set.

    Saved labels are kept in memory until something is written to the dataset, so that a click does not read every
    sample.
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


def keep_after_save(
    before: SampleState | None, dataset: fo.Dataset, saved: Sequence[FieldChanges], conflicts: Sequence[Conflict]
) -> None:
    """Bring the labels in memory up to date after a save that wrote all changes but the conflicts.

    Labels that somebody else may have changed are read again the next time they are needed.

    Args:
        before: the state of the samples before the save.
    """
    now = sample_state(dataset)
    if before is None or now is None or not now.kept_labels_since(before, but_ours=True):
        return
    with _lock:
        mine = [(key, *known) for key, known in _kept.items() if key[0] == before.dataset]
    for (_, embeddings, name), reference, state, labels in mine:
        items = reference()
        if items is None or not before.kept_labels_since(state):
            continue
        for changes in (field_changes for field_changes in saved if field_changes.field == name):
            updated = with_saved(labels, items, changes, conflicts)
            if updated is None:
                break
            labels = updated
        else:
            _keep((embeddings, name), items, now, labels)


def _recall(key: tuple[str, str], items: Items, state: SampleState) -> Labels | None:
    with _lock:
        known = _kept.get((state.dataset, *key))
    if known is None or known[0]() is not items:
        return None
    return known[2] if known[1] == state or state.kept_labels_since(known[1]) else None


def _keep(key: tuple[str, str], items: Items, state: SampleState, labels: Labels) -> None:
    with _lock:
        _kept[(state.dataset, *key)] = (weakref.ref(items), state, labels)
        _kept.move_to_end((state.dataset, *key))
        while len(_kept) > _FIELDS_KEPT:
            _kept.popitem(last=False)
