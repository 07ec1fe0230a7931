"""Two-way label sync of a mirrored project: the differences between Label Studio and the dataset, and their effects.

An event or a poll changes the ledger; `LabelFlow.step` compares the records that changed with the labels here, takes in
what Label Studio says, and sends out what was labeled here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

import structlog

from ..store.edits import Edit, apply
from ..store.label_edits import read_documents
from .client import LabelStudio, LabelStudioError
from .config import Control
from .geometry import image_size
from .ledger import Annotation, Labeling, Sending, TaskRecord, as_labeling
from .marks import Mark, Origin, Said, StoredLabel, annotation_edits, as_stored_time, stored_labels
from .mirror import Mirror, as_annotation, counting, labeling_of, labeling_of_result, object_id, regions_of
from .mirror_dataset import FIELD
from .outgoing import HeldBack, annotation_of

_SENT_AT_ONCE = 50  # annotations created from labels saved here, 0.12 s each

Who = Callable[[int], str]
_Labels = Mapping[str, StoredLabel]
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Difference:
    """How tasks and samples differ, in records of the ledger.

    ``outgoing``: labels that Label Studio lacks. ``incoming``: labels to take over. ``agreed``: both say the same.
    ``conflicts``: tasks that both sides changed, with the labeling that gave way. ``there``: task → what Label Studio
    says. ``labels``: sample → its labels, ``documents`` as MongoDB has them.
    """

    outgoing: list[tuple[TaskRecord, Labeling]]
    incoming: list[TaskRecord]
    agreed: list[TaskRecord]
    conflicts: list[tuple[int, Labeling]]
    there: Mapping[int, Labeling]
    labels: Mapping[str, _Labels]
    documents: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Waiting:
    """Why a label that was saved here is not in Label Studio, and the state in which that was determined."""

    reason: str
    labeling: Labeling
    annotations: tuple[Annotation, ...]
    control: Control


class LabelFlow:
    """Syncs the labels of one mirrored project both ways.

    ``behind``: more labels wait to be sent than one step sends. ``held_back``: task → the label that was saved here and
    cannot become an annotation.
    """

    def __init__(self, studio: LabelStudio) -> None:
        self.behind = False
        self.held_back: dict[int, Waiting] = {}
        self._studio = studio
        self._users: dict[int, str] = {}

    def step(self, mirror: Mirror, records: Sequence[TaskRecord]) -> bool:
        """Sync these tasks with their samples; returns whether anything changed."""
        difference = compare(mirror, [self._settle(mirror, record) for record in records])
        for task, lost in difference.conflicts:
            labels = [label for _, label in lost]
            _log.warning("labeled_on_both_sides", project=mirror.project, task=task, gave_way=labels)
        changed = take_in(mirror, difference, self._who)
        self._drop_settled(records, difference.outgoing)
        sent = self._send_out(mirror, difference.outgoing)
        return bool(changed or sent)

    def _send_out(self, mirror: Mirror, outgoing: Sequence[tuple[TaskRecord, Labeling]]) -> int:
        """Create annotations from labels that were saved here; returns how many labels are new."""
        due = [pair for pair in outgoing if not self._is_held_back(mirror, *pair)]
        self.behind = len(due) > _SENT_AT_ONCE
        for record, labeling in due[:_SENT_AT_ONCE]:
            try:
                self._send(mirror, record, labeling)
            except HeldBack as reason:
                _log.warning("label_held_back", project=mirror.project, task=record.task, reason=str(reason))
                self.held_back[record.task] = Waiting(str(reason), labeling, record.annotations, mirror.control)
            else:
                self.held_back.pop(record.task, None)
        return len(due)

    def _drop_settled(self, records: Sequence[TaskRecord], outgoing: Sequence[tuple[TaskRecord, Labeling]]) -> None:
        """Drop what was held back of the tasks at hand that have nothing to send any more."""
        for task in {record.task for record in records} - {record.task for record, _ in outgoing}:
            self.held_back.pop(task, None)

    def _is_held_back(self, mirror: Mirror, record: TaskRecord, labeling: Labeling) -> bool:
        """Whether nothing changed since a label was held back."""
        waiting = self.held_back.get(record.task)
        now = (labeling, record.annotations, mirror.control)
        return waiting is not None and now == (waiting.labeling, waiting.annotations, waiting.control)

    def _send(self, mirror: Mirror, record: TaskRecord, labeling: Labeling) -> None:
        """Create an annotation from a label that was saved here, replacing our earlier one."""
        made = None
        if labeling:
            result = annotation_of(mirror, record, labeling, self._base(mirror, record))
            after = max((annotation.id for annotation in record.annotations), default=0)
            record = replace(record, sending=Sending(labeling, after))
            mirror.ledger.write([record])  # from here on, `_settle` finishes an interrupted send
            made = as_annotation(mirror.control, self._studio.create_annotation(record.task, result))
        self._note_sent(mirror, record, labeling, made)

    def _base(self, mirror: Mirror, record: TaskRecord) -> list[dict[str, Any]]:
        """The whole result of the annotation that counts, other controls' answers included."""
        annotation = counting(mirror, record)
        if annotation is None:
            return []
        payloads = self._studio.annotations(record.task)
        return next((list(one.get("result") or []) for one in payloads if one["id"] == annotation.id), [])

    def _settle(self, mirror: Mirror, record: TaskRecord) -> TaskRecord:
        """Finish an interrupted send: if the annotation arrived, it is ours; else the label is sent again."""
        sending = record.sending
        if sending is None:
            return record
        me = self._studio.whoami()["id"]
        for payload in self._studio.annotations(record.task):
            annotation = as_annotation(mirror.control, payload)
            if annotation is None or annotation.by != me or annotation.id <= sending.after:
                continue
            if labeling_of(mirror, record, annotation.result) == sending.labeling:
                return self._note_sent(mirror, record, sending.labeling, annotation)
        settled = replace(record, sending=None)
        mirror.ledger.write([settled])
        return settled

    def _note_sent(self, mirror: Mirror, record: TaskRecord, labeling: Labeling, made: Annotation | None) -> TaskRecord:
        """Delete our earlier annotation, and record the new one."""
        annotations = [annotation for annotation in record.annotations if not annotation.ours]
        for annotation in record.annotations:
            if annotation.ours:
                self._studio.delete_annotation(annotation.id)
        if made is not None:
            annotations = [one for one in annotations if one.id != made.id] + [replace(made, ours=True)]
        sent = replace(record, annotations=tuple(annotations), synced=labeling, sending=None)
        mirror.ledger.write([sent])
        return sent

    def _who(self, user: int) -> str:
        if user not in self._users:
            try:
                self._users[user] = self._studio.user(user)
            except LabelStudioError:
                return str(user)
        return self._users[user]


