"""Clusters."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.analysis.clusters import cluster


@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 60), count=st.none() | st.integers(1, 8), seed=st.integers(0, 3))
def test_every_sample_is_in_one_cluster_and_the_first_is_the_largest(n: int, count: int | None, seed: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(n, 5)).astype(np.float32)
    groups = cluster(vectors, count=count, seed=seed)
    sizes = np.bincount(groups)
    assert groups.shape == (n,)
    assert len(sizes) <= (count or n)
    assert (np.diff(sizes) <= 0).all()
    assert np.array_equal(groups, cluster(vectors, count=count, seed=seed))


def test_what_points_the_same_way_is_one_cluster_whatever_its_length() -> None:
    random = np.random.default_rng(0)
    centers = np.eye(3, 8)[np.repeat([0, 1, 2], [50, 30, 20])]
    vectors = (centers + random.normal(0, 0.02, centers.shape)) * random.uniform(0.1, 10, (100, 1))
    assert cluster(vectors, count=3).tolist() == [0] * 50 + [1] * 30 + [2] * 20


def test_a_table_with_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        cluster(np.full((3, 2), np.nan))
