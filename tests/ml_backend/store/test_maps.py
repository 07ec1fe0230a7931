"""Maps are stored as runs that FiftyOne draws, are replaced as a whole, and report when they are stale."""

import fiftyone as fo
import numpy as np
import pytest
from labelscape.ml_backend.actions.embed import import_embeddings
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store.items import list_items
from labelscape.ml_backend.store.maps import (
    MapProvenance,
    MapStatus,
    delete_map,
    follow_renamed_embeddings,
    list_maps,
    load_map,
    map_size,
    map_status,
    provenance_of_map,
    rename_map,
    replace_map,
    save_map,
)


def provenance(count):
    return MapProvenance("emb", "umap", 2, {"n_neighbors": 15}, count, trustworthiness=0.9)


@pytest.fixture
def dataset(make_digits_dataset):
    dataset = make_digits_dataset(6)
    ids = dataset.values("id")
    import_embeddings(dataset, key="emb", ids=ids, vectors=np.eye(6), source="test")
    return dataset


@pytest.fixture
def points():
    return np.random.default_rng(0).normal(size=(6, 2)).astype(np.float32)


def save(samples, key, points, **more):
    save_map(samples, key, list_items(samples, None), points, provenance(len(points)), **more)


def test_a_map_is_read_back_with_its_points_and_how_it_was_made(dataset, points):
    save(dataset, "map", points)

    loaded = load_map(dataset, "map")

    by_id = dict(zip(loaded.items.ids.tolist(), loaded.points.tolist(), strict=True))
    assert [by_id[item] for item in dataset.values("id")] == points.tolist()
    assert (loaded.provenance.method, loaded.provenance.parameters) == ("umap", {"n_neighbors": 15})
    assert loaded.provenance == provenance_of_map(dataset, "map")
    assert map_size(dataset, "map")[0] == 6
    assert list_maps(dataset) == ["map"]


def test_an_unknown_map_is_refused_with_those_there_are(dataset, points):
    with pytest.raises(Refusal, match="'other' does not name a map of this dataset; there are: none yet"):
        load_map(dataset, "other")
    save(dataset, "map", points)
    with pytest.raises(Refusal, match="there are: map"):
        delete_map(dataset, "other")


def test_deleted_and_new_samples_make_a_map_stale(dataset, points):
    save(dataset.limit(5), "part", points[:5])
    save(dataset, "map", points)
    assert not map_status(dataset, "map").stale

    dataset.delete_samples(dataset.values("id")[:1])

    status = map_status(dataset, "map")
    assert (status.placed, status.missing, status.removed, status.stale) == (6, 0, 1, True)
    replace_map(dataset, "map", list_items(dataset, None).take(np.arange(3)), points[:3], 0)
    assert map_status(dataset, "map").missing == 2  # they have vectors and no points


def test_a_replaced_map_keeps_its_name_and_records_what_was_placed_later(dataset, points):
    save(dataset, "map", points, index=True)

    replace_map(dataset, "map", list_items(dataset, None), points[::-1], 4)

    loaded = load_map(dataset, "map")
    assert loaded.points[0].tolist() == points[-1].tolist()
    assert (loaded.provenance.placed_later, loaded.provenance.method) == (4, "umap")
    assert list_maps(dataset) == ["map"]


def test_a_renamed_or_deleted_map_leaves_nothing_under_the_old_name(dataset, points):
    save(dataset, "map", points, index=True)
    fields = set(dataset.get_field_schema())

    rename_map(dataset, "map", "chart")
    assert list_maps(dataset) == ["chart"]
    assert load_map(dataset, "chart").points.tolist() == points.tolist()
    delete_map(dataset, "chart")

    assert list_maps(dataset) == []
    assert len(fields - set(dataset.get_field_schema())) == 1  # that of the spatial index


def test_maps_follow_renamed_embeddings(dataset, points):
    save(dataset, "map", points)

    follow_renamed_embeddings(dataset, "emb", "vectors")

    assert provenance_of_map(dataset, "map").embeddings == "vectors"
    fo.load_dataset(dataset.name).reload()
    assert load_map(dataset, "map").provenance.embeddings == "vectors"


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (MapStatus("m", 1200, 0, 0, "sample"), "The map 'm' shows all 1,200 samples."),
        (
            MapStatus("m", 3, 1, 0, "sample"),
            "Stale: 1 sample is not on this map. Run “Compute map” with “update” on 'm' to update it.",
        ),
        (
            MapStatus("m", 3, 2, 1, "patch"),
            "Stale: 2 patches are not on this map and 1 point belongs to patches that no longer exist. Run “Compute "
            "map” with “update” on 'm' to update it.",
        ),
    ],
)
def test_the_status_is_reported_with_the_fix(status, sentence):
    assert status.sentence() == sentence
