"""The search compares all pairs, or within neighboring cells with a recall that it measures."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.analysis.neighbor_search import search_all, search_cells, searchable
from labelscape.ml_backend.progress import no_progress

metrics = pytest.mark.parametrize("metric", ["cosine", "euclidean"])


def clustered(n, dim, latent=4):
    rng = np.random.default_rng(0)
    centers = 4 * rng.normal(size=(60, latent))
    inside = centers[rng.integers(60, size=n)] + rng.normal(size=(n, latent))
    return (inside @ rng.normal(size=(latent, dim))).astype(np.float32)


def in_cells(vectors, k, *, recall=0.985, seed=0, progress=no_progress):
    (table,) = searchable(vectors, metric="cosine")
    return search_cells(table, k, recall=recall, seed=seed, progress=progress)


def exact(vectors, k, metric="cosine"):
    (table,) = searchable(vectors, metric=metric)
    return search_all(table, table, k, same=True, progress=no_progress)


@pytest.fixture(scope="module")
def many():
    """2,000 vectors in 60 clusters, their 10 exact neighbors, and what the cells find."""
    vectors = clustered(2000, 16)
    return vectors, exact(vectors, 10), in_cells(vectors, 10)


def test_the_recall_measured_is_the_recall_there_is(many):
    _, (truth, _), ((indices, _), recall) = many

    there_is = (indices[:, :, None] == truth[:, None, :]).any(axis=1).mean()
    assert 0.97 < recall < 1.0
    assert recall == pytest.approx(there_is, abs=0.01)


def test_what_cells_find_is_at_its_exact_distance_nearest_first_and_never_the_row_itself(many):
    vectors, _, ((indices, distances), _) = many
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    np.testing.assert_allclose(distances, 1 - np.einsum("nd,nkd->nk", unit, unit[indices]), atol=1e-5)
    assert (np.diff(distances, axis=1) >= 0).all()
    assert not (indices == np.arange(2000)[:, None]).any()
    assert all(len(set(row)) == 10 for row in indices.tolist())


@pytest.mark.parametrize("kind", ["constant", "noise"])
def test_vectors_without_cells_are_left_to_the_search_of_all_pairs(kind):
    vectors = np.ones((2000, 4)) if kind == "constant" else np.random.default_rng(0).normal(size=(2000, 64))

    assert in_cells(vectors.astype(np.float32), 5) is None


def test_progress_of_cells_reaches_the_end_and_never_falls():
    told = []

    in_cells(clustered(2000, 8), 5, progress=lambda done, message: told.append((done, message)))

    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (1.0, "Neighbors of 2,000 of 2,000")


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

    asked, table = searchable(queries, vectors, metric=metric)
    indices, distances = search_all(asked, table, 3, same=False, progress=no_progress)

    assert indices[1, 0] == 7
    assert distances[1, 0] == 0
    length = np.linalg.norm(vectors, axis=1)
    np.testing.assert_allclose(distances[0], np.sort(length)[:3] if metric == "euclidean" else 1, atol=1e-5)
