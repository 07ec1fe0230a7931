"""Coordinates along the axes of largest variance equal those of a full decomposition, whichever way is cheaper."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.analysis.principal_axes import pca
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA


@pytest.fixture(scope="module")
def digits():
    return load_digits().data[:500].astype(np.float32)


def test_pca_is_that_of_scikit_learn_but_for_the_sign_of_an_axis(digits):
    theirs = PCA(3).fit_transform(digits)

    ours = pca(digits, 3)

    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=1e-2)


@pytest.mark.parametrize("shape", [(60, 2000), (2000, 900), (900, 2000)])
def test_pca_of_wide_tables_is_that_of_scikit_learn(shape):
    random = np.random.default_rng(0)
    strong = random.standard_normal((shape[0], 3)) * [9, 6, 4] @ random.standard_normal((3, shape[1]))
    vectors = (strong + random.standard_normal(shape)).astype(np.float32)
    ours, theirs = pca(vectors, 3), PCA(3, svd_solver="full").fit_transform(vectors)

    for axis in range(3):
        assert abs(np.corrcoef(ours[:, axis], theirs[:, axis])[0, 1]) > 0.9999


@settings(deadline=None)
@given(n=st.integers(1, 30), d=st.integers(1, 30), dims=st.integers(1, 4), seed=st.integers(0, 99))
def test_coordinates_keep_as_much_variance_as_any_projection_can(n, d, dims, seed):
    vectors = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32) + 5

    points = pca(vectors, dims)

    values = np.linalg.svd((vectors - vectors.mean(axis=0)).astype(np.float64), compute_uv=False)
    most = np.zeros(dims)
    most[: min(dims, len(values))] = values[:dims] ** 2
    np.testing.assert_allclose((points.astype(np.float64) ** 2).sum(axis=0), most, atol=1e-3 * max(most[0], 1))
    np.testing.assert_allclose(points.mean(axis=0), 0, atol=1e-4)
    covariance = points.T @ points
    np.testing.assert_allclose(covariance - np.diag(covariance.diagonal()), 0, atol=1e-3 * max(most[0], 1))


@pytest.mark.parametrize("shape", [(40, 5), (5, 40), (800, 900)])
def test_the_same_vectors_give_the_same_points_to_the_last_bit(shape):
    vectors = np.random.default_rng(0).normal(size=shape).astype(np.float32)

    np.testing.assert_array_equal(pca(vectors, 2), pca(vectors.copy(), 2))


@pytest.mark.parametrize("shape", [(40, 5), (5, 40)])
def test_a_mirrored_table_is_not_drawn_mirrored(shape):
    vectors = np.random.default_rng(0).normal(size=shape).astype(np.float32)

    np.testing.assert_allclose(pca(-vectors, 2), -pca(vectors, 2), atol=1e-4)  # the axes are the same, not their signs


@pytest.mark.parametrize("vectors", [np.ones((7, 3)), np.ones((1, 3)), np.empty((0, 3)), np.empty((4, 0)), [[0], [2]]])
def test_axes_that_do_not_exist_are_zero(vectors):
    vectors = np.asarray(vectors, np.float32)

    points = pca(vectors, 3)

    assert points.shape == (len(vectors), 3)
    spread = float(vectors.std()) if vectors.size else 0
    np.testing.assert_allclose(np.abs(points), np.tile([spread, 0, 0], (len(vectors), 1)), atol=1e-6)
