import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.analysis.groups_apart import group_gaps


def cloud_and_group(seed, n=400, size=40, d=12, away=1.0):
    """A wide cloud of directions, and a tight group in another one."""
    random = np.random.default_rng(seed)
    cloud = random.normal(size=(n, d)) * 0.15 + np.eye(d)[0]
    group = random.normal(size=(size, d)) * 0.01 + np.eye(d)[0] - away * np.eye(d)[1] * 3
    return np.concatenate((cloud, group)).astype(np.float32)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), size=st.integers(2, 50))
def test_every_member_of_a_group_apart_joins_later_than_nearly_all_others(seed, size):
    for gaps in group_gaps(cloud_and_group(seed, size=size)):
        assert gaps[400:].min() >= np.quantile(gaps[:400], 0.95)
        assert len(np.unique(gaps[400:])) == 1


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), scale=st.floats(0.01, 100))
def test_neither_order_nor_length_of_the_vectors_matters(seed, scale):
    vectors = np.random.default_rng(seed).normal(size=(150, 4)).astype(np.float32)
    order = np.random.default_rng(seed).permutation(150)
    for straight, shuffled in zip(group_gaps(vectors), group_gaps(np.float32(scale) * vectors[order]), strict=True):
        np.testing.assert_allclose(shuffled, straight[order], atol=1e-4)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(1, 60))
def test_gaps_are_distances_of_directions_and_single_linkage_joins_first(seed, n):
    single, average = group_gaps(np.random.default_rng(seed).normal(size=(n, 3)))
    assert single.shape == average.shape == (n,)
    assert single.dtype == np.float32
    assert (single >= 0).all()
    assert average.max() <= 2 + 1e-6
    assert single.max() <= average.max() + 1e-6


def test_a_part_of_more_than_an_eighth_of_the_data_is_no_group():
    vectors = cloud_and_group(0, n=400, size=100)
    single, _ = group_gaps(vectors)
    assert single[400:].max() <= np.median(single[:400])


def test_many_samples_go_with_the_landmark_nearest_to_them():
    single, average = group_gaps(cloud_and_group(0, n=5000, size=300))
    assert single[5000:].min() > np.quantile(single[:5000], 0.99)
    assert average[5000:].min() > np.quantile(average[:5000], 0.95)


@pytest.mark.parametrize("n", [0, 1, 50])
def test_identical_vectors_lie_together(n):
    for gaps in group_gaps(np.ones((n, 3))):
        np.testing.assert_array_equal(gaps, np.zeros(n))
