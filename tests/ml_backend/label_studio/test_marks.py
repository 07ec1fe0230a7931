"""Annotations become edits of the labels here; what a person changed here in the meantime is kept."""

from datetime import datetime

import pytest
from bson import ObjectId
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.label_studio.marks import (
    AnnotationContent,
    Mark,
    Origin,
    annotation_edits,
    as_stored_time,
    stored_labels,
)
from labelscape.ml_backend.store.labels import LabelField

ONE = LabelField("kind", "classification", "kind")
SEVERAL = LabelField("kinds", "classifications", "kinds.classifications")
BOXES = LabelField("parts", "patch", "parts.detections")
SAMPLE = "0" * 24
ANN = Origin(7, "ann@example.com", datetime(2026, 5, 1))
BOX, MOVED = (0.1, 0.2, 0.3, 0.4), (0.5, 0.2, 0.3, 0.4)


def one(label, **more):
    return {"kind": {"_id": ObjectId(), "_cls": "Classification", "label": label, **more}}


def several(*labels):
    return {"kinds": {"classifications": [{"_id": ObjectId(), "label": label} for label in labels]}}


def boxes(*labels, box=BOX, **more):
    detections = [{"_id": ObjectId(), "label": label, "bounding_box": list(box), **more} for label in labels]
    return {"parts": {"_cls": "Detections", "detections": detections}}


def edited(target, document, marks, *, known=(), shown=(), origin=ANN, nothing=None, replace=False):
    said = AnnotationContent(marks, known, frozenset(shown), origin, nothing)
    return annotation_edits(target, {SAMPLE: document}, {SAMPLE: said}, replace=replace)


def test_an_annotation_becomes_the_label_with_who_and_when():
    (edit,) = edited(ONE, {}, {"": Mark("cat")}).edits

    assert (edit.kind, edit.sample, edit.path, edit.before) == ("value", SAMPLE, "kind", None)
    assert edit.after["label"] == "cat"
    assert (edit.after["annotator"], edit.after["annotation"]) == ("ann@example.com", 7)
    assert (edit.after["labelscape"], edit.after["labeled_at"]) == ("human", ANN.at)


def test_a_label_that_a_person_changed_here_is_kept_and_reported():
    result = edited(ONE, one("dog"), {"": Mark("cat")}, known=[{"": Mark("bird")}])

    assert result.edits == []
    assert [(c.item, c.label, c.existing) for c in result.conflicts] == [(SAMPLE, "cat", "dog")]


@pytest.mark.parametrize("how", ["replace", "known", "followed"])
def test_a_label_that_nobody_changed_here_gives_way(how):
    document = one("dog", labelscape="neighbors") if how == "followed" else one("dog")
    known = [{"": Mark("dog")}] if how == "known" else []

    (edit,) = edited(ONE, document, {"": Mark("cat")}, known=known, replace=how == "replace").edits

    assert (edit.kind, edit.before["label"], edit.after["label"]) == ("attributes", "dog", "cat")


def test_a_label_taken_from_this_version_of_the_annotation_needs_no_edit():
    taken = one("cat", annotation=7, labeled_at=ANN.at)

    assert edited(ONE, taken, {"": Mark("cat")}).edits == []
    assert len(edited(ONE, one("cat"), {"": Mark("cat")}).edits) == 1  # the provenance is new


def test_a_new_class_drops_what_a_model_said_of_the_old_one():
    (edit,) = edited(ONE, one("dog", confidence=0.9, logits=[1], tags=["x"]), {"": Mark("cat")}, replace=True).edits

    assert edit.after["confidence"] is None
    assert edit.after["logits"] is None
    assert "tags" not in edit.after


def test_a_label_that_the_annotator_was_shown_and_removed_is_removed_and_one_never_shown_stays():
    document = several("cat", "dog")

    result = edited(SEVERAL, document, {}, known=[{"cat": Mark("cat"), "dog": Mark("dog")}], shown=["cat"])

    (edit,) = result.edits
    assert (edit.kind, edit.before["label"], edit.after, edit.position) == ("element", "cat", None, 0)


