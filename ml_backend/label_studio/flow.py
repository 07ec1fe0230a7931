"""Two-way label sync of a mirrored project: the differences between Label Studio and the dataset, and their effects.

An event or a poll changes the ledger; `LabelFlow.step` compares the records that changed with the labels here, applies
what Label Studio says, and sends what was labeled here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from ..store.edits import Edit, apply
from ..store.label_edits import read_documents
from .annotations import as_annotation
from .client import LabelStudio, LabelStudioError
from .config import Control
from .differences import Difference, compare, labeling_here
from .geometry import image_size
from .label_fields import ProjectHeld
from .ledger import Annotation, Labeling, Sending, TaskRecord, as_labeling
from .marks import AnnotationContent, Mark, Origin, StoredLabel, annotation_edits, as_stored_time, stored_labels
from .mirror import (
    Mirror,
    counting,
    labeling_of_all,
    labeling_of_result,
    regions_of,
    take_annotations,
)
from .moved_boxes import MOVED_HERE, boxes_of, common_boxes, moved_here, moved_there, with_moved
from .notices import Notice, keep_notices
from .outgoing import HeldBack, annotation_of
from .regions import object_id

SENT_AT_ONCE = 50  # annotations created from labels saved here, 0.12 s each

Who = Callable[[int], str]
_Labels = Mapping[str, StoredLabel]
_log = structlog.get_logger(__name__)


_OVERRULED = Notice(
    "Labels saved in FiftyOne gave way to annotations marked as ground truth, as imported ones are unless they say "
    "otherwise; the log names the tasks. To let the later change count, set “annotation” to “latest”."
)


@dataclass(frozen=True)
class Waiting:
    """Why a label that was saved here is not in Label Studio, and the state in which that was determined."""

    reason: str
    labeling: Labeling
    annotations: tuple[Annotation, ...]
    controls: tuple[Control, ...]


class LabelFlow:
    """Syncs the labels of one mirrored project both ways.

    ``behind``: more labels are waiting than one step sends. ``held_back``: task → the label that was saved here and
    cannot become an annotation.
    """

    def __init__(self, studio: LabelStudio) -> None:
        self.behind = False
        self.held_back: dict[int, Waiting] = {}
        self._studio = studio
        self._users: dict[int, str] = {}

    def step(self, mirror: Mirror, records: Sequence[TaskRecord]) -> bool:
        """Sync these tasks with their samples; returns whether anything changed.

        Raises:
            ProjectHeld: a label field was renamed or deleted, so its labels are not where the mirror looks for them.
        """
        if not mirror.is_in_place:
            raise ProjectHeld(
                f"A label field of the dataset '{mirror.dataset.name}' was just renamed or deleted in FiftyOne: "
                "syncing continues at the next poll."
            )
        settled = [self._settle(mirror, record) for record in records]
        changed: list[int] = []
        outgoing: list[tuple[TaskRecord, Labeling]] = []
        for view in mirror.control_views:
            difference = compare(view, [view.record_for_control(record) for record in settled])
            for task, lost in difference.conflicts:
                labels = [label for _, label in lost]
                _log.warning("labeled_on_both_sides", project=mirror.project, task=task, gave_way=labels)
            if difference.overruled:
                keep_notices(mirror.dataset, mirror.controls, [_OVERRULED])
            changed += apply_annotations(view, difference, self._who)
            outgoing += difference.outgoing
        if mirror.additional:
            outgoing = _of_all_controls(mirror, list(dict.fromkeys(record.task for record, _ in outgoing)))
        self._drop_settled(records, outgoing)
        sent = self._send_out(mirror, outgoing)
        return bool(changed or sent)

    def _send_out(self, mirror: Mirror, outgoing: Sequence[tuple[TaskRecord, Labeling]]) -> int:
        """Create annotations from labels that were saved here; returns how many labels are new."""
        due = [pair for pair in outgoing if not self._is_held_back(mirror, *pair)]
        edited: list[TaskRecord] = []
        for record, labeling in due[:SENT_AT_ONCE]:
            try:
                payloads = self._studio.annotations(record.task) if record.annotations else []
                if newer := _edited_since(record, payloads):
                    edited += take_annotations(mirror, newer)
                else:
                    self._send(mirror, record, labeling, payloads)
            except HeldBack as reason:
                _log.warning("label_held_back", project=mirror.project, task=record.task, reason=str(reason))
                self.held_back[record.task] = Waiting(str(reason), labeling, record.annotations, mirror.controls)
            else:
                self.held_back.pop(record.task, None)
        if edited:  # while the label was on its way
            self.step(mirror, edited)
        self.behind = len(due) > SENT_AT_ONCE  # after that step, which sees these few tasks alone
        return len(due)

    def _drop_settled(self, records: Sequence[TaskRecord], outgoing: Sequence[tuple[TaskRecord, Labeling]]) -> None:
        """Drop the held-back labels of those tasks that no longer have anything to send."""
        for task in {record.task for record in records} - {record.task for record, _ in outgoing}:
            self.held_back.pop(task, None)

    def _is_held_back(self, mirror: Mirror, record: TaskRecord, labeling: Labeling) -> bool:
        """Whether nothing changed since a label was held back."""
        waiting = self.held_back.get(record.task)
        now = (labeling, record.annotations, mirror.controls)
        return waiting is not None and now == (waiting.labeling, waiting.annotations, waiting.controls)

    def _send(
        self, mirror: Mirror, record: TaskRecord, labeling: Labeling, payloads: Sequence[Mapping[str, Any]]
    ) -> None:
        """Create an annotation from a label that was saved here, replacing our earlier one.

        ``payloads``: the annotations of the task, with other controls' answers.
        """
        made = None
        if labeling:
            counts = counting(mirror, record)
            base = next((one.get("result") or [] for one in payloads if counts and one["id"] == counts.id), [])
            result = annotation_of(mirror, record, labeling, base)
            after = max((annotation.id for annotation in record.annotations), default=0)
            record = replace(record, sending=Sending(labeling, after))
            mirror.ledger.write([record])  # from here on, `_settle` completes an interrupted send
            payload = self._studio.create_annotation(record.task, result)
            made = as_annotation(mirror.control, payload, mirror.controls[1:])
        self._note_sent(mirror, record, labeling, made)

    def _settle(self, mirror: Mirror, record: TaskRecord) -> TaskRecord:
        """Finish an interrupted send: if the annotation arrived, it is ours; else the label is sent again."""
        sending = record.sending
        if sending is None:
            return record
        me = self._studio.whoami()["id"]
        for payload in self._studio.annotations(record.task):
            annotation = as_annotation(mirror.control, payload, mirror.controls[1:])
            if annotation is None or annotation.by != me or annotation.id <= sending.after:
                continue
            if labeling_of_all(mirror, record, annotation.result) == sending.labeling:
                return self._note_sent(mirror, record, sending.labeling, annotation)
        settled = replace(record, sending=None)
        mirror.ledger.write([settled])
        return settled

    def _note_sent(self, mirror: Mirror, record: TaskRecord, labeling: Labeling, made: Annotation | None) -> TaskRecord:
        """Delete our earlier annotation, unless somebody edited it since, and record the new one."""
        ours = [annotation for annotation in record.annotations if annotation.ours]
        payloads = self._studio.annotations(record.task) if ours else []
        edited = {int(payload["id"]) for payload in _edited_since(record, payloads)}
        for annotation in ours:
            if annotation.id not in edited:
                self._studio.delete_annotation(annotation.id)
        kept = [replace(one, ours=False) for one in record.annotations if not one.ours or one.id in edited]
        if made is not None:
            kept = [annotation for annotation in kept if annotation.id != made.id] + [replace(made, ours=True)]
        sent = replace(record, annotations=tuple(kept), synced=labeling, sending=None)
        mirror.ledger.write([sent])
        return sent

    def _who(self, user: int) -> str:
        if user not in self._users:
            try:
                self._users[user] = self._studio.user(user)
            except LabelStudioError:
                return str(user)
        return self._users[user]


def _edited_since(record: TaskRecord, payloads: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The annotations of a task in Label Studio that were made from here and edited since."""
    ours = {annotation.id: annotation.at for annotation in record.annotations if annotation.ours}
    edited = [
        payload
        for payload in payloads
        if payload["id"] in ours and str(payload.get("updated_at") or "") > ours[payload["id"]]
    ]
    return [{**payload, "task": record.task} for payload in edited]


