"""A map is stored where FiftyOne looks for it, says how it was made, and follows its samples."""

import fiftyone as fo
import numpy as np
import pytest
from labelscape.ml_backend.actions.embed import compute_embeddings
from labelscape.ml_backend.actions.map import MapSettings, clear_map, compute_map, update_map
from labelscape.ml_backend.store import maps
from labelscape.ml_backend.store.embeddings import (
    Provenance,
    create_embeddings,
    embeddings_status,
    load_embeddings,
    vector_table,
)
from labelscape.ml_backend.store.items import list_items
from labelscape.ml_backend.store.maps import load_map, map_status


def embed_by_hand(dataset, key="emb", patches_field=None, backend="lancedb"):
    """Embeddings of pixel sums, so that no model is needed: three clouds."""
    if not dataset.has_brain_run(key):
        provenance = Provenance("by hand", {})
        create_embeddings(dataset, key, provenance, patches_field=patches_field, backend=backend)
    items = list_items(dataset, patches_field)
    clouds = np.random.default_rng(0).normal(size=(len(items), 8)).astype(np.float32)
    clouds += np.repeat(np.eye(8, dtype=np.float32) * 20, 8, axis=0)[np.arange(len(items)) % 24]
    vector_table(dataset, key).upsert(items.ids, items.sample_ids, clouds)
    return items, clouds


@pytest.fixture
def dataset(make_digits_dataset):
    return make_digits_dataset(60)


@pytest.mark.parametrize("backend", ["lancedb", "sklearn"])
def test_vectors_come_back_in_the_order_of_the_view(dataset, backend):
    items, vectors = embed_by_hand(dataset, backend=backend)
    shuffled = dataset.shuffle(seed=3).limit(20)
    stored = load_embeddings(shuffled, "emb")
    rows = {item: row for row, item in enumerate(items.ids)}
    assert stored.items.ids.tolist() == shuffled.values("id")
    np.testing.assert_array_equal(stored.vectors, vectors[[rows[item] for item in stored.items.ids]])


@pytest.mark.parametrize("backend", ["lancedb", "sklearn"])
def test_sort_by_similarity_of_fiftyone_works_on_our_embeddings(dataset, backend):
    items, vectors = embed_by_hand(dataset, backend=backend)
    k = 5 if backend == "lancedb" else 2  # FiftyOne's sklearn backend swaps neighbors a thousandth apart
    view = dataset.sort_by_similarity(items.ids[0], k=k, brain_key="emb")
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = items.ids[np.argsort(-unit @ unit[0])[:k]]
    assert view.values("id") == expected.tolist()


@pytest.mark.parametrize("method", ["umap", "tsne", "pca"])
@pytest.mark.parametrize("dims", [2, 3])
def test_a_map_of_each_kind_is_a_visualization_run_with_its_provenance(dataset, method, dims):
    embed_by_hand(dataset)
    report = compute_map(dataset, embeddings="emb", key="map", settings=MapSettings(method=method, dims=dims))
    results = fo.load_dataset(dataset.name).load_brain_results("map")
    assert results.config.cls.startswith("fiftyone.brain.visualization.")
    assert results.points.shape == (60, dims)
    assert list(results.sample_ids) == dataset.values("id")
    stored = load_map(dataset, "map").provenance
    assert (stored.embeddings, stored.method, stored.dims, stored.count) == ("emb", method, dims, 60)
    assert 0.8 < stored.trustworthiness <= 1
    assert f"{60} samples" in report.sentence()
    assert not dataset.has_sample_field("map")
    clear_map(dataset, key="map")
    assert not dataset.has_brain_run("map")
    assert not dataset.has_sample_field("map")


def test_the_same_seed_gives_the_same_map(dataset):
    embed_by_hand(dataset)
    for key in ("one", "two"):
        compute_map(dataset, embeddings="emb", key=key, settings=MapSettings(seed=5))
    np.testing.assert_array_equal(load_map(dataset, "one").points, load_map(dataset, "two").points)


def test_new_samples_get_a_place_and_deleted_ones_leave_while_the_others_stay(dataset):
    embed_by_hand(dataset)
    compute_map(dataset, embeddings="emb", key="map")
    before = load_map(dataset, "map")
    ids = dataset.values("id")
    dataset.delete_samples(ids[:2])
    dataset.add_samples([fo.Sample(filepath=dataset.first().filepath) for _ in range(3)])
    embed_by_hand(dataset)
    status = map_status(dataset, "map")
    assert (status.missing, status.removed) == (3, 2)
    assert "3 samples are not on this map" in status.sentence()
    assert embeddings_status(dataset, "emb").orphaned == 2
    report = update_map(dataset, key="map")
    assert (report.placed, report.removed, report.count) == (3, 2, 61)
    after = load_map(dataset, "map")
    np.testing.assert_array_equal(after.points[:58], before.points[2:])
    assert not map_status(dataset, "map").stale
    low, high = before.points.min(0), before.points.max(0)
    assert ((after.points[58:] >= low) & (after.points[58:] <= high)).all()


