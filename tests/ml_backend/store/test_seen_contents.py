"""What people edit in a sample or an object changes its number; computed values and the order of attributes do not."""

import fiftyone as fo
import pytest
from bson import ObjectId
from labelscape.ml_backend.store.pending import NOTHING_SEEN
from labelscape.ml_backend.store.records import as_oids
from labelscape.ml_backend.store.seen_contents import seen_contents


@pytest.fixture
def dataset(make_digits_dataset):
    dataset = make_digits_dataset(3)
    found = [fo.Detection(label=name, bounding_box=[0, 0, 0.5, 0.5]) for name in ("a", "b")]
    sample = dataset.first()
    sample["parts"] = fo.Detections(detections=found)
    sample.save()
    return dataset


def test_attributes_in_another_order_and_empty_ones_change_nothing_and_a_stray_value_stops_nothing(dataset):
    ids, objects = as_oids(dataset.values("id")), as_oids(dataset.values("parts.detections.id", unwind=True))
    before = seen_contents(dataset, None, ids).tolist(), seen_contents(dataset, "parts", objects).tolist()
    collection = dataset._sample_collection
    one = collection.find_one({"parts": {"$ne": None}})["parts"]["detections"]
    turned = [dict(reversed([*label.items(), ("empty", None)])) for label in one]
    collection.update_one({"parts": {"$ne": None}}, {"$set": {"parts.detections": turned}})

    assert (seen_contents(dataset, None, ids).tolist(), seen_contents(dataset, "parts", objects).tolist()) == before
    collection.update_one({"_id": ObjectId(ids[1].hex())}, {"$set": {"parts": "stray"}})
    assert seen_contents(dataset, None, ids).tolist() == before[0]


def test_each_object_counts_alone_and_what_is_gone_is_nothing(dataset):
    objects = as_oids(dataset.values("parts.detections.id", unwind=True))
    before = seen_contents(dataset, "parts", objects).tolist()
    sample = dataset.first()
    sample.parts.detections[0].bounding_box = [0, 0, 0.6, 0.5]
    sample.save()

    after = seen_contents(dataset, "parts", objects).tolist()

    assert (after[0] != before[0], after[1]) == (True, before[1])
    sample.parts = None
    sample.save()
    assert seen_contents(dataset, "parts", objects).tolist() == [NOTHING_SEEN] * 2