def apply_annotations(mirror: Mirror, difference: Difference, who: Who) -> list[int]:
    """Write the annotations of Label Studio into the labels here; returns the tasks whose labels changed.

    A label that a person changes during the sync stays, as the later one: its annotation counts as taken, so that the
    next sync sends the label. A box that was moved here stays, too.
    """
    stale = [record for record in difference.agreed if _is_stale(mirror, record, difference.labels[record.sample])]
    contents = {
        record.sample: _content(mirror, record, difference.labels[record.sample], who)
        for record in [*difference.incoming, *stale]
    }
    _report_moved(mirror, [*difference.incoming, *stale], difference.labels)
    documents = {sample: difference.documents[sample] for sample in contents}
    pulled = annotation_edits(mirror.target, documents, contents, replace=True)
    apply(mirror.dataset, pulled.edits)
    if pulled.masks:
        _log.warning("masks_dropped", project=mirror.project, masks=pulled.masks, reason="their boxes were moved")
    taken = _taken(mirror, difference, contents)
    settled = [
        record for record in [*difference.agreed, *taken] if record.synced != difference.labelings_there[record.task]
    ]
    _note_synced(mirror, settled, difference.labelings_there)
    _note_boxes(mirror, [*difference.agreed, *difference.incoming])
    changed = {edit.sample for edit in pulled.edits if _is_visible(edit)}
    return [record.task for record in [*taken, *stale] if record.sample in changed]


