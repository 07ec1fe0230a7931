import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.analysis.label_noise import ClassNoise, with_few_labels


def witnesses(seed, n=600, classes=4):
    """True classes, and two witnesses that mostly know them."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, classes, n)
    head = np.eye(classes)[truth] + 0.15 * random.normal(size=(n, classes))
    votes = np.log(0.9 * np.eye(classes)[truth] + 0.1 * random.random((n, classes)) + 0.01)
    return truth, head.astype(np.float32), votes.astype(np.float32)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(2, 80), classes=st.integers(2, 6))
def test_rows_are_probabilities_and_so_are_the_results(seed, n, classes):
    truth, head, votes = witnesses(seed, n, classes)
    labels = np.random.default_rng(seed).permutation(truth)
    model = ClassNoise.fit(head, votes, labels, (5.0, 0.3))
    np.testing.assert_allclose(model.given.sum(axis=1), 1)
    assert model.given.min() > 0
    wrong = model.wrong(head, votes, labels)
    assert np.isfinite(wrong).all()
    assert 0 <= wrong.min() <= wrong.max() <= 1


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), rate=st.sampled_from([0.1, 0.3]))
def test_a_class_that_is_taken_for_another_is_learned_from_the_labels(seed, rate):
    truth, head, votes = witnesses(seed, 4000)
    taken = (truth == 1) & (np.random.default_rng(seed).random(len(truth)) < rate)
    labels = np.where(taken, 2, truth)
    model = ClassNoise.fit(head, votes, labels, (5.0, 0.3))
    assert abs(model.given[1, 2] - rate) < 0.06
    assert (np.delete(np.diag(model.given), 1) > 0.95).all()
    assert abs(model.wrong(head, votes, labels).mean() - taken.mean()) < 0.02


@pytest.mark.parametrize("labels", [2, 60, 1_000])
def test_few_labels_lower_scores_and_keep_their_order_up_to_near_certainty(labels):
    wrong = np.float32([1e-6, 1e-5, 1e-3, 0.2, 0.5, 0.9, 0.9999, 0.99995, 0.99999, 0.999999])
    lowered = with_few_labels(wrong, labels)
    assert (np.diff(lowered) > 0).all()
    assert lowered[4] < 0.5
    assert (lowered[4:] < wrong[4:]).all()
