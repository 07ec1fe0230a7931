"""Suggestions: from a few labels to their neighbors, from all labels to everything unlabeled."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import fiftyone as fo
import numpy as np

from ..analysis.next_best import next_to_label as next_rows
from ..analysis.propagation import Suggestions, suggest
from ..analysis.propagation import label_neighbors as grow
from ..store.embeddings import check_embeddings, locate
from ..store.items import Items, list_items
from ..store.label_edits import suggestion_clearing_edits
from ..store.labels import DEFAULT_FIELD, LabelField, Labels, label_field, read_labels, read_origins, with_pending
from ..store.pending import one_act, pending_changes
from ..store.saves import commit, read_head
from ..store.session import Session, open_session
from ..store.suggestions import (
    Suggestion,
    SuggestionSettings,
    load_settings,
    read_rejections,
    read_suggestions,
    remember_rejections,
    save_settings,
    stop_following,
    write_suggestions,
)
from .queue import QueueReport, clean_label, queue_labels

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class NeighborPreview:
    """Whom the label of a few samples would reach, surest first: parallel lists, of which ``reach`` would be taken."""

    ids: list[str]
    confidence: list[float]
    anchors: list[str]
    reach: int
    why: str


@dataclass(frozen=True)
class SuggestReport:
    """How many suggestions were made, and how far their confidence can be trusted, in words."""

    unlabeled: int
    suggested: int
    sure: int
    precision: float
    method: str
    calibration: str

    def sentence(self) -> str:
        """The closing message."""
        return (
            f"{self.sure:,} of {self.unlabeled:,} unlabeled got a sure suggestion (wanted precision "
            f"{self.precision:.0%}), {self.suggested - self.sure:,} an unsure one, by {self.method}; "
            f"{self.calibration}."
        )


def preview_neighbors(
    dataset: fo.Dataset,
    ids: Sequence[str],
    label: str,
    *,
    embeddings: str,
    field: str = DEFAULT_FIELD,
    reach: int | None = None,
    precision: float = 0.95,
) -> NeighborPreview:
    """Grow a label from some samples to the unlabeled ones in their vicinity, in embedding space; queues nothing.

    Args:
        reach: how many to take; None takes as many as the wanted precision allows.

    Raises:
        ValueError: no such embeddings, nothing selected, or none of the selected has an embedding.
    """
    held = _field_of(dataset, embeddings, field)
    name = clean_label(label)
    session = open_session(dataset, embeddings)
    items = session.embeddings.items
    rows = locate(np.asarray(ids, items.ids.dtype), items.ids)
    if not (rows >= 0).any():
        raise ValueError(
            f"None of the selected has an embedding in '{embeddings}': run “Labelscape: compute embeddings” first."
        )
    codes, classes = _single_codes(_labels_with_pending(session, held), name)
    found = grow(
        session.embeddings.vectors,
        codes,
        rows[rows >= 0],
        classes.index(name),
        neighbors=session.neighbors,
        reach=reach,
        precision=precision,
    )
    return NeighborPreview(
        ids=items.ids[found.order].tolist(),
        confidence=found.confidence.tolist(),
        anchors=items.ids[found.anchors].tolist(),
        reach=found.reach,
        why=found.why,
    )


def label_neighbors(
    dataset: fo.Dataset,
    ids: Sequence[str],
    label: str,
    *,
    embeddings: str,
    field: str = DEFAULT_FIELD,
    reach: int | None = None,
    precision: float = 0.95,
) -> QueueReport:
    """Queue a label for some samples and for their vicinity, as one act."""
    with one_act():
        return _label_neighbors(dataset, ids, label, embeddings, field, reach, precision)


def _label_neighbors(
    dataset: fo.Dataset,
    ids: Sequence[str],
    label: str,
    embeddings: str,
    field: str,
    reach: int | None,
    precision: float,
) -> QueueReport:
    held = _field_of(dataset, embeddings, field)
    by_hand = queue_labels(dataset, held, ids, clean_label(label))
    refused = {conflict.item for conflict in by_hand.conflicts}
    anchors = [item for item in ids if item not in refused]
    if not anchors:
        return by_hand
    preview = preview_neighbors(
        dataset, anchors, label, embeddings=embeddings, field=field, reach=reach, precision=precision
    )
    neighbors = accept_neighbors(
        dataset,
        preview.ids[: preview.reach],
        label,
        confidence=preview.confidence[: preview.reach],
        anchors=preview.anchors[: preview.reach],
        embeddings=embeddings,
        field=field,
    )
    return QueueReport(by_hand.queued + neighbors.queued, by_hand.conflicts + neighbors.conflicts, neighbors.pending)


def accept_neighbors(
    dataset: fo.Dataset,
    ids: Sequence[str],
    label: str,
    *,
    confidence: Sequence[float],
    anchors: Sequence[str],
    embeddings: str,
    field: str = DEFAULT_FIELD,
) -> QueueReport:
    """Queue a label that samples get from their neighbors' anchors."""
    held = _field_of(dataset, embeddings, field)
    return queue_labels(dataset, held, ids, clean_label(label), confidence=confidence, anchors=anchors)


