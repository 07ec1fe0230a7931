import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from labelscape.ml_backend.analysis.map_quality import map_quality
from labelscape.ml_backend.analysis.neighbors import Neighbors, knn
from labelscape.ml_backend.analysis.projection import METHODS, neighbors_needed, place, project, spherized
from sklearn.datasets import load_digits

methods = pytest.mark.parametrize("method", METHODS)
both_dims = pytest.mark.parametrize("dims", [2, 3])


@pytest.fixture(scope="module")
def digits():
    return load_digits().data.astype(np.float32)[:600]


@methods
@given(
    vectors=hnp.arrays(
        np.float32,
        st.tuples(st.integers(0, 12), st.integers(1, 5)),
        elements=st.floats(-1e6, 1e6, width=32),
        fill=st.sampled_from([0.0, 1.0]),
    ),
    dims=st.sampled_from([2, 3]),
    metric=st.sampled_from(["cosine", "euclidean"]),
    spherize=st.booleans(),
)
@settings(deadline=None, max_examples=12)
def test_any_vectors_get_a_finite_point_each(method, vectors, dims, metric, spherize):
    points = project(vectors, method=method, dims=dims, metric=metric, spherize=spherize)

    assert points.shape == (len(vectors), dims)
    assert points.dtype == np.float32
    assert np.isfinite(points).all()


@methods
@both_dims
@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 20])
@pytest.mark.parametrize("value", [0.0, 3.0])
def test_constant_vectors_get_a_finite_point_each(method, dims, n, value):
    points = project(np.full((n, 4), value), method=method, dims=dims)

    assert points.shape == (n, dims)
    assert np.isfinite(points).all()


@methods
@both_dims
def test_the_same_seed_gives_the_same_map(method, dims, digits):
    vectors = digits[:150]

    np.testing.assert_array_equal(
        project(vectors, method=method, dims=dims, seed=4), project(vectors, method=method, dims=dims, seed=4)
    )


def test_another_seed_gives_another_map_as_good(digits):
    one, other = project(digits, seed=1), project(digits, seed=2)

    assert not np.array_equal(one, other)
    trust = [map_quality(digits, points).trustworthiness for points in (one, other)]
    assert trust[0] == pytest.approx(trust[1], abs=0.01)


@pytest.mark.parametrize(("method", "least"), [("umap", 0.96), ("tsne", 0.97), ("pca", 0.75)])
def test_a_map_of_real_digits_can_be_trusted(method, least, digits):
    points = project(digits, method=method)

    assert map_quality(digits, points).trustworthiness > least


@methods
def test_quality_does_not_depend_on_sample_order(method, digits):
    order = np.random.default_rng(0).permutation(len(digits))

    straight = map_quality(digits, project(digits, method=method))
    shuffled = map_quality(digits[order], project(digits[order], method=method))

    assert shuffled.trustworthiness == pytest.approx(straight.trustworthiness, abs=0.01)
    assert shuffled.neighbors_kept == pytest.approx(straight.neighbors_kept, abs=0.05)


@methods
def test_duplicates_lie_together(method, digits):
    vectors = np.concatenate([digits[:200], digits[:200]])

    points = project(vectors, method=method)

    apart = np.linalg.norm(points[:200] - points[200:], axis=1)
    assert np.median(apart) < 0.1 * points.std()


@methods
def test_float64_input_gives_the_same_map(method, digits):
    vectors = digits[:100]

    np.testing.assert_array_equal(project(vectors.astype(np.float64), method=method), project(vectors, method=method))


@methods
def test_a_table_given_draws_the_map_that_is_drawn_without(method, digits):
    vectors = digits[:200]

    np.testing.assert_array_equal(
        project(vectors, method=method, neighbors=knn(vectors, 50)), project(vectors, method=method)
    )


def test_the_table_given_is_the_one_used(digits):
    vectors = digits[:100]
    table = knn(np.random.default_rng(0).normal(size=(100, 8)), 15)

    assert not np.array_equal(project(vectors, neighbors=table), project(vectors))


def test_spherized_vectors_have_one_length_and_a_length_of_its_own_does_not_matter(digits):
    assert np.linalg.norm(spherized(digits), axis=1) == pytest.approx(1, abs=1e-5)
    assert not np.array_equal(project(digits, method="pca", spherize=True), project(digits, method="pca"))


