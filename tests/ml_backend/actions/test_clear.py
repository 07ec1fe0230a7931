"""Parts of the explorer are cleared, deleted, and renamed one by one; what was made of them stays usable."""

from pathlib import Path

import fiftyone as fo
import lancedb
import numpy as np
import pyarrow as pa
import pytest
from labelscape.ml_backend.actions.clear import (
    clear_explorer,
    clearable,
    consequence,
    delete_embeddings,
    rename_embeddings,
    rename_map,
)
from labelscape.ml_backend.actions.embed import compute_embeddings
from labelscape.ml_backend.actions.map import MapSettings, compute_map, update_map
from labelscape.ml_backend.actions.suggest import suggest_labels
from labelscape.ml_backend.actions.undo import undo_last
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store import embeddings as embeddings_store
from labelscape.ml_backend.store.embeddings import list_embeddings, load_embeddings
from labelscape.ml_backend.store.fingerprints import read_fingerprints
from labelscape.ml_backend.store.maps import list_maps, load_map
from labelscape.ml_backend.store.settings import adopt_lancedb_uri
from labelscape.ml_backend.store.suggestions import load_settings


@pytest.fixture
def dataset(make_digits_dataset):
    """60 digits, 30 of them labeled, with embeddings, a map of them, and suggestions."""
    dataset = make_digits_dataset(60, labeled=30)
    compute_embeddings(dataset, key="emb")
    compute_map(dataset, embeddings="emb", key="flat", settings=MapSettings(method="pca"))
    suggest_labels(dataset, embeddings="emb", precision=0.8)
    dataset.reload()
    return dataset


def test_the_checklist_has_every_part_with_its_count_and_size(dataset):
    parts = {(one.kind, one.key): one for one in clearable(dataset)}
    suggested = dataset.count("suggested_label")
    assert parts["map", "flat"].count == parts["embeddings", "emb"].count == 60
    assert parts["suggestions", ""].count == suggested
    vectors = load_embeddings(dataset, "emb").vectors
    assert parts["embeddings", "emb"].size_bytes == vectors.nbytes
    assert all(one.size_bytes for one in parts.values())
    assert parts["map", "flat"].sentence().startswith("Map 'flat': 60 points, ")


def test_only_what_was_chosen_is_cleared_and_suggestions_come_back_with_undo(dataset):
    suggested = dataset.count("suggested_label")
    chosen = [one for one in clearable(dataset) if one.kind != "embeddings"]
    report = clear_explorer(dataset, chosen)
    message = "Cleared suggestions for samples and map 'flat'. “Undo” restores the suggestions."
    assert report.sentence() == message
    dataset.reload()
    assert (list_maps(dataset), list_embeddings(dataset)) == ([], ["emb"])
    assert dataset.count("suggested_label") == 0
    undo_last(dataset)
    dataset.reload()
    assert dataset.count("suggested_label") == suggested
    assert dataset.count("ground_truth") == 30


def test_a_part_that_cannot_be_cleared_is_named_and_the_others_go(dataset, monkeypatch):
    def fail(*_):
        raise Refusal("the backend is away.")

    monkeypatch.setattr(embeddings_store, "delete_embeddings", fail)
    report = clear_explorer(dataset, clearable(dataset))
    assert "Could not clear embeddings 'emb': the backend is away." in report.sentence()
    assert list_maps(dataset) == []


def test_nothing_chosen_is_refused(dataset):
    with pytest.raises(Refusal, match="Nothing is chosen"):
        clear_explorer(dataset, [])


def test_a_renamed_map_keeps_its_points_and_can_be_updated(dataset):
    before = load_map(dataset, "flat")
    rename_map(dataset, "flat", "better")
    assert list_maps(dataset) == ["better"]
    after = load_map(dataset, "better")
    assert np.array_equal(before.points, after.points)
    assert update_map(dataset, key="better").count == 60
    with pytest.raises(ValueError, match="already names a run"):
        rename_map(dataset, "better", "emb")


def test_renamed_embeddings_keep_vectors_maps_and_what_was_embedded(dataset):
    before = load_embeddings(dataset, "emb")
    marks = read_fingerprints(dataset, "emb")
    rename_embeddings(dataset, "emb", "vectors")
    after = load_embeddings(dataset, "vectors")
    assert np.array_equal(before.vectors, after.vectors)
    assert read_fingerprints(dataset, "vectors") == marks
    assert load_map(dataset, "flat").provenance.embeddings == "vectors"
    assert load_settings(dataset).embeddings == "vectors"
    assert compute_embeddings(dataset, key="vectors").embedded == 0


def test_deleting_embeddings_says_which_maps_were_made_of_them(dataset):
    assert consequence(dataset, "emb").startswith("The map 'flat' stays, but labeling neighbors")
    assert delete_embeddings(dataset, "emb") == 60
    assert list_embeddings(dataset) == []
    assert list_maps(dataset) == ["flat"]


def cut_manifests(folder, name):
    for path in (folder / f"{name}.lance").rglob("*.manifest"):
        path.write_bytes(path.read_bytes()[:20])


def put_other_table(folder, name):
    lancedb.connect(folder).create_table(name, pa.table({"word": ["x"]}), mode="overwrite")


@pytest.mark.parametrize("damage", [cut_manifests, put_other_table])
def test_damaged_embeddings_are_listed_and_can_be_deleted_like_others(dataset, damage):
    damage(Path(adopt_lancedb_uri()), dataset.get_brain_info("emb").config.table_name)
    dataset.clear_cache()
    fresh = fo.load_dataset(dataset.name, reload=True)
    listed = {(part.kind, part.key): part.sentence() for part in clearable(fresh)}
    assert listed["embeddings", "emb"] == "Embeddings 'emb': damaged, or cannot be read right now (cannot be undone)"
    assert ("map", "flat") in listed
    assert delete_embeddings(fresh, "emb") is None
    assert list_embeddings(fresh) == []
