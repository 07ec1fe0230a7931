"""A segment is a tag, a saved view and a record; its members are never touched beyond the tag."""

import json

import fiftyone as fo
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelscape.cli.scenes import add_scenes
from labelscape.ml_backend.actions.segments import (
    add_to_segment,
    create_segment,
    delete_segment,
    export_segment,
    merge_segments,
    remove_from_segment,
    rename_segment,
)
from labelscape.ml_backend.actions.undo import list_undo_steps, undo_last
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store.segment_origins import Selected
from labelscape.ml_backend.store.segment_records import load_segment, segment_slug
from labelscape.ml_backend.store.segments import list_segments, member_ids, segment_view


@pytest.fixture
def dataset(make_digits_dataset):
    return make_digits_dataset(30)


@pytest.fixture
def scenes(make_digits_dataset, tmp_path):
    dataset = make_digits_dataset(1)
    dataset.clear()
    dataset.delete_sample_field("ground_truth")
    add_scenes(dataset, tmp_path, count=12)
    return dataset


def make(dataset, ids, name="Blurred digits", kind="data quality", **options):
    return create_segment(dataset, ids, name=name, kind=kind, **options)


def objects(dataset, field="ground_truth"):
    return dataset.values(f"{field}.detections.id", unwind=True)


def test_a_segment_of_samples_is_tag_view_and_record(dataset):
    ids = dataset.values("id")[:7]
    report = make(dataset, ids, note="seen in May", made_by=Selected("ranking"))
    assert report.added == report.segment.size == 7
    fresh = fo.load_dataset(dataset.name)
    assert fresh.match_tags("segment:blurred-digits").values("id") == ids
    assert fresh.load_saved_view("segment blurred-digits").values("id") == ids
    stored = load_segment(fresh, "blurred-digits")
    assert (stored.name, stored.kind, stored.note) == ("Blurred digits", "data quality", "seen in May")
    assert stored.made_by == Selected("ranking")
    assert [size for _, size in stored.sizes] == [7]


def test_a_segment_of_objects_shows_exactly_these_objects(scenes):
    chosen = objects(scenes)[3:11]
    report = make(scenes, chosen, patches_field="ground_truth")
    assert report.sentence().startswith("Added 8 objects")
    view = scenes.load_saved_view("segment blurred-digits")
    assert sorted(view.values("ground_truth.id")) == sorted(chosen)
    # predictions and the objects that were not chosen carry no tag
    assert scenes.count_label_tags() == {"segment:blurred-digits": 8}


def test_a_saved_view_of_objects_follows_the_members(scenes):
    ids = objects(scenes)
    make(scenes, ids[:3], patches_field="ground_truth")
    assert len(scenes.load_saved_view("segment blurred-digits")) == 3
    add_to_segment(scenes, ids[3:5], slug="blurred-digits", patches_field="ground_truth")
    assert len(scenes.load_saved_view("segment blurred-digits")) == 5


def test_objects_of_two_fields_can_be_one_segment(scenes):
    make(scenes, objects(scenes)[:3], patches_field="ground_truth")
    report = add_to_segment(
        scenes, objects(scenes, "predictions")[:2], slug="blurred-digits", patches_field="predictions"
    )
    assert (report.segment.size, report.segment.fields) == (5, ["ground_truth", "predictions"])
    view = scenes.load_saved_view("segment blurred-digits")
    assert view.count("ground_truth.detections") == 3
    assert view.count("predictions.detections") == 2


def test_adding_twice_adds_once_and_says_so(dataset):
    ids = dataset.values("id")
    make(dataset, ids[:5])
    report = add_to_segment(dataset, ids[3:8], slug="blurred-digits")
    assert (report.added, report.segment.size) == (3, 8)
    assert "2 were already in it" in report.sentence()


def test_size_over_time_is_kept_and_sees_samples_that_were_deleted(dataset):
    ids = dataset.values("id")
    make(dataset, ids[:5])
    add_to_segment(dataset, ids[5:8], slug="blurred-digits")
    dataset.delete_samples(ids[:2])
    (segment,) = list_segments(dataset)
    assert [size for _, size in segment.sizes] == [5, 8, 6]
    assert list_segments(dataset)[0].sizes == segment.sizes


def test_deleting_a_segment_leaves_samples_labels_and_other_tags(dataset):
    ids = dataset.values("id")
    dataset.tag_samples("mine")
    labels = dataset.values("ground_truth.label")
    make(dataset, ids[:5])
    delete_segment(dataset, slug="blurred-digits")
    assert dataset.count_sample_tags() == {"mine": 30}
    assert dataset.values("ground_truth.label") == labels
    assert not dataset.has_saved_view("segment blurred-digits")
    assert list_segments(dataset) == []


