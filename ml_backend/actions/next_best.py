"""What to label next: the items whose labels would be the most informative."""

from collections.abc import Collection
from dataclasses import dataclass

import fiftyone as fo
import numpy as np

from ..analysis.next_best import next_to_label as next_rows
from ..errors import Refusal
from ..progress import Progress
from ..store.items import Items, as_ids, ordered_view
from ..store.labels import DEFAULT_FIELD
from ..store.session import open_session
from ..store.suggestions import read_suggestions
from ..wording import agree, count, percent
from .evidence import field_of_embeddings, labels_with_pending
from .view_report import ViewReport

_SHOWN_SUGGESTIONS = 3


@dataclass(frozen=True, repr=False)
class LabelNext(ViewReport):
    """What to label next, best first: IDs, a view of them in that order, and why these were chosen, in words."""

    ids: list[str]
    view: fo.DatasetView
    message: str

    def sentence(self) -> str:
        """The closing message."""
        return self.message


def next_to_label(
    dataset: fo.Dataset,
    *,
    embeddings: str,
    field: str = DEFAULT_FIELD,
    among: Collection[str] | None = None,
    count: int = 9,
    progress: Progress | None = None,
) -> list[str]:
    """IDs of the unlabeled items that are most informative to label, best first; fewer if fewer are left.

    ``among``: IDs of the samples that they may be, or be in; None: all.
    """
    items = _next_items(dataset, embeddings=embeddings, field=field, n_items=count, progress=progress, among=among)
    return [str(item) for item in items.ids]


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
        Refusal: no such embeddings, a field that holds no labels, or everything is labeled.
    """
    items = _next_items(dataset, embeddings=embeddings, field=field, n_items=count, progress=progress)
    labeled = field_of_embeddings(dataset, embeddings, field)
    if not len(items):
        raise Refusal(f"Everything with an embedding in '{embeddings}' is already labeled in '{labeled.name}'.")
    suggested = [
        f"“{suggestion.label}” {percent(suggestion.confidence)}"
        for suggestion in read_suggestions(dataset, items)
        if suggestion is not None and suggestion.field == labeled.name
    ]
    return LabelNext(items.ids.tolist(), ordered_view(dataset, items), _message(items, suggested))


def _next_items(
    dataset: fo.Dataset,
    *,
    embeddings: str,
    field: str,
    n_items: int,
    progress: Progress | None,
    among: Collection[str] | None = None,
) -> Items:
    labeled = field_of_embeddings(dataset, embeddings, field)
    session = open_session(dataset, embeddings, progress=progress)
    labels = labels_with_pending(session, labeled)
    codes, n_classes = labels.with_nothing(labels.codes)
    if labels.multi:
        codes = np.where(labels.checked & (codes < 0), 0, codes)  # already checked: nothing to ask about
    items = session.embeddings.items
    allowed = None if among is None else np.isin(items.sample_ids, as_ids(list(among)))
    rows = next_rows(session.embeddings.vectors, session.neighbors, codes, n_classes, among=allowed, count=n_items)
    return items.take(rows)


def _message(items: Items, suggested: list[str]) -> str:
    number = len(items)
    uncertain = f" Suggested so far: {', '.join(suggested[:_SHOWN_SUGGESTIONS])}." if suggested else ""
    return (
        f"Label {agree(number, 'this')} {count(number, items.noun)} next: the most informative of all, because "
        f"{'its label is' if number == 1 else 'their labels are'} the least certain and many others resemble "
        f"{'it' if number == 1 else 'them'}.{uncertain} Select similar ones, set their label, save, and run "
        "this again."
    )
