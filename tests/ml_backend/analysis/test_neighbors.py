import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from labelscape.ml_backend.analysis import neighbor_cells
from labelscape.ml_backend.analysis import neighbors as module
from labelscape.ml_backend.analysis.neighbors import METRICS, Neighbors, as_vectors, knn, neighbors_of
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

metrics = pytest.mark.parametrize("metric", METRICS)
tables = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 24), st.integers(1, 6)),
    # Whole numbers make ties and duplicates likely, and distances exact.
    elements=st.integers(-3, 3).map(float),
)


def brute_force(vectors, metric):
    vectors = vectors.astype(np.float64)
    if metric == "euclidean":
        return np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    norms = np.linalg.norm(vectors, axis=1)
    unit = vectors / np.where(norms > 0, norms, 1)[:, None]
    apart = 1 - unit @ unit.T
    apart[np.ix_(norms == 0, norms == 0)] = 0
    return apart


@metrics
@given(vectors=tables, k=st.integers(1, 30))
@settings(deadline=None, max_examples=60)
def test_neighbors_are_the_nearest_others_whatever_the_vectors(metric, vectors, k):
    nearest = knn(vectors, k, metric=metric)

    n = len(vectors)
    assert nearest.indices.shape == nearest.distances.shape == (n, min(k, n - 1))
    assert (nearest.indices.dtype, nearest.distances.dtype, nearest.recall) == (np.int32, np.float32, 1.0)
    assert not (nearest.indices == np.arange(n)[:, None]).any()
    assert all(len(set(row)) == len(row) for row in nearest.indices.tolist())
    apart = brute_force(vectors, metric)
    np.testing.assert_allclose(
        nearest.distances, np.take_along_axis(apart, nearest.indices.astype(int), axis=1), atol=2e-6
    )
    np.fill_diagonal(apart, np.inf)
    np.testing.assert_allclose(nearest.distances, np.sort(apart, axis=1)[:, : min(k, n - 1)], atol=2e-6)


@metrics
@given(vectors=tables, seed=st.integers(0, 99))
@settings(deadline=None, max_examples=30)
def test_distances_do_not_depend_on_sample_order(metric, vectors, seed):
    order = np.random.default_rng(seed).permutation(len(vectors))

    np.testing.assert_allclose(
        knn(vectors[order], 5, metric=metric).distances,
        knn(vectors, 5, metric=metric).distances[order],
        atol=1e-6,
    )


def test_neighbors_do_not_depend_on_sample_order():
    vectors = np.random.default_rng(0).normal(size=(500, 16))
    order = np.random.default_rng(1).permutation(500)

    shuffled = knn(vectors[order], 10).indices

    np.testing.assert_array_equal(order[shuffled], knn(vectors, 10).indices[order])


@metrics
def test_table_agrees_with_scikit_learn_on_real_digits(metric):
    digits = load_digits().data
    distances, indices = NearestNeighbors(n_neighbors=11, metric=metric).fit(digits).kneighbors(digits)

    nearest = knn(digits, 10, metric=metric)

    assert (nearest.indices == indices[:, 1:]).mean() > 0.97  # the rest are ties
    np.testing.assert_allclose(nearest.distances, distances[:, 1:], atol=1e-4)


@metrics
def test_exact_duplicates_are_neighbors_at_distance_zero(metric):
    vectors = np.repeat(np.random.default_rng(0).normal(size=(50, 8)), 4, axis=0)

    nearest = knn(vectors, 3, metric=metric)

    assert (nearest.distances == 0).all()
    assert (nearest.indices // 4 == np.arange(200)[:, None] // 4).all()
    assert (np.diff(nearest.indices, axis=1) > 0).all()


@metrics
@pytest.mark.parametrize("value", [0.0, 2.5])
def test_constant_vectors_are_all_duplicates_of_each_other(metric, value):
    nearest = knn(np.full((40, 3), value), 5, metric=metric)

    assert (nearest.distances == 0).all()
    assert not (nearest.indices == np.arange(40)[:, None]).any()


def test_zero_vectors_do_not_crowd_out_neighbors_in_some_direction():
    rng = np.random.default_rng(0)
    vectors = np.concatenate([np.zeros((60, 4)), rng.normal(size=(20, 4))])

    nearest = knn(vectors, 5)

    apart = brute_force(vectors, "cosine")
    np.fill_diagonal(apart, np.inf)
    np.testing.assert_allclose(nearest.distances, np.sort(apart, axis=1)[:, :5], atol=1e-6)


@pytest.mark.parametrize(("n", "width"), [(0, 0), (1, 0), (2, 1), (3, 2)])
def test_few_vectors_have_as_many_neighbors_as_there_are_others(n, width):
    nearest = knn(np.random.default_rng(0).normal(size=(n, 4)), 15)

    assert nearest.indices.shape == nearest.distances.shape == (n, width)


def test_float64_input_gives_the_table_of_its_float32_values():
    vectors = np.random.default_rng(0).normal(size=(100, 8))

    nearest, narrow = knn(vectors, 5), knn(vectors.astype(np.float32), 5)

    np.testing.assert_array_equal(nearest.indices, narrow.indices)
    np.testing.assert_array_equal(nearest.distances, narrow.distances)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_a_vector_that_is_no_embedding_is_named(value):
    vectors = np.ones((9, 4))
    vectors[[3, 7], 1] = value

    with pytest.raises(ValueError, match=r"2 of 9 vectors .*\(first rows: 3, 7\)"):
        knn(vectors, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 0}, "k must be at least 1; got 0"),
        ({"k": 2, "metric": "manhattan"}, "metric must be one of cosine, euclidean; got 'manhattan'"),
    ],
)
def test_a_wrong_option_is_named_with_what_is_allowed(arguments, message):
    with pytest.raises(ValueError, match=message):
        knn(np.ones((5, 2)), **arguments)