def _note_synced(mirror: Mirror, records: Sequence[TaskRecord], labelings: Mapping[int, Labeling]) -> None:
    """Record that both sides say the same of these tasks; of several controls, those that this one sees."""
    if mirror.is_one_of_several:
        whole = mirror.ledger.read(record.task for record in records)
        synced = {task: mirror.with_part(record.synced, labelings[task]) for task, record in whole.items()}
        mirror.ledger.write([replace(record, synced=synced[task]) for task, record in whole.items()])
    else:
        mirror.ledger.write([replace(record, synced=labelings[record.task]) for record in records])


def _note_boxes(mirror: Mirror, records: Sequence[TaskRecord]) -> None:
    """Record the boxes that both sides have now, by which one that is moved on either side is recognized."""
    if not mirror.control.boxes or mirror.control.windows:
        return
    marks_there = {record.task: _marks_there(mirror, record) for record in records}
    differing = [record for record in records if record.boxes | boxes_of(marks_there[record.task]) != record.boxes]
    labels = _labels_here(mirror, differing)
    now = {
        record.task: common_boxes(marks_there[record.task], record, labels[record.sample])
        for record in differing
        if record.sample in labels
    }
    mirror.ledger.set_boxes(
        {record.task: now[record.task] for record in differing if now.get(record.task, record.boxes) != record.boxes}
    )


def _report_moved(mirror: Mirror, records: Sequence[TaskRecord], labels: Mapping[str, _Labels]) -> None:
    """Say which boxes stay although their annotation has them somewhere else."""
    tasks = [record.task for record in records if _keeps_moved(mirror, record, labels[record.sample])]
    for task in tasks:
        _log.warning("boxes_moved_here", project=mirror.project, task=task, reason="they stay where they are")
    if tasks:
        keep_notices(mirror.dataset, mirror.controls, [MOVED_HERE])