def compare(mirror: Mirror, records: Sequence[TaskRecord]) -> Difference:
    """The differences between these tasks and their samples; a sample deleted here removes nothing there.

    Where both sides changed a task, the later change counts, and a reviewer's decision always. An annotation that says
    nothing of the control (any more) leaves the label that is here.
    """
    documents = read_documents(mirror.dataset, [record.sample for record in records if record.sample], [FIELD])
    target = mirror.target
    labels = {sample: stored_labels(target, document) for sample, document in documents.items()}
    outgoing, incoming, conflicts, agreed = [], [], [], []
    there: dict[int, Labeling] = {}
    for record in records:
        if record.sample not in labels:
            continue
        annotation = counting(mirror, record)
        mine, theirs = _labeling_here(mirror, labels[record.sample]), _labeling_there(mirror, record, annotation)
        there[record.task] = theirs
        if mine == theirs:
            agreed.append(record)
        elif mine == record.synced or not _may_go_out(record, mine):
            incoming.append(record)
        elif _is_decided(mirror, annotation):
            conflicts.append((record.task, mine))
            incoming.append(record)
        elif theirs == record.synced:
            outgoing.append((record, mine))
        elif annotation is None or _labeled_at(labels[record.sample]) > annotation.at:
            conflicts.append((record.task, theirs))
            outgoing.append((record, mine))
        else:
            conflicts.append((record.task, mine))
            incoming.append(record)
    return Difference(outgoing, incoming, agreed, conflicts, there, labels, documents)


