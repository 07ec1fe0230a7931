"""Confidences are probabilities: what is accepted is right as often as expected."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from labelscape.ml_backend.analysis.calibration import MIN_HELD_OUT, Reliability, accept, accept_suggestions, describe
from scipy.special import expit

confidences = hnp.arrays(np.float64, st.integers(0, 40), elements=st.floats(0, 1))
precisions = st.floats(0.5, 1)
NEUTRAL = Reliability(np.zeros(2), np.eye(2))


def drawn(n, weights, seed=0):
    """Evidence (n, 2) with a constant column, and whether the suggestion was right, by the true coefficients."""
    random = np.random.default_rng(seed)
    evidence = np.column_stack([np.ones(n), random.normal(size=n)])
    return evidence, random.random(n) < expit(evidence @ weights)


@settings(deadline=None)
@given(confidences, precisions)
def test_what_is_accepted_is_expected_to_reach_the_target_precision(confidence, precision):
    accepted = accept(confidence, precision)

    if accepted.any():
        assert confidence[accepted].mean() >= precision - 1e-9


@settings(deadline=None)
@given(confidences, precisions)
def test_nothing_is_accepted_before_something_more_confident_and_no_more_could_be(confidence, precision):
    accepted = accept(confidence, precision)

    if accepted.any() and not accepted.all():
        assert confidence[accepted].min() >= confidence[~accepted].max()
    for more in range(int(accepted.sum()) + 1, len(confidence) + 1):
        assert np.sort(confidence)[::-1][:more].mean() < precision + 1e-9


@settings(deadline=None)
@given(confidences, precisions, precisions)
def test_a_higher_target_never_accepts_more(confidence, one, other):
    strict, lenient = accept(confidence, max(one, other)), accept(confidence, min(one, other))

    assert not (strict & ~lenient).any()


def test_confident_suggestions_carry_less_confident_ones_up_to_the_target():
    assert accept(np.array([0.7, 1.0, 0.2, 1.0]), 0.9).tolist() == [True, True, False, True]
    assert not accept(np.array([0.89, 0.5]), 0.9).any()


def test_no_suggestion_is_accepted_that_is_twice_as_likely_wrong_as_the_target_allows():
    confidence = np.array([0.79, 0.999, 0.81, 0.999, 0.85, 0.999])
    assert accept(confidence, 0.9).all()
    assert accept_suggestions(confidence, 0.9).tolist() == [False, True, True, True, True, True]
    assert accept_suggestions(confidence, 0.95).tolist() == [False, True, False, True, False, True]


@settings(deadline=None)
@given(confidences, precisions)
def test_accepted_suggestions_reach_the_target_and_are_the_most_confident(confidence, precision):
    accepted = accept_suggestions(confidence, precision)
    assert not (accepted & ~accept(confidence, precision)).any()
    if accepted.any():
        assert confidence[accepted].mean() >= precision - 1e-9
        assert confidence[accepted].min() >= confidence[~accepted].max(initial=0)


def test_many_held_out_labels_overrule_the_prior():
    truth = np.array([0.5, 2.0])
    evidence, right = drawn(20_000, truth)

    learned = Reliability(np.array([-3.0, -3.0]), 0.1 * np.eye(2)).learn(evidence, right)

    np.testing.assert_allclose(learned.mean, truth, atol=0.15)


def test_without_held_out_labels_the_prior_remains():
    prior = Reliability(np.array([1.0, -2.0]), np.array([[0.5, 0.1], [0.1, 0.3]]))

    learned = prior.learn(np.empty((0, 2)), np.empty(0, bool))

    np.testing.assert_allclose(learned.mean, prior.mean)
    np.testing.assert_allclose(learned.covariance, prior.covariance)


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(0, 100))
def test_every_held_out_label_makes_the_coefficients_more_certain(n, seed):
    evidence, right = drawn(n, np.array([0.3, 1.0]), seed)

    before = NEUTRAL.learn(evidence[:-1], right[:-1]).probability(evidence[-1:])
    learned = NEUTRAL.learn(evidence, right)

    assert (np.linalg.eigvalsh(NEUTRAL.covariance - learned.covariance) > -1e-9).all()
    moved = learned.probability(evidence[-1:]) - before
    assert moved > 0 if right[-1] else moved < 0  # toward the label that was just held out


def test_learned_probabilities_are_the_shares_that_are_right():
    weights = np.array([0.5, 1.5])
    evidence, right = drawn(4_000, weights)
    new_evidence, new_right = drawn(20_000, weights, seed=1)

    probability = NEUTRAL.learn(evidence, right).probability(new_evidence)

    for low in (0.1, 0.4, 0.7, 0.9):
        inside = (probability >= low) & (probability < low + 0.1)
        assert new_right[inside].mean() == pytest.approx(probability[inside].mean(), abs=0.05)


@settings(deadline=None)
@given(hnp.arrays(np.float64, (5, 2), elements=st.floats(-10, 10)), st.floats(0.1, 20))
def test_uncertain_coefficients_pull_probabilities_toward_one_half(evidence, spread):
    mean = np.array([0.7, -1.1])
    certain = Reliability(mean, np.zeros((2, 2))).probability(evidence)
    uncertain = Reliability(mean, spread * np.eye(2)).probability(evidence)

    assert (np.abs(uncertain - 0.5) <= np.abs(certain - 0.5) + 1e-12).all()
    assert (np.sign((uncertain - 0.5).round(12)) * np.sign((certain - 0.5).round(12)) >= 0).all()


@pytest.mark.parametrize("variance", [0.3, 2.0, 10.0])
def test_a_probability_is_the_average_over_the_uncertain_coefficients(variance):
    mean, evidence = np.array([0.7, 1.1]), np.array([[1.0, 1.5], [1.0, -0.2], [1.0, -2.0]])
    drawn_coefficients = np.random.default_rng(0).normal(mean, np.sqrt(variance), (20_000, 2))

    averaged = expit(evidence @ drawn_coefficients.T).mean(axis=1)

    probability = Reliability(mean, variance * np.eye(2)).probability(evidence)
    np.testing.assert_allclose(probability, averaged, atol=0.02)


def test_labels_that_separate_perfectly_still_give_finite_coefficients():
    evidence = np.column_stack([np.ones(50), np.linspace(-6, 6, 50)])

    learned = NEUTRAL.learn(evidence, evidence[:, 1] > 0)

    assert np.isfinite(learned.mean).all()
    assert learned.probability(np.array([[1.0, 6.0]]))[0] > 0.95


@pytest.mark.parametrize(
    ("held_out", "says"),
    [
        (MIN_HELD_OUT, "calibrated on 30 labels"),
        (1_234, "calibrated on 1,234 labels"),
        (MIN_HELD_OUT - 1, "only 29 labels to calibrate on"),
        (0, "only 7 labels: too few to calibrate"),
        (1, "only 1 label to calibrate on"),
    ],
)
def test_the_summary_says_how_many_labels_the_confidences_rest_on(held_out, says):
    calibration = describe(NEUTRAL, np.ones((2, 2)), held_out, 7, np.array([0.9, 0.7]))

    assert says in calibration.sentence
    assert calibration.held_out == held_out
    assert calibration.expected_precision == pytest.approx(0.8)


def test_more_held_out_labels_narrow_the_expected_precision():
    evidence, right = drawn(2_000, np.array([1.0, 1.0]))
    widths = []
    for n in (20, 200, 2_000):
        learned = NEUTRAL.learn(evidence[:n], right[:n])
        widths.append(describe(learned, evidence, n, n, learned.probability(evidence)).uncertainty)

    assert widths[0] > 2 * widths[1] > 4 * widths[2] > 0


def test_nothing_accepted_has_no_expected_precision():
    calibration = describe(NEUTRAL, np.empty((0, 2)), 40, 40, np.empty(0))

    assert np.isnan([calibration.expected_precision, calibration.uncertainty]).all()
