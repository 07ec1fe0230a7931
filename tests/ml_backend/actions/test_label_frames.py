"""Frames of videos are labeled like samples: the label arrives on the frame, and views of frames show it."""

import fiftyone as fo
import fiftyone.core.view as fov
import pytest
from labelscape.cli.digits import write_digits
from labelscape.ml_backend.actions.queue import clear_labels, count_clearable, delete_items, set_label
from labelscape.ml_backend.actions.save import save_changes, undo_save
from labelscape.ml_backend.store.items import FRAMES, list_items
from labelscape.ml_backend.store.labels import default_label_field, field_of_parts, label_field, read_labels


@pytest.fixture
def videos(tmp_path):
    """Two videos of three frames each, with one box a frame; the frames of the first are labeled “a”."""
    paths, _ = write_digits(tmp_path, count=6)
    dataset = fo.Dataset()
    for number in range(2):
        video = fo.Sample(filepath=str(tmp_path / f"{number}.mp4"), ground_truth=fo.Classification(label="whole"))
        for frame in range(3):
            box = fo.Detection(label="box", bounding_box=[0.1, 0.1, 0.5, 0.5])
            kind = fo.Classification(label="a") if number == 0 else None
            picture = str(paths[3 * number + frame])
            video.frames[frame + 1] = fo.Frame(filepath=picture, kind=kind, parts=fo.Detections(detections=[box]))
        dataset.add_sample(video)
    yield dataset
    dataset.delete()


def kinds(dataset, field="kind"):
    again = fo.load_dataset(dataset.name)
    return [[f[field].label if f[field] else None for f in video.frames.values()] for video in again]


def rebuilt(dataset, view):
    return fov.DatasetView._build(fo.load_dataset(dataset.name), view._serialize())


def test_labels_set_on_frames_arrive_on_the_frames_and_are_undone(videos):
    view = videos.to_frames()
    items = list_items(view)
    chosen = items.ids[2:5].tolist()
    report = set_label(videos, chosen, "b", field=field_of_parts("kind", items.parts))
    assert [conflict.existing for conflict in report.conflicts] == ["a"]
    assert save_changes(videos).labels == 2
    assert kinds(videos) == [["a", "a", "a"], ["b", "b", None]]
    assert [frame.kind.label if frame.kind else None for frame in rebuilt(videos, view)] == ["a"] * 3 + ["b", "b", None]
    assert videos.values("ground_truth.label") == ["whole", "whole"]
    undo_save(videos)
    assert kinds(videos) == [["a"] * 3, [None] * 3]
    assert [frame.kind.label if frame.kind else None for frame in rebuilt(videos, view)] == ["a"] * 3 + [None] * 3


def test_a_new_field_of_frames_is_made_when_it_is_saved(videos):
    items = list_items(videos.to_frames())
    field = default_label_field(videos, parts=items.parts).name
    assert (items.parts, field) == (FRAMES, "frames.kind")
    set_label(videos, items.ids[:1].tolist(), "new", field="frames.note")
    assert not videos.has_frame_field("note")
    save_changes(videos)
    assert kinds(videos, "note")[0] == ["new", None, None]


def test_objects_in_frames_are_labeled_deleted_and_restored(videos):
    boxes = videos.values("frames.parts.detections.id", unwind=True)
    view = videos.to_frames().to_patches("parts")
    set_label(videos, boxes[:1], "better", field="frames.parts", patches_field="frames.parts", replace=True)
    delete_items(videos, boxes[1:2], patches_field="frames.parts")
    report = save_changes(videos)
    assert (report.labels, report.deletions) == (1, 1)

    def shown():
        return dict(zip(*rebuilt(videos, view).values(["parts.id", "parts.label"]), strict=True))

    assert shown() == {boxes[0]: "better"} | dict.fromkeys(boxes[2:], "box")
    undo_save(videos)
    assert shown() == dict.fromkeys(boxes, "box")


def test_labels_of_frames_are_read_counted_and_cleared(videos):
    view = videos.to_frames()
    field = label_field(videos, "frames.kind")
    labels = read_labels(videos, list_items(view), field)
    assert labels.codes.tolist() == [0, 0, 0, -1, -1, -1]
    assert count_clearable(view, field="frames.kind").imported == 3
    assert count_clearable(videos, field="frames.kind").imported == 3
    clear_labels(view.limit(2), field="frames.kind", which="all")
    assert save_changes(videos).cleared == 2
    assert kinds(videos)[0] == [None, None, "a"]


def test_several_labels_of_frames_are_cleared_except_where_somebody_added_one(videos):
    for video in videos:
        for frame in video.frames.values():
            labels = [fo.Classification(label=name, labelscape=by) for name, by in (("a", "human"), ("b", None))]
            frame["kinds"] = fo.Classifications(classifications=labels)
        video.save()
    videos.add_dynamic_frame_fields("kinds")
    assert count_clearable(videos, field="frames.kinds").total == 12
    assert len(clear_labels(videos, field="frames.kinds", which="all").queued) == 6
    video = videos.first()
    video.frames[1].kinds.classifications.append(fo.Classification(label="theirs"))
    video.save()

    report = save_changes(videos)

    left = [
        [[one.label for one in frame.kinds.classifications] for frame in video.frames.values()]
        for video in fo.load_dataset(videos.name)
    ]
    assert left == [[["a", "b", "theirs"], [], []], [[], [], []]]
    assert len(report.conflicts) == 1
    assert len(clear_labels(videos, field="frames.kinds", which="ours").queued) == 1
