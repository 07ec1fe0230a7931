"""The evidence for each suggestion describes the voters' agreement and the sample's surroundings."""

import numpy as np
import pytest
from labelscape.ml_backend.analysis.ensemble import VOTERS
from labelscape.ml_backend.analysis.evidence import weigh
from labelscape.ml_backend.analysis.neighbors import knn
from labelscape.ml_backend.analysis.reference import REFERENCE
from labelscape.ml_backend.progress import no_progress


def case_of(vectors, truth, rows):
    rows = np.asarray(rows)
    return weigh(vectors, knn(vectors, 15), rows, truth[rows], 3, seed=0, report=no_progress)


@pytest.fixture(scope="module")
def groups():
    """Three groups of 40."""
    random = np.random.default_rng(0)
    truth = np.repeat(np.arange(3), 40)
    centers = 2 * np.eye(8)[truth]
    return (centers + random.normal(0, 0.5, (120, 8))).astype(np.float32), truth


@pytest.fixture(scope="module")
def case(groups):
    vectors, truth = groups
    return case_of(vectors, truth, np.flatnonzero(np.arange(120) % 5 == 0))


def test_every_unlabeled_sample_gets_a_guess_and_as_much_evidence_as_there_are_coefficients(groups, case):
    _, truth = groups
    unlabeled = np.flatnonzero(np.arange(120) % 5 != 0)

    assert case.evidence.shape == (96, len(REFERENCE.mean))
    assert (case.guess == truth[unlabeled]).mean() > 0.95
    assert case.held_out.shape == (24, len(REFERENCE.mean))
    assert case.right.mean() > 0.9
    assert case.trust.shape == (len(VOTERS),)
    assert (case.trust >= 0).all()


def test_evidence_is_bounded_so_that_no_voter_outshouts_the_calibration(case):
    assert np.isfinite(case.evidence).all()
    assert (case.evidence[:, 0] == 1).all()
    assert np.abs(case.evidence[:, 1:8]).max() <= 6
    assert (case.evidence[:, 1] >= 0).all()  # the pooled guess is the pooled maximum


def test_all_voters_agree_where_each_of_them_prefers_the_guess():
    truth = np.repeat(np.arange(3), 40)
    noisy = (2 * np.eye(8)[truth] + np.random.default_rng(0).normal(0, 1, (120, 8))).astype(np.float32)
    case = case_of(noisy, truth, np.flatnonzero(np.arange(120) % 5 == 0))
    prefers = (case.evidence[:, 2:7] > 0).all(axis=1)

    np.testing.assert_array_equal(case.evidence[:, 7] == 1, prefers)
    assert prefers.sum() > 0


def test_evidence_is_weaker_between_groups_than_inside_them(groups):
    vectors, truth = groups
    between = (vectors[:40] + vectors[40:80]) / 2
    more = np.concatenate([vectors, between])
    rows = np.flatnonzero(np.arange(160) % 5 == 0)
    rows = rows[rows < 120]

    case = weigh(more, knn(more, 15), rows, truth[rows], 3, seed=0, report=no_progress)

    inside, outside = case.evidence[:96, 1], case.evidence[96:, 1]
    assert np.median(outside) < 0.8 * np.median(inside)
    assert case.surroundings.consistency[96:].mean() < case.surroundings.consistency[:96].mean()


def test_surroundings_are_shares_distances_and_mass_of_the_same_samples(groups, case):
    vectors, truth = groups
    around = case.surroundings

    assert len(around.distances) == len(around.mass) == len(around.scale) == len(around.consistency) == 96
    assert len(around.held_out_distances) == len(around.held_out_mass) == 24
    classes = truth.copy()  # those of the labels, and the guesses of all others
    unlabeled = np.flatnonzero(np.arange(120) % 5 != 0)
    classes[unlabeled] = case.guess
    same = classes[knn(vectors, 15).indices[unlabeled]] == case.guess[:, None]
    np.testing.assert_allclose(around.consistency, same.mean(axis=1), atol=1e-6)
    assert around.share.sum() / 3 == pytest.approx((np.bincount(case.guess) ** 2).sum() / 96)
    assert around.labels_a_class == 8


def test_agreement_over_the_dataset_tells_whether_the_embeddings_suit_the_classes(groups, case):
    _, truth = groups
    noise = np.random.default_rng(1).normal(size=(120, 8)).astype(np.float32)
    senseless = case_of(noise, truth, np.flatnonzero(np.arange(120) % 5 == 0))

    assert senseless.surroundings.agreement < 1 < 2 < case.surroundings.agreement
    assert (senseless.evidence[:, 8] == senseless.surroundings.agreement).all()
    assert senseless.right.mean() < 0.7


def test_with_one_label_a_class_nothing_is_held_out_and_the_measured_trust_is_used(groups):
    vectors, truth = groups
    few = case_of(vectors, truth, [0, 40, 80])
    other = case_of(vectors, truth, [1, 41, 81])

    assert len(few.held_out) == len(few.right) == 0
    assert few.trust.tolist() == other.trust.tolist()


def test_anchors_are_labels_of_the_guessed_class(groups, case):
    _, truth = groups

    assert (case.anchors % 5 == 0).all()
    assert (truth[case.anchors] == case.guess[:, None]).all()


def test_labels_at_the_border_do_not_make_easy_samples_look_hard():
    random = np.random.default_rng(0)
    truth = np.repeat(np.arange(3), 200)
    vectors = (2 * np.eye(8)[truth] + random.normal(0, 0.6, (600, 8))).astype(np.float32)
    distances = np.sort(((vectors[:, None] - 2 * np.eye(8)[:3]) ** 2).sum(axis=2), axis=1)
    border = np.sort(np.argsort(distances[:, 1] - distances[:, 0])[:60])

    case = case_of(vectors, truth, border)

    assert (case.guess == np.delete(truth, border)).mean() > 0.98
    assert case.right.mean() < 0.85
    assert case.surroundings.accuracy > 0.95
