"""A table of neighbors is computed once for the same vectors, kept on disk, and never stale."""

import numpy as np
import pytest
from labelscape.ml_backend.analysis.neighbors import knn
from labelscape.ml_backend.store.embeddings import Embeddings, Provenance
from labelscape.ml_backend.store.items import Items, as_ids
from labelscape.ml_backend.store.neighbor_tables import neighbors_of


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LABELSCAPE_DIR", str(tmp_path))
    return tmp_path / "neighbors"


def embeddings(vectors):
    ids = as_ids([f"{number:024x}" for number in range(len(vectors))])
    return Embeddings(
        "emb", Items(ids, ids, None, None), np.asarray(vectors, np.float32), Provenance("precomputed", {})
    )


def vectors(seed=0, n=30):
    return np.random.default_rng(seed).normal(size=(n, 4))


def computes():
    """A progress callback that counts: only a search reports progress."""
    messages = []
    return messages, lambda done, message: messages.append(done)


def test_the_same_vectors_are_searched_once_also_for_fewer_neighbors():
    messages, progress = computes()
    first = neighbors_of(embeddings(vectors()), k=10, progress=progress)
    searched = len(messages)

    again = neighbors_of(embeddings(vectors()), k=10, progress=progress)
    fewer = neighbors_of(embeddings(vectors()), k=3, progress=progress)

    assert searched == len(messages) > 0
    np.testing.assert_array_equal(again.indices, first.indices)
    np.testing.assert_array_equal(fewer.indices, first.indices[:, :3])
    np.testing.assert_array_equal(fewer.distances, first.distances[:, :3])
    assert again.recall == first.recall == 1


@pytest.mark.parametrize("change", ["vectors", "order", "metric", "more"])
def test_anything_else_is_searched_anew_and_right(change):
    base = vectors()
    neighbors_of(embeddings(base), k=5)
    messages, progress = computes()
    other = {"vectors": vectors(1), "order": base[::-1]}.get(change, base)
    k, metric = 8 if change == "more" else 5, "euclidean" if change == "metric" else "cosine"

    nearest = neighbors_of(embeddings(other), k=k, metric=metric, progress=progress)

    assert messages
    np.testing.assert_array_equal(nearest.indices, knn(other, k, metric=metric).indices)


def test_asking_for_more_neighbors_than_there_are_is_still_answered_from_disk():
    neighbors_of(embeddings(vectors(n=4)), k=50)
    messages, progress = computes()

    assert neighbors_of(embeddings(vectors(n=4)), k=90, progress=progress).indices.shape == (4, 3)
    assert messages == []


def test_only_the_tables_used_last_are_kept(folder):
    for seed in range(6):
        neighbors_of(embeddings(vectors(seed)), k=3)

    assert len(list(folder.iterdir())) == 4
    messages, progress = computes()
    neighbors_of(embeddings(vectors(5)), k=3, progress=progress)
    assert messages == []
