"""`import labelscape as ls` on views of frames, clips, and objects: what a view shows is labeled, saved, undone."""

import fiftyone as fo
import labelscape as ls
import pytest
from labelscape.cli.digits import write_digits
from labelscape.ml_backend.errors import Refusal


@pytest.fixture
def videos(database, tmp_path):
    """Two videos of three frames with a file and an object each, and two clips."""
    paths, _ = write_digits(tmp_path, count=3)
    dataset = fo.Dataset()
    for number in range(2):
        clips = [fo.TemporalDetection(support=support) for support in ([1, 2], [3, 3])]
        video = fo.Sample(filepath=str(tmp_path / f"{number}.mp4"), events=fo.TemporalDetections(detections=clips))
        for frame, path in enumerate(paths, start=1):
            box = fo.Detection(bounding_box=[0.1, 0.1, 0.5, 0.5])
            video.frames[frame] = fo.Frame(filepath=str(path), parts=fo.Detections(detections=[box]))
        dataset.add_sample(video)
    yield dataset
    dataset.delete()


VIEWS = {
    "frames": (lambda d: d.to_frames(), "kind", "frames.kind.label"),
    "clips": (lambda d: d.to_clips("events"), None, "events.detections.label"),
    "objects in frames": (lambda d: d.to_frames().to_patches("parts"), None, "frames.parts.detections.label"),
}


@pytest.mark.parametrize("shown", VIEWS)
def test_what_a_view_shows_is_labeled_and_undone(videos, shown):
    make, field, path = VIEWS[shown]
    ls.set_label(make(videos).limit(2), "x", field=field)
    assert ls.save(videos, progress=False).labels == 2
    videos.reload()
    assert videos.count_values(path)["x"] == 2
    ls.undo(videos)
    videos.reload()
    assert "x" not in videos.count_values(path)
    assert ls.create_segment(make(videos).limit(2), "Two").segment.size == 2


def test_frames_are_embedded_suggested_and_ranked(videos):
    frames = videos.to_frames()
    assert ls.embed(frames, name="e", progress=False).embedded == 6
    ls.set_label(frames.limit(1), "a", field="kind")
    ls.set_label(frames.skip(1).limit(1), "b", field="kind")
    ls.save(videos, progress=False)
    assert len(ls.label_next(videos, field="kind", count=2).ids) == 2
    assert len(ls.rank_outliers(frames, progress=False).ids) == 6


def test_objects_of_a_view_of_patches_are_embedded(make_digits_dataset):
    dataset = make_digits_dataset(3)
    boxes = [fo.Detections(detections=[fo.Detection(label="a", bounding_box=[0, 0, 0.5, 1])]) for _ in range(3)]
    dataset.set_values("parts", boxes)
    report = ls.embed(dataset.to_patches("parts").limit(2), name="e", progress=False)
    assert (report.embedded, report.noun) == (2, "patch")


def test_frames_without_files_are_refused_with_what_to_do(videos, tmp_path):
    dataset = fo.Dataset()
    dataset.add_sample(fo.Sample(filepath=str(tmp_path / "0.mp4")))
    with pytest.raises(Refusal, match=r"nothing to embed.*to_frames\(sample_frames=True\)"):
        ls.embed(dataset.to_frames(), progress=False)
    dataset.delete()