def test_vectors_of_one_dimension_are_refused():
    with pytest.raises(ValueError, match=r"shape \(n, d\); got shape \(5,\)"):
        as_vectors(np.ones(5))


def test_progress_reaches_the_end_and_never_falls():
    reported = []

    knn(np.random.default_rng(0).normal(size=(3000, 4)), 5, progress=lambda done, message: reported.append(done))

    assert reported == sorted(reported)
    assert reported[-1] == 1.0


@pytest.mark.usefixtures("search_in_cells", "few_columns")
@pytest.mark.parametrize("kind", ["clustered", "noise"])
def test_progress_of_a_large_table_reaches_the_end_and_never_falls(kind):
    rng = np.random.default_rng(0)
    vectors = clustered(6000, 16) if kind == "clustered" else rng.normal(size=(6000, 64))
    reported = []

    knn(vectors, 5, progress=lambda done, message: reported.append(done))

    assert reported == sorted(reported)
    assert reported[-1] == 1.0


@pytest.mark.usefixtures("search_in_cells", "few_columns")
def test_the_slower_way_is_never_taken_in_silence():
    reported = []

    knn(np.random.default_rng(0).normal(size=(6000, 300)), 5, progress=lambda done, message: reported.append(message))

    assert any("comparing all pairs" in message for message in reported)


class Stop(Exception):
    pass


def stop(done, message):
    raise Stop


def test_what_progress_raises_stops_the_search():
    with pytest.raises(Stop):
        knn(np.ones((3000, 4)), 5, progress=stop)


@pytest.fixture
def search_in_cells(monkeypatch):
    monkeypatch.setattr(module, "EXACT_UP_TO", 5000)


@pytest.fixture
def few_columns(monkeypatch):
    """So few rows are compared with each that noise has a poor recall."""
    monkeypatch.setattr(neighbor_cells, "MOST_COLUMNS", 200)


def clustered(n, dim, latent=4):
    rng = np.random.default_rng(0)
    centers = 4 * rng.normal(size=(60, latent))
    inside = centers[rng.integers(60, size=n)] + rng.normal(size=(n, latent))
    return (inside @ rng.normal(size=(latent, dim))).astype(np.float32)


@pytest.mark.usefixtures("search_in_cells")
def test_the_recall_told_is_the_recall_there_is():
    vectors = clustered(12_000, 32)
    exact = neighbors_of(vectors[:1000], vectors, 11).indices[:, 1:]

    nearest = knn(vectors, 10)

    there_is = (nearest.indices[:1000, :, None] == exact[:, None, :]).any(axis=1).mean()
    assert nearest.recall > 0.98
    assert nearest.recall == pytest.approx(there_is, abs=0.01)


@pytest.mark.usefixtures("search_in_cells")
def test_a_large_table_is_the_same_for_the_same_seed_and_holds_no_row_itself():
    vectors = clustered(8000, 16)

    first, second = knn(vectors, 10, seed=3), knn(vectors, 10, seed=3)

    np.testing.assert_array_equal(first.indices, second.indices)
    assert not (first.indices == np.arange(8000)[:, None]).any()
    assert (np.diff(first.distances, axis=1) >= 0).all()


@pytest.mark.usefixtures("search_in_cells", "few_columns")
@pytest.mark.parametrize("kind", ["constant", "noise"])
def test_a_large_table_without_groups_is_searched_exactly(kind):
    vectors = np.ones((6000, 4)) if kind == "constant" else np.random.default_rng(0).normal(size=(6000, 300))

    nearest = knn(vectors, 5)

    assert nearest.recall == 1.0
    assert not (nearest.indices == np.arange(6000)[:, None]).any()


@pytest.mark.usefixtures("search_in_cells", "few_columns")
def test_where_all_pairs_would_take_too_long_a_poor_recall_is_reported(monkeypatch):
    monkeypatch.setattr(module, "ALL_PAIRS_UP_TO", 5500)
    reported = []

    nearest = knn(
        np.random.default_rng(0).normal(size=(6000, 300)), 5, progress=lambda done, message: reported.append(message)
    )

    assert nearest.recall < module.PROMISED_RECALL
    assert reported[-1].startswith(f"Found only {nearest.recall:.1%} of the nearest neighbors")


@metrics
@given(vectors=tables, k=st.integers(1, 8))
@settings(deadline=None, max_examples=30)
def test_a_query_among_the_vectors_finds_itself_first(metric, vectors, k):
    nearest = neighbors_of(vectors, vectors, k, metric=metric)

    assert nearest.indices.shape == (len(vectors), min(k, len(vectors)))
    assert (nearest.distances[:, 0] == 0).all()


@given(vectors=tables)
@settings(deadline=None, max_examples=20)
def test_neighbors_of_all_vectors_are_the_table_without_the_vector_itself(vectors):
    assume(len(vectors) > 3)

    table, queried = knn(vectors, 3), neighbors_of(vectors, vectors, 4)

    np.testing.assert_allclose(queried.distances[:, 1:], table.distances, atol=1e-6)


def test_queries_of_another_dimension_are_refused():
    with pytest.raises(ValueError, match="queries have 3 dimensions, vectors 4"):
        neighbors_of(np.ones((2, 3)), np.ones((5, 4)), 1)


def test_a_table_cannot_be_changed_by_accident():
    table = Neighbors(np.zeros((1, 1), np.int32), np.zeros((1, 1), np.float32))

    with pytest.raises(AttributeError):
        table.recall = 0.5
