"""Which samples and objects still exist, as MongoDB says."""

import fiftyone as fo
import numpy as np
import pytest
from bson import ObjectId
from labelscape.ml_backend.store.records import as_oids
from labelscape.ml_backend.store.unwritten import existing, objects_in


@pytest.fixture
def dataset(make_digits_dataset):
    """Three digits; the first two have two objects each."""
    dataset = make_digits_dataset(3)
    for sample in dataset.limit(2):
        sample["parts"] = fo.Detections(
            detections=[fo.Detection(label=name, bounding_box=[0, 0, 1, 1]) for name in "ab"]
        )
        sample.save()
    return dataset


def test_samples_and_objects_exist_until_they_are_deleted(dataset):
    ids, [first, second] = dataset.values("id"), dataset.limit(2).values("parts.detections.id")
    gone = str(ObjectId())
    assert existing(dataset, None, as_oids([ids[0], gone, ids[2]])).tolist() == [True, False, True]
    assert existing(dataset, "parts", as_oids([first[0], gone, second[1]])).tolist() == [True, False, True]
    dataset.delete_samples(ids[:1])
    assert existing(dataset, None, as_oids(ids)).tolist() == [False, True, True]
    assert existing(dataset, "parts", as_oids(first + second)).tolist() == [False, False, True, True]


def test_nothing_exists_in_a_field_that_was_deleted(dataset):
    objects = dataset.limit(1).values("parts.detections.id", unwind=True)
    dataset.delete_sample_field("parts")
    assert existing(dataset, "parts", as_oids(objects)).tolist() == [False, False]
    assert len(objects_in(dataset, "parts", as_oids(dataset.values("id")))) == 0


def test_the_objects_of_samples_are_those_of_their_lists(dataset):
    ids = as_oids(dataset.values("id"))
    expected = as_oids(dataset.limit(2).values("parts.detections.id", unwind=True))
    assert np.array_equal(np.sort(objects_in(dataset, "parts", ids)), np.sort(expected))
    assert len(objects_in(dataset, "parts", ids[2:])) == 0
