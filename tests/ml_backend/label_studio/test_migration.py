"""A label field follows its label config from one class to several and back, and loses no label."""

import fiftyone as fo
import pytest
from labelscape.ml_backend.actions.queue import set_label
from labelscape.ml_backend.actions.save import save_changes
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.label_studio.label_fields import ProjectHeld
from labelscape.ml_backend.label_studio.migration import migrate_labels


@pytest.fixture
def dataset(make_digits_dataset):
    return make_digits_dataset(6, labeled=4)


def labels(dataset):
    dataset.reload()
    return dataset.values("ground_truth.classifications.label")


def test_one_class_becomes_the_only_one_of_several_and_comes_back(dataset):
    before = dataset.values("ground_truth.label")

    notices = migrate_labels(dataset, "ground_truth", fo.Classifications)

    assert notices == ["The label config now asks for several classes per image: 4 labels converted."]
    assert labels(dataset) == [[label] if label else None for label in before]
    assert migrate_labels(dataset, "ground_truth", fo.Classification) == [
        "The label config now asks for one class per image: 4 labels converted."
    ]
    dataset.reload()
    assert dataset.values("ground_truth.label") == before


def test_more_classes_than_one_are_kept_under_another_name(dataset):
    dataset.add_sample_field("ground_truth_several", fo.StringField)
    migrate_labels(dataset, "ground_truth", fo.Classifications)
    first = dataset.first()
    first["ground_truth"].classifications.append(fo.Classification(label="second"))
    first.save()

    notices = migrate_labels(dataset, "ground_truth", fo.Classification)

    assert notices[1] == "1 sample had more than one class; all of them are kept in 'ground_truth_several_2'."
    dataset.reload()
    assert dataset.values("ground_truth_several_2.classifications.label")[0][1] == "second"


def test_attributes_of_the_labels_stay_filterable(dataset):
    dataset.add_sample_field("ground_truth.annotator", fo.StringField)
    dataset.set_values("ground_truth.annotator", ["ann"] * 4 + [None] * 2)

    migrate_labels(dataset, "ground_truth", fo.Classifications)

    dataset.reload()
    assert type(dataset.get_field("ground_truth.classifications.annotator")) is fo.StringField
    assert dataset.values("ground_truth.classifications.annotator")[0] == ["ann"]


@pytest.mark.parametrize("method", ["rename_sample_field", "delete_sample_field", "add_sample_field"])
def test_a_migration_interrupted_at_any_step_is_finished(dataset, monkeypatch, method):
    class Killed(Exception):
        pass

    def die(*_, **__):
        raise Killed

    before = dataset.values("ground_truth.label")
    with monkeypatch.context() as patched:
        patched.setattr(type(dataset), method, die)
        with pytest.raises(Killed):
            migrate_labels(dataset, "ground_truth", fo.Classifications)

    migrate_labels(dataset, "ground_truth", fo.Classifications)

    assert labels(dataset) == [[label] if label else None for label in before]
    assert not dataset.has_sample_field("ground_truth_migrated")


def test_a_field_of_the_user_is_never_taken_for_the_converted_labels(dataset):
    before = dataset.values("ground_truth.label")
    dataset.add_sample_field("ground_truth_migrated", fo.StringField)
    dataset.set_values("ground_truth_migrated", list("abcdef"))

    migrate_labels(dataset, "ground_truth", fo.Classifications)

    assert labels(dataset) == [[label] if label else None for label in before]
    assert dataset.values("ground_truth_migrated") == list("abcdef")


def test_pending_labels_hold_the_migration_until_they_are_saved(dataset):
    set_label(dataset, dataset.values("id")[4:], "pending")

    with pytest.raises(ProjectHeld, match="2 changes to 'ground_truth' .* are not saved yet: save or discard them"):
        migrate_labels(dataset, "ground_truth", fo.Classifications)
    assert save_changes(dataset).labels == 2
    migrate_labels(dataset, "ground_truth", fo.Classifications)

    assert labels(dataset)[4:] == [["pending"], ["pending"]]


def test_a_missing_field_is_made_and_the_right_one_left_alone(dataset):
    assert migrate_labels(dataset, "fresh", fo.Detections) == []
    assert dataset.get_field("fresh").document_type is fo.Detections
    assert migrate_labels(dataset, "ground_truth", fo.Classification) == []


def test_classes_cannot_become_boxes_and_nothing_is_changed(dataset):
    with pytest.raises(Refusal, match=r"asks for Detections, and 'ground_truth' .* has Classification: rename"):
        migrate_labels(dataset, "ground_truth", fo.Detections)
    assert dataset.get_field("ground_truth").document_type is fo.Classification
