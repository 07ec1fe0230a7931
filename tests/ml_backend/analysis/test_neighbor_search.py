"""The exact search compares all pairs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.analysis.neighbor_search import search_all, searchable
from labelscape.ml_backend.progress import no_progress

metrics = pytest.mark.parametrize("metric", ["cosine", "euclidean"])


def exact(vectors, k, metric="cosine"):
    (table,) = searchable(vectors, metric=metric)
    return search_all(table, table, k, same=True, progress=no_progress)


@metrics
@settings(deadline=None, max_examples=50)
@given(n=st.integers(2, 40), k=st.integers(1, 5), seed=st.integers(0, 99), offset=st.sampled_from([0, 1000]))
def test_all_pairs_give_the_nearest_others_with_their_distances(metric, n, k, seed, offset):
    k = min(k, n - 1)
    vectors = (np.random.default_rng(seed).normal(size=(n, 5)) + (offset if metric == "euclidean" else 0)).astype(
        np.float32
    )

    indices, distances = exact(vectors, k, metric)

    double = vectors.astype(np.float64)
    if metric == "cosine":
        double /= np.linalg.norm(double, axis=1, keepdims=True)
    apart = np.linalg.norm(double[:, None] - double[None], axis=2)
    apart = apart**2 / 2 if metric == "cosine" else apart
    np.fill_diagonal(apart, np.inf)
    np.testing.assert_allclose(distances, np.sort(apart, axis=1)[:, :k], atol=1e-3)
    np.testing.assert_allclose(apart[np.arange(n)[:, None], indices], distances, atol=1e-3)


def test_under_cosine_a_zero_vector_is_orthogonal_to_all_others_and_equal_to_other_zeros():
    vectors = np.array([[0, 0], [1, 0], [-1, 0], [0, 0]], np.float32)

    indices, distances = exact(vectors, 3)

    assert indices[0].tolist() == [3, 1, 2]
    np.testing.assert_allclose(distances[0], [0, 1, 1])
    np.testing.assert_allclose(distances[1], [1, 1, 2])


@metrics
def test_tables_searched_together_share_one_space(metric):
    random = np.random.default_rng(0)
    vectors, queries = random.normal(size=(50, 4)).astype(np.float32), np.zeros((1, 4), np.float32)
    queries = np.concatenate([queries, vectors[7:8]])

    searched, table = searchable(queries, vectors, metric=metric)
    indices, distances = search_all(searched, table, 3, same=False, progress=no_progress)

    assert indices[1, 0] == 7
    assert distances[1, 0] == 0
    length = np.linalg.norm(vectors, axis=1)
    np.testing.assert_allclose(distances[0], np.sort(length)[:3] if metric == "euclidean" else 1, atol=1e-5)
