"""Maps by landmarks: a sample of the data that keeps its shape, and everything else placed among it."""

import numpy as np
import pytest
from labelscape.ml_backend.analysis import neighbors as neighbors_module
from labelscape.ml_backend.analysis.landmarks import choose_landmarks, place_among_landmarks
from labelscape.ml_backend.analysis.map_quality import map_quality
from labelscape.ml_backend.analysis.neighbors import NeighborFinder, neighbors_of
from labelscape.ml_backend.analysis.projection import project


@pytest.fixture(scope="module")
def data():
    """4,000 vectors: a crowd of 2,000 near copies, and 20 groups of 100."""
    random = np.random.default_rng(0)
    centers = random.normal(size=(21, 24))
    groups = np.r_[np.zeros(2000, int), np.repeat(np.arange(1, 21), 100)]
    noise = np.where(groups == 0, 0.001, 0.3)[:, None] * random.normal(size=(len(groups), 24))
    return (centers[groups] + noise).astype(np.float32), groups


def in_batches(vectors, size=700):
    rows = np.random.default_rng(1).permutation(len(vectors))
    return lambda: ((some, vectors[some]) for some in np.split(rows, range(size, len(rows), size)))


def test_landmarks_thin_out_a_crowd_and_keep_the_shape_of_the_rest(data):
    vectors, groups = data
    chosen = choose_landmarks(in_batches(vectors), len(vectors), 800)
    assert len(chosen) == len(np.unique(chosen)) == 800
    shares = np.bincount(groups[chosen], minlength=21) / np.bincount(groups)
    assert shares[0] < 0.1
    assert shares[1:].min() > 0.2
    assert np.array_equal(chosen, choose_landmarks(in_batches(vectors), len(vectors), 800))


def test_few_vectors_are_all_landmarks(data):
    vectors, _ = data
    assert choose_landmarks(in_batches(vectors), len(vectors), 10_000).tolist() == list(range(len(vectors)))


def test_a_map_by_landmarks_is_nearly_as_good_as_one_of_everything(data):
    vectors, groups = data
    landmarks = choose_landmarks(in_batches(vectors), len(vectors), 1500)
    points = project(vectors[landmarks], seed=0)
    placed = place_among_landmarks(in_batches(vectors), len(vectors), landmarks, vectors[landmarks], points)
    np.testing.assert_array_equal(placed[landmarks], points)
    assert np.isfinite(placed).all()
    whole, part = map_quality(vectors, project(vectors, seed=0)), map_quality(vectors, placed)
    assert part.trustworthiness > whole.trustworthiness - 0.03
    near = neighbors_of(placed, placed, 6, metric="euclidean").indices[:, 1:]
    assert (groups[near] == groups[:, None]).mean() > 0.95


def test_neighbors_by_cells_are_nearly_the_exact_ones(data, monkeypatch):
    monkeypatch.setattr(neighbors_module, "EXACT_UP_TO", 1000)
    vectors = data[0][2000:]
    queries, table = vectors[::10] + 0.01, np.delete(vectors, slice(0, None, 10), axis=0)
    finder = NeighborFinder(table, 10)
    exact = neighbors_of(queries, table, 10).indices
    nearest = finder.find(queries)
    shares = [len(set(a) & set(b)) / 10 for a, b in zip(nearest.indices, exact, strict=True)]
    assert np.mean(shares) > 0.95
    assert nearest.recall == pytest.approx(np.mean(shares), abs=0.03)
    messages = []
    finder.find(queries, progress=lambda done, message: messages.append(done))
    assert messages == sorted(messages)
    assert messages[-1] == 1


def test_neighbors_among_vectors_of_which_one_is_zero_are_found(monkeypatch):
    monkeypatch.setattr(neighbors_module, "EXACT_UP_TO", 500)
    table = np.random.default_rng(0).normal(size=(800, 6)).astype(np.float32)
    table[3] = 0
    nearest = NeighborFinder(table, 5).find(table[10:20])
    assert nearest.indices[:, 0].tolist() == list(range(10, 20))
