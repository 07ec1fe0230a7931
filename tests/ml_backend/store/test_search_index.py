"""Large embeddings are searched by an index, whose recall is measured and reported."""

import numpy as np
import pytest
from labelscape.ml_backend.actions import search as search_action
from labelscape.ml_backend.actions.embed import import_embeddings
from labelscape.ml_backend.actions.search import Scope, search
from labelscape.ml_backend.store import search_index
from labelscape.ml_backend.store.embeddings import delete_embeddings
from labelscape.ml_backend.store.search_index import index_large_table, open_large_table
from labelscape.ml_backend.store.search_tables import open_search_table
from labelscape.ml_backend.store.searches import Query


@pytest.fixture
def dataset(make_digits_dataset, monkeypatch, backend):
    monkeypatch.setattr(search_index, "EXACT_UP_TO", 1000)
    monkeypatch.setattr(search_index, "PER_PARTITION", 100)
    dataset = make_digits_dataset(1500)
    import_vectors(dataset)
    return dataset


def import_vectors(dataset):
    random = np.random.default_rng(0)
    vectors = random.normal(size=(30, 32))[random.integers(0, 30, 1500)] + 0.5 * random.normal(size=(1500, 32))
    import_embeddings(dataset, key="emb", ids=dataset.values("id"), vectors=vectors, source="a test")


def test_an_index_finds_what_an_exact_search_finds(dataset, monkeypatch):
    quality = index_large_table(dataset, "emb")
    assert quality.recall >= 0.95
    query = Query("emb", tuple(dataset.limit(3).values("id")), tuple(dataset.skip(50).limit(1).values("id")))
    by_index = search(Scope(dataset), query, limit=30)
    assert by_index.recall == quality.recall
    assert by_index.total == 1496
    monkeypatch.setattr(search_action, "open_large_table", lambda dataset, key: None)
    exact = search(Scope(dataset), query, limit=30)
    assert exact.recall == 1
    assert len(set(by_index.ids) & set(exact.ids)) >= 28
    scores = {hit.id: hit.score for hit in exact.hits}
    assert all(abs(hit.score - scores[hit.id]) < 1e-4 for hit in by_index.hits if hit.id in scores)
    assert not set(by_index.ids) & {*query.positives, *query.negatives}


def test_a_view_a_threshold_and_unlabeled_are_searched_exactly(dataset):
    index_large_table(dataset, "emb")
    query = Query("emb", tuple(dataset.limit(3).values("id")))
    assert search(Scope(dataset.limit(500)), query, limit=5).recall == 1
    assert search(Scope(dataset), query, limit=None, threshold=0.7).recall == 1


def test_few_vectors_need_no_index_and_vectors_recreated_need_a_new_one(dataset, monkeypatch):
    index_large_table(dataset, "emb")
    assert open_large_table(dataset, "emb") is not None
    delete_embeddings(dataset, "emb")
    import_vectors(dataset)
    assert open_large_table(dataset, "emb") is None
    monkeypatch.setattr(search_index, "EXACT_UP_TO", 100_000)
    assert index_large_table(dataset, "emb") is None


def test_vectors_are_read_by_id_in_the_order_asked_for(dataset):
    index_large_table(dataset, "emb")
    ids = dataset.values("id")[10:40][::-1]
    large, table = open_large_table(dataset, "emb"), open_search_table(dataset, "emb")
    np.testing.assert_allclose(
        large.vectors_of(ids, role="examples"), table.vectors_of(ids, role="examples"), atol=1e-6
    )
