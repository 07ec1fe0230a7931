"""An action that fails after any of its writes leaves nothing behind."""

import fiftyone as fo
import numpy as np
import pytest
from fiftyone.core.odm.database import get_db_conn
from labelscape.cli.scenes import add_scenes
from labelscape.ml_backend.actions import segments as acts
from labelscape.ml_backend.actions.confusion import Choice
from labelscape.ml_backend.actions.confusion_segments import create_segment_from_confusion
from labelscape.ml_backend.actions.embed import import_embeddings
from labelscape.ml_backend.actions.map import MapSettings, compute_map, update_map
from labelscape.ml_backend.actions.rank import find_duplicates, rank_mislabels, rank_outliers
from labelscape.ml_backend.store.deleted_segments import last_deleted, restore_segment
from labelscape.ml_backend.store.embeddings import load_embeddings
from labelscape.ml_backend.store.maps import load_map
from labelscape.ml_backend.store.segment_records import read_segments
from labelscape.testing.faults import failures


@pytest.fixture
def dataset(make_digits_dataset, tmp_path):
    """Scenes with labels and predictions; three segments of objects and one of samples."""
    dataset = make_digits_dataset(1)
    dataset.clear()
    dataset.delete_sample_field("ground_truth")
    add_scenes(dataset, tmp_path, count=12)
    ids = objects(dataset)
    acts.create_segment(dataset, ids[:4], name="A", kind="data quality", patches_field="ground_truth")
    acts.create_segment(dataset, ids[2:6], name="B", kind="data quality", patches_field="ground_truth")
    acts.create_segment(
        dataset, objects(dataset, "predictions")[:3], name="C", kind="data quality", patches_field="predictions"
    )
    acts.create_segment(dataset, dataset.values("id")[:3], name="Whole", kind="data quality")
    vectors = np.random.default_rng(0).normal(size=(len(dataset), 8)).astype(np.float32)
    vectors[1] = vectors[0]
    import_embeddings(dataset, key="emb", ids=dataset.values("id"), vectors=vectors, source="a test")
    dataset.set_values("kind", [fo.Classification(label="ab"[row % 2]) for row in range(len(dataset))])
    compute_map(dataset, embeddings="emb", key="map", settings=MapSettings(method="pca", index=True))
    return dataset


def objects(dataset, field="ground_truth"):
    return dataset.values(f"{field}.detections.id", unwind=True)


def state(dataset):
    """Everything that a Labelscape action may change, as another process sees it."""
    dataset.reload()
    schema = dataset.get_field_schema(flat=True)
    scores = [name for name in schema if name.rsplit(".", 1)[-1].startswith(("outlier", "mislabel", "duplicate"))]
    deleted = last_deleted(dataset)
    return {
        "tags": [sorted(tags) for tags in dataset.values("tags")],
        "label tags": {
            name: [[sorted(tags) for tags in labels or ()] for labels in dataset.values(f"{name}.detections.tags")]
            for name in ("ground_truth", "predictions")
        },
        "views": sorted(dataset.list_saved_views()),
        "segments": read_segments(dataset),
        "deleted": None if deleted is None else deleted.key,
        "runs": sorted(dataset.list_brain_runs()),
        "schema": sorted(schema),
        "scores": {name: dataset.values(name) for name in scores},
        "points": load_map(dataset, "map").points.tolist(),
        "vectors": load_embeddings(dataset, "emb").vectors.tolist(),
        "generated": get_db_conn().datasets.count_documents({"sample_collection_name": {"$regex": "^patches"}}),
    }


ACTS = {
    "create a segment of samples": lambda d: acts.create_segment(d, d.values("id")[:5], name="N", kind="data quality"),
    "create a segment of objects": lambda d: acts.create_segment(
        d, objects(d)[:5], name="N", kind="data quality", patches_field="ground_truth"
    ),
    "add to a segment": lambda d: acts.add_to_segment(d, objects(d)[3:9], slug="a", patches_field="ground_truth"),
    "add objects of another field": lambda d: acts.add_to_segment(
        d, objects(d, "predictions")[3:9], slug="a", patches_field="predictions"
    ),
    "remove from a segment": lambda d: acts.remove_from_segment(
        d, objects(d)[:2], slug="a", patches_field="ground_truth"
    ),
    "rename a segment": lambda d: acts.rename_segment(d, slug="a", name="Another name", note="a note"),
    "edit a segment": lambda d: acts.rename_segment(d, slug="a", note="a note"),
    "merge segments": lambda d: acts.merge_segments(d, slugs=["a", "c"], into="b"),
    "delete a segment": lambda d: acts.delete_segment(d, slug="a"),
    "create a segment from a confusion": lambda d: create_segment_from_confusion(
        d,
        truth_field="ground_truth",
        prediction_field="predictions",
        name="N",
        iou=0.1,
        choice=Choice(("confusions", "false positives")),
        members="both",
    ),
    "rank outliers": lambda d: rank_outliers(d, embeddings="emb"),
    "rank wrong labels": lambda d: rank_mislabels(d, embeddings="emb", field="kind"),
    "find duplicates": lambda d: find_duplicates(d, embeddings="emb"),
    "compute a map": lambda d: compute_map(d, embeddings="emb", key="new", settings=MapSettings(method="pca")),
    "compute a map with an index": lambda d: compute_map(
        d, embeddings="emb", key="new", settings=MapSettings(method="pca", index=True)
    ),
    "import embeddings": lambda d: import_embeddings(
        d, key="new", ids=d.values("id"), vectors=np.eye(len(d)), source="a test"
    ),
}


@pytest.mark.parametrize("name", ACTS)
def test_an_action_that_fails_after_any_of_its_writes_leaves_nothing(dataset, name):
    before = state(dataset)
    tried = 0
    for where in failures(lambda: ACTS[name](dataset)):
        tried += 1
        assert state(dataset) == before, where
    assert tried > 0
    assert state(dataset) != before  # at last it went through


def test_an_undo_of_a_deletion_that_fails_can_be_repeated(dataset):
    acts.delete_segment(dataset, slug="a")
    deleted = state(dataset)
    for where in failures(lambda: restore_segment(dataset, last_deleted(dataset))):
        after = state(dataset)
        if after["deleted"] is None:  # all is back, and only what was kept for the undo could not be dropped
            assert after["segments"][0].size == 4, where
            return
        assert after == deleted, where


def test_an_update_of_a_map_that_fails_leaves_one_map_under_its_name(dataset):
    dataset.delete_samples(dataset.values("id")[:2])
    for _ in failures(lambda: update_map(dataset, key="map"), repeatable=True):
        dataset.reload()
        assert [key for key in dataset.list_brain_runs() if key != "emb"] == ["map"]
        assert len(load_map(dataset, "map").points) in (10, 12)
