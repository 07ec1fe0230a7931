"""Frames and clips of videos are items like samples: suggested, labeled, ranked, put into segments, and undone."""

import fiftyone as fo
import fiftyone.core.view as fov
import numpy as np
import pytest
from labelscape.cli.digits import write_digits
from labelscape.ml_backend.actions.accept import accept_suggestions
from labelscape.ml_backend.actions.clear import clear_explorer, clearable
from labelscape.ml_backend.actions.embed import import_embeddings
from labelscape.ml_backend.actions.label_neighbors import label_neighbors
from labelscape.ml_backend.actions.queue import clear_labels, count_clearable, delete_items, set_label
from labelscape.ml_backend.actions.rank import rank_mislabels, rank_outliers
from labelscape.ml_backend.actions.save import save_changes, undo_save
from labelscape.ml_backend.actions.segments import add_to_segment, create_segment, delete_segment, remove_from_segment
from labelscape.ml_backend.actions.suggest import clear_suggestions, suggest_labels
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store.items import items_of, list_items
from labelscape.ml_backend.store.segments import list_segments, member_ids, member_table
from labelscape.ml_backend.store.suggestions import read_suggestions

_VIDEOS, _PARTS = 8, 6  # per video: half “a”, half “b”, of which one each is labeled


@pytest.fixture
def videos(tmp_path):
    """Eight videos of six frames and six clips: the first three of each are alike, and so are the last three."""
    paths, _ = write_digits(tmp_path, count=_PARTS)
    dataset = fo.Dataset()
    for number in range(_VIDEOS):
        clips = [fo.TemporalDetection(label=_known(part), support=[part + 1, part + 1]) for part in range(_PARTS)]
        video = fo.Sample(filepath=str(tmp_path / f"{number}.mp4"), events=fo.TemporalDetections(detections=clips))
        for part in range(_PARTS):
            box = fo.Detection(label=_known(part), bounding_box=[0.1, 0.1, 0.5, 0.5])
            kind = None if _known(part) is None else fo.Classification(label=_known(part))
            frame = fo.Frame(filepath=str(paths[part]), kind=kind, parts=fo.Detections(detections=[box]))
            video.frames[part + 1] = frame
        dataset.add_sample(video)
    yield dataset
    dataset.delete()


def _known(part):
    return {0: "a", _PARTS - 1: "b"}.get(part)


KINDS = {
    "frames": (lambda d: d.to_frames(), "frames", "frames.kind"),
    "clips": (lambda d: d.to_clips("events"), "events", "events"),
    "objects in frames": (lambda d: d.to_frames().to_patches("parts"), "frames.parts", "frames.parts"),
}


@pytest.fixture(params=KINDS)
def kind(request):
    return KINDS[request.param]


