"""Similarity search in numbers: what ranks first, what a threshold keeps, what marks teach."""

import numpy as np
import pytest
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
    marked = mean_query(liked[:1], disliked[:3]).scores(unit)
    margin = [scores[:40].mean() - scores[40:80].mean() for scores in (plain, marked)]
    assert margin[1] > margin[0]
    assert marked[:80].min() > marked[80:].mean()


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