def test_removed_members_stay_in_the_dataset(scenes):
    ids = objects(scenes)
    make(scenes, ids[:6], patches_field="ground_truth")
    report = remove_from_segment(scenes, ids[:2], slug="blurred-digits", patches_field="ground_truth")
    assert report.segment.size == 4
    assert report.sentence().startswith("Removed 2 objects from the segment")
    assert objects(scenes) == ids
    assert sorted(member_ids(scenes, report.segment, "ground_truth").tolist()) == sorted(ids[2:6])


def test_a_renamed_segment_keeps_members_and_history(dataset):
    ids = dataset.values("id")[:4]
    make(dataset, ids)
    renamed = rename_segment(dataset, slug="blurred-digits", name="Too dark", kind="collection campaign")
    assert dataset.count_sample_tags() == {"segment:too-dark": 4}
    assert dataset.list_saved_views() == ["segment too-dark"]
    assert [one.slug for one in list_segments(dataset)] == ["too-dark"]
    assert renamed.kind == "collection campaign"
    assert [size for _, size in renamed.sizes] == [4]


def test_a_name_that_is_taken_is_refused_and_changes_nothing(dataset):
    ids = dataset.values("id")
    make(dataset, ids[:2])
    make(dataset, ids[2:4], name="Other")
    with pytest.raises(ValueError, match="There is already a segment 'Blurred digits'"):
        make(dataset, ids[5:9], name="blurred DIGITS")
    with pytest.raises(ValueError, match="already"):
        rename_segment(dataset, slug="other", name="Blurred digits")
    assert dataset.count_sample_tags() == {"segment:blurred-digits": 2, "segment:other": 2}


def test_merged_segments_become_one_and_tell_where_members_came_from(scenes):
    ids = objects(scenes)
    make(scenes, ids[:4], name="A", patches_field="ground_truth", made_by=Selected("lasso"))
    make(scenes, ids[2:6], name="B", patches_field="ground_truth")
    make(scenes, objects(scenes, "predictions")[:3], name="C", patches_field="predictions")
    report = merge_segments(scenes, slugs=["a", "c"], into="b")
    assert (report.added, report.segment.size) == (5, 9)
    assert [one.name for one in report.segment.merged] == ["A", "C"]
    assert [one.slug for one in list_segments(scenes)] == ["b"]
    assert scenes.count_label_tags() == {"segment:b": 9}


def test_a_segment_whose_field_was_deleted_says_so_and_can_be_deleted(scenes):
    make(scenes, objects(scenes, "predictions")[:4], patches_field="predictions")
    make(scenes, scenes.values("id")[:2], name="Other")
    scenes.delete_sample_field("predictions")
    assert [(one.slug, one.size) for one in list_segments(scenes)] == [("blurred-digits", 0), ("other", 2)]
    with pytest.raises(ValueError, match="gone with their field"):
        segment_view(scenes, load_segment(scenes, "blurred-digits"))
    delete_segment(scenes, slug="blurred-digits")
    assert [one.slug for one in list_segments(scenes)] == ["other"]


def test_a_segment_follows_the_rename_of_its_field(scenes):
    ids = objects(scenes)[:3]
    segment = make(scenes, ids, patches_field="ground_truth").segment
    scenes.rename_sample_field("ground_truth", "animals")
    [renamed] = list_segments(scenes)
    assert (renamed.size, renamed.fields) == (3, ["animals"])
    assert segment_view(scenes, renamed).values("id") == ids
    assert set(member_ids(scenes, load_segment(scenes, segment.slug), "animals").tolist()) == set(ids)


def test_a_deleted_segment_is_restored_under_the_new_name_of_its_field(scenes):
    segment = make(scenes, objects(scenes)[:3], patches_field="ground_truth").segment
    delete_segment(scenes, slug=segment.slug)
    scenes.rename_sample_field("ground_truth", "animals")
    undo_last(scenes)
    assert load_segment(scenes, segment.slug).size == 3


def test_samples_and_objects_are_never_mixed(scenes):
    make(scenes, objects(scenes)[:4], name="A", patches_field="ground_truth")
    make(scenes, scenes.values("id")[:4], name="B")
    with pytest.raises(ValueError, match="cannot be merged"):
        merge_segments(scenes, slugs=["a"], into="b")
    with pytest.raises(ValueError, match="choose objects"):
        add_to_segment(scenes, scenes.values("id")[:4], slug="a")


def test_every_refusal_is_a_sentence_with_the_fix(dataset):
    ids = dataset.values("id")
    with pytest.raises(ValueError, match="data quality, data organization, collection campaign"):
        make(dataset, ids, kind="quality")
    with pytest.raises(ValueError, match="Nothing is selected"):
        make(dataset, [])
    with pytest.raises(ValueError, match="at least one letter"):
        make(dataset, ids, name="?!")
    with pytest.raises(ValueError, match="there are: none yet"):
        add_to_segment(dataset, ids, slug="nothing")
    with pytest.raises(ValueError, match="holds no object patches"):
        make(dataset, ids, patches_field="ground_truth")
    assert dataset.count_sample_tags() == {}