def embed(dataset, view, patches_field):
    items = list_items(view, "parts" if view._is_patches else None)
    near = np.asarray([[1.0, 0.0], [0.0, 1.0]])[np.arange(len(items)) % _PARTS // (_PARTS // 2)]
    vectors = np.hstack([near, np.random.default_rng(0).normal(0, 0.02, (len(items), 14))])
    options = {"patches_field": "parts"} if view._is_patches else {}
    import_embeddings(view, key="e", ids=items.ids.tolist(), vectors=vectors, source="a test", **options)
    return items


def rebuilt(dataset, view):
    return fov.DatasetView._build(fo.load_dataset(dataset.name), view._serialize())


def labels_shown(view, path):
    local = path.removeprefix("frames.")
    return dict(zip(*view.values(["id", f"{local}.label"]), strict=True))


def test_suggestions_for_parts_are_made_accepted_saved_and_undone(videos, kind):
    make, target, field = kind
    view = make(videos)
    items = embed(videos, view, target)
    report = suggest_labels(videos, embeddings="e", field=field)
    unlabeled = len(items) * (_PARTS - 2) // _PARTS
    assert (report.unlabeled, report.suggested) == (unlabeled, unlabeled)
    made = read_suggestions(videos, items)
    expected = ["a", "a", "a", "b", "b", "b"] * _VIDEOS
    assert all(one is None or one.label == name for one, name in zip(made, expected, strict=True))
    assert [one.title for one in clearable(videos) if one.kind == "suggestions"] != []
    queued = accept_suggestions(videos, which="all", field=field, patches_field=target)
    assert len(queued.queued) == unlabeled
    assert save_changes(videos).labels == unlabeled
    shown = labels_shown(rebuilt(videos, view), field)
    assert [shown[item] for item in items.ids.tolist()] == expected
    undo_save(videos)
    assert list(labels_shown(rebuilt(videos, view), field).values()).count(None) == unlabeled


def test_suggestions_for_parts_are_cleared_from_the_explorer(videos, kind):
    make, target, field = kind
    items = embed(videos, make(videos), target)
    suggest_labels(videos, embeddings="e", field=field)
    clear_explorer(videos, [one for one in clearable(videos) if one.kind == "suggestions"])
    assert set(read_suggestions(videos, items)) == {None}
    with pytest.raises(Refusal, match="no suggestions"):
        clear_suggestions(videos, patches_field=target)


def test_one_label_reaches_the_like_parts_of_all_videos(videos, kind):
    make, target, field = kind
    items = embed(videos, make(videos), target)
    anchor = items.ids[1:2].tolist()
    label_neighbors(videos, anchor, "a", embeddings="e", field=field, reach=3)
    assert save_changes(videos).labels == 4


def test_labels_of_parts_are_counted_and_cleared(videos, kind):
    make, target, field = kind
    view = make(videos)
    assert count_clearable(view, field=field, patches_field=target).imported == 2 * _VIDEOS
    clear_labels(view, field=field, patches_field=target, which="all")
    save_changes(videos)
    assert set(labels_shown(rebuilt(videos, view), field).values()) == {None}
    undo_save(videos)
    assert list(labels_shown(rebuilt(videos, view), field).values()).count("a") == _VIDEOS


def test_parts_are_ranked_by_their_own_labels(videos, kind):
    make, target, field = kind
    view = make(videos)
    items = embed(videos, view, target)
    wrong = items.ids[:1].tolist()
    set_label(videos, wrong, "b", field=field, patches_field=target, replace=True)
    save_changes(videos)
    ranking = rank_mislabels(videos, embeddings="e", field=field)
    assert (ranking.ids[0], ranking.view.first().id) == (wrong[0], wrong[0])
    assert len(rank_outliers(videos, embeddings="e", field=field).ids) == len(items)


def test_parts_are_members_of_a_segment(videos, kind, tmp_path):
    make, target, _ = kind
    items = list_items(make(videos), "parts" if target == "frames.parts" else None)
    chosen = items.ids[[0, 7, 14]].tolist()
    made = create_segment(videos, chosen[:2], name="odd", kind="data quality", patches_field=target)
    assert (made.added, made.segment.noun) == (2, "frame" if target == "frames" else "object")
    assert add_to_segment(videos, chosen, slug="odd", patches_field=target).added == 1
    assert sorted(member_ids(videos, made.segment, target)) == sorted(chosen)
    assert sorted(videos.load_saved_view("segment odd").values("id")) == sorted(chosen)
    assert len(member_table(videos, made.segment)) == 3
    assert remove_from_segment(videos, chosen[:1], slug="odd", patches_field=target).added == -1
    assert sorted(fo.load_dataset(videos.name).load_saved_view("segment odd").values("id")) == sorted(chosen[1:])
    with pytest.raises(Refusal, match=r"is a segment of (frames|objects)"):
        add_to_segment(videos, videos.values("id"), slug="odd")
    delete_segment(videos, slug="odd")
    assert list_segments(videos) == []
    assert len(member_ids(videos, made.segment, target)) == 0


def test_a_clip_is_deleted_and_restored(videos):
    view = videos.to_clips("events")
    ids = view.values("id")
    delete_items(videos, ids[:1], patches_field="events")
    save_changes(videos)
    assert rebuilt(videos, view).values("id") == ids[1:]
    undo_save(videos)
    assert rebuilt(videos, view).values("id") == ids


def test_the_next_edit_in_a_view_of_clips_writes_no_old_label_back(videos):
    view = videos.to_clips("events")
    clip = view.values("id")[0]
    set_label(videos, [clip], "new", field="events", patches_field="events", replace=True)
    save_changes(videos)
    shown = rebuilt(videos, view)[clip]
    assert type(shown.events) is fo.Classification
    shown["note"] = "a note"
    shown.save()
    assert fo.load_dataset(videos.name).values("events.detections.label", unwind=True)[0] == "new"


def test_ids_of_deleted_parts_are_left_out(videos):
    ids = list_items(videos, "frames").ids
    assert items_of(videos, [ids[0], "0" * 24], "frames").ids.tolist() == [ids[0]]
