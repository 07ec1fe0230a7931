"""Colors by a field show its values as they are stored, however many lists they are in."""

import fiftyone as fo
import pytest
from labelscape.plugin.fiftyone.explorer.field_values import code_of, distinct_classes, fetch, field_source


@pytest.fixture
def dataset(make_digits_dataset):
    dataset = make_digits_dataset(4)
    tagged = [[["red", "big"], ["blue"]], [[], ["blue"]], [[]], []]
    dataset.set_values(
        "boxes",
        [
            fo.Detections(detections=[fo.Detection(label="a", bounding_box=[0, 0, 1, 1], tags=tags) for tags in some])
            for some in tagged
        ],
    )
    return dataset


def test_a_list_inside_a_list_shows_its_first_value_and_an_empty_one_none(dataset):
    source = field_source(dataset, "boxes.detections.tags", None)
    assert (source.lists, source.listed) == (2, True)
    collection = dataset._sample_collection
    classes = distinct_classes(collection, None, source)
    assert classes == ["blue", "red"]
    codes = fetch(collection, None, {"tag": code_of(source, classes)}).columns["tag"]
    assert codes.tolist() == [1, 0, -1, -1]


def test_the_tags_of_an_object_are_one_list_of_its_own(dataset):
    source = field_source(dataset, "boxes.detections.tags", "boxes.detections")
    assert source.lists == 1
    classes = distinct_classes(dataset._sample_collection, "boxes.detections", source)
    codes = fetch(dataset._sample_collection, "boxes.detections", {"tag": code_of(source, classes)}).columns["tag"]
    assert [classes[code] if code >= 0 else None for code in codes] == ["red", "blue", None, "blue", None]
