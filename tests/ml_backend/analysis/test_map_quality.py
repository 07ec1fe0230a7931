import numpy as np
import pytest
from labelscape.ml_backend.analysis.map_quality import MapQuality, map_quality
from labelscape.ml_backend.analysis.projection import project
from sklearn.datasets import load_digits
from sklearn.manifold import trustworthiness


@pytest.fixture(scope="module")
def digits():
    return load_digits().data[:500] + np.random.default_rng(0).normal(scale=1e-3, size=(500, 64))  # no ties


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("k", [1, 15, 100])
def test_trustworthiness_is_that_of_scikit_learn(digits, metric, k):
    points = project(digits, method="pca")

    measured = map_quality(digits, points, k=k, metric=metric)

    assert measured.trustworthiness == pytest.approx(
        trustworthiness(digits, points, n_neighbors=k, metric=metric), abs=1e-5
    )


def test_a_map_of_points_by_themselves_is_perfect():
    points = np.random.default_rng(0).normal(size=(300, 2))

    assert map_quality(points, points, metric="euclidean") == MapQuality(1.0, 1.0)


def test_a_map_by_chance_keeps_the_neighbors_that_chance_keeps(digits):
    points = np.random.default_rng(1).normal(size=(500, 2))

    measured = map_quality(digits, points)

    assert measured.neighbors_kept == pytest.approx(15 / 499, abs=0.01)
    assert measured.trustworthiness == pytest.approx(0.5, abs=0.02)


def test_a_sample_of_rows_tells_what_all_rows_tell(digits):
    points = project(digits, method="pca")

    sampled, full = map_quality(digits, points, sample=250, seed=5), map_quality(digits, points)

    assert sampled != full
    assert sampled.trustworthiness == pytest.approx(full.trustworthiness, abs=0.02)
    assert sampled == map_quality(digits, points, sample=250, seed=5)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 40])
def test_numbers_are_shares_whatever_the_size(n):
    rng = np.random.default_rng(0)

    measured = map_quality(rng.normal(size=(n, 4)), rng.normal(size=(n, 2)))

    assert 0 <= measured.trustworthiness <= 1
    assert 0 <= measured.neighbors_kept <= 1


def test_points_of_another_dataset_are_refused():
    with pytest.raises(ValueError, match="the map has 4 points for 5 vectors"):
        map_quality(np.ones((5, 3)), np.ones((4, 2)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "k and sample must be at least 1"),
        ({"sample": 0}, "k and sample must be at least 1"),
        ({"metric": "dot"}, "metric must be one of cosine, euclidean; got 'dot'"),
    ],
)
def test_a_wrong_option_is_named_with_what_is_allowed(options, message):
    with pytest.raises(ValueError, match=message):
        map_quality(np.ones((5, 3)), np.ones((5, 2)), **options)


def test_what_progress_raises_stops_the_check(digits):
    class Stop(Exception):
        pass

    def stop(done, message):
        raise Stop

    with pytest.raises(Stop):
        map_quality(digits, digits[:, :2], progress=stop)
