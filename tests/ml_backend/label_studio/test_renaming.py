"""A class renamed in the label config is renamed here, in one save that can be undone."""

import fiftyone as fo
from labelscape.ml_backend.actions.save import undo_save
from labelscape.ml_backend.label_studio.renaming import rename_labels
from labelscape.ml_backend.store.labels import label_field
from labelscape.ml_backend.store.saves import list_saves


def test_every_label_of_the_class_is_renamed_and_an_undo_names_it_back(digits_dataset):
    before = digits_dataset.values("ground_truth.label")
    target = label_field(digits_dataset, "ground_truth")

    renamed = rename_labels(digits_dataset, target, "3", "three")

    digits_dataset.reload()
    assert renamed == before.count("3") > 0
    assert digits_dataset.values("ground_truth.label") == ["three" if label == "3" else label for label in before]
    assert list_saves(digits_dataset)[0].title == f"rename of {renamed} labels from “3” to “three”"
    undo_save(digits_dataset)
    digits_dataset.reload()
    assert digits_dataset.values("ground_truth.label") == before


def test_a_class_without_labels_makes_no_save(digits_dataset):
    assert rename_labels(digits_dataset, label_field(digits_dataset, "ground_truth"), "elephant", "mammoth") == 0
    assert list_saves(digits_dataset) == []


def test_of_several_objects_those_of_the_class_alone_are_renamed(make_digits_dataset):
    dataset = make_digits_dataset(2)
    objects = [fo.Detection(label=label, bounding_box=[0, 0, 0.5, 0.5], tags=["x"]) for label in ("a", "b", "a")]
    dataset.set_values("parts", [fo.Detections(detections=objects), None])

    assert rename_labels(dataset, label_field(dataset, "parts", "parts"), "a", "z") == 2

    dataset.reload()
    assert dataset.values("parts.detections.label") == [["z", "b", "z"], None]
    assert dataset.values("parts.detections.tags")[0] == [["x"]] * 3
