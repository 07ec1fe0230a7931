"""The voters' answers about held-out labels are made without those labels, and anchors are the nearest labels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.analysis.ensemble import ANCHORS, VOTERS, Ensemble, label_folds
from labelscape.ml_backend.analysis.evidence import prepare
from labelscape.ml_backend.analysis.neighbors import knn
from labelscape.ml_backend.progress import no_progress


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.integers(1, 40), min_size=2, max_size=12),
    n=st.sampled_from([1_000, 300_000]),
    seed=st.integers(0, 1_000),
)
def test_a_fold_never_holds_a_whole_class_and_no_label_twice(counts: list[int], n: int, seed: int) -> None:
    codes = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    folds = label_folds(codes, len(counts), np.random.default_rng(seed + 1).random(len(codes)), n)
    held_out = np.concatenate([np.empty(0, np.int64), *folds])
    assert len(np.unique(held_out)) == len(held_out)
    assert set(held_out.tolist()) == set(np.flatnonzero(np.asarray(counts)[codes] >= 2).tolist())
    for fold in folds:
        assert (np.bincount(codes[fold], minlength=len(counts)) < counts).all()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1_000))
def test_one_more_label_leaves_the_others_in_their_folds(seed: int) -> None:
    random = np.random.default_rng(seed)
    codes, keys = random.integers(0, 8, 201), random.random(201)
    before, after = fold_of(codes[:-1], keys[:-1]), fold_of(codes, keys)
    # The first and the last label of a class may change places with the new one.
    assert (before != after[:-1]).sum() <= 2


def fold_of(codes: np.ndarray, keys: np.ndarray) -> np.ndarray:
    fold_of = np.full(len(codes), -1)
    for number, fold in enumerate(label_folds(codes, 8, keys, 1_000)):
        fold_of[fold] = number
    return fold_of


def three_groups(each=30, noise=0.4, seed=0, dim=8):
    random = np.random.default_rng(seed)
    truth = np.repeat(np.arange(3), each)
    return (2 * np.eye(dim)[truth] + random.normal(0, noise, (3 * each, dim))).astype(np.float32), truth


def ensemble(vectors, rows, codes, classes=3):
    prepared = prepare(vectors, knn(vectors, 8))
    return Ensemble(vectors, prepared.spreader, prepared.population, np.asarray(rows), np.asarray(codes), classes, 0)


@pytest.fixture(scope="module")
def labeled():
    """Three groups of 30 with 6 labels each."""
    vectors, truth = three_groups()
    rows = np.flatnonzero(np.arange(90) % 5 == 0)
    return ensemble(vectors, rows, truth[rows]), vectors, truth


def test_every_voter_gives_each_unlabeled_sample_probabilities_and_finds_its_group(labeled):
    voters, _, truth = labeled
    *_, weights = voters.learn(no_progress)

    votes = np.concatenate(voters.decide(weights, lambda votes: votes, no_progress))

    assert votes.shape == (72, len(VOTERS), 3)
    np.testing.assert_allclose(np.exp(votes).sum(axis=2), 1, atol=2e-3)
    for voter in range(len(VOTERS)):
        assert (votes[:, voter].argmax(axis=1) == truth[voters.unlabeled]).mean() > 0.9


def test_held_out_labels_are_predicted_by_the_others(labeled):
    voters, _, truth = labeled

    votes, answers, _ = voters.learn(no_progress)

    assert sorted(np.concatenate(voters.folds).tolist()) == list(range(18))
    assert answers.tolist() == truth[voters.rows[np.concatenate(voters.folds)]].tolist()
    assert (votes.argmax(axis=2) == answers[:, None]).mean() > 0.9


def test_a_held_out_label_never_votes_for_itself():
    vectors, truth = three_groups(noise=0.2, dim=60)  # enough dimensions to learn every label by heart
    rows = np.flatnonzero(np.arange(90) % 5 == 0)
    codes = truth[rows].copy()
    codes[4] = (codes[4] + 1) % 3  # a wrong label in the middle of its group
    voters = ensemble(vectors, rows, codes)

    votes, answers, _ = voters.learn(no_progress)

    place = np.concatenate(voters.folds).tolist().index(4)
    assert answers[place] == codes[4]
    assert (votes[place].argmax(axis=1) == truth[rows[4]]).all()


def test_one_label_a_class_leaves_nothing_to_hold_out():
    vectors, truth = three_groups()
    voters = ensemble(vectors, [0, 30, 60], truth[[0, 30, 60]])

    votes, answers, _ = voters.learn(no_progress)

    assert votes.shape == (0, len(VOTERS), 3)
    assert len(answers) == len(voters.held_out_mass()) == len(voters.held_out_distances(answers)) == 0


def test_anchors_are_the_nearest_labeled_samples_of_the_guessed_class_nearest_first(labeled):
    voters, _, truth = labeled
    guess = truth[voters.unlabeled]

    anchors, distances = voters.anchors(guess)

    points = voters.space.rows(np.arange(90))
    for row, (code, nearest) in enumerate(zip(guess, anchors, strict=True)):
        members = voters.rows[voters.codes == code]
        similarity = points[members] @ points[voters.unlabeled[row]]
        assert nearest.tolist() == members[np.argsort(-similarity)][:ANCHORS].tolist()
        assert distances[row] == pytest.approx(1 - similarity.max(), abs=1e-4)


def test_a_class_with_fewer_labels_than_anchors_is_padded():
    vectors, truth = three_groups()
    rows = np.array([0, 30, 31, 60, 61, 62, 63])
    voters = ensemble(vectors, rows, truth[rows])

    anchors, _ = voters.anchors(truth[voters.unlabeled])

    counts = (anchors >= 0).sum(axis=1)
    assert counts.tolist() == np.array([1, 2, 3])[truth[voters.unlabeled]].tolist()


def test_a_held_out_label_is_as_far_as_the_nearest_of_its_guess_outside_its_fold(labeled):
    voters, _, _ = labeled
    places = np.concatenate(voters.folds)
    fold = np.repeat(np.arange(len(voters.folds)), [len(part) for part in voters.folds])
    guess = voters.codes[places]

    distances = voters.held_out_distances(guess)

    points = voters.space.rows(voters.rows)
    for position, place in enumerate(places):
        others = places[(fold != fold[position]) & (voters.codes[places] == guess[position])]
        expected = 1 - (points[others] @ points[place]).max() if len(others) else 2
        assert distances[position] == pytest.approx(expected, abs=1e-4)


def test_label_mass_falls_with_the_distance_from_the_labels():
    vectors, truth = three_groups()
    far = np.concatenate([vectors, -5 * np.eye(8, dtype=np.float32)[:1] - 0.01 * vectors[:12]])
    voters = ensemble(far, [0, 30, 60], truth[[0, 30, 60]])

    mass = voters.mass()

    assert mass[voters.unlabeled >= 90].max() < 0.01 * np.median(mass[voters.unlabeled < 90])
