"""Boxes that a person moved in FiftyOne: they stay where they are when their annotation changes in Label Studio."""

from collections.abc import Mapping
from dataclasses import replace

from .ledger import TaskRecord
from .marks import Mark, StoredLabel
from .notices import Notice

MOVED_HERE = Notice(
    "Boxes that were moved in FiftyOne stay there, although their annotations in Label Studio were changed since; the "
    "log names the tasks. Moved boxes are not sent: to have them in Label Studio, move them there as well."
)


def moved_here(record: TaskRecord, labels: Mapping[str, StoredLabel]) -> set[str]:
    """The places of objects whose boxes here are no longer those that both sides had."""
    return {place for place, box in _common(record).items() if place in labels and not labels[place].mark.same_box(box)}


def moved_there(marks: Mapping[str, Mark], record: TaskRecord, labels: Mapping[str, StoredLabel]) -> set[str]:
    """The places of objects whose boxes in an annotation are no longer those that both sides had, unlike those here."""
    moved = moved_here(record, labels)
    return {
        place
        for place in _common(record).keys() & labels.keys() & marks.keys()
        if place not in moved and not labels[place].mark.same_box(marks[place])
    }


def with_moved(marks: Mapping[str, Mark], record: TaskRecord, labels: Mapping[str, StoredLabel]) -> dict[str, Mark]:
    """The marks of an annotation, with the boxes that objects were moved to here."""
    moved = moved_here(record, labels)
    return {
        place: replace(mark, box=labels[place].mark.box) if place in moved else mark for place, mark in marks.items()
    }


def common_boxes(
    marks: Mapping[str, Mark], record: TaskRecord, labels: Mapping[str, StoredLabel]
) -> dict[str, list[float]]:
    """Place → the box that both sides have, as the ledger has it; where they differ, the one that they had.

    If no earlier box is known, any difference counts as a box that was moved here.
    """
    now = {
        place: box
        for place, box in boxes_of(marks).items()
        if place in labels and (place not in record.boxes or labels[place].mark.same_box(marks[place]))
    }
    return record.boxes | now


def boxes_of(marks: Mapping[str, Mark]) -> dict[str, list[float]]:
    """Place → box, as the ledger has it."""
    return {place: list(mark.box) for place, mark in marks.items() if mark.box is not None}


def _common(record: TaskRecord) -> dict[str, Mark]:
    return {place: Mark("", (left, top, width, height)) for place, (left, top, width, height) in record.boxes.items()}
