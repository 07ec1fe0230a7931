"""Linear heads fit labels and beliefs in closed form, and see unit vectors around their center."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.analysis.arrays import one_hot, unit_rows
from labelscape.ml_backend.analysis.heads import Space, Teacher, label_head, log_softmax, population, space


def groups(classes=3, each=30, dim=10, seed=0):
    random = np.random.default_rng(seed)
    truth = np.repeat(np.arange(classes), each)
    vectors = random.normal(0, 0.4, (len(truth), dim)) + 2 * np.eye(dim)[truth]
    return vectors.astype(np.float32), truth


def sample(rows):
    """A population of these unit rows."""
    rows = np.asarray(rows, np.float32)
    return population(Space(rows, np.zeros(rows.shape[1], np.float32)), np.arange(len(rows)))


@settings(deadline=None)
@given(
    seed=st.integers(0, 99),
    rows=st.lists(st.integers(0, 39), max_size=30) | st.lists(st.integers(5, 12), min_size=8, max_size=30),
)
def test_projecting_rows_is_the_product_with_them_whichever_rows_and_zero_vectors(seed, rows):
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(40, 6)).astype(np.float32) + 1
    vectors[7] = 0
    onto = random.normal(size=(6, 3)).astype(np.float32)
    seen = space(vectors, np.arange(40))
    rows = np.asarray(rows, np.int64)

    np.testing.assert_allclose(seen.project(rows, onto), seen.rows(rows) @ onto, atol=2e-4)


def test_rows_have_length_one_around_the_mean_of_the_sample():
    vectors, _ = groups()
    seen = space(vectors, np.arange(0, 90, 2))

    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(seen.center, unit[::2].mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(seen.rows(np.arange(90)), axis=1), 1, atol=1e-5)


@settings(deadline=None)
@given(factor=st.floats(0.01, 100))
def test_the_length_of_a_vector_does_not_matter(factor):
    vectors, _ = groups()
    scaled = (vectors * np.linspace(1, factor, len(vectors))[:, None]).astype(np.float32)
    every = np.arange(len(vectors))

    np.testing.assert_allclose(space(vectors, every).rows(every), space(scaled, every).rows(every), atol=1e-4)


@pytest.mark.parametrize("dim", [10, 200])  # more rows than columns, and fewer
def test_a_head_on_labels_recognizes_new_rows(dim):
    vectors, truth = groups(dim=dim)
    rows = space(vectors, np.arange(90)).rows(np.arange(90))
    known = np.arange(0, 90, 5)

    seen = sample(rows)

    weights = label_head(seen.rows[known], truth[known], 3, seen)

    assert ((seen.rows @ weights).argmax(axis=1) == truth).mean() > 0.95


def test_the_two_ways_to_solve_for_a_head_agree():
    random = np.random.default_rng(0)
    rows = random.normal(size=(12, 12)).astype(np.float32)
    labels = np.arange(12) % 3
    more = np.concatenate([rows, np.zeros((1, 12), np.float32)])  # one row that adds nothing crosses to the other way

    seen = sample(unit_rows(random.normal(size=(40, 12)).astype(np.float32)))

    one, other = label_head(rows, labels, 3, seen), label_head(more, np.append(labels, 0), 3, seen)

    correlation = [np.corrcoef(one[:, c], other[:, c])[0, 1] for c in range(3)]
    assert min(correlation) > 0.95


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 99))
def test_scores_of_every_head_have_unit_deviation_over_the_population(seed):
    vectors, truth = groups(seed=seed)
    seen = population(space(vectors, np.arange(90)), np.arange(90))
    teacher = Teacher(seen, np.arange(90) % 9 == 0)
    beliefs = one_hot(truth, 3)

    for weights in (
        teacher.taught(beliefs),
        label_head(seen.rows[::9], truth[::9], 3, seen),
        seen.standardized(seen.rows[:2].T),
    ):
        np.testing.assert_allclose((seen.rows @ weights).std(axis=0), 1, atol=1e-3)


def test_a_column_without_any_score_stays_finite():
    assert (sample(np.eye(4)).standardized(np.zeros((4, 2), np.float32)) == 0).all()


def test_a_taught_head_takes_over_mostly_right_beliefs_and_fixes_wrong_ones():
    vectors, truth = groups()
    rows = space(vectors, np.arange(90)).rows(np.arange(90))
    believed = truth.copy()
    believed[::6] = (believed[::6] + 1) % 3

    seen = sample(rows)

    weights = Teacher(seen, np.zeros(90, bool)).taught(one_hot(believed, 3))

    assert ((seen.rows @ weights).argmax(axis=1) == truth).all()


def test_a_self_trained_head_learns_each_fold_from_that_folds_labels_alone():
    vectors, truth = groups()
    rows = space(vectors, np.arange(90)).rows(np.arange(90))
    labels = np.full((2, 90), -1)
    labels[0, ::10] = truth[::10]
    labels[1, ::10] = (truth[::10] + 1) % 3  # another meaning of the classes in this fold
    undecided = np.full((90, 2, 3), 1 / 3, np.float32)

    seen = sample(rows)

    weights = Teacher(seen, np.arange(90) % 10 == 0).self_trained(undecided, labels)

    scores = (seen.rows @ weights).reshape(90, 2, 3)
    assert (scores[:, 0].argmax(axis=1) == truth).mean() > 0.95
    assert (scores[:, 1].argmax(axis=1) == (truth + 1) % 3).mean() > 0.95
    assert (undecided == np.float32(1 / 3)).all()  # the caller's beliefs are untouched


@settings(deadline=None)
@given(
    st.lists(st.lists(st.floats(-1e4, 1e4, width=32), min_size=3, max_size=3), min_size=1, max_size=5),
    st.floats(-50, 50),
)
def test_log_probabilities_sum_to_one_and_ignore_a_shift_of_all_scores(scores, shift):
    scores = np.asarray(scores, np.float32)

    result = log_softmax(scores)

    np.testing.assert_allclose(np.exp(result).sum(axis=1), 1, rtol=1e-5)
    assert (result <= 1e-6).all()
    np.testing.assert_allclose(log_softmax(scores + np.float32(shift)), result, atol=0.01)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 99), m=st.integers(4, 40), d=st.integers(2, 40))
def test_taught_heads_solve_the_weighted_ridge_regression_with_more_rows_than_dimensions_and_with_fewer(seed, m, d):
    random = np.random.default_rng(seed)
    rows = unit_rows(random.normal(size=(m, d)).astype(np.float32))
    labeled = random.random(m) < 0.3
    beliefs = random.random((m, 3)).astype(np.float32)
    weights = np.where(labeled, 5.0, 1.0)
    gram = (rows * weights[:, None]).T.astype(np.float64) @ rows
    centered = beliefs - beliefs.mean(axis=0)
    exact = np.linalg.solve(gram + np.eye(d) * np.trace(gram) / d, (rows * weights[:, None]).T @ centered)
    seen = sample(rows)

    taught = Teacher(seen, labeled).taught(beliefs)

    scores = rows @ exact
    np.testing.assert_allclose(rows @ (seen.basis @ taught), scores / scores.std(axis=0), atol=0.02, rtol=0.01)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 99))
def test_rows_that_join_a_population_are_as_if_they_had_been_in_it(seed):
    random = np.random.default_rng(seed)
    seen = space(random.normal(size=(40, 6)).astype(np.float32), np.arange(40))
    others = random.choice(40, 9, replace=False)
    begun = population(seen, np.arange(0, 40, 2))

    joined = begun.joined_by(others)

    assert joined.members.tolist() == np.union1d(np.arange(0, 40, 2), others).tolist()
    np.testing.assert_allclose(joined.rows @ joined.basis.T, seen.rows(joined.members), atol=1e-4)
    np.testing.assert_allclose(joined.gram, joined.rows.T @ joined.rows, atol=1e-4)
    weights = random.normal(size=(6, 3)).astype(np.float32)
    np.testing.assert_array_equal(joined.standardized(weights), begun.standardized(weights))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 99), m=st.sampled_from([25, 200]))  # fewer members than dimensions, and more
def test_a_population_keeps_only_the_directions_in_which_its_rows_vary(seed, m):
    random = np.random.default_rng(seed)
    vectors = (random.normal(size=(m, 5)) @ random.normal(size=(5, 60))).astype(np.float32)
    seen = space(vectors, np.arange(m))

    kept = population(seen, np.arange(m))

    assert kept.rows.shape[1] <= 6  # five, and the center that is subtracted
    np.testing.assert_allclose(kept.basis.T @ kept.basis, np.eye(kept.rows.shape[1]), atol=1e-3)
    np.testing.assert_allclose(kept.rows @ kept.basis.T, seen.rows(np.arange(m)), atol=0.02)
