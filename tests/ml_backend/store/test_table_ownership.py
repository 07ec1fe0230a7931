"""Every dataset has its own tables, and none is left behind."""

import fiftyone as fo
import lancedb
import numpy as np
import pytest
from labelscape.ml_backend.store.backends import BACKENDS
from labelscape.ml_backend.store.embeddings import (
    Provenance,
    create_embeddings,
    delete_embeddings,
    load_embeddings,
    table_to_write,
    vector_table,
)
from labelscape.ml_backend.store.items import list_items
from labelscape.ml_backend.store.settings import adopt_lancedb_uri
from labelscape.ml_backend.store.table_ownership import drop_abandoned_tables


def embed(dataset, key="emb"):
    create_embeddings(dataset, key, Provenance("by hand", {}))
    items = list_items(dataset)
    table_to_write(dataset, key).upsert(items.ids, items.sample_ids, np.eye(len(items), dtype=np.float32))


def tables(backend="lancedb"):
    return set(BACKENDS[backend].tables().names())


@pytest.fixture
def dataset(make_digits_dataset, backend):
    dataset = make_digits_dataset(6)
    embed(dataset)
    return dataset


@pytest.mark.parametrize("first", ["original", "clone"])
def test_whoever_writes_first_the_other_keeps_its_vectors(dataset, first):
    clone = dataset.clone(persistent=True)
    writer, reader = (dataset, clone) if first == "original" else (clone, dataset)
    table_to_write(writer, "emb").remove(np.asarray(writer.values("id")[:2]))
    reader.clear_cache()
    assert (len(vector_table(writer, "emb").ids()), len(vector_table(reader, "emb").ids())) == (4, 6)
    clone.delete()


@pytest.mark.parametrize("first", ["original", "clone"])
def test_deleting_embeddings_or_the_dataset_leaves_those_of_the_other(dataset, first, backend):
    clone = dataset.clone(persistent=True)
    leaver, stayer = (dataset, clone) if first == "original" else (clone, dataset)
    delete_embeddings(leaver, "emb")
    leaver.delete()
    drop_abandoned_tables(backend)
    stayer.clear_cache()
    assert len(load_embeddings(fo.load_dataset(stayer.name, reload=True), "emb").vectors) == 6
    if stayer is clone:
        clone.delete()


def test_a_deleted_dataset_leaves_no_table_and_a_renamed_one_keeps_its_own(make_digits_dataset, backend):
    kept, gone = make_digits_dataset(3), make_digits_dataset(4)
    before = tables(backend)
    embed(kept)
    embed(gone)
    name = kept.name
    kept.name = f"{name}-renamed"
    gone.delete()
    drop_abandoned_tables(backend)
    assert len(tables(backend) - before) == 1
    assert len(load_embeddings(kept, "emb").vectors) == 3
    kept.name = name


def test_tables_of_another_database_in_the_same_folder_are_never_dropped():
    database = lancedb.connect(adopt_lancedb_uri())
    foreign = f"labelscape-00000000-{'0' * 24}-abc"
    database.create_table(foreign, [{"id": "a"}])
    drop_abandoned_tables()
    assert foreign in tables()
    database.drop_table(foreign)
