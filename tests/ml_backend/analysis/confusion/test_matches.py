"""Every object is counted once in the matrix, and behind every count are its objects."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.analysis.confusion import Objects, match
from labelscape.ml_backend.errors import Refusal

from .scenes import (
    prediction_rows,
    predictions_of,
    thresholds,
    truth_of,
    truth_rows,
)

NAN = float("nan")


@settings(max_examples=100, deadline=None)
@given(truth_rows, prediction_rows, thresholds, st.booleans())
def test_every_label_and_every_prediction_is_counted_once(labels, guesses, iou, classwise):
    truth, predictions = truth_of(labels), predictions_of(guesses)
    matches = match(truth, predictions, iou=iou, confidence=0.2, classwise=classwise, n_classes=3)
    matrix = matches.matrix()
    assert matrix[:-1].sum() == (~truth.crowd).sum()
    assert matrix[:, :-1].sum() == (matches.kept & ~matches.ignored).sum()
    assert matrix[-1, -1] == 0
    counts = matches.metrics()
    assert (counts.true_positives + counts.false_negatives == counts.support).all()
    cells = [[len(matches.cell(t, p)) for p in (0, 1, 2, -1)] for t in (0, 1, 2, -1)]
    assert (np.array(cells) == matrix).all()
    parts = (
        matches.true_positives(),
        matches.confusions(),
        matches.false_positives(),
        matches.false_negatives(),
    )
    assert sum(map(len, parts)) == matrix.sum() == len(matches.outcomes)
    if classwise:
        assert len(matches.confusions()) == 0


def test_a_sure_prediction_over_a_gap_is_an_unlabeled_object_and_a_sure_other_class_a_wrong_label():
    truth = Objects([0, 0], [0, 1], [[0, 0, 10, 10], [20, 0, 10, 10]])
    predictions = Objects(
        [0, 0, 0, 0],
        [0, 2, 2, 1],
        [[0, 0, 10, 9], [20, 1, 10, 10], [50, 50, 5, 5], [80, 0, 5, 5]],
        [0.9, 0.95, 0.85, 0.3],
    )
    matches = match(truth, predictions, iou=0.1, confidence=0.8)
    assert matches.false_positives().prediction.tolist() == [2]
    wrong = matches.confusions()
    assert (wrong.truth.tolist(), wrong.prediction.tolist()) == ([1], [1])
    assert (wrong.truth_class.tolist(), wrong.predicted_class.tolist()) == ([1], [2])
    assert wrong.iou[0] == pytest.approx(90 / 110)
    assert matches.cell(1, 2).prediction.tolist() == [1]
    assert matches.cell(-1, 2).prediction.tolist() == [2]
    assert matches.matrix().tolist() == [[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 1, 0]]


def test_classification_without_label_or_guess():
    truth = Objects([0, 1, 2, 3], [0, -1, 1, 1])
    predictions = Objects([0, 1, 2, 5], [0, 1, 0, 1], confidence=[0.9, 0.8, 0.7, 0.9])
    matches = match(truth, predictions, confidence=0.75)
    assert matches.matrix().tolist() == [[1, 0, 0], [0, 0, 2], [0, 2, 0]]
    assert matches.false_positives().prediction.tolist() == [1, 3]
    # nothing to judge the guesses on unlabeled samples by: precision does not suffer
    assert matches.metrics().precision.tolist() == [1.0, 0.0]
    assert matches.metrics().false_positives.tolist() == [0, 0]
    assert np.isnan(matches.outcomes.iou).all()


def test_a_class_guessed_twice_in_a_sample_counts_once():
    matches = match(Objects([0], [0]), Objects([0, 0, 0], [1, 0, 0], confidence=[0.9, 0.8, 0.7]), top_k=3)
    assert matches.outcomes.prediction.tolist() == [1]
    assert matches.matrix().sum() == 1


def test_the_cells_of_a_class_that_does_not_exist_are_refused():
    matches = match(Objects([0], [1]), Objects([0], [0]))

    assert len(matches.cell(1, 0)) == 1
    with pytest.raises(Refusal, match="predicted_class 2 is not a class: give 0 to 1, or -1 for none"):
        matches.cell(0, 2)
    with pytest.raises(Refusal, match="truth_class -2"):
        matches.cell(-2, 0)
