from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.analysis.mislabels import mislabel_scores
from labelscape.ml_backend.analysis.neighbors import knn
from sklearn.datasets import load_digits
from sklearn.metrics import average_precision_score


def problem(seed, n=90, classes=3):
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, n)
    vectors = (3 * np.eye(classes, 6)[labels] + random.normal(size=(n, 6))).astype(np.float32)
    return vectors, labels


@pytest.fixture(scope="module")
def digits():
    vectors, truth = load_digits(return_X_y=True)
    random = np.random.default_rng(0)
    labels = truth.copy()
    wrong = random.random(len(labels)) < 0.2
    labels[wrong] = (labels[wrong] + random.integers(1, 10, wrong.sum())) % 10
    return vectors, truth, labels, wrong, knn(vectors, 50)


def test_wrong_labels_come_first_and_the_right_ones_are_suggested(digits):
    vectors, truth, labels, wrong, neighbors = digits
    result = mislabel_scores(vectors, labels, 10, neighbors=neighbors)
    disagreement = (labels[neighbors.indices] != labels[:, None]).mean(1)
    assert average_precision_score(wrong, result.scores) > average_precision_score(wrong, disagreement)
    assert average_precision_score(wrong, result.scores) > 0.98
    assert (result.suggested == truth).mean() > 0.97
    assert abs(result.agreement - 0.8) < 0.03


def test_unlabeled_samples_score_0_and_get_no_suggestion(digits):
    vectors, _, labels, _, neighbors = digits
    some = labels.copy()
    some[::2] = -1
    result = mislabel_scores(vectors, some, 10, neighbors=neighbors)
    assert (result.scores[::2] == 0).all()
    assert (result.suggested[::2] == -1).all()
    assert result.scores[1::2].max() > 0.9


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(1, 90))
def test_scores_are_finite_and_between_0_and_1(seed, n):
    vectors, _ = problem(seed, n)
    labels = np.random.default_rng(seed).integers(-1, 3, n)
    result = mislabel_scores(vectors, labels, 5)
    assert result.scores.dtype == np.float32
    assert np.isfinite(result.scores).all()
    assert result.scores.min() >= 0
    assert result.scores.max() <= 1
    assert set(result.suggested[labels >= 0]) <= set(labels[labels >= 0])


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000))
def test_result_does_not_depend_on_sample_order(seed):
    vectors, labels = problem(seed)
    order = np.random.default_rng(seed).permutation(len(labels))
    straight = mislabel_scores(vectors, labels, 3)
    shuffled = mislabel_scores(vectors[order], labels[order], 3)
    np.testing.assert_allclose(shuffled.scores, straight.scores[order], atol=5e-3)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), names=st.permutations(range(5)))
def test_renamed_classes_give_the_same_scores_and_renamed_suggestions(seed, names):
    vectors, labels = problem(seed)
    first, renamed = mislabel_scores(vectors, labels, 3), mislabel_scores(vectors, np.array(names)[labels], 5)
    np.testing.assert_allclose(renamed.scores, first.scores, atol=5e-3)
    assert (renamed.suggested == np.array(names)[first.suggested]).mean() > 0.97


def test_the_same_seed_gives_the_same_scores(digits):
    vectors, _, labels, _, neighbors = digits
    first = mislabel_scores(vectors, labels, 10, neighbors=neighbors, seed=3)
    np.testing.assert_array_equal(
        mislabel_scores(vectors, labels, 10, neighbors=neighbors, seed=3).scores, first.scores
    )


@pytest.mark.parametrize("label", [-1, 1])
def test_no_labels_or_one_class_accuse_nobody(label):
    result = mislabel_scores(problem(0)[0], np.full(90, label), 3)
    assert (result.scores == 0).all()
    assert (result.suggested == label).all()
    assert result.method in ("no labels", "one class only: nothing to compare")


