"""Confidences hold where labels lie where the data lies, and fall where they do not."""

from dataclasses import replace

import numpy as np
import pytest
from labelscape.ml_backend.analysis.neighbors import knn
from labelscape.ml_backend.analysis.propagation import suggest
from labelscape.ml_backend.analysis.reference import SECOND
from labelscape.ml_backend.analysis.representativeness import FEATURES, Surroundings, corrected, correction_features
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA


def around(distance: float, held_out: int = 100, consistency: float = 1.0) -> Surroundings:
    reference = np.linspace(0.1, 0.3, held_out, dtype=np.float32)
    mass = np.linspace(0.5, 1.5, held_out, dtype=np.float32)
    same = np.ones(5, np.float32)
    per_class = max(held_out, 1) / 10
    return Surroundings(
        distance * same, same, reference, mass, 0.2 * same, np.ones(5), consistency * same, 3.0, per_class, 0.1, 1.0
    )


def test_one_weight_a_feature():
    assert correction_features(np.full(5, 0.9), around(0.2)).shape == (5, len(FEATURES)) == (5, len(SECOND))


def test_far_from_the_labels_among_other_classes_it_is_less_certain():
    steps = np.linspace(0, 1, 9, dtype=np.float32)
    mixed = replace(around(0.2), distances=0.1 + 0.3 * steps, mass=1.5 - steps, consistency=1 - 0.5 * steps)
    mixed = replace(mixed, scale=np.full(9, 0.2, np.float32), share=np.ones(9))
    confidences = corrected(np.full(9, 0.95), mixed, SECOND)

    assert (np.diff(confidences) < 0).all()
    assert confidences[-1] < confidences[0] - 0.1


@pytest.mark.parametrize("held_out", [0, 9])
def test_without_held_out_labels_the_distance_alone_counts(held_out):
    features = correction_features(np.full(5, 0.95), around(0.2, held_out=held_out))
    assert (features[:, FEATURES.index("nothing held out")] == 1).all()
    assert (features[:, FEATURES.index("nearness")] == 0).all()


@pytest.mark.parametrize("seed", range(3))
def test_labels_from_one_small_region_a_class_keep_the_promise_better_than_nothing(seed):
    vectors, truth = load_digits(return_X_y=True)
    vectors, random = vectors.astype(np.float32), np.random.default_rng(seed)
    labels = np.full(len(truth), -1)
    for name in range(10):
        members = np.flatnonzero(truth == name)
        middle = random.choice(members)
        labels[members[np.argsort(np.linalg.norm(vectors[members] - vectors[middle], axis=1))[:10]]] = name
    suggestions = suggest(vectors, knn(vectors, 15), labels, 10, precision=0.9)
    assert (suggestions.labels == truth)[suggestions.accepted].mean() >= 0.82


@pytest.mark.parametrize(("n_classes", "each"), [(3, 10), (10, 4), (10, 10)])
def test_on_noise_the_confidence_stays_near_chance(n_classes, each):
    gaps, confident = [], []
    for seed in range(4):
        random = np.random.default_rng(seed)
        vectors = random.standard_normal((600, 64)).astype(np.float32)
        truth = random.permutation(np.arange(600) % n_classes)
        labels = np.full(600, -1)
        for name in range(n_classes):
            labels[random.permutation(np.flatnonzero(truth == name))[:each]] = name
        suggestions = suggest(vectors, None, labels, n_classes, precision=0.9, seed=seed)
        unlabeled = labels < 0
        gaps.append(suggestions.confidence[unlabeled].mean() - (suggestions.labels == truth)[unlabeled].mean())
        confident.append(suggestions.accepted[unlabeled].mean())
    assert np.mean(gaps) < 0.05
    assert max(confident) == 0


def test_where_held_out_labels_are_guessed_wrong_no_confidence_is_raised():
    at_chance, twice = np.full(5, 0.1), np.full(5, 0.3)
    near = around(0.05)
    unlimited = corrected(twice, replace(near, chance=0.0), SECOND)
    assert (unlimited > twice).all()
    assert corrected(at_chance, near, SECOND) == pytest.approx(at_chance)
    assert (twice < corrected(twice, near, SECOND)).all()
    assert (corrected(twice, near, SECOND) < unlimited).all()


def test_confidences_are_raised_to_the_accuracy_on_held_out_labels_and_no_further():
    given, near = np.full(5, 0.6), around(0.05)
    free, bound = (corrected(given, replace(near, accuracy=accuracy), SECOND).mean() for accuracy in (1.0, 0.7))
    assert free > 0.8
    assert bound == pytest.approx(0.7 + np.sqrt((0.21 + 0.01) / 100), abs=1e-4)
    assert corrected(given, replace(near, accuracy=0.3), SECOND) == pytest.approx(given)


@pytest.mark.parametrize("number", [100, 400])
def test_embeddings_that_mix_classes_up_do_not_break_the_promise(number):
    vectors, truth = load_digits(return_X_y=True)
    vectors = PCA(3, random_state=0).fit_transform(vectors).astype(np.float32)
    right, confidence = [], []
    for seed in range(3):
        rows = np.random.default_rng(seed).permutation(len(truth))[:1200]
        labels = np.where(np.arange(1200) < number, truth[rows], -1)
        suggestions = suggest(vectors[rows], None, labels, 10, precision=0.95, seed=seed)
        right.append((suggestions.labels == truth[rows])[suggestions.accepted])
        unlabeled = labels < 0
        accuracy = (suggestions.labels == truth[rows])[unlabeled].mean()
        confidence.append(suggestions.confidence[unlabeled].mean() - accuracy)
    assert np.concatenate(right).mean() > 0.9
    assert np.mean(confidence) < 0.1


def test_wrong_labels_are_not_taken_for_wrong_guesses():
    vectors, truth = load_digits(return_X_y=True)
    share = []
    for seed in range(3):
        random = np.random.default_rng(seed)
        rows = random.permutation(len(truth))[:1200]
        labels = np.where(random.random(1200) < 0.2, random.integers(0, 10, 1200), truth[rows])
        labels[100:] = -1
        suggestions = suggest(vectors[rows].astype(np.float32), None, labels, 10, precision=0.95, seed=seed)
        assert (suggestions.labels == truth[rows])[suggestions.accepted].mean() > 0.95
        share.append(suggestions.accepted[100:].mean())
    assert np.mean(share) > 0.35
