"""Segments from the operator menu: created from a selection, a view, or a confusion; edited, exported, rebuilt."""

import fiftyone.operators as foo
import pytest
from labelscape.cli.scenes import add_scenes
from labelscape.ml_backend.store.segment_origins import Selected
from labelscape.ml_backend.store.segment_records import load_segment
from labelscape.ml_backend.store.segments import list_segments

PLUGIN = "@labelscape/data-explorer"
FIELDS = {"truth_field": "ground_truth", "prediction_field": "predictions"}


@pytest.fixture
def dataset(make_digits_dataset):
    return make_digits_dataset(20)


@pytest.fixture
def scenes(make_digits_dataset, tmp_path):
    dataset = make_digits_dataset(1)
    dataset.clear()
    dataset.delete_sample_field("ground_truth")
    add_scenes(dataset, tmp_path, count=40)
    return dataset


def run(operator, dataset, /, *, view=None, selected=(), **params):
    ctx = {"dataset": dataset, "view": view or dataset.view(), "selected": list(selected), "params": params}
    return foo.execute_operator(f"{PLUGIN}/{operator}", ctx=ctx).result["message"]


def form(operator, dataset, /, **params):
    request = {"dataset_name": dataset.name, "view": [], "params": params}
    return foo.get_operator(f"{PLUGIN}/{operator}").resolve_input(foo.ExecutionContext(request)).to_json()


def test_ticked_samples_become_a_segment_and_more_can_join(dataset):
    ids = dataset.values("id")
    message = run("create_segment", dataset, selected=ids[:3], name="Ticked", kind="collection campaign", note="n")
    assert message.startswith("Added 3 samples to the segment “Ticked” (collection campaign)")
    run("create_segment", dataset, selected=ids[2:6], existing=True, segment="ticked")
    assert load_segment(dataset, "ticked").size == 6


def test_without_selection_the_view_becomes_the_segment(dataset):
    run("create_segment", dataset, view=dataset.limit(8), name="View")
    assert load_segment(dataset, "view").size == 8
    assert load_segment(dataset, "view").made_by == Selected("view")


def test_a_whole_dataset_never_becomes_a_segment_by_accident(dataset):
    with pytest.raises(Exception, match="Nothing is selected"):
        run("create_segment", dataset, name="All")


def test_ticked_patches_become_objects_or_their_samples(scenes):
    patches = scenes.to_patches("ground_truth")
    ticked = patches.values("id")[:4]
    run("create_segment", scenes, view=patches, selected=ticked, name="Objects")
    assert load_segment(scenes, "objects").fields == ["ground_truth"]
    run("create_segment", scenes, view=patches, selected=ticked, patches="whole samples", name="Samples")
    assert load_segment(scenes, "samples").size == len(set(patches.select(ticked).values("sample_id")))


def test_a_confusion_becomes_a_segment_without_any_panel(scenes):
    message = run(
        "create_segment_from_confusion", scenes, **FIELDS, iou=0.1, confidence=0.8, what="false positives", name="FP"
    )
    (segment,) = list_segments(scenes)
    assert segment.size > 0
    assert f"{segment.size:,} object" in message
    assert segment.made_by.outcomes == ("false positives",)
    pair = {"what": "one pair of classes", "predicted_class": "3"}
    run("create_segment_from_confusion", scenes, **FIELDS, **pair, name="Threes")
    assert load_segment(scenes, "threes").made_by.cells == ((None, "3"),)


def test_the_form_counts_what_would_go_in(scenes):
    run("create_segment_from_confusion", scenes, **FIELDS, iou=0.1, what="confusions", name="C")
    size = load_segment(scenes, "c").size
    assert f"{size} of them in 40 samples" in str(form("create_segment_from_confusion", scenes, **FIELDS, iou=0.1))
    pair = {"what": "one pair of classes", "truth_class": "cat"}
    assert "is not a class" in str(form("create_segment_from_confusion", scenes, **FIELDS, **pair))


def test_a_segment_is_edited_merged_emptied_and_deleted(dataset):
    ids = dataset.values("id")
    run("create_segment", dataset, selected=ids[:3], name="A")
    run("create_segment", dataset, selected=ids[2:6], name="B")
    run("edit_segment", dataset, segment="a", name="First", kind="data organization")
    assert run("merge_segments", dataset, segment="b", into="first").startswith("Added 3 samples")
    assert run("remove_from_segment", dataset, selected=ids[:2], segment="first").startswith("Removed 2 samples from")
    assert load_segment(dataset, "first").size == 4
    assert run("delete_segment", dataset, segment="first").endswith("its samples stay.")
    assert len(dataset) == 20
    assert dataset.count_sample_tags() == {}
    assert "deletion of the segment “First”" in str(form("undo_save", dataset))
    run("undo_save", dataset)
    assert load_segment(dataset, "first").size == 4


def test_a_segment_is_exported_and_made_again(scenes, tmp_path):
    run("create_segment_from_confusion", scenes, **FIELDS, what="confusions", name="C")
    assert "made from" not in run("export_segment", scenes, segment="c", format="csv", folder=str(tmp_path / "out"))
    assert (tmp_path / "out" / "c.csv").exists()
    outcome = run("remake_segment", scenes, segment="c", prediction_field="predictions", name="C again")
    assert "0 are gone, 0 are new. Kept as “C again”" in outcome


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("create_segment", "Nothing is selected"),
        ("create_segment_from_confusion", "Two fields of the same kind are needed"),
        ("open_segment", "has no segment yet"),
        ("merge_segments", "has no segment yet"),
        ("remake_segment", "has no segment yet"),
    ],
)
def test_a_form_that_cannot_run_says_why(dataset, name, expected):
    assert expected in str(form(name, dataset))


def test_every_form_resolves_on_a_dataset_with_segments(scenes):
    run("create_segment_from_confusion", scenes, **FIELDS, what="confusions", name="C")
    run("create_segment_from_confusion", scenes, **FIELDS, what="false positives", name="D")
    for name in (
        "open_segment",
        "edit_segment",
        "merge_segments",
        "delete_segment",
        "export_segment",
        "remake_segment",
    ):
        assert "blocked" not in str(form(name, scenes)), name
