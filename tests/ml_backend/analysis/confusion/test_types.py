"""Objects are columns that are checked when they are made; outcomes are sorted and taken by row."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.analysis.confusion import Objects, Outcomes, match, top_classes
from labelscape.ml_backend.errors import Refusal

from .scenes import (
    random_scene,
)

NAN = float("nan")


def test_outcomes_sort_by_confidence_and_by_overlap():
    truth, predictions = random_scene(6)
    outcomes = match(truth, predictions, iou=0.1).outcomes
    confidence = outcomes.by_confidence().confidence
    known = confidence[~np.isnan(confidence)]
    assert (np.diff(known) <= 0).all()
    assert np.isnan(confidence[len(known) :]).all()
    overlap = outcomes.by_iou().iou
    known = overlap[~np.isnan(overlap)]
    assert (np.diff(known) >= 0).all()
    assert np.isnan(overlap[len(known) :]).all()


def test_columns_left_out_mean_unknown_confidence_and_no_crowd():
    objects = Objects([0, 1], [2, -1])

    assert np.isnan(objects.confidence).all()
    assert not objects.crowd.any()
    assert objects.box is None
    assert len(objects) == 2


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Objects([0, 1], [0]), "label has 1 values for 2 objects: give one per object"),
        (lambda: Objects([0], [0], crowd=[True, False]), "crowd has 2 values for 1 objects"),
        (lambda: Objects([0, 0], [0, 0], [[0, 0, 1, 1]]), "1 boxes for 2 objects"),
        (lambda: Objects([0], [-2]), "label -2 of object 0: -1 is no class"),
        (lambda: Objects([0], [0], [[0, 0, NAN, 1]]), r"boxes of objects \[0\] are not finite"),
        (
            lambda: Objects([0, 1], [0, 0], confidence=[0.5, 87]),
            "confidence 87 of object 1 .* divide percentages by 100",
        ),
        (lambda: Objects([0], [0], masks=[None]), "masks need the box"),
        (lambda: Objects([0], [0], [[0, 0, 1, 1]], masks=[None, None]), "2 masks for 1 objects"),
        (lambda: Objects([0], [0], [[0, 0, 1, 1]], masks=[np.ones(3, bool)]), "mask of object 0 is not"),
        (lambda: top_classes(np.ones(3), 1), r"scores of shape \(3,\)"),
        (lambda: top_classes(np.ones((2, 3)), 0), "k 0 is not a number of guesses"),
    ],
)
def test_a_column_that_does_not_fit_is_refused_with_the_object_and_what_to_do(make, says):
    with pytest.raises(Refusal, match=says):
        make()


@settings(deadline=None)
@given(st.integers(0, 6), st.integers(1, 5), st.integers(1, 7), st.integers(0, 99))
def test_the_top_guesses_are_the_highest_scores_of_each_sample_highest_first(n, classes, k, seed):
    scores = np.random.default_rng(seed).random((n, classes)).round(1)

    guesses = top_classes(scores, k, sample=np.arange(n) + 10)

    kept = min(k, classes)
    assert guesses.sample.tolist() == np.repeat(np.arange(n) + 10, kept).tolist()
    by_sample = guesses.confidence.reshape(n, kept)
    np.testing.assert_array_equal(by_sample, -np.sort(-scores, axis=1)[:, :kept])
    np.testing.assert_array_equal(scores[guesses.sample - 10, guesses.label], guesses.confidence)
    assert all(len(set(row)) == kept for row in guesses.label.reshape(n, kept).tolist())


def test_rows_are_taken_by_mask_or_by_number_in_the_order_given():
    rows = np.arange(4)
    outcomes = Outcomes(rows, rows + 4, rows, rows, rows / 4, rows / 8)

    assert outcomes.take(np.array([3, 1])).truth.tolist() == [3, 1]
    mask = outcomes.take(np.array([True, False, False, True]))
    assert (mask.prediction.tolist(), mask.iou.tolist(), mask.confidence.tolist()) == ([4, 7], [0, 0.75], [0, 0.375])
