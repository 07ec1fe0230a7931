"""The data explorer on maps of frames, of clips, and of objects in frames: every row is a part of a video."""

import fiftyone as fo
import fiftyone.core.stages as fos
import numpy as np
import pytest
from labelscape.cli.digits import write_digits
from labelscape.ml_backend.actions.queue import set_label
from labelscape.ml_backend.actions.save import save_changes
from labelscape.ml_backend.actions.suggest import suggest_labels
from labelscape.ml_backend.store.items import list_items

from ...conftest import give_map, numbers

_VIDEOS, _PARTS = 8, 6  # of each video the first part is labeled “a”, the last one “b”
NOUNS = {"frames": "frame", "events": "clip", "frames.parts": "object"}
KINDS = {"frames": "frames.kind", "events": "events", "frames.parts": "frames.parts"}


@pytest.fixture
def videos(tmp_path):
    paths, _ = write_digits(tmp_path, count=_PARTS)
    dataset = fo.Dataset(persistent=True)
    for number in range(_VIDEOS):
        clips = [fo.TemporalDetection(label=_known(part), support=[part + 1, part + 1]) for part in range(_PARTS)]
        video = fo.Sample(filepath=str(tmp_path / f"{number}.mp4"), events=fo.TemporalDetections(detections=clips))
        for part in range(_PARTS):
            box = fo.Detection(label=_known(part), bounding_box=[0.1, 0.1, 0.5, 0.5])
            kind = None if _known(part) is None else fo.Classification(label=_known(part))
            boxes = fo.Detections(detections=[box])
            video.frames[part + 1] = fo.Frame(filepath=str(paths[part]), kind=kind, parts=boxes, note=f"part {part}")
        dataset.add_sample(video)
    yield dataset
    dataset.delete()


def _known(part):
    return {0: "a", _PARTS - 1: "b"}.get(part)


@pytest.fixture(params=KINDS)
def kind(request, videos):
    near = np.asarray([[1.0, 0.0], [0.0, 1.0]])[np.arange(_VIDEOS * _PARTS) % _PARTS // (_PARTS // 2)]
    vectors = np.hstack([near, np.random.default_rng(0).normal(0, 0.02, (len(near), 14))]).astype(np.float32)
    view = videos.to_frames() if request.param == "frames.parts" else videos
    give_map(view, vectors, "parts" if request.param == "frames.parts" else request.param)
    return request.param, KINDS[request.param]


@pytest.fixture
def panel(make_explorer, videos, kind):
    panel = make_explorer(videos)
    panel.load("flat")
    return panel


def saved(dataset, field):
    path = f"{field}.label" if field == "frames.kind" else f"{field}.detections.label"
    return fo.load_dataset(dataset.name).values(path, unwind=True)


def test_rows_are_parts_with_their_own_labels(panel, kind):
    assert (panel.state["map"]["n"], panel.state["label_field"]) == (_VIDEOS * _PARTS, kind[1])
    assert panel.state["map"]["noun"] == NOUNS[kind[0]]
    offered = {one["field"]: one["noun"] for one in panel.state["options"]["patches_fields"]}
    assert offered == NOUNS
    assert panel.state["maps"][0]["stale"] == {"missing": 0, "removed": 0}
    assert panel.states() == [1, 0, 0, 0, 0, 1] * _VIDEOS
    path = "frames.kind.label" if kind[0] == "frames" else f"{kind[1]}.detections.label"
    assert path in [field["path"] for field in panel.state["fields"]]
    assert panel.field(path) == ["a", None, None, None, None, "b"] * _VIDEOS


def test_parts_are_labeled_saved_and_undone(panel, videos, kind):
    if kind[0] == "frames":
        panel.do("set_label_field", field="kind")  # which may hold predictions otherwise
    panel.do("set_label", **panel.rows(1, 8), label="new")
    assert panel.states()[:2] == [1, 3]
    panel.do("save")
    assert [saved(videos, kind[1])[row] for row in (0, 1, 8)] == ["a", "new", "new"]
    assert panel.states()[:2] == [1, 1]
    panel.do("undo")
    assert saved(videos, kind[1])[1] is None
    assert panel.states()[:2] == [1, 0]


def test_parts_have_suggestions_that_can_be_accepted_and_rejected(panel, videos, kind):
    suggest_labels(videos, embeddings="pixels", field=kind[1])
    panel.do("load_map", map="flat")
    states = panel.states()
    assert (states[0], {states[1], states[4]} <= {2, 6}) == (1, True)
    panel.do("reject", **panel.rows(1))
    assert panel.states()[1] == 0
    which = "confident" if states[2] == 2 else "uncertain"
    panel.do("accept", **panel.rows(2), which=which)
    panel.do("save")
    assert saved(videos, kind[1])[2] == "a"


def test_a_part_shows_its_file_its_label_and_its_neighbors(panel, videos, kind):
    row = _PARTS
    fact = panel.do("facts", **panel.map, rows=[row])["facts"][0]
    assert fact["label"] == "a"
    video = videos.skip(1).first()
    assert fact["name"] == (video if kind[0] == "events" else video.frames[1]).filepath.rsplit("/", 1)[-1]
    preview = panel.do("preview", **panel.map, row=row, k=3)["preview"]
    assert (preview["sample_id"], len(preview["neighbors"])) == (video.id, 3)


def test_the_grid_shows_the_selected_parts(panel, videos, kind):
    def shown(view):
        panel.view = {"view": view._serialize()}
        stage = panel.do("select", **panel.rows(1, 8))["stage"]
        ((name, kwargs),) = stage.items()
        parsed = fos.ViewStage._from_dict({"_cls": name, "kwargs": list(kwargs.items())})
        return view.add_stage(parsed)

    samples = videos.view()
    assert set(shown(samples).values("id")) == {videos.values("id")[0], videos.values("id")[1]}
    parts = videos.to_clips("events") if kind[0] == "events" else videos.to_frames()
    parts = parts.to_patches("parts") if kind[0] == "frames.parts" else parts
    ids = parts.values("id")
    assert sorted(shown(parts).values("id")) == sorted([ids[1], ids[8]])


def test_parts_are_ranked_and_reviewed(panel, videos, kind):
    set_label(
        videos, [list_items(videos, kind[0]).ids.tolist()[0]], "b", field=kind[1], patches_field=kind[0], replace=True
    )
    save_changes(videos)
    panel.do("load_map", map="flat")
    assert panel.finish(panel.do("rank_outliers", selection=None)["job"])["status"] == "done"
    assert panel.finish(panel.do("rank_mislabels", selection=None)["job"])["status"] == "done"
    assert {"outliers", "mislabels"} <= {entry["id"] for entry in panel.state["lists"]}
    answer = panel.do("open_list", **panel.map, list="mislabels")
    assert numbers(answer["rows"])[0] == 0
    assert len(numbers(panel.do("open_list", **panel.map, list="outliers")["rows"])) > 0
    field = panel.do("refresh_app", ranking="outliers")["field"]
    assert field in [one["path"] for one in panel.state["fields"]]
    assert "set_view" not in {request["operator_uri"].rsplit("/", 1)[-1] for request in panel.requests}


def test_parts_can_be_found_by_label_and_kept_as_a_segment(panel, videos):
    matches = panel.do("search", **panel.map, text="b", limit=100, meaning=False)
    assert matches["total"] == _VIDEOS
    answer = panel.do("create_segment", **panel.rows(1, 8), name="odd", segment_kind="data quality")
    assert answer["count"] == 2
    videos.reload()
    assert len(videos.load_saved_view("segment odd")) == 2
