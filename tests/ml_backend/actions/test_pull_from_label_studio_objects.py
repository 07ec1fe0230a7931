"""Annotated boxes keep their identity; what a person changed or was never shown stays. Uses a stand-in."""

import re

import fiftyone as fo
import pytest
from labelscape.ml_backend.actions.save import undo_save
from labelscape.ml_backend.store.items import list_items
from labelscape.ml_backend.store.suggestions import Suggestion, write_suggestions

from ..label_studio.stand_in import StandIn
from .sent_datasets import Sent

BOX = (0.25, 0.5, 0.5, 0.25)


@pytest.fixture
def objects(make_digits_dataset, studio):
    dataset = make_digits_dataset(3)
    for sample in dataset:
        sample["objects"] = fo.Detections(
            detections=[
                fo.Detection(label="1", bounding_box=list(BOX), tags=["kept"]),
                fo.Detection(label="2", bounding_box=[0.0, 0.0, 0.25, 0.25]),
            ]
        )
        sample.save()
    return Sent(dataset, studio, "objects")


def test_boxes_keep_their_identity_move_change_class_come_and_go(objects):
    first, second = objects.boxes(0)
    objects.draw(
        0,
        ("4", (first, BOX, None, 0.0)),
        ("5", ("nanoid_1", (0.5, 0.5, 0.25, 0.25), None, 0.0)),
    )
    moved = (0.3, 0.5, 0.5, 0.25)
    objects.draw(1, ("1", (next(iter(objects.boxes(1))), moved, None, 0.0)))
    report = objects.pull()
    assert (report.given, report.removed) == (3, 2)
    boxes = objects.boxes(0)
    assert boxes.pop(first) == ("4", BOX)
    assert list(boxes.values()) == [("5", (0.5, 0.5, 0.25, 0.25))]
    assert objects.dataset[objects.ids[0]].objects.detections[0].tags == ["kept"]
    (box,) = objects.boxes(1).values()
    assert box[1] == pytest.approx(moved)
    assert "Nothing new" in objects.pull().sentence()
    undo_save(objects.dataset)
    objects.dataset.reload()
    assert list(objects.boxes(0)) == [first, second]
    assert objects.boxes(0)[first] == ("1", BOX)


def test_boxes_that_a_person_changed_drew_or_deleted_here_stay_so(objects):
    sample = objects.dataset[objects.ids[0]]
    relabeled, deleted = sample.objects.detections
    relabeled.label = "8"
    drawn = fo.Detection(label="9", bounding_box=[0.5, 0.0, 0.25, 0.25])
    sample.objects.detections = [relabeled, drawn]
    sample.save()
    objects.draw(0, ("4", (relabeled.id, BOX, None, 0.0)), ("2", (deleted.id, (0.0, 0.0, 0.25, 0.25), None, 0.0)))
    report = objects.pull()
    assert [(conflict.label, conflict.existing) for conflict in report.conflicts] == [("4", "8"), ("2", "no label")]
    assert {label for label, _ in objects.boxes(0).values()} == {"8", "9"}
    objects.pull(replace=True)
    assert {label for label, _ in objects.boxes(0).values()} == {"4", "2", "9"}


def test_a_rotated_box_comes_as_the_frame_around_it_and_is_reported(objects):
    first = next(iter(objects.boxes(0)))
    objects.draw(0, ("1", (first, (0.5, 0.5, 0.25, 0.125), None, 90.0)))
    report = objects.pull()
    assert objects.boxes(0)[first][1] == pytest.approx((0.375, 0.5, 0.125, 0.25))
    assert re.search(r"1 region was rotated", report.sentence())


def test_a_box_of_a_class_that_the_project_dropped_is_left_alone(objects):
    first, second = objects.boxes(0)
    objects.draw(0, ("gone", (first, BOX, None, 0.0)), ("3", (second, (0.0, 0.0, 0.25, 0.25), None, 0.0)))
    objects.pull()
    assert [label for label, _ in objects.boxes(0).values()] == ["1", "3"]


