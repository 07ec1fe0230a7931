"""Audit: a person checks a few confident suggestions drawn at random, which guarantees how many of all are right."""

from dataclasses import dataclass

import fiftyone as fo
import numpy as np

from ..analysis.audit import Audit, audit, checks_needed, draw_checks
from ..errors import Refusal
from ..store.audits import AuditRecord, forget_audit, load_audit, save_audit
from ..store.items import Items, items_of, ordered_view
from ..store.labels import DEFAULT_FIELD, LabelField, label_field, read_labels, with_pending
from ..store.pending_changes import pending_changes
from ..store.records import as_names
from ..wording import agree, count, percent
from .accept import suggested_batch
from .queue import LabelBatch, QueueReport, queue_labels
from .view_report import ViewReport

FEWEST, MOST = 20, 60  # default range of the number of checks
_WRONG_ALLOWED = 1  # checks that may turn out wrong without missing the target


@dataclass(frozen=True, repr=False)
class AuditStart(ViewReport):
    """An audit in progress: the suggestions to check, in the order drawn, out of ``population`` suggestions."""

    view: fo.DatasetView
    ids: list[str]
    population: int
    target: float
    field: str

    def sentence(self) -> str:
        """The closing message."""
        return (
            f"Check {count(len(self.ids), 'suggestion')}, drawn at random from {self.population:,}: set the true label "
            f"of each in '{self.field}', even if it equals the suggestion. Then run this again for the result."
        )


@dataclass(frozen=True, repr=False)
class AuditResult(ViewReport):
    """What the checks so far guarantee about the ``population`` that they were drawn from.

    ``view`` holds the drawn suggestions that are left to check; ``guarantee`` counts only those drawn before the first
    of these, because checks picked by hand are not a random draw and guarantee nothing. None before the first check.
    """

    view: fo.DatasetView
    left: int
    population: int
    target: float
    guarantee: Audit | None

    @property
    def reached(self) -> bool:
        """Whether the target is guaranteed."""
        return self.guarantee is not None and self.guarantee.bound >= self.target

    def sentence(self) -> str:
        """The closing message."""
        left = f"{count(self.left, 'suggestion')} {agree(self.left, 'is')} left to check"
        if self.guarantee is None:
            return f"{left}: nothing is guaranteed until the first one drawn has been checked."
        text = f"Of {count(self.population, 'suggestion')}, {self.guarantee.sentence()}"
        if self.reached:
            text += f": the target of {percent(self.target)} is reached. They can be accepted."
        elif self.left:
            text += f". The target is {percent(self.target)}; {left}."
        else:
            text += (
                f". The target of {percent(self.target)} is missed: label more, suggest again with a higher target "
                "precision, and start a new audit."
            )
        return text


def start_audit(
    dataset: fo.Dataset,
    *,
    target: float = 0.9,
    field: str = DEFAULT_FIELD,
    patches_field: str | None = None,
    checks: int | None = None,
    seed: int | None = None,
) -> AuditStart:
    """Draw confident suggestions for a person to check; an audit in progress is replaced.

    Args:
        target: the share of right suggestions to guarantee, 0.5 to below 1.
        field: the label field that the suggestions were made for.
        patches_field: for suggestions of objects.
        checks: how many to draw; None is as many as guarantee the target if at most one is wrong, 20 to 60.
        seed: None draws differently each time.

    Raises:
        Refusal: there is no confident suggestion, the target is out of range, or the field holds several labels each.
    """
    if not 0.5 <= target < 1:
        raise Refusal(f"The target is {target}; it must be at least 0.5 and below 1.")
    labels = label_field(dataset, field, patches_field)
    if labels.kind == "classifications":
        raise Refusal(f"'{field}' holds several labels per item, which audits do not support yet.")
    batch = suggested_batch(dataset, None, labels)
    number = checks if checks is not None else _checks_for(target, len(batch.ids))
    chosen_seed = int(np.random.default_rng().integers(2**32)) if seed is None else seed
    drawn = draw_checks(np.ones(len(batch.ids), bool), number, seed=chosen_seed)
    assert batch.confidence is not None
    assert batch.anchors is not None
    record = AuditRecord(
        field=labels.name,
        patches_field=patches_field,
        target=target,
        names=batch.names,
        ids=batch.ids,
        codes=batch.codes,
        confidence=batch.confidence,
        anchors=batch.anchors,
        drawn=drawn,
    )
    save_audit(dataset, record)
    ids = as_names(batch.ids[drawn])
    return AuditStart(_view(dataset, ids, patches_field), ids, len(batch.ids), target, labels.name)


