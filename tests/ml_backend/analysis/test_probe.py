"""A person's marks become a scorer whose quality is measured on marks it has not seen."""

import numpy as np
import pytest
from labelscape.ml_backend.analysis.probe import MIN_MARKS, fit_scorer, next_marks
from labelscape.ml_backend.analysis.search import mean_query, unit_vectors
from labelscape.ml_backend.errors import Refusal

from .test_search import blobs


def hard_marks(count=12, seed=0):
    """Positives that differ from the negatives, and both from the background, in directions of their own."""
    random = np.random.default_rng(seed)
    base, own = np.eye(2, 24)
    noise = lambda n: random.normal(size=(n, 24)) * 0.25  # noqa: E731
    liked, disliked = base + 0.5 * own + noise(200), base - 0.5 * own + noise(200)
    background = np.concatenate((noise(1600), liked[100:], disliked[100:]))
    return liked[:count], disliked[:count], background, liked[100:], disliked[100:]


def test_a_probe_of_hard_marks_keeps_what_both_share_and_tells_how_good_it_is():
    liked, disliked, background, new_liked, new_disliked = hard_marks(30)
    fitted = fit_scorer(liked, disliked, background)
    assert fitted.held_out is not None
    scores = [fitted.scorer.scores(unit_vectors(part)) for part in (new_liked, new_disliked, background[:1600])]
    true_auc = (scores[0][:, None] > scores[1][None, :]).mean()
    assert true_auc > 0.9
    assert abs(fitted.held_out.auc - true_auc) < 0.1
    assert (scores[1][:, None] > scores[2][None, :]).mean() > 0.8
    assert (fitted.held_out.positives, fitted.held_out.negatives) == (30, 30)


def test_a_probes_score_is_the_share_of_matches_among_such_marks():
    liked, disliked, background, new_liked, new_disliked = hard_marks(60, seed=3)
    fitted = fit_scorer(liked, disliked, background)
    assert fitted.scorer.kind == "probe"
    scores = fitted.scorer.scores(unit_vectors(np.concatenate((new_liked, new_disliked))))
    truth = np.arange(len(scores)) < len(new_liked)
    confident = scores > 0.8
    assert confident.sum() > 20
    assert truth[confident].mean() > 0.8
    assert truth[scores < 0.2].mean() < 0.2


def test_too_few_marks_stay_a_mean_query_without_a_quality():
    liked, disliked, background, *_ = hard_marks(MIN_MARKS - 1)
    fitted = fit_scorer(liked, disliked, background)
    assert fitted.scorer.kind == "mean"
    assert fitted.held_out is None


def test_the_same_marks_give_the_same_scorer():
    marks = hard_marks(10)[:3]
    first, second = fit_scorer(*marks), fit_scorer(*marks)
    np.testing.assert_array_equal(first.scorer.weights, second.scorer.weights)
    assert first.held_out == second.held_out


def test_marks_asked_for_lie_near_the_threshold_apart_from_each_other_and_are_new():
    vectors, group = blobs(6, each=30, spread=0.05)
    unit = unit_vectors(vectors)
    scores = mean_query(vectors[group == 0]).scores(unit)
    marked = np.flatnonzero(group == 0)
    threshold = float(np.sort(scores)[-60])
    next_ones = next_marks(unit, scores, threshold, marked=marked, count=4)
    assert len(set(next_ones.tolist())) == 4
    assert not np.isin(next_ones, marked).any()
    assert len(set(group[next_ones].tolist())) > 1
    assert next_marks(unit, scores, threshold, marked=np.arange(len(unit))).tolist() == []


def test_a_mean_query_that_ranks_held_out_marks_better_is_kept_with_its_quality():
    random = np.random.default_rng(0)
    center = np.eye(24)[0]
    liked, disliked = center + 0.3 * random.normal(size=(8, 24)), -center + 0.3 * random.normal(size=(8, 24))

    fitted = fit_scorer(liked, disliked, 0.3 * random.normal(size=(200, 24)))

    assert fitted.scorer.kind == "mean"
    assert fitted.held_out is not None
    assert fitted.held_out.auc == 1


def test_marks_that_mean_nothing_are_said_to_be_no_better_than_chance():
    random = np.random.default_rng(1)
    marks = random.normal(size=(120, 64))

    fitted = fit_scorer(marks[:60], marks[60:], random.normal(size=(300, 64)))

    assert fitted.held_out is not None
    assert 0.3 < fitted.held_out.auc < 0.7


def test_nothing_to_search_for_is_refused():
    with pytest.raises(Refusal, match="nothing to search for"):
        fit_scorer(np.empty((0, 4)), np.empty((0, 4)), np.ones((5, 4)))


def test_the_first_mark_requested_is_the_nearest_to_the_threshold():
    unit = unit_vectors(np.random.default_rng(2).normal(size=(300, 8)))
    scores = mean_query(unit[:1]).scores(unit)
    nearest = np.argsort(np.abs(scores - np.float32(0.6)), kind="stable")

    requested = next_marks(unit, scores, 0.6, marked=nearest[:3], count=5)

    assert requested[0] == nearest[3]
    assert np.isin(requested, nearest[3:53]).all()
