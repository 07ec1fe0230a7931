"""Vectors leave only with their samples, or when a readable file has changed; nothing else stops or removes them."""

import os
import shutil
from pathlib import Path

import cv2
import fiftyone as fo
import numpy as np
import pytest
from labelscape.ml_backend.actions.embed import compute_embeddings
from labelscape.ml_backend.actions.map import MapSettings, compute_map, update_map
from labelscape.ml_backend.actions.rank import rank_mislabels, rank_outliers
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store.embeddings import embeddings_status, load_embeddings, vector_table
from labelscape.ml_backend.store.settings import adopt_lancedb_uri


@pytest.fixture
def dataset(make_digits_dataset, tmp_path):
    """40 digits in this test's own folder, which it may remove."""
    dataset = make_digits_dataset(40)
    folder = tmp_path / "media"
    folder.mkdir()
    paths = [str(folder / f"{number:02}.png") for number in range(40)]
    for source, path in zip(dataset.values("filepath"), paths, strict=True):
        shutil.copy(source, path)
    dataset.set_values("filepath", paths)
    return dataset


def vectors(dataset, key="emb"):
    return len(vector_table(dataset, key).ids())


def test_vectors_stay_while_the_media_are_away_and_nothing_is_computed_again_afterwards(dataset, tmp_path):
    compute_embeddings(dataset, key="emb")
    (tmp_path / "media").rename(tmp_path / "unmounted")
    said = []
    report = compute_embeddings(dataset, key="emb", progress=lambda share, message: said.append(message))
    assert (vectors(dataset), report.removed, report.failed, report.unavailable) == (40, 0, 0, 40)
    assert report.sentence().startswith("The files of 40 samples cannot be read now (first: the file does not exist)")
    assert any("40 of 40 files cannot be read now" in message for message in said)
    (tmp_path / "unmounted").rename(tmp_path / "media")
    report = compute_embeddings(dataset, key="emb")
    assert (report.embedded, report.reused) == (0, 40)
    assert not dataset.has_field("embedding_error")


def test_media_that_go_away_in_the_middle_of_a_run_lose_no_vector(dataset, tmp_path):
    compute_embeddings(dataset, key="emb")
    for path in dataset.values("filepath"):
        cv2.imwrite(path, 255 - cv2.imread(path))
    media = tmp_path / "media"

    def unmount(share, message):
        if media.exists() and message.startswith("Embedded"):
            media.rename(tmp_path / "unmounted")

    report = compute_embeddings(dataset, key="emb", batch_size=8, progress=unmount)
    assert vectors(dataset) == 40
    assert report.removed == 0
    assert report.embedded + report.unavailable == 40
    assert report.unavailable > 0


def test_samples_deleted_during_a_run_are_neither_counted_nor_kept(dataset):
    ids = dataset.values("id")

    def delete(share, message):
        if message.startswith("Embedded") and len(dataset) == 40:
            dataset.delete_samples(ids[:5])

    report = compute_embeddings(dataset, key="emb", batch_size=8, progress=delete)
    assert (report.embedded, vectors(dataset)) == (35, 35)
    assert embeddings_status(dataset, "emb").complete


def test_samples_embedded_earlier_and_deleted_during_a_run_are_counted_as_removed(dataset):
    compute_embeddings(dataset, key="emb")
    earlier = dataset.values("id")
    dataset.add_sample(fo.Sample(filepath=dataset.first().filepath))

    def delete(fraction, message):
        if message.startswith("Embedded"):
            dataset.delete_samples(earlier[:5])

    report = compute_embeddings(dataset, key="emb", progress=delete)
    assert (report.embedded, report.removed, report.reused) == (1, 5, 35)
    assert vectors(dataset) == 36


def test_a_dataset_deleted_during_a_run_ends_it_in_words(dataset):
    other = dataset.clone()

    def delete(share, message):
        if message.startswith("Embedded") and fo.dataset_exists(other.name):
            fo.core.odm.database.get_db_conn()["datasets"].delete_one({"_id": other._doc.id})

    with pytest.raises(Refusal, match="was deleted while this was running: nothing was kept"):
        compute_embeddings(other, key="emb", progress=delete)


def test_a_remote_address_is_skipped_with_a_true_reason(dataset):
    dataset.add_sample(fo.Sample(filepath="s3://bucket/a.png"))
    report = compute_embeddings(dataset, key="emb")
    assert (report.embedded, report.failed) == (40, 1)
    assert "is a remote address" in report.sentence()
    assert "is a remote address" in dataset.last().embedding_error


def test_objects_without_a_shape_are_skipped_with_a_reason_and_the_others_are_embedded(dataset):
    good = fo.Detection(label="a", bounding_box=[0.2, 0.2, 0.5, 0.5])
    view = dataset.limit(1)
    view.set_values("boxes", [fo.Detections(detections=[good, fo.Detection(label="none")])])
    lines = [fo.Polyline(label="a", points=[[[0.1, 0.1], [0.6, 0.1], [0.4, 0.7]]]), fo.Polyline(label="b", points=[])]
    view.set_values("lines", [fo.Polylines(polylines=lines)])
    for field, reason in (("boxes", "the object has no box"), ("lines", "the polygon has no points")):
        report = compute_embeddings(dataset, key=f"emb_{field}", patches_field=field)
        assert (report.embedded, report.failed, report.first_failure) == (1, 1, reason)