def suggest_labels(
    samples: fo.core.collections.SampleCollection,
    *,
    embeddings: str,
    field: str = DEFAULT_FIELD,
    precision: float = 0.95,
    progress: Progress | None = None,
    follow: bool = True,
) -> SuggestReport:
    """Suggest a label for every unlabeled item of a view that the labels of the dataset speak for.

    What a person labeled is the evidence; labels that themselves followed neighbors are not. Suggestions go to the
    field ``suggested_label``; those of a whole dataset follow after each save.

    Args:
        follow: remember how they were made, so that they follow.

    Raises:
        ValueError: no such embeddings, nothing labeled, or a wanted precision outside 0.5..1.
    """
    dataset = samples._root_dataset
    held = _field_of(dataset, embeddings, field)
    session = open_session(dataset, embeddings, progress=progress)
    items = session.embeddings.items
    labels = _labels_with_pending(session, held)
    evidence = _evidence(session, held, labels)
    if not labels.classes:
        raise ValueError(
            f"Nothing is labeled in '{held.name}' yet: label a few samples first, best at least two classes."
        )
    found = _suggest(session, evidence, labels, precision, progress)
    view_rows = locate(list_items(samples, items.patches_field).ids, items.ids)
    in_view = np.zeros(len(items), bool)
    in_view[view_rows[view_rows >= 0]] = True
    rejected = read_rejections(dataset)
    current = read_suggestions(dataset, items)
    wanted: list[Suggestion | None] = list(current)
    for row in np.flatnonzero(in_view).tolist():
        code = int(found.labels[row]) if labels.codes[row] < 0 else -1
        name = labels.classes[code] if code >= 0 else None
        if name is None or name in rejected.get(str(items.ids[row]), ()):
            wanted[row] = None
            continue
        near = [str(items.ids[anchor]) for anchor in found.anchors[row].tolist() if anchor >= 0]
        wanted[row] = Suggestion(name, round(float(found.confidence[row]), 4), bool(found.accepted[row]), near)
    write_suggestions(dataset, items, wanted)
    if follow:
        save_settings(dataset, SuggestionSettings(embeddings, held.name, precision, whole=bool(in_view.all())))
    made = [wanted[row] for row in np.flatnonzero(in_view).tolist() if wanted[row] is not None]
    return SuggestReport(
        unlabeled=int((in_view & (labels.codes < 0)).sum()),
        suggested=len(made),
        sure=sum(suggestion.sure for suggestion in made if suggestion is not None),
        precision=precision,
        method=found.method,
        calibration=found.calibration.sentence,
    )


def accept_suggestions(
    dataset: fo.Dataset,
    ids: Sequence[str] | None = None,
    *,
    field: str = DEFAULT_FIELD,
    patches_field: str | None = None,
) -> QueueReport:
    """Queue the suggestions of these items as labels; None takes all sure ones.

    Raises:
        ValueError: there is none.
    """
    held = label_field(dataset, field, patches_field)
    settings = load_settings(dataset)
    if settings is not None and settings.field != held.name:
        raise ValueError(f"The suggestions were made for '{settings.field}', not for '{held.name}': choose that field.")
    items = _items_asked(dataset, ids, patches_field)
    by_label: dict[str, list[tuple[str, Suggestion]]] = defaultdict(list)
    for item, suggestion in zip(items.ids.tolist(), read_suggestions(dataset, items), strict=True):
        if suggestion is not None and (suggestion.sure or ids is not None):
            by_label[suggestion.label].append((item, suggestion))
    if not by_label:
        raise ValueError("There is no suggestion to accept here: run “Labelscape: suggest labels” first.")
    reports = [
        queue_labels(
            dataset,
            held,
            [item for item, _ in group],
            label,
            confidence=[suggestion.confidence for _, suggestion in group],
            anchors=[(suggestion.anchors or [""])[0] for _, suggestion in group],
        )
        for label, group in by_label.items()
    ]
    return QueueReport(
        [item for report in reports for item in report.queued],
        [conflict for report in reports for conflict in report.conflicts],
        reports[-1].pending,
    )


