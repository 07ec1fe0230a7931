"""What to label next: the items whose labels would teach most."""

from collections.abc import Callable
from dataclasses import dataclass

import fiftyone as fo

from ..analysis.next_best import next_to_label as next_rows
from ..store.items import items_of
from ..store.labels import DEFAULT_FIELD
from ..store.session import open_session
from ..store.suggestions import read_suggestions
from .evidence import field_of_embeddings, labels_with_pending

Progress = Callable[[float, str], None]
_SHOWN_DOUBTS = 3


@dataclass(frozen=True)
class LabelNext:
    """What to label next, best first: ids, a view of them in that order, and why these, in words."""

    ids: list[str]
    view: fo.DatasetView
    message: str


def next_to_label(
    dataset: fo.Dataset,
    *,
    embeddings: str,
    field: str = DEFAULT_FIELD,
    count: int = 9,
    progress: Progress | None = None,
) -> list[str]:
    """Ids of the unlabeled items whose labels would teach most, best first; fewer where fewer are left."""
    held = field_of_embeddings(dataset, embeddings, field)
    session = open_session(dataset, embeddings, progress=progress)
    labels = labels_with_pending(session, held)
    rows = next_rows(session.embeddings.vectors, session.neighbors, labels.codes, len(labels.classes), count=count)
    return [str(item) for item in session.embeddings.items.ids[rows]]


def label_next(
    dataset: fo.Dataset,
    *,
    embeddings: str,
    field: str = DEFAULT_FIELD,
    count: int = 9,
    progress: Progress | None = None,
) -> LabelNext:
    """What to label next, as a view with the reason.

    Raises:
        ValueError: no such embeddings, a field that holds no labels, or everything is labeled.
    """
    ids = next_to_label(dataset, embeddings=embeddings, field=field, count=count, progress=progress)
    held = field_of_embeddings(dataset, embeddings, field)
    if not ids:
        raise ValueError(f"Everything with an embedding in '{embeddings}' is labeled in '{held.name}': nothing to do.")
    view = dataset if held.patches_field is None else dataset.to_patches(held.patches_field)
    doubts = [
        f"“{one.label}” {one.confidence:.0%}"
        for one in read_suggestions(dataset, items_of(dataset, ids, held.patches_field))
        if one is not None and one.field == held.name
    ]
    unsure = f"; suggested so far: {', '.join(doubts[:_SHOWN_DOUBTS])}" if doubts else ""
    message = (
        f"Label these {len(ids):,} next, they teach most: what they are is least sure, each stands for many others, "
        f"and they lie far from each other and from what is labeled{unsure}. Tick those that are alike and set their "
        "label, save, then run this again."
    )
    return LabelNext(ids, view.select(ids, ordered=True), message)
