"""What to label next covers the dataset first, then focuses on uncertain suggestions."""

from __future__ import annotations

import numpy as np
import pytest
from labelscape.ml_backend.analysis.neighbors import Neighbors, knn
from labelscape.ml_backend.analysis.next_best import next_to_label
from sklearn.datasets import load_digits


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray, Neighbors]:
    vectors, truth = load_digits(return_X_y=True)
    return vectors.astype(np.float32), truth, knn(vectors, 15)


def test_first_picks_cover_more_classes_than_chance(digits: tuple[np.ndarray, np.ndarray, Neighbors]) -> None:
    vectors, truth, neighbors = digits
    unlabeled = np.full(len(truth), -1)
    picked = [len(set(truth[next_to_label(vectors, neighbors, unlabeled, 10, count=10, seed=s)])) for s in range(5)]
    chance = np.random.default_rng(0).permuted(np.tile(truth, (200, 1)), axis=1)[:, :10]
    assert np.mean(picked) > np.mean([len(set(row)) for row in chance])


def test_only_unlabeled_samples_no_one_twice(digits: tuple[np.ndarray, np.ndarray, Neighbors]) -> None:
    vectors, truth, neighbors = digits
    labels = np.where(np.arange(len(truth)) < 100, truth, -1)
    picks = next_to_label(vectors, neighbors, labels, 10, count=50)
    assert len(set(picks.tolist())) == 50
    assert (labels[picks] == -1).all()


def test_uncertain_samples_come_before_confident_ones(digits: tuple[np.ndarray, np.ndarray, Neighbors]) -> None:
    vectors, truth, neighbors = digits
    labels = np.where(np.arange(len(truth)) < 100, truth, -1)
    confidence = np.where(truth == 8, 0.2, 0.99).astype(np.float32)
    picks = next_to_label(vectors, neighbors, labels, 10, confidence=confidence)
    assert (truth[picks] == 8).mean() > 0.8


def test_same_seed_gives_the_same_picks(digits: tuple[np.ndarray, np.ndarray, Neighbors]) -> None:
    vectors, truth, neighbors = digits
    unlabeled = np.full(len(truth), -1)
    one = next_to_label(vectors, neighbors, unlabeled, 10, seed=3)
    assert np.array_equal(one, next_to_label(vectors, neighbors, unlabeled, 10, seed=3))


def test_fewer_left_than_asked_gives_all_that_are_left(digits: tuple[np.ndarray, np.ndarray, Neighbors]) -> None:
    vectors, truth, neighbors = digits
    labels = truth.copy()
    labels[[5, 6]] = -1
    assert sorted(next_to_label(vectors, neighbors, labels, 10).tolist()) == [5, 6]
    assert len(next_to_label(vectors, neighbors, truth, 10)) == 0


def test_duplicates_are_not_picked_together() -> None:
    random = np.random.default_rng(0)
    vectors = np.concatenate([np.tile([1.0, 0, 0], (50, 1)), random.standard_normal((50, 3))])
    picks = next_to_label(vectors, knn(vectors, 15), np.full(100, -1), 2, count=5)
    assert (picks < 50).sum() <= 1


def test_count_below_one_is_refused(digits: tuple[np.ndarray, np.ndarray, Neighbors]) -> None:
    vectors, truth, neighbors = digits
    with pytest.raises(ValueError, match="count must be at least 1"):
        next_to_label(vectors, neighbors, np.full(len(truth), -1), 10, count=0)
