"""What counts as an item: all slices of a group, the frames and clips of videos, every object that has an id."""

import cv2
import fiftyone as fo
import numpy as np
import pytest
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store.items import item_view, items_of, list_items, list_like


@pytest.fixture
def grouped(digits_dataset):
    """Pairs of a left and a right picture."""
    dataset = fo.Dataset(persistent=True)
    dataset.add_group_field("group", default="left")
    paths = digits_dataset.values("filepath")
    for number in range(5):
        group = fo.Group()
        for slice_, path in zip(("left", "right"), paths[2 * number :], strict=False):
            box = fo.Detection(label="a", bounding_box=[0.1, 0.1, 0.5, 0.5])
            sample = fo.Sample(filepath=path, group=group.element(slice_), boxes=fo.Detections(detections=[box]))
            dataset.add_sample(sample)
    yield dataset
    dataset.delete()


@pytest.fixture
def videos(digits_dataset, tmp_path):
    """Two videos of three frames, each frame with a picture, a class, and a box; and a clip of two frames."""
    dataset = fo.Dataset(persistent=True)
    pictures = iter(digits_dataset.values("filepath"))
    for number in range(2):
        path = str(tmp_path / f"{number}.mp4")
        writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*"mp4v"), 5, (32, 32))
        sample = fo.Sample(filepath=path)
        for frame in range(1, 4):
            picture = next(pictures)
            writer.write(cv2.resize(cv2.imread(picture), (32, 32)))
            boxes = [fo.Detection(label="a", bounding_box=[0.1, 0.1, 0.5, 0.5])]
            sample.frames[frame] = fo.Frame(filepath=picture, det=fo.Detections(detections=boxes))
        writer.release()
        sample["events"] = fo.TemporalDetections(detections=[fo.TemporalDetection(label="e", support=[1, 2])])
        dataset.add_sample(sample)
    yield dataset
    dataset.delete()


def test_a_whole_grouped_dataset_is_all_its_slices(grouped):
    every = grouped.select_group_slices().values("id")
    for samples in (grouped, grouped.view()):
        assert list_items(samples).ids.tolist() == every
    grouped.group_slice = "right"
    assert list_items(grouped).ids.tolist() == every
    assert len(list_items(grouped, "boxes")) == 10
    assert items_of(grouped, every[:3]).ids.tolist() == every[:3]
    assert item_view(grouped, list_items(grouped, "boxes")).count() == 10


def test_a_view_of_one_slice_is_that_slice(grouped):
    view = grouped.select_group_slices("left")
    assert list_items(view).ids.tolist() == view.values("id")
    assert len(list_items(view)) == 5


def test_a_view_of_dynamic_groups_is_all_samples_of_the_groups(digits_dataset):
    assert len(list_items(digits_dataset.group_by("true_digit"))) == 300


def test_frames_of_videos_are_items_in_every_view_of_them(videos):
    frames = videos.to_frames()
    items = list_items(frames)
    assert (items.noun, len(items)) == ("frame", 6)
    assert items.ids.tolist() == videos.values("frames.id", unwind=True)
    assert set(items.sample_ids) == set(videos.values("id"))
    assert list_like(videos, None, "frames").ids.tolist() == items.ids.tolist()
    assert list_like(frames.limit(2), None, None).ids.tolist() == videos.values("id")[:1]
    assert list_like(frames.to_patches("det"), None, "frames").ids.tolist() == items.ids.tolist()
    assert item_view(videos, items).values("id") == items.ids.tolist()


def test_patches_of_frames_are_named_as_the_dataset_names_their_field(videos):
    ids = sorted(videos.values("frames.det.detections.id", unwind=True))
    for view in (videos.to_frames(), videos.to_frames().to_patches("det")):
        items = list_items(view, "det")
        assert (items.noun, items.patches_field) == ("patch", "frames.det")
        assert sorted(items.ids.tolist()) == ids
    assert sorted(list_like(videos, "frames.det", None).ids.tolist()) == ids
    assert sorted(item_view(videos, list_items(videos.to_frames(), "det")).values("id")) == ids


def test_clips_of_temporal_detections_are_items_and_others_are_refused(videos):
    clips = videos.to_clips("events")
    items = list_items(clips)
    assert (items.noun, items.parts, items.ids.tolist()) == ("clip", "events", clips.values("id"))
    assert list_like(videos, None, "events").ids.tolist() == items.ids.tolist()
    with pytest.raises(Refusal, match="their IDs change"):
        list_items(videos.to_clips([[(1, 2)], [(2, 3)]]))


def test_a_field_of_one_box_a_sample_holds_patches(digits_dataset):
    view = digits_dataset.limit(3)
    boxes = [fo.Detection(label="a", bounding_box=[0.1, 0.1, 0.5, 0.5]), None, None]
    view.set_values("one", boxes)
    items = list_items(view, "one")
    assert items.ids.tolist() == [boxes[0].id]
    assert items_of(digits_dataset, items.ids, "one").ids.tolist() == items.ids.tolist()


def test_an_object_without_an_id_is_left_out(digits_dataset):
    first = digits_dataset.first()
    first["boxes"] = fo.Detections(detections=[fo.Detection(label="a", bounding_box=[0.1, 0.1, 0.5, 0.5])] * 1)
    first.save()
    digits_dataset._sample_collection.update_one(
        {"_id": first._id}, {"$push": {"boxes.detections": {"_cls": "Detection", "label": "b"}}}
    )
    assert len(list_items(digits_dataset, "boxes")) == 1


def test_ids_stay_in_the_order_of_the_view(digits_dataset):
    view = digits_dataset.shuffle(seed=2).limit(7)
    np.testing.assert_array_equal(list_items(view).ids, view.values("id"))