def test_removals_go_from_the_back_so_that_an_undo_finds_every_position():
    names = ["a", "b", "c"]
    known = [{name: Mark(name) for name in names}]

    edits = edited(SEVERAL, several(*names), {"b": Mark("b")}, known=known, shown=names).edits

    assert [edit.position for edit in edits if edit.after is None] == [2, 0]


@pytest.mark.parametrize("target", [SEVERAL, BOXES])
def test_what_was_sent_and_then_deleted_here_does_not_come_back(target):
    place = "cat" if target is SEVERAL else str(ObjectId())
    mark = Mark("cat", None if target is SEVERAL else BOX)

    kept = edited(target, {}, {place: mark}, known=[{place: mark}])
    fresh = edited(target, {}, {place: mark})

    assert (kept.edits, kept.conflicts[0].existing) == ([], "no label")
    assert [(edit.kind, edit.before) for edit in fresh.edits] == [("element", None)]


def test_a_moved_box_keeps_its_tags_and_drops_the_mask_of_its_old_place():
    document = boxes("cat", mask=b"pixels", tags=["x"])
    place = str(document["parts"]["detections"][0]["_id"])

    result = edited(BOXES, document, {place: Mark("cat", MOVED)}, known=[{place: Mark("cat", BOX)}])

    (edit,) = result.edits
    assert edit.after["bounding_box"] == list(MOVED)
    assert edit.after["mask"] is None
    assert "tags" not in edit.after
    assert result.masks == 1


@settings(deadline=None)
@given(st.lists(st.floats(-9e-5, 9e-5), min_size=4, max_size=4))
def test_boxes_that_differ_by_rounding_are_the_same(noise):
    nearly = tuple(a + b for a, b in zip(BOX, noise, strict=True))

    assert Mark("cat", BOX).same(Mark("cat", nearly))
    assert not Mark("cat", BOX).same(Mark("dog", nearly))
    assert not Mark("cat", BOX).same(Mark("cat", MOVED))
    assert not Mark("cat", BOX).same(Mark("cat"))


def test_checked_and_nothing_there_is_recorded_and_undone_when_nothing_is_known_any_more():
    (checked,) = edited(BOXES, {}, {}, nothing=True).edits
    empty = {"parts": {"_cls": "Detections", "detections": [], "labelscape": "human"}}

    assert checked.after["detections"] == []
    assert checked.after["annotator"] == "ann@example.com"
    (forgotten,) = edited(BOXES, empty, {}, nothing=False).edits
    assert (forgotten.path, forgotten.after) == ("parts", None)
    assert edited(BOXES, boxes("cat"), {}, nothing=True).edits == []  # there is something


def test_labels_are_placed_by_class_or_by_id():
    document = {**one("cat"), **several("a", "b"), **boxes("x", None)}
    ids = [str(detection["_id"]) for detection in document["parts"]["detections"]]

    assert {place: stored.mark.label for place, stored in stored_labels(ONE, document).items()} == {"": "cat"}
    assert list(stored_labels(SEVERAL, document)) == ["a", "b"]
    assert [stored.position for stored in stored_labels(SEVERAL, document).values()] == [0, 1]
    objects = stored_labels(BOXES, document)
    assert list(objects) == ids
    assert objects[ids[0]].mark.same(Mark("x", BOX))
    assert objects[ids[1]].mark.same(Mark("", BOX))
    assert stored_labels(ONE, {}) == {}


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("2026-05-01T12:00:00.123456Z", datetime(2026, 5, 1, 12, 0, 0, 123000)),
        ("2026-05-01T14:00:00+02:00", datetime(2026, 5, 1, 12)),
        ("2026-05-01T12:00:00", datetime(2026, 5, 1, 12)),
        ("yesterday", None),
    ],
)
def test_times_are_compared_as_mongodb_returns_them(text, stored):
    assert as_stored_time(text) == stored