def test_boxes_that_label_studio_was_never_shown_stay(make_digits_dataset, studio):
    dataset = make_digits_dataset(1)
    sample = dataset.first()
    boxes = [fo.Detection(label=name, bounding_box=list(BOX)) for name in ("1", "zebra", None)]
    sample["objects"] = fo.Detections(detections=boxes)
    sample.save()
    sent = Sent(dataset, studio, "objects")
    sent.submit(0)
    report = sent.pull()
    assert (report.confirmed, report.removed, report.conflicts) == (1, 0, [])
    assert [label for label, _ in sent.boxes(0).values()] == ["1", "zebra", None]
    assert sent.pull(replace=True).removed == 0


def test_a_box_that_was_shown_with_a_suggestion_and_deleted_there_goes(make_digits_dataset, studio):
    dataset = make_digits_dataset(1)
    sample = dataset.first()
    sample["objects"] = fo.Detections(detections=[fo.Detection(bounding_box=list(BOX))])
    sample.save()
    write_suggestions(dataset, list_items(dataset, "objects"), [Suggestion("5", 0.6, False, [], "objects")])
    sent = Sent(dataset, studio, "objects")
    sent.draw(0)
    assert sent.pull().removed == 1


def test_boxes_drawn_there_come_into_every_field_they_are_pulled_into(objects):
    objects.draw(0, ("5", ("nanoid_1", (0.5, 0.5, 0.25, 0.25), None, 0.0)))
    objects.pull()
    report = objects.pull(field="second_opinion")
    assert (report.given, report.conflicts) == (1, [])


def test_an_empty_annotation_says_that_somebody_looked(objects, make_digits_dataset, studio):
    objects.draw(0)
    report = objects.pull()
    assert report.removed == 2
    assert objects.dataset[objects.ids[0]].objects.detections == []
    sent = Sent(make_digits_dataset(3, labeled=0), StandIn(url="http://third.test"), "ground_truth")
    sent.submit(0)
    report = sent.pull()
    assert (report.given, report.removed, report.empty, report.annotated) == (0, 0, 1, 1)
    checked = sent.dataset[sent.ids[0]].ground_truth
    assert (checked.label, checked.annotator, sent.dataset[sent.ids[1]].ground_truth) == (None, "ann@example.com", None)
    assert "1 sample checked with nothing to label" in report.sentence()
    assert "Nothing new" in sent.pull().sentence()
    undo_save(sent.dataset)
    sent.dataset.reload()
    assert sent.dataset[sent.ids[0]].ground_truth is None


def test_samples_without_objects_are_distinguished_from_samples_nobody_checked(make_digits_dataset, studio):
    dataset = make_digits_dataset(2)
    dataset.add_sample_field("objects", fo.EmbeddedDocumentField, embedded_doc_type=fo.Detections)
    sent = Sent(dataset, studio, "objects")
    sent.draw(0)
    report = sent.pull()
    assert report.empty == 1
    assert [None if one is None else one.detections for one in dataset.values("objects")] == [[], None]
    undo_save(dataset)
    dataset.reload()
    assert dataset.values("objects") == [None, None]


def test_a_moved_box_drops_its_mask_and_that_is_reported(objects):
    import numpy as np

    sample = objects.dataset[objects.ids[0]]
    box, other = sample.objects.detections
    box.mask, box.index = np.ones((4, 4), bool), 3
    sample.save()
    objects.draw(
        0, ("1", (box.id, (0.3, 0.5, 0.5, 0.25), None, 0.0)), ("2", (other.id, (0.0, 0.0, 0.25, 0.25), None, 0.0))
    )
    report = objects.pull()
    moved = objects.dataset[objects.ids[0]].objects.detections[0]
    assert (moved.mask, moved.index, moved.tags) == (None, 3, ["kept"])
    assert "Dropped 1 instance mask" in report.sentence()
    undo_save(objects.dataset)
    objects.dataset.reload()
    assert objects.dataset[objects.ids[0]].objects.detections[0].mask.shape == (4, 4)