def _keeps_moved(mirror: Mirror, record: TaskRecord, labels: _Labels) -> bool:
    moved = moved_here(record, labels)
    marks_there = _marks_there(mirror, record) if moved else {}
    return any(place in marks_there and not labels[place].mark.same_box(marks_there[place]) for place in moved)


def _of_all_controls(mirror: Mirror, tasks: Sequence[int]) -> list[tuple[TaskRecord, Labeling]]:
    """Records of the ledger, and what all controls say of these tasks here."""
    records = mirror.ledger.read(tasks)
    fields = [view.field for view in mirror.control_views]
    documents = read_documents(mirror.dataset, [record.sample for record in records.values()], fields)
    return [
        (
            records[task],
            as_labeling(
                pair
                for view in mirror.control_views
                for pair in view.placed(labeling_here(view, stored_labels(view.target, document)))
            ),
        )
        for task in tasks
        if (document := documents.get(records[task].sample)) is not None
    ]


def _is_stale(mirror: Mirror, record: TaskRecord, labels: _Labels) -> bool:
    """Whether labels with equal content lack boxes or their moves, or are not from the current annotation."""
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
        return bool(record.boxes and moved_there(_marks_there(mirror, record), record, labels))
    ours_alone = {place for place, stored in labels.items() if mirror.control.boxes and not stored.mark.region}
    origin = Origin(annotation.id, "", as_stored_time(annotation.at))
    return not labels or any(not labels[place].comes_from(origin) for place in labels.keys() - ours_alone)


def _content(mirror: Mirror, record: TaskRecord, labels: _Labels, who: Who) -> AnnotationContent:
    annotation = counting(mirror, record)
    if annotation is not None and annotation.silent:
        return AnnotationContent({}, [], set(), None)
    marks = with_moved(_marks_there(mirror, record), record, labels)
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
    return AnnotationContent(marks, [], shown, origin, nothing)


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


def _taken(mirror: Mirror, difference: Difference, contents: Mapping[str, AnnotationContent]) -> list[TaskRecord]:
    """The records whose annotations were written into the labels here, also where a person changed those at once."""
    now = read_documents(mirror.dataset, [record.sample for record in difference.incoming], [mirror.field])
    return [
        record
        for record in difference.incoming
        if (document := now.get(record.sample)) is not None
        and (
            labeling_here(mirror, stored_labels(mirror.target, document)) == difference.labelings_there[record.task]
            or _is_changed_since(mirror, difference, contents[record.sample], record.sample, document)
        )
    ]


def _is_changed_since(
    mirror: Mirror, difference: Difference, content: AnnotationContent, sample: str, document: Mapping[str, Any]
) -> bool:
    """Whether a person changed the labels of a sample, ``document`` now, after they were read or written here."""
    if document == difference.documents[sample]:
        return False  # nothing could be written, and the next sync tries again
    added = stored_labels(mirror.target, document).keys() - difference.labels[sample].keys()
    meant = replace(content, shown=content.shown | added)
    left = annotation_edits(mirror.target, {sample: document}, {sample: meant}, replace=True)
    return any(_is_visible(edit) for edit in left.edits)


def _labels_here(mirror: Mirror, records: Sequence[TaskRecord]) -> dict[str, _Labels]:
    """Sample → its labels now; deleted samples are left out."""
    documents = read_documents(mirror.dataset, [record.sample for record in records], [mirror.field])
    return {sample: stored_labels(mirror.target, document) for sample, document in documents.items()}


def _is_visible(edit: Edit) -> bool:
    """Whether an edit changes a label or a box, and not only the provenance."""
    if edit.kind != "attributes" or edit.before is None or edit.after is None:
        return True
    return "bounding_box" in edit.after or edit.before.get("label") != edit.after.get("label")
