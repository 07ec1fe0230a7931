"""UMAP's graph weighs neighbors by smooth distances, and its layout does not depend on threads."""

import numpy as np
import pytest
from labelscape.ml_backend.analysis.neighbors import knn
from labelscape.ml_backend.analysis.umap_layout import fuzzy_graph, layout
from labelscape.ml_backend.progress import no_progress
from sklearn.datasets import load_digits


def drawn(vectors, *, dims=2, seed=0, min_dist=0.1, neighbors=None):
    table = neighbors or knn(vectors, 15)
    start = np.random.default_rng(0).normal(size=(len(vectors), dims)).astype(np.float32)
    return layout(table.indices, table.distances, start, min_dist=min_dist, seed=seed, progress=no_progress)


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    return data.data[:300].astype(np.float32), data.target[:300]


@pytest.mark.parametrize("k", [3, 8, 20])
def test_memberships_of_a_samples_neighbors_fall_with_distance_and_sum_to_log2_of_their_number(k):
    random = np.random.default_rng(k)
    n = 2 * k + 2
    # Nobody has sample 0 as a neighbor, so its edges are its own memberships.
    indices = np.array([random.permutation(np.delete(np.arange(1, n), row - 1))[:k] for row in range(1, n)])
    indices = np.concatenate([[np.arange(1, k + 1)], indices]).astype(np.int32)
    indices[1 : k + 1] = np.arange(k + 1, 2 * k + 1)
    distances = np.sort(random.random((n, k)).astype(np.float32) + 0.2, axis=1)

    memberships = fuzzy_graph(indices, distances).toarray()[0, 1 : k + 1]

    assert memberships.sum() == pytest.approx(np.log2(k), abs=1e-3)
    assert (np.diff(memberships) <= 0).all()
    assert memberships[0] == 1


def test_the_graph_is_symmetric_with_a_full_edge_to_every_nearest_neighbor(digits):
    table = knn(digits[0], 10)

    graph = fuzzy_graph(table.indices, table.distances).toarray()

    np.testing.assert_allclose(graph, graph.T, atol=1e-6)
    assert graph.min() >= 0
    assert graph.max() <= 1 + 1e-6
    np.testing.assert_allclose(graph[np.arange(300), table.indices[:, 0]], 1, atol=1e-5)


def test_duplicates_and_equal_distances_give_finite_weights():
    indices = np.array([[1, 2], [0, 2], [0, 1]], np.int32)

    for distance in (0.0, 1.0, 1e-20, 1e12):
        weights = fuzzy_graph(indices, np.full((3, 2), distance, np.float32)).data
        assert np.isfinite(weights).all()
        assert (weights > 0).all()


@pytest.mark.parametrize("dims", [2, 3])
def test_samples_lie_among_their_class(dims, digits):
    vectors, truth = digits

    points = drawn(vectors, dims=dims)

    assert points.shape == (300, dims)
    assert (truth[knn(points, 5, metric="euclidean").indices] == truth[:, None]).mean() > 0.85


@pytest.mark.parametrize("cores", [1, 7])
def test_the_map_does_not_depend_on_the_number_of_cores(cores, digits, monkeypatch):
    expected = drawn(digits[0][:100])
    monkeypatch.setattr("os.cpu_count", lambda: cores)

    np.testing.assert_array_equal(drawn(digits[0][:100]), expected)


def test_the_seed_decides_the_map(digits):
    vectors = digits[0][:100]

    np.testing.assert_array_equal(drawn(vectors, seed=1), drawn(vectors, seed=1))
    assert not np.array_equal(drawn(vectors, seed=1), drawn(vectors, seed=2))


def test_a_larger_minimum_distance_keeps_points_apart(digits):
    vectors = digits[0]

    nearest = [np.median(knn(drawn(vectors, min_dist=d), 1, metric="euclidean").distances) for d in (0.0, 0.8)]

    assert nearest[1] > 2 * nearest[0]


def test_progress_counts_every_round_up_to_the_end(digits):
    messages = []
    table = knn(digits[0][:20], 5)
    start = np.zeros((20, 2), np.float32) + np.arange(20)[:, None]

    layout(table.indices, table.distances, start, min_dist=0.1, seed=0, progress=lambda *now: messages.append(now))

    assert [done for done, _ in messages] == sorted(done for done, _ in messages)
    assert messages[-1] == (1.0, "Layout, round 500 of 500")