def test_the_only_member_of_a_class_is_judged_by_the_others():
    vectors, labels = problem(0)
    labels[4], truth = 3, labels[4]
    result = mislabel_scores(vectors, labels, 9)
    assert result.scores[4] > 0.9
    assert result.suggested[4] == truth


def test_identical_vectors_and_tiny_tables_are_ranked_without_error():
    labels = np.array([0, 0, 0, 1])
    result = mislabel_scores(np.ones((4, 3)), labels, 2)
    assert result.scores.argmax() == 3
    assert np.isfinite(mislabel_scores(np.eye(2), [0, 1], 2).scores).all()


def test_progress_grows_to_1_and_can_stop_the_ranking():
    vectors, labels = problem(0)
    seen = []
    mislabel_scores(vectors, labels, 3, progress=lambda done, _: seen.append(done))
    assert seen == sorted(seen)
    assert seen[-1] == 1

    def stop(done, _):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        mislabel_scores(vectors, labels, 3, progress=stop)


def test_a_bad_vector_or_label_is_named():
    vectors, labels = problem(0)
    with pytest.raises(ValueError, match="row 2 has 7"):
        mislabel_scores(vectors[:3], [0, 1, 7], 3)
    with pytest.raises(ValueError, match="whole numbers"):
        mislabel_scores(vectors, labels.astype(float), 3)
    vectors[7] = np.inf
    with pytest.raises(ValueError, match="first rows: 7"):
        mislabel_scores(vectors, labels, 3)


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.3])
def test_a_score_is_about_the_probability_that_the_label_is_wrong(rate):
    vectors, truth = load_digits(return_X_y=True)
    random = np.random.default_rng(1)
    labels = truth.copy()
    wrong = random.random(len(labels)) < rate
    labels[wrong] = (labels[wrong] + random.integers(1, 10, wrong.sum())) % 10
    scores = mislabel_scores(vectors, labels, 10).scores

    assert scores.mean() == pytest.approx(wrong.mean(), abs=0.03)
    likely = scores > 0.5
    assert (~wrong[likely]).sum() <= max(0.1 * likely.sum(), 1)
    assert wrong[likely].sum() >= 0.9 * wrong.sum()


@pytest.mark.parametrize("rate", [0.1, 0.3])
def test_a_score_is_about_that_probability_where_one_class_is_taken_for_another(rate):
    vectors, truth = load_digits(return_X_y=True)
    random = np.random.default_rng(1)
    labels = truth.copy()
    wrong = random.random(len(labels)) < rate
    labels[wrong] = np.array([6, 7, 3, 9, 1, 9, 0, 1, 9, 3])[labels[wrong]]
    scores = mislabel_scores(vectors, labels, 10).scores

    assert scores.mean() == pytest.approx(wrong.mean(), abs=0.05)
    likely = scores > 0.5
    assert wrong[likely].sum() >= 0.9 * likely.sum()
    assert wrong[likely].sum() >= 0.7 * wrong.sum()


@pytest.mark.parametrize(("noise", "allowed"), [(0.0, 0.1), (0.15, 0.2)])
def test_scores_above_a_half_are_about_as_often_wrong_as_they_say_with_few_labels(noise, allowed):
    vectors, truth = load_digits(return_X_y=True)
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors += noise * np.random.default_rng(0).normal(size=vectors.shape)
    likely, wrong_of_likely = [], []
    for classes, rate, seed in product((2, 5, 10), (0, 0.05, 0.1, 0.2), range(3)):
        random = np.random.default_rng(seed)
        rows = random.permutation(np.flatnonzero(truth < classes))[:100]
        wrong = random.random(100) < rate
        labels = np.where(wrong, (truth[rows] + random.integers(1, classes, 100)) % classes, truth[rows])
        scores = mislabel_scores(vectors[rows], labels, classes).scores
        likely.append(scores[scores > 0.5])
        wrong_of_likely.append(wrong[scores > 0.5])
        if rate == 0:
            assert len(likely[-1]) <= 10
    assert np.concatenate(likely).mean() <= np.concatenate(wrong_of_likely).mean() + allowed