def test_csv_has_a_row_for_each_member_with_its_box(scenes, tmp_path):
    make(scenes, objects(scenes)[:5], patches_field="ground_truth")
    folder = export_segment(scenes, slug="blurred-digits", folder=tmp_path / "out", format="csv")
    lines = (folder / "blurred-digits.csv").read_text().splitlines()
    assert lines[0] == "sample_id,filepath,object_id,label,confidence,x,y,width,height,field"
    assert len(lines) == 6


def test_coco_and_fiftyone_exports_hold_the_members_alone(scenes, tmp_path):
    make(scenes, objects(scenes)[:5], patches_field="ground_truth")
    coco = export_segment(scenes, slug="blurred-digits", folder=tmp_path / "coco", format="coco")
    assert len(json.loads((coco / "labels.json").read_text())["annotations"]) == 5
    whole = export_segment(scenes, slug="blurred-digits", folder=tmp_path / "fo", format="fiftyone")
    back = fo.Dataset.from_dir(str(whole), dataset_type=fo.types.FiftyOneDataset)
    assert back.count("ground_truth.detections") == 5
    back.delete()
    with pytest.raises(ValueError, match="is not empty"):
        export_segment(scenes, slug="blurred-digits", folder=coco, format="csv")


@pytest.mark.parametrize("format", ["fiftyone", "coco"])
@pytest.mark.parametrize("exists", [False, True])
def test_an_export_that_fails_in_the_middle_leaves_no_files_and_can_be_repeated(
    scenes, tmp_path, monkeypatch, format, exists
):
    make(scenes, objects(scenes)[:5], patches_field="ground_truth")
    folder = tmp_path / "out"
    if exists:
        folder.mkdir()
    before = sorted(tmp_path.rglob("*"))
    export = fo.DatasetView.export

    def half_an_export(view, target, **options):
        export(view, target, **options)
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(fo.DatasetView, "export", half_an_export)
        with pytest.raises(Refusal, match=r"what was there is unchanged \(no space left on device\)"):
            export_segment(scenes, slug="blurred-digits", folder=folder, format=format)
    assert sorted(tmp_path.rglob("*")) == before

    assert export_segment(scenes, slug="blurred-digits", folder=folder, format=format) == folder
    assert any(folder.rglob("*.png"))
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []


@pytest.mark.parametrize("format", ["fiftyone", "csv"])
@pytest.mark.parametrize("given", [".", "link", "shared"])
def test_an_export_into_an_empty_folder_keeps_that_folder(scenes, tmp_path, monkeypatch, format, given):
    make(scenes, objects(scenes)[:5], patches_field="ground_truth")
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o770)
    (tmp_path / "link").symlink_to(folder)
    monkeypatch.chdir(folder if given == "." else tmp_path)
    files = sorted(tmp_path.iterdir())
    before = folder.stat()
    export_segment(scenes, slug="blurred-digits", folder=given, format=format)
    assert any(folder.iterdir())
    assert (tmp_path / "link").is_symlink()
    after = folder.stat()
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    assert sorted(tmp_path.iterdir()) == files


@given(st.text(min_size=1, max_size=40))
def test_a_slug_is_stable_and_fit_for_a_tag(name):
    try:
        slug = segment_slug(name)
    except ValueError:
        return
    assert segment_slug(slug) == slug
    assert ":" not in slug
    assert slug == slug.lower().strip("-")


@pytest.mark.parametrize("of", ["samples", "objects"])
def test_a_deleted_segment_can_be_restored_with_its_members(dataset, scenes, of):
    owner = dataset if of == "samples" else scenes
    field = None if of == "samples" else "ground_truth"
    ids = owner.values("id")[:7] if of == "samples" else objects(owner)[:7]
    made = make(owner, ids, note="seen in May", patches_field=field).segment
    delete_segment(owner, slug=made.slug)
    owner.reload()
    assert list_segments(owner) == []
    assert list_undo_steps(owner)[0].title == "deletion of the segment “Blurred digits”"
    undo_last(owner)
    owner.reload()
    assert load_segment(owner, made.slug) == made
    assert sorted(member_ids(owner, made, field)) == sorted(ids)
    assert owner.has_saved_view(made.view_name)
    assert list_undo_steps(owner) == []


def test_a_deleted_segment_is_not_restored_over_a_new_one_of_its_name(dataset):
    ids = dataset.values("id")
    delete_segment(dataset, slug=make(dataset, ids[:7]).segment.slug)
    make(dataset, ids[7:9])
    with pytest.raises(ValueError, match="There is already a segment 'Blurred digits'"):
        undo_last(dataset)
    assert load_segment(dataset, "blurred-digits").size == 2
