import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.analysis.appearance import Appearance
from labelscape.ml_backend.analysis.duplicates import identical_rows, leaks, near_duplicates
from labelscape.ml_backend.analysis.neighbors import knn
from sklearn.datasets import load_digits


def clusters(seed, n=60, d=6):
    """Points of which many lie about 0.01 from one another."""
    random = np.random.default_rng(seed)
    centers = random.normal(size=(n // 3, d))
    return (centers[random.integers(0, len(centers), n)] + 0.03 * random.normal(size=(n, d))).astype(np.float32)


def partition(result):
    return {frozenset(rows.tolist()) for rows in result.members()}


def cosine(a, b):
    return 1 - (a @ b) / np.linalg.norm(a) / np.linalg.norm(b)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), threshold=st.sampled_from([0.0, 1e-4, 1e-3, 1e-2, 0.3]))
def test_every_member_is_within_the_threshold_of_the_one_kept(seed, threshold):
    vectors = clusters(seed)
    result = near_duplicates(vectors, threshold)
    assert len(result.groups) == len(vectors)
    assert (result.keep[result.groups < 0]).all()
    for rows in result.members():
        assert len(rows) >= 2
        (kept,) = rows[result.keep[rows]]
        for row in rows:
            assert cosine(vectors[row].astype(float), vectors[kept].astype(float)) <= threshold + 1e-5
            assert abs(result.distances[row] - cosine(vectors[row], vectors[kept])) < 1e-5


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000))
def test_result_does_not_depend_on_sample_order(seed):
    vectors = clusters(seed)
    order = np.random.default_rng(seed).permutation(len(vectors))
    shuffled = near_duplicates(vectors[order], 1e-3)
    assert {frozenset(order[list(rows)]) for rows in partition(shuffled)} == partition(near_duplicates(vectors, 1e-3))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), row=st.integers(0, 59), copies=st.integers(1, 40))
def test_copies_join_the_group_of_their_original_however_many(seed, row, copies):
    vectors = clusters(seed)
    before = near_duplicates(vectors, 1e-3)
    more = np.concatenate((vectors, np.repeat(vectors[row : row + 1], copies, 0)))
    after = near_duplicates(more, 1e-3)
    assert after.groups[row] >= 0
    assert (after.groups[60:] == after.groups[row]).all()
    assert after.exact[[row, *range(60, 60 + copies)]].all()
    assert (after.keep == np.append(before.keep, np.zeros(copies, bool))).all()


@pytest.mark.parametrize("give_table", [False, True])
def test_two_piles_of_copies_that_lie_near_are_one_group(give_table):
    random = np.random.default_rng(0)
    vectors = random.normal(size=(200, 16)).astype(np.float32)
    vectors[:60] = vectors[0]
    vectors[60:120] = vectors[0] + 0.001
    result = near_duplicates(vectors, 1e-3, neighbors=knn(vectors, 10) if give_table else None)
    assert partition(result) == {frozenset(range(120))}
    assert result.keep.sum() == 81


def test_a_slow_film_is_cut_into_groups_around_kept_frames():
    angles = np.linspace(0, np.pi / 2, 500)
    film = np.stack((np.cos(angles), np.sin(angles)), axis=1)
    threshold = 1 - np.cos(np.pi / 20)
    result = near_duplicates(film, threshold)
    assert 5 <= len(result.members()) <= 11
    assert result.distances.max() <= threshold + 1e-6


def test_automatic_threshold_finds_copies_and_leaves_different_digits_apart():
    digits = load_digits().data
    random = np.random.default_rng(0)
    again = digits[:200] + random.normal(scale=0.1, size=(200, 64))
    result = near_duplicates(np.concatenate((digits, again)))
    grouped = result.groups[:200] >= 0
    assert (result.groups[:200] == result.groups[1797:])[grouped].all()
    assert grouped.mean() > 0.95
    assert (result.groups[200:1797] >= 0).mean() < 0.01


def test_equal_hashes_are_duplicates_whatever_the_vectors():
    vectors = np.eye(5)
    result = near_duplicates(vectors, 0.1, hashes=["a", "b", "a", "c", "d"])
    assert partition(result) == {frozenset({0, 2})}
    assert result.exact.tolist() == [True, False, True, False, False]


def pictures(kinds):
    """The appearance of samples: the same noise for samples of one kind, except for a bit of each sample's own."""
    random = np.random.default_rng(1)
    shown = random.integers(20, 230, (max(kinds) + 1, 8, 8)).repeat(8, axis=1).repeat(8, axis=2)[np.asarray(kinds)]
    return Appearance(np.ones(len(kinds), bool), (shown + random.integers(-2, 3, shown.shape)).astype(np.uint8))