def test_min_dist_keeps_points_apart(digits):
    def nearest(min_dist):
        points = project(digits, min_dist=min_dist)
        return np.median(knn(points, 1, metric="euclidean").distances)

    assert nearest(0.8) > 2 * nearest(0.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "isomap"}, "method must be one of umap, tsne, pca; got 'isomap'"),
        ({"dims": 4}, "dims must be 2 or 3; got 4"),
        ({"n_neighbors": 1}, "n_neighbors must be at least 2; got 1"),
        ({"min_dist": -0.1}, "min_dist must lie between 0 and 3; got -0.1"),
        ({"perplexity": float("nan")}, "perplexity must be at least 2; got nan"),
        ({"metric": "dot"}, "metric must be one of cosine, euclidean; got 'dot'"),
        ({"neighbors": Neighbors(np.zeros((9, 15)), np.zeros((9, 15)))}, r"table of 9 x 15; .* need 40 x 15"),
        ({"neighbors": Neighbors(np.zeros((40, 5)), np.zeros((40, 5)))}, r"table of 40 x 5; .* need 40 x 15"),
        ({"spherize": True, "neighbors": Neighbors(np.zeros((40, 15)), np.zeros((40, 15)))}, "before spherizing"),
    ],
)
def test_a_wrong_option_is_named_with_what_is_allowed(options, message):
    with pytest.raises(ValueError, match=message):
        project(np.ones((40, 3)), **options)


@methods
def test_vectors_with_nan_are_named(method):
    vectors = np.ones((20, 3))
    vectors[11] = np.nan

    with pytest.raises(ValueError, match="first rows: 11"):
        project(vectors, method=method)


def test_each_method_says_how_many_neighbors_it_needs():
    assert [neighbors_needed(method) for method in METHODS] == [15, 15, 0]
    assert neighbors_needed("umap", n_neighbors=40) == 40
    assert neighbors_needed("tsne", perplexity=50) == 25


@pytest.mark.parametrize("method", ["umap", "tsne"])
def test_progress_moves_to_the_end(method, digits):
    reported = []

    project(digits[:100], method=method, progress=lambda done, message: reported.append(done))

    assert reported == sorted(reported)
    assert reported[-1] == 1.0
    assert len(reported) > 20


class Stop(Exception):
    pass


@pytest.mark.parametrize("method", ["umap", "tsne"])
@pytest.mark.parametrize("at", [0.0, 0.5, 0.9])
def test_what_progress_raises_stops_the_map_at_once(method, at, digits):
    reported = []

    def stop_at(done, message):
        reported.append(done)
        if done >= at:
            raise Stop

    with pytest.raises(Stop):
        project(digits[:100], method=method, progress=stop_at)

    assert sum(done >= at for done in reported) == 1


def test_a_new_sample_equal_to_one_on_the_map_gets_its_point(digits):
    points = project(digits, method="pca")

    np.testing.assert_array_equal(place(digits[:20], digits, points), points[:20])


def test_new_samples_are_placed_among_their_class():
    vectors, labels = load_digits(return_X_y=True)
    points = project(vectors[:1400])

    placed = place(vectors[1400:], vectors[:1400], points)

    nearest = np.linalg.norm(placed[:, None] - points[None], axis=2).argmin(axis=1)
    assert (labels[nearest] == labels[1400:]).mean() > 0.9


@pytest.mark.parametrize("n", [1, 2, 5])
@both_dims
def test_a_small_map_takes_new_samples(n, dims):
    rng = np.random.default_rng(0)

    placed = place(rng.normal(size=(4, 3)), rng.normal(size=(n, 3)), rng.normal(size=(n, dims)))

    assert placed.shape == (4, dims)
    assert placed.dtype == np.float32
    assert np.isfinite(placed).all()


def test_no_new_samples_are_placed_nowhere():
    assert place(np.ones((0, 3)), np.ones((5, 3)), np.ones((5, 2))).shape == (0, 2)


def test_a_stale_or_empty_map_is_refused():
    with pytest.raises(ValueError, match="the map has 4 points for 5 vectors; compute the map again"):
        place(np.ones((1, 3)), np.ones((5, 3)), np.ones((4, 2)))
    with pytest.raises(ValueError, match="no point on the map yet"):
        place(np.ones((1, 3)), np.ones((0, 3)), np.ones((0, 2)))


def test_importing_the_analysis_loads_nothing_heavy():
    heavy = {"torch", "numba", "openTSNE", "sklearn", "scipy"}
    code = (
        "import sys; import labelscape.ml_backend.analysis.projection, labelscape.ml_backend.analysis.map_quality;"
        f"print(sorted({heavy} & set(sys.modules)))"
    )

    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


@pytest.mark.parametrize("n", [4, 5, 8, 12, 24, 40])
@both_dims
def test_a_small_tsne_map_keeps_its_samples_apart(n, dims, digits):
    points = project(digits[:n], method="tsne", dims=dims)

    assert knn(points, 1, metric="euclidean").distances.min() > 1e-2


def test_a_small_tsne_map_can_be_trusted(digits):
    trust = [map_quality(rows, project(rows, method="tsne")).trustworthiness for rows in np.split(digits[:400], 10)]

    assert np.mean(trust) > 0.85


@methods
def test_vectors_without_values_are_refused(method):
    with pytest.raises(ValueError, match="5 vectors have 0 dimensions"):
        project(np.ones((5, 0)), method=method)
