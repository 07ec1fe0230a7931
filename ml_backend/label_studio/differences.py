"""The differences between the tasks of a project and the samples of its dataset, and which side takes precedence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ..store.label_edits import read_documents
from .ledger import Annotation, Labeling, TaskRecord, as_labeling
from .marks import StoredLabel, stored_labels
from .mirror import Mirror, counting, labeling_of

_Labels = Mapping[str, StoredLabel]


@dataclass(frozen=True)
class Difference:
    """How tasks and samples differ, in records of the ledger.

    ``outgoing``: labels that Label Studio does not have. ``incoming``: labels to apply here. ``agreed``: both say the
    same. ``conflicts``: tasks that both sides changed, with the labeling that gave way. ``overruled``: those of them
    that somebody labeled here against ground truth. ``labelings_there``: task → what Label Studio says. ``labels``:
    sample → its labels, ``documents`` as MongoDB has them.
    """

    outgoing: list[tuple[TaskRecord, Labeling]]
    incoming: list[TaskRecord]
    agreed: list[TaskRecord]
    conflicts: list[tuple[int, Labeling]]
    overruled: list[int]
    labelings_there: Mapping[int, Labeling]
    labels: Mapping[str, _Labels]
    documents: Mapping[str, Mapping[str, Any]]


def compare(mirror: Mirror, records: Sequence[TaskRecord]) -> Difference:
    """The differences between these tasks and their samples; a sample deleted here removes nothing there.

    Where both sides changed a task, the later change counts, and a reviewer's decision always. An annotation that says
    nothing (or no longer anything) about the control leaves the label here unchanged.
    """
    documents = read_documents(mirror.dataset, [record.sample for record in records if record.sample], [mirror.field])
    target = mirror.target
    labels = {sample: stored_labels(target, document) for sample, document in documents.items()}
    outgoing, incoming, conflicts, overruled, agreed = [], [], [], [], []
    labelings_there: dict[int, Labeling] = {}
    for record in records:
        if record.sample not in labels:
            continue
        annotation = counting(mirror, record)
        mine, theirs = labeling_here(mirror, labels[record.sample]), _labeling_there(mirror, record, annotation)
        labelings_there[record.task] = theirs
        if mine == theirs:
            agreed.append(record)
        elif mine == record.synced or not _may_go_out(record, mine):
            incoming.append(record)
        elif _is_decided(mirror, annotation):
            conflicts.append((record.task, mine))
            overruled.append(record.task)
            incoming.append(record)
        elif theirs == record.synced:
            outgoing.append((record, mine))
        elif annotation is None or _labeled_at(labels[record.sample]) > annotation.at:
            conflicts.append((record.task, theirs))
            outgoing.append((record, mine))
        else:
            conflicts.append((record.task, mine))
            incoming.append(record)
    return Difference(outgoing, incoming, agreed, conflicts, overruled, labelings_there, labels, documents)


def labeling_here(mirror: Mirror, labels: _Labels) -> Labeling:
    """The labels of a sample; for objects, those that Label Studio knows or that have a class."""
    return as_labeling(
        (stored.mark.region if mirror.control.boxes else "", stored.mark.label)
        for stored in labels.values()
        if stored.mark.label
    )


def _labeling_there(mirror: Mirror, record: TaskRecord, annotation: Annotation | None) -> Labeling:
    if annotation is None:
        return ()
    return record.synced if annotation.silent else labeling_of(mirror, record, annotation.result)


def _may_go_out(record: TaskRecord, labeling: Labeling) -> bool:
    """Removing a label here deletes our own annotation, never somebody else's."""
    return bool(labeling) or not record.is_annotated or any(annotation.ours for annotation in record.annotations)


def _is_decided(mirror: Mirror, annotation: Annotation | None) -> bool:
    return mirror.rule == "ground_truth_first" and annotation is not None and annotation.truth


def _labeled_at(labels: _Labels) -> str:
    """When the latest of the labels was set, as ISO time."""
    times = [stored.document.get("labeled_at") for stored in labels.values() if stored.mark.label]
    return max((_iso(at) for at in times if isinstance(at, datetime)), default="")


def _iso(moment: datetime) -> str:
    return moment.replace(tzinfo=timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
