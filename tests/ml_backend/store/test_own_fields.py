"""Labelscape writes to fields that it made, and never to somebody else's of the same name."""

import fiftyone as fo
import pytest
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store.own_fields import check_own_field, delete_own_field, ensure_own_field, is_own_field


@pytest.fixture
def dataset(make_digits_dataset):
    return make_digits_dataset(2)


def test_a_field_of_ours_is_made_once_known_as_ours_and_deleted(dataset):
    for _ in range(2):
        ensure_own_field(dataset, "score", fo.FloatField, description="a score")
    dataset.reload()

    assert is_own_field(dataset, "score")
    assert dataset.get_field("score").description == "a score"
    delete_own_field(dataset, "score")
    assert not dataset.has_sample_field("score")
    delete_own_field(dataset, "score")  # nothing to delete is fine


def test_a_field_of_somebody_else_is_neither_written_nor_deleted(dataset):
    dataset.add_sample_field("score", fo.FloatField)

    for act in (check_own_field, lambda *args: ensure_own_field(*args, fo.FloatField, description="a score")):
        with pytest.raises(Refusal, match=r"'score' that Labelscape did not make.*\(for example to 'my_score'\)"):
            act(dataset, "score")
    delete_own_field(dataset, "score")
    assert dataset.has_sample_field("score")


def test_a_field_whose_description_names_us_is_ours_as_earlier_versions_made_it(dataset):
    dataset.add_sample_field("score", fo.FloatField, description="Made by Labelscape")

    assert is_own_field(dataset, "score")
    check_own_field(dataset, "score")


def test_a_field_of_ours_that_was_made_read_only_is_not_written(dataset):
    ensure_own_field(dataset, "score", fo.FloatField, description="a score")
    field = dataset.get_field("score")
    field.read_only = True
    field.save()

    with pytest.raises(Refusal, match="'score' is read-only: make it writable"):
        check_own_field(dataset, "score")


def test_an_attribute_of_objects_is_ours_by_its_path(dataset):
    dataset.add_sample_field("parts", fo.EmbeddedDocumentField, embedded_doc_type=fo.Detections)
    ensure_own_field(dataset, "parts.detections.score", fo.FloatField, description="a score")

    assert is_own_field(dataset, "parts.detections.score")
    assert not is_own_field(dataset, "parts")
    with pytest.raises(Refusal, match="'my_label'"):
        check_own_field(dataset, "parts.detections.label")


def test_a_free_name_is_nobodys(dataset):
    check_own_field(dataset, "free")
    assert not is_own_field(dataset, "free")
