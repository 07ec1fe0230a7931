"""Label, suggest, save, and undo."""

from collections.abc import Sequence

import fiftyone as fo
from fiftyone.core.collections import SampleCollection

from ..actions import audit, next_best, queue
from ..actions import label_neighbors as neighbor_actions
from ..actions.accept import Which, accept_suggestions
from ..actions.audit import AuditResult, AuditStart
from ..actions.next_best import LabelNext
from ..actions.queue import QueueReport
from ..actions.save import SaveReport, discard_changes, save_changes
from ..actions.suggest import SuggestReport, suggest_labels
from ..actions.undo import undo_last
from ..store.embeddings import check_embeddings
from ..store.items import list_items
from .defaults import bar, default_embeddings, default_field, default_items


def set_label(
    samples: SampleCollection,
    label: str,
    *,
    field: str | None = None,
    patches_field: str | None = None,
    replace: bool = False,
) -> QueueReport:
    """Label every sample, frame, clip, or patch of a view, or the patches of its samples; pending until `save`.

    Args:
        replace: overwrite existing other labels; otherwise such samples are left alone and reported.

    Raises:
        Refusal: an empty view or label, or a field that cannot hold labels.
    """
    dataset = samples._root_dataset
    patches_field = default_items(samples, patches_field)
    ids = list_items(samples, patches_field).ids.tolist()
    chosen = default_field(dataset, field, patches_field)
    return queue.set_label(dataset, ids, label, field=chosen, patches_field=patches_field, replace=replace)


def relabel(samples: SampleCollection, *, field: str | None = None, patches_field: str | None = None) -> QueueReport:
    """Replace the labels of a view with the better ones that `rank_mislabels` proposed; pending until `save`.

    Raises:
        Refusal: an empty view, or no better label for any of it.
    """
    dataset = samples._root_dataset
    patches_field = default_items(samples, patches_field)
    ids = list_items(samples, patches_field).ids.tolist()
    chosen = default_field(dataset, field, patches_field)
    return queue.relabel(dataset, ids, field=chosen, patches_field=patches_field)


def label_neighbors(
    samples: SampleCollection,
    label: str,
    *,
    embeddings: str | None = None,
    field: str | None = None,
    reach: int | None = None,
    precision: float = 0.95,
) -> QueueReport:
    """Label the samples of a view and the neighbors that the label reaches; pending until `save`.

    Args:
        reach: how many neighbors; by default, as many as the target ``precision`` allows.

    Raises:
        Refusal: no embeddings, or nothing in the view.
    """
    dataset = samples._root_dataset
    chosen = default_embeddings(dataset, embeddings)
    patches_field = check_embeddings(dataset, chosen).field
    ids = list_items(samples, patches_field).ids.tolist()
    return neighbor_actions.label_neighbors(
        dataset,
        ids,
        label,
        embeddings=chosen,
        field=default_field(dataset, field, patches_field),
        reach=reach,
        precision=precision,
    )


def suggest(
    samples: SampleCollection,
    *,
    embeddings: str | None = None,
    field: str | None = None,
    precision: float = 0.95,
    progress: bool = True,
) -> SuggestReport:
    """Suggest labels for everything unlabeled, at a target precision.

    Raises:
        Refusal: no embeddings, nothing labeled, or a precision outside 0.5..1.
    """
    dataset = samples._root_dataset
    chosen = default_embeddings(dataset, embeddings)
    with bar(progress, "Suggesting") as report:
        return suggest_labels(
            samples,
            embeddings=chosen,
            field=default_field(dataset, field, check_embeddings(dataset, chosen).field),
            precision=precision,
            progress=report,
        )


def accept(
    dataset: fo.Dataset,
    ids: Sequence[str] | None = None,
    *,
    which: Which = "confident",
    field: str | None = None,
    patches_field: str | None = None,
) -> QueueReport:
    """Accept suggestions; pending until `save`. Uncertain ones are accepted only if ``which`` includes them.

    Raises:
        Refusal: there are no such suggestions.
    """
    return accept_suggestions(
        dataset, ids, which=which, field=default_field(dataset, field, patches_field), patches_field=patches_field
    )


def start_audit(
    dataset: fo.Dataset,
    *,
    target: float = 0.9,
    field: str | None = None,
    patches_field: str | None = None,
    checks: int | None = None,
) -> AuditStart:
    """Draw confident suggestions at random for a person to check, so that `audit_result` can guarantee the rest.

    Args:
        target: the share of right suggestions to guarantee, 0.5 to below 1.
        checks: how many to draw; by default 20 to 60, enough for the target if at most one is wrong.

    Raises:
        Refusal: there is no confident suggestion, or the target is out of range.
    """
    chosen = default_field(dataset, field, patches_field)
    return audit.start_audit(dataset, target=target, field=chosen, patches_field=patches_field, checks=checks)


def audit_result(dataset: fo.Dataset) -> AuditResult:
    """What the checks of the audit in progress guarantee so far; pending labels count as checks too.

    Raises:
        Refusal: no audit was started.
    """
    return audit.audit_result(dataset)


def accept_audited(dataset: fo.Dataset, *, anyway: bool = False) -> QueueReport:
    """Accept the audited suggestions that were not drawn; pending until `save`.

    Args:
        anyway: accept even if the target is not reached.

    Raises:
        Refusal: no audit was started, or its target is not reached.
    """
    return audit.accept_audited(dataset, anyway=anyway)


def label_next(
    dataset: fo.Dataset, *, embeddings: str | None = None, field: str | None = None, count: int = 9
) -> LabelNext:
    """Choose what to label next: the unlabeled samples whose labels are the most informative, best first.

    Raises:
        Refusal: no embeddings, or nothing left to label.
    """
    chosen = default_embeddings(dataset, embeddings)
    named = default_field(dataset, field, check_embeddings(dataset, chosen).field)
    return next_best.label_next(dataset, embeddings=chosen, field=named, count=count)


def save(dataset: fo.Dataset, *, progress: bool = True) -> SaveReport:
    """Save everything pending in one action: all or nothing.

    Raises:
        Refusal: nothing is pending, or another save is in progress.
    """
    with bar(progress, "Saving") as report:
        return save_changes(dataset, report)


def discard(dataset: fo.Dataset, ids: Sequence[str] | None = None) -> int:
    """Drop what is pending, for these IDs or for all; returns the number of changes. `undo` restores them."""
    return discard_changes(dataset, ids)


def undo(dataset: fo.Dataset, *, progress: bool = True) -> str:
    """Undo the last action, and return a sentence about it.

    Raises:
        Refusal: there is nothing to undo.
    """
    with bar(progress, "Undoing") as report:
        return undo_last(dataset, progress=report)