def update_killed_after(dataset, monkeypatch, name):
    """An update of the map that ends right after one of its steps, as if the process was killed."""
    step = getattr(maps, name)

    def killed(*args, **options):
        step(*args, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(maps, name, killed)
        with pytest.raises(KeyboardInterrupt):
            update_map(dataset, key="map")
    return fo.load_dataset(dataset.name, reload=True)


@pytest.mark.parametrize("step", ["save_map", "delete_map"])
def test_an_update_that_is_killed_never_loses_the_map(dataset, monkeypatch, step):
    embed_by_hand(dataset)
    compute_map(dataset, embeddings="emb", key="map")
    before = load_map(dataset, "map").points
    dataset.delete_samples(dataset.values("id")[:2])
    dataset = update_killed_after(dataset, monkeypatch, step)
    left = [key for key in ("map", "map_updating") if dataset.has_brain_run(key)]
    assert left
    np.testing.assert_array_equal(load_map(dataset, left[0]).points[-58:], before[2:])
    if step == "save_map":
        update_map(dataset, key="map")
        assert dataset.list_brain_runs(type="visualization") == ["map"]
        assert not dataset.has_sample_field("map_updating")
        assert not map_status(dataset, "map").stale


def test_a_map_changes_no_sample_unless_the_spatial_index_is_wanted(dataset):
    embed_by_hand(dataset)
    before = dataset.values("last_modified_at"), set(dataset.get_field_schema())
    compute_map(dataset, embeddings="emb", key="map")
    dataset.reload()
    assert (dataset.values("last_modified_at"), set(dataset.get_field_schema())) == before
    compute_map(dataset, embeddings="emb", key="indexed", settings=MapSettings(index=True))
    assert dataset.has_sample_field("indexed")
    clear_map(dataset, key="indexed")
    assert not dataset.has_sample_field("indexed")


def test_an_updated_map_keeps_its_spatial_index(dataset):
    embed_by_hand(dataset)
    compute_map(dataset, embeddings="emb", key="map", settings=MapSettings(index=True))
    dataset.delete_samples(dataset.values("id")[:2])
    update_map(dataset, key="map")
    stored = fo.load_dataset(dataset.name, reload=True)
    assert stored.load_brain_results("map").config.points_field == "map"
    assert stored.values("map") == [list(map(float, point)) for point in load_map(stored, "map").points]
    assert {"map", "map_updating"} & set(stored.get_index_information()) == {"map"}


def test_a_map_of_a_view_is_not_stale_because_of_samples_outside_it(dataset):
    embed_by_hand(dataset)
    view = dataset.match(fo.ViewField("true_digit").is_in(["0", "1", "2"]))
    compute_map(view, embeddings="emb", key="map")
    assert not map_status(dataset, "map").stale
    assert load_map(dataset, "map").items.ids.tolist() == view.values("id")


def test_a_map_of_patches_shows_the_objects(make_digits_dataset):
    dataset = make_digits_dataset(10)
    for sample in dataset.iter_samples(autosave=True):
        sample["parts"] = fo.Detections(
            detections=[fo.Detection(label="a", bounding_box=[0.1 * n, 0, 0.5, 0.5]) for n in range(3)]
        )
    items, _ = embed_by_hand(dataset, patches_field="parts")
    compute_map(dataset, embeddings="emb", key="map", settings=MapSettings(method="pca"))
    results = fo.load_dataset(dataset.name).load_brain_results("map")
    assert results.config.patches_field == "parts"
    assert sorted(results.label_ids) == sorted(items.ids.tolist())
    assert load_map(dataset, "map").items.noun == "patch"


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_handful_of_samples_still_gets_a_map(make_digits_dataset, count):
    dataset = make_digits_dataset(count)
    embed_by_hand(dataset)
    assert compute_map(dataset, embeddings="emb", key="map").count == count


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"embeddings": "nothing"}, "does not name embeddings.*emb"),
        ({"key": "not a name"}, "cannot be a name"),
        ({"key": "emb"}, "already names a run"),
        ({"settings": MapSettings(method="magic")}, "umap.*magic"),
        ({"settings": MapSettings(dims=4)}, "2 or 3"),
    ],
)
def test_a_wrong_parameter_is_an_error_that_names_the_fix(dataset, change, message):
    embed_by_hand(dataset)
    with pytest.raises(ValueError, match=message):
        compute_map(dataset, **{"embeddings": "emb", "key": "map", **change})
    assert not dataset.has_brain_run("map")


def test_a_stopped_map_leaves_nothing_behind(dataset):
    embed_by_hand(dataset)

    def stop(fraction, message):
        if fraction > 0.4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compute_map(dataset, embeddings="emb", key="map", progress=stop)
    assert not dataset.has_brain_run("map")


def test_a_map_by_landmarks_shows_everything_and_its_update_moves_nothing(make_digits_dataset):
    dataset = make_digits_dataset(400)
    compute_embeddings(dataset.limit(360), key="emb")
    report = compute_map(dataset, embeddings="emb", key="map", settings=MapSettings(landmarks=120))
    assert (report.count, report.landmarks) == (360, 120)
    assert report.sentence().startswith(
        "The map 'map' (UMAP, 2D) shows 360 samples: 120 landmarks laid out, the others"
    )
    assert report.trustworthiness > 0.8
    before = load_map(dataset, "map")
    compute_embeddings(dataset, key="emb")
    assert update_map(dataset, key="map").placed == 40
    after = load_map(dataset, "map")
    rows = [after.items.ids.tolist().index(item) for item in before.items.ids.tolist()]
    np.testing.assert_array_equal(after.points[rows], before.points)
    assert len(after.points) == 400
