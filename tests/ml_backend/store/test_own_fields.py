"""Labelscape writes to fields that it made, and never to somebody else's of the same name."""

import fiftyone as fo
import pytest
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store.own_fields import (
    check_own_field,
    delete_own_field,
    ensure_own_field,
    is_own_field,
    own_path,
    taken_sentence,
)


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


def test_beside_a_field_of_somebody_else_ours_has_the_next_free_name(dataset):
    dataset.add_sample_field("score", fo.FloatField)
    dataset.add_sample_field("score_2", fo.StringField)

    assert own_path(dataset, "score") == "score_3"
    assert ensure_own_field(dataset, "score", fo.FloatField, description="a score") == "score_3"
    dataset.reload()
    assert own_path(dataset, "score") == "score_3"
    assert taken_sentence(dataset, ["score"]) == " “score” was not created by Labelscape, so this is in “score_3”."
    delete_own_field(dataset, "score")
    assert not dataset.has_sample_field("score_3")
    assert dataset.has_sample_field("score")


def test_our_field_is_still_found_once_the_name_it_was_meant_to_have_is_free(dataset):
    dataset.add_sample_field("score", fo.FloatField)
    ensure_own_field(dataset, "score", fo.FloatField, description="a score")
    dataset.delete_sample_field("score")

    assert own_path(dataset, "score") == "score_2"
    assert ensure_own_field(dataset, "score", fo.FloatField, description="a score") == "score"
    assert (own_path(dataset, "score"), dataset.has_sample_field("score_2")) == ("score", False)


def test_a_field_of_ours_with_a_number_is_not_that_of_a_name_with_this_number(dataset):
    dataset.add_sample_field("score", fo.FloatField)
    ensure_own_field(dataset, "score", fo.FloatField, description="a score")

    assert own_path(dataset, "score_2") == "score_2_2"


def test_attributes_that_were_never_declared_belong_to_somebody_else(dataset):
    boxes = [fo.Detection(label="a", bounding_box=[0, 0, 1, 1], score=0.5)]
    sample = dataset.first()
    sample["parts"] = fo.Detections(detections=boxes)
    sample.save()

    assert check_own_field(dataset, "parts.detections.score") == "parts.detections.score_2"
    assert check_own_field(dataset, "parts.detections.other") == "parts.detections.other"


def test_where_every_name_is_taken_the_refusal_says_so(dataset):
    for name in ["score", *(f"score_{number}" for number in range(2, 10))]:
        dataset.add_sample_field(name, fo.FloatField)

    with pytest.raises(Refusal, match="'score' that Labelscape did not create.*rename or delete it"):
        check_own_field(dataset, "score")


def test_a_field_of_ours_stays_ours_where_what_holds_it_is_renamed(dataset):
    dataset.add_sample_field("parts", fo.EmbeddedDocumentField, embedded_doc_type=fo.Detections)
    ensure_own_field(dataset, "parts.detections.score", fo.FloatField, description="a score")
    dataset.rename_sample_field("parts", "pieces")
    dataset.reload()

    assert is_own_field(dataset, "pieces.detections.score")


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
    assert check_own_field(dataset, "parts.detections.label") == "parts.detections.label_2"


def test_a_free_name_is_nobodys(dataset):
    check_own_field(dataset, "free")
    assert not is_own_field(dataset, "free")