def reject_suggestions(dataset: fo.Dataset, ids: Sequence[str], *, patches_field: str | None = None) -> int:
    """Take suggestions away and remember not to make the same ones again; returns how many."""
    items = _items_asked(dataset, ids, patches_field)
    rejected = {
        item: suggestion.label
        for item, suggestion in zip(items.ids.tolist(), read_suggestions(dataset, items), strict=True)
        if suggestion is not None
    }
    remember_rejections(dataset, rejected)
    write_suggestions(dataset, items, [None] * len(items))
    return len(rejected)


def clear_suggestions(samples: fo.core.collections.SampleCollection, *, patches_field: str | None = None) -> int:
    """Take all suggestions of a view away, as one act that can be undone; returns how many.

    Raises:
        ValueError: there is none.
    """
    head = read_head(samples._root_dataset)
    edits = suggestion_clearing_edits(samples, patches_field)
    if not edits:
        raise ValueError("There are no suggestions here: there is nothing to clear.")
    stop_following(samples._root_dataset)
    commit(samples._root_dataset, edits, f"clearing of {len(edits):,} suggestions", head=head)
    return len(edits)


def next_to_label(dataset: fo.Dataset, *, embeddings: str, field: str = DEFAULT_FIELD, count: int = 9) -> list[str]:
    """Ids of the unlabeled items whose labels would teach most, best first; fewer where fewer are left."""
    held = _field_of(dataset, embeddings, field)
    session = open_session(dataset, embeddings)
    labels = _labels_with_pending(session, held)
    rows = next_rows(session.embeddings.vectors, session.neighbors, labels.codes, len(labels.classes), count=count)
    return [str(item) for item in session.embeddings.items.ids[rows]]


def _items_asked(dataset: fo.Dataset, ids: Sequence[str] | None, patches_field: str | None) -> Items:
    """The items of these ids, or all; only their samples are read."""
    if ids is None:
        return list_items(dataset, patches_field)
    if patches_field is None:
        return list_items(dataset.select(list(ids)))
    near = list_items(dataset.select_labels(ids=list(ids), fields=patches_field), patches_field)
    asked = np.isin(near.ids, np.asarray(ids, near.ids.dtype))
    return Items(near.ids[asked], near.sample_ids[asked], patches_field)


def _field_of(dataset: fo.Dataset, embeddings: str, field: str) -> LabelField:
    patches_field = check_embeddings(dataset, embeddings).patches_field
    return label_field(dataset, patches_field or field, patches_field)


def _labels_with_pending(session: Session, field: LabelField) -> Labels:
    items = session.embeddings.items
    saved = read_labels(session.dataset, items, field)
    return with_pending(saved, items, field, pending_changes(session.dataset).labels)


def _single_codes(labels: Labels, name: str) -> tuple[np.ndarray, list[str]]:
    """Codes to grow the label ``name`` among, and their classes; a multi-label field asks: this label or not."""
    if labels.multi:
        code = labels.classes.index(name) if name in labels.classes else -1
        return labels.of_class(code), ["other", name]
    if name in labels.classes:
        return labels.codes, labels.classes
    return labels.codes, [*labels.classes, name]


def _evidence(session: Session, field: LabelField, labels: Labels) -> np.ndarray:
    """Codes without the labels that followed neighbors: those would only repeat what made them."""
    followed = read_origins(session.dataset, session.embeddings.items, field) == "neighbors"
    return np.where(followed, -1, labels.codes)


def _suggest(
    session: Session, evidence: np.ndarray, labels: Labels, precision: float, progress: Progress | None
) -> Suggestions:
    vectors, neighbors = session.embeddings.vectors, session.neighbors
    if not labels.multi:
        return suggest(vectors, neighbors, evidence, len(labels.classes), precision=precision, progress=progress)
    best: Suggestions | None = None
    for code in range(len(labels.classes)):
        found = suggest(vectors, neighbors, labels.of_class(code), 2, precision=precision)
        has_it = found.labels == 1
        mine = replace(
            found,
            labels=np.where(has_it, code, -1),
            confidence=np.where(has_it, found.confidence, 0).astype(np.float32),
            accepted=found.accepted & has_it,
        )
        best = mine if best is None else _surer(best, mine)
        if progress is not None:
            progress((code + 1) / len(labels.classes), f"Suggested “{labels.classes[code]}”")
    assert best is not None
    return best


def _surer(first: Suggestions, second: Suggestions) -> Suggestions:
    """Item by item the suggestion with the higher confidence."""
    other = second.confidence > first.confidence
    return replace(
        first,
        labels=np.where(other, second.labels, first.labels),
        confidence=np.where(other, second.confidence, first.confidence),
        accepted=np.where(other, second.accepted, first.accepted),
        anchors=np.where(other[:, None], second.anchors, first.anchors),
    )
