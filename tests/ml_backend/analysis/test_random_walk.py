"""Random walks from some rows: what they reach, and in which order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.analysis.neighbors import knn
from labelscape.ml_backend.analysis.random_walk import walk


@pytest.fixture(scope="module")
def clusters():
    """Three clusters of 40 rows in different directions, and their neighbors."""
    random = np.random.default_rng(0)
    vectors = np.concatenate([random.normal(10 * direction, 0.2, (40, 4)) for direction in np.eye(4)[:3]])
    return knn(vectors.astype(np.float32), 8)


def test_a_walk_stays_in_its_cluster_and_leaves_out_its_starts(clusters):
    rows, mass = walk(clusters, np.array([3, 5]))
    assert set(rows.tolist()) == set(range(40)) - {3, 5}
    assert (mass > 0).all()
    assert (np.diff(mass) <= 0).all()


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 119), min_size=1, max_size=6, unique=True), st.integers(1, 130))
def test_a_bounded_walk_stays_among_so_many_rows(clusters, starts, near):
    rows, mass = walk(clusters, np.array(starts), near=near)
    assert len(rows) == len(mass) == len(set(rows.tolist()))
    assert not set(rows.tolist()) & set(starts)
    assert len(rows) <= max(near - len(starts), 0) or near >= 120


def test_a_sample_without_neighbors_reaches_none():
    rows, mass = walk(knn(np.ones((1, 4), np.float32), 8), np.array([0]))
    assert (len(rows), len(mass)) == (0, 0)


def test_exact_copies_of_the_start_come_first():
    random = np.random.default_rng(1)
    vectors = random.normal(size=(60, 4)).astype(np.float32)
    vectors[[7, 21, 50]] = vectors[2]
    rows, _ = walk(knn(vectors, 15), np.array([2]))
    assert set(rows[:3].tolist()) == {7, 21, 50}
