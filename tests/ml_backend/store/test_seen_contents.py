"""What people edit in a sample or an object changes its number; computed values and the order of attributes do not."""

import fiftyone as fo
import numpy as np
import pytest
from bson import ObjectId
from labelscape.ml_backend.store.own_fields import ensure_own_field
from labelscape.ml_backend.store.pending import NOTHING_SEEN
from labelscape.ml_backend.store.predictions import add_predictions_field, write_predictions
from labelscape.ml_backend.store.records import as_oids
from labelscape.ml_backend.store.seen_contents import seen_contents


@pytest.fixture
def dataset(make_digits_dataset):
    dataset = make_digits_dataset(3)
    boxes = [fo.Detection(label=name, bounding_box=[0, 0, 0.5, 0.5]) for name in ("a", "b")]
    sample = dataset.first()
    sample["parts"] = fo.Detections(detections=boxes)
    sample.save()
    return dataset


@pytest.fixture
def video(database, tmp_path):
    """A video of one frame, with two objects."""
    sample = fo.Sample(filepath=str(tmp_path / "film.mp4"))
    boxes = [fo.Detection(label=name, bounding_box=[0, 0, 0.5, 0.5]) for name in ("a", "b")]
    sample.frames[1] = fo.Frame(det=fo.Detections(detections=boxes))
    dataset = fo.Dataset()
    dataset.add_sample(sample)
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


def test_what_a_model_predicts_and_a_label_that_is_written_again_change_nothing(dataset):
    dataset.set_values("kind", [fo.Classification(label="cat") for _ in range(3)])
    add_predictions_field(dataset, "answers", "a network")
    ids = dataset.values("id")
    write_predictions(dataset, "answers", ids, np.eye(3), ["a", "b", "c"])
    before = seen_contents(dataset, None, as_oids(ids)).tolist()

    write_predictions(dataset, "answers", ids, np.eye(3)[::-1], ["a", "b", "c"])
    dataset.set_values("detected", [fo.Classification(label="dog", confidence=0.9) for _ in range(3)])
    dataset.set_values("kind", [fo.Classification(label="cat") for _ in range(3)])

    assert seen_contents(dataset, None, as_oids(ids)).tolist() == before
    dataset.set_values("kind", [fo.Classification(label="cow"), *dataset.values("kind")[1:]])
    now = seen_contents(dataset, None, as_oids(ids)).tolist()
    assert (now[0] != before[0], now[1:]) == (True, before[1:])


def test_a_label_of_a_person_counts_whatever_its_field_is_called_and_whatever_other_samples_have(dataset):
    dataset.set_values("car_model", [fo.Classification(label="T") for _ in range(3)])
    ids = as_oids(dataset.values("id"))
    before = seen_contents(dataset, None, ids).tolist()

    dataset.set_values("car_model", [fo.Classification(label="A", confidence=0.9), *dataset.values("car_model")[1:]])
    assert seen_contents(dataset, None, ids).tolist()[1:] == before[1:]
    dataset.set_values("car_model", [*dataset.values("car_model")[:2], fo.Classification(label="A")])

    now = seen_contents(dataset, None, ids).tolist()
    assert (now[1] == before[1], now[2] == before[2]) == (True, False)


def test_scores_of_objects_in_frames_change_nothing_and_a_person_s_attribute_of_the_same_name_does(video):
    objects = as_oids(video.values("frames.det.detections.id", unwind=True))
    before = seen_contents(video, "frames.det", objects).tolist()

    path = ensure_own_field(video, "frames.det.detections.outlier_score", fo.FloatField, description="score")
    video.set_values(path, [[[0.5, 0.6]]])

    assert seen_contents(video, "frames.det", objects).tolist() == before
    video.add_frame_field("det.detections.clear", fo.StringField)
    ensure_own_field(video, "frames.clear", fo.StringField, description="ours")
    video.set_values("frames.det.detections.clear", [[["yes", None]]])
    now = seen_contents(video, "frames.det", objects).tolist()
    assert (now[0] != before[0], now[1]) == (True, before[1])