@pytest.mark.parametrize("give_table", [False, True])
def test_samples_that_look_the_same_are_duplicates_beyond_the_threshold(give_table):
    random = np.random.default_rng(0)
    vectors = random.normal(size=(40, 4)).astype(np.float32)
    vectors[20:22] = vectors[:2] + 0.2 * random.normal(size=(2, 4)).astype(np.float32)
    vectors[30] = vectors[0]
    kinds = list(range(40))
    kinds[20:24], kinds[30] = range(4), 0
    neighbors = knn(vectors, 20) if give_table else None
    result = near_duplicates(vectors, 1e-4, neighbors=neighbors, appearance=pictures(kinds))
    assert partition(result) == {frozenset({0, 20, 30}), *(frozenset({row, row + 20}) for row in range(1, 4))}
    assert result.keep.sum() == 35
    assert result.exact.nonzero()[0].tolist() == [0, 30]
    joined = ~result.keep & ~result.exact
    assert (result.distances[joined] > result.threshold).all()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000))
def test_every_member_is_near_the_one_kept_or_looks_the_same(seed):
    kinds = np.random.default_rng(seed).integers(0, 20, 60).tolist()
    vectors = clusters(seed)
    result = near_duplicates(vectors, 1e-4, appearance=pictures(kinds))
    assert result.members()
    for rows in result.members():
        (kept,) = rows[result.keep[rows]]
        for row in rows:
            near = cosine(vectors[row].astype(float), vectors[kept].astype(float)) <= 1e-4 + 1e-5
            assert near or kinds[row] == kinds[kept]


def test_frames_of_one_scene_that_differ_in_a_detail_are_no_duplicates_however_near_their_vectors():
    looks = pictures([0] * 12)
    for row in range(1, 12):
        left = 5 * (row - 1)
        looks.thumbnails[row, 20:26, left : left + 6] = np.where(looks.thumbnails[row, 20, left] > 127, 0, 255)
    looks.thumbnails[11] = looks.thumbnails[3][:, ::-1]
    vectors = np.random.default_rng(0).normal(size=6) + 1e-4 * np.random.default_rng(1).normal(size=(12, 6))
    assert partition(near_duplicates(vectors, 0.01, appearance=looks)) == {frozenset({3, 11})}


def test_leaks_are_the_groups_that_span_a_split():
    groups = np.array([0, 0, 1, 1, -1, 2, 2, 2])
    split = ["train", "test", "train", "train", "test", "val", None, ""]
    assert leaks(groups, split).tolist() == [True, True] + [False] * 6
    assert leaks(groups, [0, 1, 1, 1, 0, -1, 2, 2]).tolist() == [True, True] + [False] * 6
    duplicates = near_duplicates([[1, 0], [1, 0], [0, 1]], 0.01)
    assert leaks(duplicates, ["train", "test", "test"]).tolist() == [True, True, False]


@settings(max_examples=30, deadline=None)
@given(rows=st.lists(st.sampled_from([(0.0, 1.0), (-0.0, 1.0), (1.0, 0.0), (2.0, 5.0), (4.0, 2.0)]), max_size=30))
def test_identical_rows_are_those_that_compare_equal(rows):
    vectors = np.array(rows, np.float32).reshape(-1, 2)
    expected = [rows.index(row) for row in rows]
    assert identical_rows(vectors).tolist() == expected


@pytest.mark.parametrize("n", [0, 1])
def test_a_sample_alone_has_no_duplicate(n):
    result = near_duplicates(np.ones((n, 3)))
    assert result.members() == []
    assert result.keep.all()


def test_identical_vectors_are_one_group():
    assert partition(near_duplicates(np.ones((50, 3)))) == {frozenset(range(50))}


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"between 0 and 2; got 3"):
        near_duplicates(np.ones((4, 2)), 3)
    with pytest.raises(ValueError, match="first rows: 0"):
        near_duplicates([[np.nan, 1]])
    with pytest.raises(ValueError, match="hashes must be one for each of 4"):
        near_duplicates(np.ones((4, 2)), hashes=["a"])
    with pytest.raises(ValueError, match="appearance must be that of 4 samples; got that of 3"):
        near_duplicates(np.ones((4, 2)), appearance=pictures([0, 1, 2]))
    with pytest.raises(ValueError, match="one part per sample"):
        leaks([0, 0], ["train"])
