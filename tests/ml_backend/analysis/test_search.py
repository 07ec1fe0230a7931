"""Similarity search in numbers: what ranks first, what a threshold keeps, what marks teach."""

import numpy as np
import pytest
from labelscape.ml_backend.analysis.batches import diverse_batch
from labelscape.ml_backend.analysis.probe import MIN_MARKS, fit_scorer, next_marks
from labelscape.ml_backend.analysis.search import (
    around_threshold,
    fold_duplicates,
    mean_query,
    rows_above,
    top_rows,
    unit_vectors,
)
from labelscape.ml_backend.errors import Refusal


def blobs(centers, each=40, spread=0.4, seed=0, dim=16):
    """(vectors, group) around random unit centers."""
    random = np.random.default_rng(seed)
    directions = unit_vectors(random.normal(size=(centers, dim)))
    group = np.repeat(np.arange(centers), each)
    noise = random.normal(size=(len(group), dim)) * spread / np.sqrt(dim)
    return np.asarray(directions[group] + noise, np.float32), group


def test_the_mean_of_the_positives_ranks_their_kind_first():
    vectors, group = blobs(5)
    unit = unit_vectors(vectors)
    scores = mean_query(vectors[[0, 1, 2]]).scores(unit)
    assert scores.dtype == np.float32
    assert (group[top_rows(scores, 40)] == 0).all()
    assert scores.min() >= 0
    assert scores.max() <= 1


def test_an_example_alone_scores_itself_one_and_its_opposite_zero():
    unit = unit_vectors([[2, 0], [0, 3], [-5, 0], [0, 0]])
    np.testing.assert_allclose(mean_query([[7, 0]]).scores(unit), [1, 0.5, 0, 0.5], atol=1e-6)


def test_negatives_near_the_positives_push_their_kind_down_and_keep_the_positives_up():
    random = np.random.default_rng(1)
    shared, own, other = np.eye(3, 12)
    liked = shared + 0.5 * own + random.normal(size=(40, 12)) * 0.1
    disliked = shared + 0.5 * other + random.normal(size=(40, 12)) * 0.1
    unrelated = random.normal(size=(200, 12)) * 0.3 - shared
    unit = unit_vectors(np.concatenate((liked, disliked, unrelated)))
    plain = mean_query(liked[:1]).scores(unit)
    told = mean_query(liked[:1], disliked[:3]).scores(unit)
    margin = [scores[:40].mean() - scores[40:80].mean() for scores in (plain, told)]
    assert margin[1] > margin[0]
    assert told[:80].min() > told[80:].mean()


def test_a_query_of_nothing_or_of_what_cancels_out_is_refused():
    nothing = np.empty((0, 4), np.float32)
    with pytest.raises(Refusal, match="nothing to search for"):
        mean_query(nothing, nothing)
    with pytest.raises(Refusal, match="cancel each other out"):
        mean_query([[1, 0], [-1, 0]])


def test_a_query_of_other_dimensions_says_that_the_embeddings_changed():
    with pytest.raises(Refusal, match="2 dimensions and the embeddings have 3"):
        mean_query([[1, 0]]).scores(np.eye(3, dtype=np.float32))


def test_the_best_come_first_with_ties_by_row_and_only_among_those_allowed():
    scores = np.asarray([0.5, 0.9, 0.5, 0.1, 0.5], np.float32)
    assert top_rows(scores, 3).tolist() == [1, 0, 2]
    assert top_rows(scores, 9).tolist() == [1, 0, 2, 4, 3]
    assert top_rows(scores, 0).tolist() == []
    assert top_rows(scores, 2, among=np.asarray([4, 3, 2])).tolist() == [2, 4]
    assert rows_above(scores, 0.5).tolist() == [1, 0, 2, 4]
    assert rows_above(scores, 0.5, among=np.asarray([3, 4])).tolist() == [4]


def test_around_a_threshold_the_nearest_of_both_sides_are_shown():
    scores = np.asarray([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], np.float32)
    around = around_threshold(scores, 0.35, 2)
    assert around.above.tolist() == [3, 4]
    assert around.below.tolist() == [2, 1]
    assert around_threshold(scores, 2.0, 2).above.tolist() == []


def test_near_duplicates_in_the_results_fold_into_the_best_of_them():
    vectors, _ = blobs(40, each=3, spread=1e-3)
    unit = unit_vectors(vectors)
    kept, hidden = fold_duplicates(unit, np.asarray([4, 3, 5, 0, 119, 118]), threshold=0.01)
    assert kept.tolist() == [4, 0, 119]
    assert hidden.tolist() == [2, 0, 1]
    alone, none = fold_duplicates(unit, np.asarray([7]))
    assert (alone.tolist(), none.tolist()) == ([7], [0])


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
    asked = next_marks(unit, scores, threshold, marked=marked, count=4)
    assert len(set(asked.tolist())) == 4
    assert not np.isin(asked, marked).any()
    assert len(set(group[asked].tolist())) > 1
    assert next_marks(unit, scores, threshold, marked=np.arange(len(unit))).tolist() == []


def test_a_batch_is_alike_the_query_but_not_all_alike():
    vectors, group = blobs(8, each=50, spread=0.2, seed=2)
    copies = np.repeat(vectors[:1], 15, axis=0)
    unit = unit_vectors(np.concatenate((copies, vectors)))
    scores = mean_query(vectors[:1]).scores(unit)
    batch = diverse_batch(unit, scores, 20)
    assert len(set(batch.tolist())) == 20
    assert (top_rows(scores, 20) < 16).sum() == 16
    assert (batch < 16).sum() == 1
    assert (group[batch[batch >= 15] - 15] == 0).all()
    assert diverse_batch(unit, scores, 20, candidates=1)[0] == top_rows(scores, 1)[0]
    assert sorted(diverse_batch(unit, scores, 20, candidates=1)) == sorted(top_rows(scores, 20))


def test_a_batch_keeps_away_from_earlier_ones_and_never_repeats_what_may_not_be_chosen():
    vectors, _ = blobs(2, each=200, spread=0.5, seed=4)
    unit = unit_vectors(vectors)
    scores = mean_query(vectors[:3]).scores(unit)
    first = diverse_batch(unit, scores, 15)
    left = np.setdiff1d(np.arange(len(unit)), first)
    second = diverse_batch(unit, scores, 15, among=left, apart_from=first)
    assert not np.isin(second, first).any()
    nearest = [(unit[batch] @ unit[first].T).max(axis=1).mean() for batch in (second, top_rows(scores, 15, among=left))]
    assert nearest[0] < nearest[1]
    assert len(diverse_batch(unit, scores, 15, among=left[:4])) == 4
    assert diverse_batch(unit, scores, 15, among=left[:0]).tolist() == []
