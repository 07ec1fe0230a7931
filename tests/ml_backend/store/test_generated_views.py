"""Views of objects that FiftyOne generated show what was saved or undone, and write no old label back."""

import fiftyone as fo
import fiftyone.core.view as fov
import pytest
from labelscape.ml_backend.actions.queue import clear_labels, delete_items, set_label
from labelscape.ml_backend.actions.save import save_changes, undo_save

BOXES = [[0.1, 0.1, 0.3, 0.3], [0.5, 0.5, 0.3, 0.3]]


@pytest.fixture
def dataset(make_digits_dataset):
    """Six digits, each with two boxes “a” and “b” and predictions of both, evaluated."""
    dataset = make_digits_dataset(6)
    for field, confidence in (("parts", None), ("pred", 0.9)):
        values = [
            fo.Detections(
                detections=[
                    fo.Detection(label=name, bounding_box=box, confidence=confidence)
                    for name, box in zip("ab", BOXES, strict=True)
                ]
            )
            for _ in range(6)
        ]
        dataset.set_values(field, values)
    dataset.evaluate_detections("pred", gt_field="parts", eval_key="eval", progress=False)
    return dataset


def rebuilt(dataset, view):
    """The view as the App makes it from its stages for each request."""
    return fov.DatasetView._build(fo.load_dataset(dataset.name), view._serialize())


def labels_in(view, field="parts"):
    """Object id → label, as the documents of a view show them."""
    labels = {}
    for sample in view:
        value = sample[field]
        for label in getattr(value, "detections", [value]) if value is not None else []:
            labels[label.id] = label.label
    return labels


def labels_of(dataset):
    return {label.id: label.label for sample in fo.load_dataset(dataset.name) for label in sample.parts.detections}


VIEWS = {
    "patches": lambda dataset: dataset.to_patches("parts"),
    "patches of some": lambda dataset: dataset.limit(3).to_patches("parts"),
    "evaluation patches": lambda dataset: dataset.to_evaluation_patches("eval"),
    "patches with other fields": lambda dataset: dataset.to_patches("parts", other_fields=True),
}


@pytest.mark.parametrize("kind", VIEWS)
def test_a_generated_view_shows_saved_and_undone_labels(dataset, kind):
    view = VIEWS[kind](dataset)
    before = labels_in(view)
    item = next(iter(before))
    set_label(dataset, [item], "new", field="parts", patches_field="parts", replace=True)
    save_changes(dataset)
    for shown in (view, rebuilt(dataset, view)):
        assert labels_in(shown) == before | {item: "new"}
    undo_save(dataset)
    assert labels_in(rebuilt(dataset, view)) == before


@pytest.mark.parametrize("kind", VIEWS)
def test_the_next_edit_in_a_generated_view_writes_no_old_label_back(dataset, kind):
    view = VIEWS[kind](dataset)
    item, other = list(labels_in(view))[:2]
    set_label(dataset, [item], "new", field="parts", patches_field="parts", replace=True)
    save_changes(dataset)
    shown = rebuilt(dataset, view)
    for sample in shown:
        sample["note"] = "looked at"
        for label in getattr(sample.parts, "detections", [sample.parts]) if sample.parts is not None else []:
            if label.id == other:
                label.label = "edited"
        sample.save()
    assert (labels_of(dataset)[item], labels_of(dataset)[other]) == ("new", "edited")


@pytest.mark.parametrize("kind", VIEWS)
def test_deleted_objects_leave_a_generated_view_and_come_back_with_an_undo(dataset, kind):
    view = VIEWS[kind](dataset)
    before = labels_in(view)
    item = next(iter(before))
    delete_items(dataset, [item], patches_field="parts")
    save_changes(dataset)
    assert item not in labels_in(rebuilt(dataset, view))
    undo_save(dataset)
    assert labels_in(rebuilt(dataset, view)) == before


def test_deleted_samples_leave_a_generated_view_and_come_back_with_an_undo(dataset):
    view = dataset.to_patches("parts")
    before = labels_in(view)
    delete_items(dataset, [dataset.first().id])
    save_changes(dataset)
    assert len(labels_in(rebuilt(dataset, view))) == len(before) - 2
    undo_save(dataset)
    assert labels_in(rebuilt(dataset, view)) == before


def test_cleared_labels_of_objects_are_empty_in_a_generated_view(dataset):
    view = dataset.to_patches("parts")
    clear_labels(dataset, field="parts", patches_field="parts", which="all")
    save_changes(dataset)
    assert set(labels_in(rebuilt(dataset, view)).values()) == {None}


def test_a_saved_view_of_objects_shows_saved_labels(dataset):
    dataset.save_view("boxes", dataset.to_patches("parts"))
    before = labels_in(dataset.load_saved_view("boxes"))
    item = next(iter(before))
    set_label(dataset, [item], "new", field="parts", patches_field="parts", replace=True)
    save_changes(dataset)
    assert labels_in(fo.load_dataset(dataset.name).load_saved_view("boxes"))[item] == "new"


def test_the_label_of_a_whole_sample_is_shown_beside_its_objects(dataset):
    view = dataset.to_patches("parts", other_fields=True)
    sample = dataset.first()
    set_label(dataset, [sample.id], "nine", replace=True)
    save_changes(dataset)
    shown = [patch.ground_truth.label for patch in rebuilt(dataset, view) if patch.sample_id == sample.id]
    assert shown == ["nine", "nine"]


def test_views_of_other_datasets_are_left_alone(dataset, make_digits_dataset):
    other = make_digits_dataset(1)
    other.set_values("parts", [fo.Detections(detections=[fo.Detection(label="z", bounding_box=BOXES[0])])])
    view = other.to_patches("parts")
    delete_items(dataset, [dataset.first().parts.detections[0].id], patches_field="parts")
    save_changes(dataset)
    undo_save(dataset)
    assert list(labels_in(rebuilt(other, view)).values()) == ["z"]
