import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.analysis.neighbors import knn
from labelscape.ml_backend.analysis.outliers import Reason, outlier_scores
from sklearn.datasets import load_digits
from sklearn.metrics import average_precision_score, roc_auc_score


def table(seed, n, d=5):
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32) + 1


def regions(seed=0, each=80, d=8):
    """Three tight regions of one class each."""
    random = np.random.default_rng(seed)
    centers = 8 * np.eye(3, d)
    labels = np.repeat(np.arange(3), each)
    return (centers[labels] + random.normal(size=(len(labels), d))).astype(np.float32), labels


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(1, 90), labeled=st.booleans())
def test_scores_are_finite_and_between_0_and_1(seed, n, labeled):
    labels = np.random.default_rng(seed).integers(-1, 4, n) if labeled else None
    result = outlier_scores(table(seed, n), labels)
    assert result.scores.shape == result.reasons.shape == (n,)
    assert result.scores.dtype == np.float32
    assert np.isfinite(result.scores).all()
    assert result.scores.min() >= 0
    assert result.scores.max() <= 1


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000))
def test_result_does_not_depend_on_sample_order(seed):
    random = np.random.default_rng(seed)
    vectors, labels, order = table(seed, 120), random.integers(-1, 3, 120), random.permutation(120)
    straight, shuffled = outlier_scores(vectors, labels), outlier_scores(vectors[order], labels[order])
    np.testing.assert_allclose(shuffled.scores, straight.scores[order], atol=2e-4)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), names=st.permutations(range(5)))
def test_names_of_classes_do_not_matter(seed, names):
    vectors, labels = table(seed, 100), np.random.default_rng(seed).integers(0, 3, 100)
    first, renamed = outlier_scores(vectors, labels), outlier_scores(vectors, np.array(names)[labels])
    np.testing.assert_allclose(renamed.scores, first.scores, atol=2e-4)


def test_digits_of_other_shape_come_first():
    vectors, truth = load_digits(return_X_y=True)
    foreign = np.random.default_rng(0).permutation(np.flatnonzero(truth >= 7))[:60]
    rows = np.concatenate((np.flatnonzero(truth < 7), foreign))
    is_foreign = np.isin(rows, foreign)
    neighbors = knn(vectors[rows], 50)
    scores = outlier_scores(vectors[rows], neighbors=neighbors).scores
    plain = neighbors.distances[:, -1]
    assert roc_auc_score(is_foreign, scores) > roc_auc_score(is_foreign, plain)
    assert average_precision_score(is_foreign, scores) > average_precision_score(is_foreign, plain)


def test_a_clump_of_foreign_samples_does_not_hide_itself():
    vectors, _ = regions(each=300, d=16)
    vectors += np.random.default_rng(1).normal(size=vectors.shape).astype(np.float32)
    clump = (5 * np.eye(16)[9] + 0.5 * np.random.default_rng(2).normal(size=(40, 16))).astype(np.float32)
    result = outlier_scores(np.concatenate((vectors, clump)))
    assert (np.argsort(-result.scores)[:40] >= len(vectors)).all()


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), size=st.integers(60, 120))
def test_a_tight_group_larger_than_the_neighborhood_comes_first_and_says_so(seed, size):
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(1200, 16)) + 4 * np.eye(16)[0]
    group = 0.5 * random.normal(size=(size, 16)) + 4 * np.eye(16)[9]
    result = outlier_scores(np.concatenate((vectors, group)))
    assert roc_auc_score(np.arange(1200 + size) >= 1200, result.scores) > 0.98
    assert (result.reasons[1200:] == Reason.IN_A_GROUP_APART).mean() > 0.9


def test_a_sample_far_from_everything_is_first_and_says_so():
    vectors, labels = regions()
    vectors[5] = -20
    result = outlier_scores(vectors, labels)
    assert result.scores.argmax() == 5
    assert Reason(result.reasons[5]).words == "far from everything"


def test_a_sample_in_another_class_says_so():
    vectors, labels = regions()
    labels[5] = 2
    result = outlier_scores(vectors, labels)
    assert result.reasons[5] == Reason.IN_ANOTHER_CLASS
    assert 5 in np.argsort(-result.scores)[: len(labels) // 48]


def test_copies_far_from_the_rest_are_called_near_duplicates():
    vectors, _ = regions()
    vectors[[5, 6]] = -20
    result = outlier_scores(vectors)
    assert set(np.argsort(-result.scores)[:2]) == {5, 6}
    assert (result.reasons[[5, 6]] == Reason.NEAR_DUPLICATE).all()


def test_all_unlabeled_gives_the_same_as_no_labels():
    vectors, labels = regions()
    np.testing.assert_array_equal(
        outlier_scores(vectors, np.full(len(labels), -1)).scores, outlier_scores(vectors).scores
    )


def test_one_class_and_classes_of_one_member_are_ranked_by_the_vectors():
    vectors, labels = regions()
    alone = outlier_scores(vectors).scores
    np.testing.assert_array_equal(outlier_scores(vectors, np.zeros(len(labels), int)).scores, alone)
    single = np.full(len(labels), -1)
    single[:2] = 0, 1
    np.testing.assert_array_equal(outlier_scores(vectors, single).scores, alone)


@pytest.mark.parametrize("n", [0, 1, 2, 60])
def test_identical_vectors_are_no_outliers(n):
    result = outlier_scores(np.ones((n, 4)))
    np.testing.assert_array_equal(result.scores, np.zeros(n))
    np.testing.assert_array_equal(result.reasons, np.zeros(n))


def test_a_bad_vector_or_label_is_named():
    vectors, labels = regions()
    vectors[7] = np.nan
    with pytest.raises(ValueError, match="first rows: 7"):
        outlier_scores(vectors)
    with pytest.raises(ValueError, match="labels must be 9 whole numbers"):
        outlier_scores(np.ones((9, 2)), labels)
    with pytest.raises(ValueError, match="compute the neighbors again"):
        outlier_scores(np.ones((9, 2)), neighbors=knn(np.ones((8, 2)), 3))