def take_in(mirror: Mirror, difference: Difference, who: Who) -> list[int]:
    """Write the annotations of Label Studio into the labels here; returns the tasks whose labels changed.

    A label that a person changes at this moment stays: the next sync sees it.
    """
    stale = [record for record in difference.agreed if _is_stale(mirror, record, difference.labels[record.sample])]
    said = {
        record.sample: _said(mirror, record, difference.labels[record.sample], who)
        for record in [*difference.incoming, *stale]
    }
    documents = {sample: difference.documents[sample] for sample in said}
    found = annotation_edits(mirror.target, documents, said, replace=True)
    apply(mirror.dataset, found.edits)
    if found.masks:
        _log.warning("masks_dropped", project=mirror.project, masks=found.masks, reason="their boxes were moved")
    taken = _in_step(mirror, difference.incoming, difference.there)
    settled = [record for record in [*difference.agreed, *taken] if record.synced != difference.there[record.task]]
    mirror.ledger.write([replace(record, synced=difference.there[record.task]) for record in settled])
    changed = {edit.sample for edit in found.edits if _is_visible(edit)}
    return [record.task for record in [*taken, *stale] if record.sample in changed]


def _labeling_here(mirror: Mirror, labels: _Labels) -> Labeling:
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


def _is_stale(mirror: Mirror, record: TaskRecord, labels: _Labels) -> bool:
    """Whether labels with equal content lack boxes, or are not from the current annotation."""
    annotation = counting(mirror, record)
    if annotation is not None and annotation.silent:
        return False
    if mirror.control.boxes:
        drawn = {stored.mark.region for stored in labels.values()} - {""}
        if {region.id for region in regions_of(mirror, record)} != drawn:
            return True
    if annotation is None:
        return True  # an empty list that records that somebody checked
    if annotation.ours:
        return False
    ours_alone = {place for place, stored in labels.items() if mirror.control.boxes and not stored.mark.region}
    origin = Origin(annotation.id, "", as_stored_time(annotation.at))
    return not labels or any(not labels[place].comes_from(origin) for place in labels.keys() - ours_alone)


def _said(mirror: Mirror, record: TaskRecord, labels: _Labels, who: Who) -> Said:
    annotation = counting(mirror, record)
    if annotation is not None and annotation.silent:
        return Said({}, [], set(), None)
    marks = _marks_there(mirror, record)
    nothing = annotation is not None and not marks
    if nothing and mirror.target.kind == "classification":
        marks = {"": Mark("")}
    origin = None
    if annotation is not None and not annotation.ours:
        by = "" if annotation.by is None else who(annotation.by)
        origin = Origin(annotation.id, by, as_stored_time(annotation.at))
    boxless = set() if annotation is None else set(mirror.control.boxless(annotation.result))
    nothing = nothing and not boxless
    shown = {place for place, stored in labels.items() if stored.mark.region or not mirror.control.boxes}
    shown -= {place for place, stored in labels.items() if stored.mark.region in boxless}
    return Said(marks, [], shown, origin, nothing)


def _marks_there(mirror: Mirror, record: TaskRecord) -> dict[str, Mark]:
    if mirror.control.boxes:
        regions = regions_of(mirror, record)
        size = None if all(region.can_be_placed for region in regions) else _image_size(mirror, record)
        return {
            object_id(mirror.project, record.task, region.id): Mark(
                region.stated or "", region.sized(size).upright, region=region.id
            )
            for region in regions
            if region.sized(size).can_be_placed
        }
    annotation = counting(mirror, record)
    labels = () if annotation is None else labeling_of_result(mirror.control, annotation.result)
    return {label if mirror.control.multi else "": Mark(label) for _, label in labels}


def _image_size(mirror: Mirror, record: TaskRecord) -> tuple[int, int] | None:
    return image_size(mirror.dataset[record.sample].filepath)


def _in_step(mirror: Mirror, records: Sequence[TaskRecord], there: Mapping[int, Labeling]) -> list[TaskRecord]:
    """The records whose labels here now equal those in Label Studio."""
    documents = read_documents(mirror.dataset, [record.sample for record in records], [FIELD])
    labels = {sample: stored_labels(mirror.target, document) for sample, document in documents.items()}
    return [
        record
        for record in records
        if record.sample in labels and _labeling_here(mirror, labels[record.sample]) == there[record.task]
    ]


def _is_visible(edit: Edit) -> bool:
    """Whether an edit changes a label or a box, and not only the provenance."""
    if edit.kind != "attributes" or edit.before is None or edit.after is None:
        return True
    return "bounding_box" in edit.after or edit.before.get("label") != edit.after.get("label")


def _iso(moment: datetime) -> str:
    return moment.replace(tzinfo=timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
