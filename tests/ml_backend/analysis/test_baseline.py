"""A vote of the nearest neighbors is the baseline for trained models."""

import numpy as np
import pytest
from labelscape.ml_backend.analysis.baseline import neighbor_accuracy
from sklearn.datasets import load_digits
from sklearn.model_selection import LeaveOneOut, cross_val_score
from sklearn.neighbors import KNeighborsClassifier


def test_it_is_the_leave_one_out_accuracy_of_a_neighbor_vote():
    data = load_digits()
    vectors, truth = data.data[:300], data.target[:300]
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = cross_val_score(KNeighborsClassifier(10), unit, truth, cv=LeaveOneOut()).mean()
    assert neighbor_accuracy(vectors, truth, 10) == pytest.approx(expected, abs=0.01)


def test_the_unlabeled_neither_vote_nor_count():
    data = load_digits()
    labels = np.where(np.arange(400) < 200, data.target[:400], -1)
    assert neighbor_accuracy(data.data[:400], labels, 10) == neighbor_accuracy(data.data[:200], data.target[:200], 10)


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_labels_say_nothing(count):
    labels = np.where(np.arange(5) < count, 0, -1)
    assert np.isnan(neighbor_accuracy(np.eye(5), labels, 1))
