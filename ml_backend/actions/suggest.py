"""Suggestions: labels for everything unlabeled, based on all labels; a person accepts, rejects, or clears them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import fiftyone as fo
import numpy as np

from ..analysis.multi_label import Proposals, as_proposals, suggest_multi_label
from ..analysis.propagation import suggest
from ..errors import Refusal
from ..progress import Progress
from ..report import Report
from ..store.embeddings import locate
from ..store.existence import ends_with_dataset
from ..store.items import Items, items_of, list_like
from ..store.label_edits import suggestion_clearing_edits
from ..store.labels import DEFAULT_FIELD, LabelField, Labels, check_evidence
from ..store.saves import commit, read_head
from ..store.session import Session, open_session
from ..store.suggestions import (
    FIELD,
    Suggestion,
    SuggestionSettings,
    read_rejections,
    read_suggestions,
    remember_rejections,
    save_settings,
    saved_settings,
    stop_following,
    suggestions_elsewhere,
    write_suggestions,
)
from ..wording import agree, count, percent
from .evidence import field_of_embeddings, labels_with_pending
from .unchanged import basis_of, recall, remember

_VISIBLE = 0.02  # screens show whole percents; one label moves most confidences by one or two (10,000 samples)


@dataclass(frozen=True, repr=False)
class SuggestReport(Report):
    """The number of suggestions made, and how far their confidence can be trusted, in words.

    ``changed`` contains the IDs of the samples whose suggestions changed; ``elsewhere`` says in which field they are,
    if not in the usual one.
    """

    unlabeled: int
    suggested: int
    sure: int
    precision: float
    method: str
    calibration: str
    changed: tuple[str, ...] = ()
    elsewhere: str = ""

    def sentence(self) -> str:
        """The closing message."""
        return f"{self.outcome()} {self.why}{self.elsewhere}"

    @property
    def why(self) -> str:
        """How the suggestions came about, and how far their confidence can be trusted."""
        return f"Method: {self.method}; {self.calibration}."

    def outcome(self) -> str:
        """The result, without how it was computed."""
        if self.unlabeled == 0:
            return "Nothing to suggest: all of these items are already labeled."
        uncertain = self.suggested - self.sure
        return (
            f"{self.sure:,} of {count(self.unlabeled, 'unlabeled item')} received a confident suggestion (target "
            f"precision {percent(self.precision)}); {uncertain:,} {agree(uncertain, 'is')} uncertain."
        )


@ends_with_dataset
def suggest_labels(
    samples: fo.core.collections.SampleCollection,
    *,
    embeddings: str,
    field: str = DEFAULT_FIELD,
    precision: float = 0.95,
    progress: Progress | None = None,
    follow: bool = True,
    into: str = FIELD,
) -> SuggestReport:
    """Suggest a label for every unlabeled item of a view, based on the labels of the dataset.

    Only labels set by a person count as evidence, not those that came from neighbors. Suggestions are written to the
    field ``suggested_label``; those of a whole dataset are updated after each save. In a multi-label field an item gets
    its most confident class, and every other one that reaches the target precision.

    Args:
        follow: remember how they were made, so that they can be kept up to date.
        into: another field for them, so that suggestions for several label fields can coexist.

    Raises:
        Refusal: no such embeddings, nothing labeled or only by neighbors, or a target precision outside 0.5..1.
    """
    dataset = samples._root_dataset
    label_target = field_of_embeddings(dataset, embeddings, field)
    session = open_session(dataset, embeddings, progress=progress)
    items = session.embeddings.items
    settings = SuggestionSettings(embeddings, label_target.name, precision, whole=True)
    basis = basis_of(samples, session, settings, into)
    report = recall(basis)
    if report is not None:
        if follow:
            save_settings(dataset, settings)
        return report
    rows = _rows_of_view(samples, items)
    settings = replace(settings, whole=len(rows) == len(items))
    with saved_settings(dataset, settings if follow else None):
        report = _make_suggestions(session, label_target, rows, precision, progress, into)
    remember(dataset, basis, report)
    return report


def _rows_of_view(samples: fo.core.collections.SampleCollection, items: Items) -> np.ndarray:
    rows = locate(list_like(samples, items.patches_field, items.parts).ids, items.ids)
    return np.unique(rows[rows >= 0])


def _make_suggestions(
    session: Session, field: LabelField, rows: np.ndarray, precision: float, progress: Progress | None, into: str
) -> SuggestReport:
    """Compute the suggestions for these rows, and write those that changed."""
    items = session.embeddings.items
    labels = labels_with_pending(session, field)
    check_evidence(labels, field)
    proposals = _suggest(session, labels, precision, progress)
    current = read_suggestions(session.dataset, items, into)
    updated = list(current)
    proposed = _as_suggestions(session, field, labels, proposals, rows)
    for row in rows.tolist():
        updated[row] = proposed.get(row)
    _keep_what_looks_the_same(updated, current, _labeled_items(items, labels))
    changed = write_suggestions(session.dataset, items, updated, current=current, name=into)
    made = [suggestion for row in rows.tolist() if (suggestion := updated[row]) is not None]
    return SuggestReport(
        unlabeled=int(labels.unlabeled[rows].sum()),
        suggested=len(made),
        sure=sum(suggestion.sure for suggestion in made),
        precision=precision,
        method=proposals.method,
        calibration=proposals.calibration,
        changed=tuple(changed),
        elsewhere=suggestions_elsewhere(session.dataset, items.field),
    )


def _suggest(session: Session, labels: Labels, precision: float, progress: Progress | None) -> Proposals:
    vectors, neighbors, classes = session.embeddings.vectors, session.neighbors, len(labels.classes)
    if labels.multi:
        of_class = labels.evidence_of_class
        return suggest_multi_label(
            vectors,
            neighbors,
            of_class,
            classes,
            precision=precision,
            progress=progress,
            regions=session.regions,
            prepared=session.prepared,
        )
    evidence, classes = labels.with_nothing(labels.evidence())
    suggestions = suggest(
        vectors,
        neighbors,
        evidence,
        classes,
        precision=precision,
        progress=progress,
        regions=session.regions,
        prepared=session.prepared,
    )
    return as_proposals(suggestions)


def _as_suggestions(
    session: Session, field: LabelField, labels: Labels, proposals: Proposals, rows: np.ndarray
) -> dict[int, Suggestion]:
    """Row → its suggestion, for these rows; labeled rows get none, and classes that a person rejected are left out."""
    meant = (
        np.isin(proposals.rows, rows)
        & labels.unlabeled[proposals.rows]
        & (proposals.classes < len(labels.classes))  # not “nothing there”, which cannot be suggested as a label
        & ~_rejected(session, field, labels, proposals)
    )
    shown = _top_and_accepted(proposals, np.flatnonzero(meant))
    starts = np.flatnonzero(np.diff(proposals.rows[shown], prepend=-1))
    ids = session.embeddings.items.ids.tolist()
    names = [labels.classes[code] for code in proposals.classes[shown].tolist()]
    confidence = [round(value, 4) for value in proposals.confidence[shown].tolist()]
    anchors = [[ids[anchor] for anchor in near if anchor >= 0] for near in proposals.anchors[shown].tolist()]
    ends = np.append(starts, len(shown))[1:]
    columns = (proposals.rows[shown][starts], proposals.accepted[shown][starts], starts, ends)
    return {
        row: Suggestion(
            label=names[first],
            confidence=confidence[first],
            sure=sure,
            anchors=anchors[first],
            field=field.name,
            more=tuple(names[first + 1 : end]),
            more_confidence=tuple(confidence[first + 1 : end]),
            more_anchors=tuple(near[0] for near in anchors[first + 1 : end]),
        )
        for row, sure, first, end in zip(*(part.tolist() for part in columns), strict=True)
    }


def _top_and_accepted(proposals: Proposals, places: np.ndarray) -> np.ndarray:
    """Those of the given positions in the proposals that are the most confident of their item, or accepted."""
    most_confident = np.diff(proposals.rows[places], prepend=-1) > 0
    shown: np.ndarray = places[most_confident | proposals.accepted[places]]
    return shown


def _rejected(session: Session, field: LabelField, labels: Labels, proposals: Proposals) -> np.ndarray:
    """(m,) whether a person rejected the class for the item."""
    code_of = {name: code for code, name in enumerate(labels.classes)}
    rejections = read_rejections(session.dataset, field.name)
    pairs = [(item, code_of[name]) for item, names in rejections.items() for name in names if name in code_of]
    rows = locate(np.asarray([item for item, _ in pairs]), session.embeddings.items.ids)
    codes = np.asarray([code for _, code in pairs], np.int64)
    keys = (rows * len(code_of) + codes)[rows >= 0]
    rejected: np.ndarray = np.isin(proposals.rows * len(code_of) + proposals.classes, keys)
    return rejected


def _keep_what_looks_the_same(
    updated: list[Suggestion | None], current: Sequence[Suggestion | None], labeled: set[tuple[str, str]]
) -> None:
    """Keep suggestions unchanged if a new label changed their confidence by less than screens show.

    One label changes the confidence of nearly every suggestion slightly; rewriting those, and sending them to Label
    Studio, would be pointless. A suggestion keeps its anchors as long as they still have its label.
    """
    for row, (new, old) in enumerate(zip(updated, current, strict=True)):
        if new is None or old is None or (new.sure, new.field) != (old.sure, old.field) or _visibly_moved(new, old):
            continue
        because = zip(old.more_anchors, old.more, strict=True)
        if all((anchor, old.label) in labeled for anchor in old.anchors) and labeled.issuperset(because):
            updated[row] = old


def _visibly_moved(new: Suggestion, old: Suggestion) -> bool:
    """Whether the suggested classes or a confidence changed visibly; their order alone does not count."""
    if not (new.more or old.more):
        return new.label != old.label or abs(new.confidence - old.confidence) >= _VISIBLE
    after, before = new.confidences, old.confidences
    return after.keys() != before.keys() or any(
        abs(after[name] - confidence) >= _VISIBLE for name, confidence in before.items()
    )


def _labeled_items(items: Items, labels: Labels) -> set[tuple[str, str]]:
    """(item ID, label) of every label that serves as evidence."""
    rows, codes = labels.members[~labels.followed].T
    return {(item, labels.classes[code]) for item, code in zip(items.ids[rows].tolist(), codes.tolist(), strict=True)}


def reject_suggestions(dataset: fo.Dataset, ids: Sequence[str], *, patches_field: str | None = None) -> int:
    """Remove suggestions and do not propose their classes again; can be undone. Returns the number of items."""
    items = items_of(dataset, ids, patches_field)
    current = read_suggestions(dataset, items)
    rejected = {
        item: suggestion for item, suggestion in zip(items.ids.tolist(), current, strict=True) if suggestion is not None
    }
    with remember_rejections(dataset, patches_field, rejected):
        write_suggestions(dataset, items, [None] * len(items), current=current)
    return len(rejected)


def clear_suggestions(samples: fo.core.collections.SampleCollection, *, patches_field: str | None = None) -> int:
    """Remove all suggestions of a view, as one action that can be undone; returns their number.

    Raises:
        Refusal: there are no suggestions.
    """
    dataset = samples._root_dataset
    head = read_head(dataset)
    edits = list(suggestion_clearing_edits(samples, patches_field))
    if not edits:
        raise Refusal("There are no suggestions here: there is nothing to clear.")
    number = sum(len(edit) for edit in edits)
    record = commit(dataset, edits, f"clearing of {count(number, 'suggestion')}", head=head)
    stop_following(dataset)
    return record.total_written
