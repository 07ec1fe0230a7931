"""A few random checks give a guarantee that is never larger than what they show."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.analysis.audit import audit, checks_needed, draw_checks, lower_bound
from scipy.stats import binom, hypergeom


@pytest.mark.parametrize(("bound", "checks"), [(0.90, 29), (0.94, 49), (0.95, 59), (0.99, 299)])
def test_known_numbers_of_checks_without_a_wrong_one(bound, checks):
    assert checks_needed(bound) == checks


def test_the_bound_is_reported_in_words_and_never_rounded_up():
    assert audit(50, 50).sentence() == "at least 94% right with 95% confidence, from 50 checks"
    assert audit(1, 1).sentence() == "at least 5% right with 95% confidence, from 1 check"


@pytest.mark.parametrize("share", [0.5, 0.8, 0.93, 0.99])
@pytest.mark.parametrize("checked", [20, 60])
def test_the_bound_holds_in_at_least_95_of_100_audits(share, checked):
    outcomes = np.arange(checked + 1)
    holds = [lower_bound(int(right), checked) <= share for right in outcomes]

    assert binom.pmf(outcomes, checked, share)[holds].sum() >= 0.95


@given(population=st.integers(1, 80), data=st.data())
@settings(max_examples=60, deadline=None)
def test_the_bound_of_a_small_set_holds_in_at_least_95_of_100_audits(population, data):
    checked, right_ones = data.draw(st.integers(1, population)), data.draw(st.integers(0, population))
    outcomes = np.arange(max(0, checked - (population - right_ones)), min(checked, right_ones) + 1)
    holds = [lower_bound(int(right), checked, population=population) <= right_ones / population for right in outcomes]

    assert hypergeom.pmf(outcomes, population, right_ones, checked)[holds].sum() >= 0.95 - 1e-9


@given(checked=st.integers(1, 200), data=st.data())
@settings(max_examples=60, deadline=None)
def test_more_right_ones_never_lower_the_bound_and_it_never_exceeds_what_was_seen(checked, data):
    right = data.draw(st.integers(1, checked))

    assert lower_bound(right - 1, checked) <= lower_bound(right, checked) <= right / checked
    assert lower_bound(right, checked) <= lower_bound(right, checked, population=10 * checked)


@given(bound=st.floats(0.5, 0.99), wrong=st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_one_check_less_than_needed_is_not_enough(bound, wrong):
    checks = checks_needed(bound, wrong=wrong)

    assert lower_bound(checks - wrong, checks) >= bound > lower_bound(checks - 1 - wrong, checks - 1)


def test_all_of_a_small_set_checked_is_certain():
    assert lower_bound(7, 8, population=8) == 7 / 8
    assert checks_needed(1.0, population=8) == 8


def test_checks_are_accepted_suggestions_each_at_most_once_and_drawn_evenly():
    accepted = np.arange(100) % 2 == 0
    draws = np.array([draw_checks(accepted, 10, seed=seed) for seed in range(500)])

    assert accepted[draws].all()
    assert all(len(np.unique(draw)) == 10 for draw in draws)
    assert np.bincount(draws.ravel(), minlength=100)[accepted].min() > 50  # 100 expected


def test_the_same_seed_draws_the_same_checks_and_more_checks_keep_the_first():
    accepted = np.ones(50, bool)

    np.testing.assert_array_equal(draw_checks(accepted, 5, seed=3), draw_checks(accepted, 20, seed=3)[:5])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: audit(6, 5), "of 5 checks 6 cannot be right"),
        (lambda: audit(5, 5, population=4), "5 checks cannot come from 4 suggestions"),
        (lambda: audit(5, 5, confidence=1.0), "the confidence must be at least 0.5 and below 1; got 1.0"),
        (lambda: checks_needed(1.0), "no number of checks can guarantee that 100.0% are right"),
        (lambda: checks_needed(1.2), "between 0 and 1; got 1.2"),
        (lambda: draw_checks(np.ones(3, bool), 0), "at least 1; got 0"),
    ],
)
def test_impossible_audits_are_refused_in_words(call, message):
    with pytest.raises(ValueError, match=message):
        call()