@pytest.fixture
def grouped(dataset):
    """20 groups of a left and a right picture."""
    pairs = fo.Dataset(persistent=True)
    pairs.add_group_field("group", default="left")
    paths = dataset.values("filepath")
    groups = [fo.Group() for _ in range(20)]
    pairs.add_samples(
        [
            fo.Sample(filepath=path, group=group.element(side))
            for group, some in zip(groups, zip(paths[::2], paths[1::2], strict=True), strict=True)
            for side, path in zip(("left", "right"), some, strict=True)
        ]
    )
    yield pairs
    pairs.delete()


def test_embedding_one_slice_keeps_the_vectors_of_the_other(grouped):
    for side in ("left", "right"):
        report = compute_embeddings(grouped.select_group_slices(side), key="emb")
        assert (report.embedded, report.removed) == (20, 0)
    assert embeddings_status(grouped, "emb").complete
    again = compute_embeddings(grouped, key="emb")
    assert (again.embedded, again.reused, again.removed) == (0, 40, 0)


def test_a_grouped_dataset_is_mapped_and_ranked_in_all_its_slices(grouped):
    compute_embeddings(grouped, key="emb")
    grouped.group_slice = "right"
    assert compute_map(grouped, embeddings="emb", key="map", settings=MapSettings(method="pca")).count == 40
    assert update_map(grouped, key="map").removed == 0
    ranking = rank_outliers(grouped, embeddings="emb")
    assert len(ranking.ids) == len(ranking.view) == 40
    every = grouped.select_group_slices()
    assert None not in every.values("outlier_score")
    every.set_values("kind", [fo.Classification(label="ab"[row % 2]) for row in range(40)])
    ranking = rank_mislabels(grouped, embeddings="emb", field="kind")
    assert len(ranking.ids) == len(ranking.view) == 40


def test_a_view_of_dynamic_groups_is_embedded_whole(dataset):
    assert compute_embeddings(dataset.group_by("true_digit"), key="emb").embedded == 40


@pytest.fixture
def videos(dataset, tmp_path):
    videos = fo.Dataset(persistent=True)
    paths = iter(dataset.values("filepath"))
    for number in range(2):
        sample = fo.Sample(filepath=str(tmp_path / f"{number}.mp4"))
        for frame in range(1, 7):
            boxes = fo.Detections(detections=[fo.Detection(label="a", bounding_box=[0.1, 0.1, 0.6, 0.6])])
            sample.frames[frame] = fo.Frame(filepath=next(paths), det=boxes)
        videos.add_sample(sample)
    yield videos
    videos.delete()


@pytest.mark.parametrize("field", [None, "det"])
def test_frames_of_videos_and_patches_in_them_are_embedded_kept_mapped_and_ranked(videos, field):
    view = videos.to_frames()
    assert compute_embeddings(view, key="emb", patches_field=field).embedded == 12
    again = compute_embeddings(view, key="emb", patches_field=field)
    assert (again.embedded, again.reused, again.removed) == (0, 12, 0)
    assert len(load_embeddings(videos, "emb").items) == 12
    assert compute_map(view, embeddings="emb", key="map", settings=MapSettings(method="pca")).count == 12
    assert update_map(videos, key="map").removed == 0
    for samples in (view, videos):
        ranking = rank_outliers(samples, embeddings="emb")
        assert len(ranking.view) == len(ranking.ids) == 12
        assert ranking.view.values("id")[0] in ranking.ids
    path = "frames.outlier_score" if field is None else "frames.det.detections.outlier_score"
    assert None not in videos.values(path, unwind=True)


def test_damaged_vectors_are_reported_and_computed_again(dataset):
    compute_embeddings(dataset, key="emb")
    table = Path(adopt_lancedb_uri()) / f"{dataset.get_brain_info('emb').config.table_name}.lance"
    for path in table.rglob("*.lance"):
        path.unlink()
    dataset.clear_cache()
    fresh = fo.load_dataset(dataset.name, reload=True)
    with pytest.raises(Refusal, match=r"'emb' in .* are damaged.*Run “Compute embeddings” into 'emb'"):
        rank_outliers(fresh, embeddings="emb")
    status = embeddings_status(fresh, "emb")
    assert (status.missing, status.complete) == (40, False)
    assert "damaged" in status.sentence()
    report = compute_embeddings(fresh, key="emb")
    assert (report.embedded, report.restarted) == (40, True)
    assert report.sentence().startswith("The stored vectors were damaged, so all of them were recomputed.")
    assert len(rank_outliers(fresh, embeddings="emb").ids) == 40
    assert table.exists()  # what is left of the damaged table is not deleted


def test_a_field_of_errors_that_is_another_owners_is_never_written(dataset):
    dataset.add_sample_field("embedding_error", fo.StringField)
    dataset.set_values("embedding_error", ["mine"] * 40)
    os.remove(dataset.first().filepath)
    report = compute_embeddings(dataset, key="emb")
    assert "“embedding_error_2” says why" in report.sentence()
    assert set(dataset.values("embedding_error")) == {"mine"}
    assert len(dataset.exists("embedding_error_2")) == 1


def test_vectors_of_a_clone_are_its_own_and_those_of_the_original_stay(dataset):
    compute_embeddings(dataset, key="emb")
    clone = dataset.clone(persistent=True)
    before = load_embeddings(dataset, "emb").vectors
    clone.delete_samples(clone.values("id")[:10])
    report = compute_embeddings(clone, key="emb")
    assert (report.embedded, report.reused, report.removed) == (0, 30, 10)
    np.testing.assert_array_equal(load_embeddings(dataset, "emb").vectors, before)
    assert vectors(clone) == 30
    clone.delete()