def audit_result(dataset: fo.Dataset) -> AuditResult:
    """What the checks so far guarantee; pending labels count as checks too.

    Raises:
        Refusal: no audit was started.
    """
    record = _record(dataset)
    labels, known = _labels_of_drawn(dataset, record)
    suggested = [record.names[code] for code in record.codes[record.drawn].tolist()]
    # A drawn item that was deleted can no longer be checked: it counts as wrong, so that the guarantee remains valid.
    right = [label == name for label, name in zip(labels, suggested, strict=True)]
    checked = [label is not None or not there for label, there in zip(labels, known, strict=True)]
    before_gap = checked.index(False) if False in checked else len(checked)
    left = [row for row, done in enumerate(checked) if not done]
    ids = as_names(record.ids[record.drawn])
    guarantee = audit(sum(right[:before_gap]), before_gap, population=len(record.ids)) if before_gap else None
    return AuditResult(
        view=_view(dataset, [ids[row] for row in left], record.patches_field),
        left=len(left),
        population=len(record.ids),
        target=record.target,
        guarantee=guarantee,
    )


def accept_audited(dataset: fo.Dataset, *, anyway: bool = False) -> QueueReport:
    """Turn the audited suggestions, as they were at the start, into pending labels; checked ones keep their labels.

    Args:
        anyway: accept even if the target is not reached.

    Raises:
        Refusal: no audit was started, its target is not reached, or nothing is left to accept.
    """
    field, batch = audited_batch(dataset, anyway=anyway)
    queued = queue_labels(dataset, field, batch)
    forget_audit(dataset)
    return queued


def audited_batch(dataset: fo.Dataset, *, anyway: bool = False) -> tuple[LabelField, LabelBatch]:
    """The audited suggestions that were not drawn, as labels, and the field that they belong to.

    Raises:
        Refusal: see `accept_audited`.
    """
    record = _record(dataset)
    result = audit_result(dataset)
    if not (result.reached or anyway):
        raise Refusal(f"These suggestions are not accepted yet. {result.sentence()}")
    rest = np.setdiff1d(np.arange(len(record.ids)), record.drawn)
    if not len(rest):
        raise Refusal("Every suggestion has been checked: there is nothing left to accept.")
    batch = LabelBatch(
        record.ids[rest],
        record.codes[rest],
        record.names,
        confidence=record.confidence[rest].astype(float),
        anchors=record.anchors[rest],
    )
    return label_field(dataset, record.field, record.patches_field), batch


def _checks_for(target: float, population: int) -> int:
    try:
        needed = checks_needed(target, wrong=_WRONG_ALLOWED, population=population)
    except Refusal:  # so few suggestions that all of them are checked
        needed = population
    return min(max(needed, FEWEST), MOST, population)


def _record(dataset: fo.Dataset) -> AuditRecord:
    record = load_audit(dataset)
    if record is None:
        raise Refusal("There is no audit yet: start one first.")
    return record


def _labels_of_drawn(dataset: fo.Dataset, record: AuditRecord) -> tuple[list[str | None], list[bool]]:
    """The current label of each drawn item, and whether the item still exists."""
    ids = as_names(record.ids[record.drawn])
    items = items_of(dataset, ids, record.patches_field)
    field = label_field(dataset, record.field, record.patches_field)
    labels = with_pending(read_labels(dataset, items, field), items, field, pending_changes(dataset))
    names = {
        item: labels.classes[code] if code >= 0 else None
        for item, code in zip(items.ids.tolist(), labels.codes.tolist(), strict=True)
    }
    return [names.get(item) for item in ids], [item in names for item in ids]


def _view(dataset: fo.Dataset, ids: list[str], patches_field: str | None) -> fo.DatasetView:
    items = items_of(dataset, ids, patches_field)
    place = {item: row for row, item in enumerate(items.ids.tolist())}
    rows = np.asarray([place[item] for item in ids if item in place], np.int64)
    return ordered_view(dataset, Items(items.ids[rows], items.sample_ids[rows], items.patches_field, items.parts))
