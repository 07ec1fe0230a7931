"""The field with the real medium is marked once, keeps its mark when renamed, and never replaces another field."""

import fiftyone as fo
import pytest
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store.medium_fields import (
    MediumField,
    are_windows,
    declare_medium_field,
    declare_windows,
    item_kind,
    medium_field,
    medium_kind,
)


@pytest.fixture
def dataset(make_digits_dataset):
    return make_digits_dataset(2)


def test_samples_without_such_a_field_are_images(dataset):
    assert medium_field(dataset) is None
    assert medium_kind(dataset) == "image"


def test_a_declared_field_decides_the_kind_and_keeps_it_when_renamed(dataset):
    declare_medium_field(dataset, "audio", "sound")
    assert medium_field(dataset) == MediumField("audio", "sound")
    dataset.rename_sample_field("sound", "recording")
    assert medium_field(dataset) == MediumField("audio", "recording")
    assert medium_kind(dataset) == "audio"
    declare_medium_field(dataset, "audio", "recording")


def test_objects_are_images_unless_they_are_windows(dataset):
    declare_medium_field(dataset, "audio", "sound")
    for name in ("parts", "windows"):
        dataset.add_sample_field(name, fo.EmbeddedDocumentField, embedded_doc_type=fo.Detections)
    declare_windows(dataset, "windows")
    assert [item_kind(dataset, field) for field in (None, "parts", "windows")] == ["audio", "image", "audio"]
    assert [are_windows(dataset, field) for field in ("parts", "windows", "missing")] == [False, True, False]


def test_a_kind_that_no_field_holds_a_second_field_and_a_field_of_numbers_are_refused(dataset):
    with pytest.raises(Refusal, match="The kind of medium is 'image'"):
        declare_medium_field(dataset, "image", "picture")
    dataset.add_sample_field("score", fo.FloatField)
    with pytest.raises(Refusal, match="'score' holds FloatField"):
        declare_medium_field(dataset, "text", "score")
    declare_medium_field(dataset, "text", "words")
    with pytest.raises(Refusal, match="'words' already holds the text"):
        declare_medium_field(dataset, "audio", "sound")
