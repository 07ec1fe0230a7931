"""Overlaps are the IoU of masks where both sides have one, else of boxes."""

import numpy as np
import pytest
from hypothesis import given, settings
from labelscape.ml_backend.analysis.confusion import Objects, candidate_pairs, match
from labelscape.ml_backend.analysis.confusion.overlaps import overlaps

from .scenes import (
    mask_scene,
    our_counts,
    prediction_rows,
    predictions_of,
    truth_of,
    truth_rows,
)

NAN = float("nan")


def test_boxes_count_where_one_side_has_no_mask():
    box = [[0.1, 0.1, 0.5, 0.5]] * 2
    half = np.zeros((10, 10), bool)
    half[:5] = True
    truth = Objects([0, 1], [0, 0], box, masks=[half, half])
    predictions = Objects([0, 1], [0, 0], box, [0.9, 0.9], masks=[np.ones((10, 10), bool), None])
    pairs = candidate_pairs(truth, predictions)
    assert (pairs.mask_pairs, pairs.box_pairs) == (1, 1)
    np.testing.assert_allclose(pairs.match(iou=0.1).prediction_iou, [0.5, 1.0])


def test_a_coarse_mask_is_compared_with_a_fine_one():
    coarse, fine = np.array([[True, False], [True, True]]), np.ones((100, 100), bool)
    fine[:50, 50:] = False
    truth = Objects([0], [0], [[0.2, 0.2, 0.5, 0.5]], masks=[fine])
    predictions = Objects([0], [0], [[0.2, 0.2, 0.5, 0.5]], [0.5], masks=[coarse])
    assert match(truth, predictions).prediction_iou[0] == pytest.approx(1.0)


def test_masks_with_boxes_in_pixels_are_refused():
    objects = Objects([0], [0], [[0, 0, 1e-5, 1e-5]], [0.5], masks=[np.ones((50, 50), bool)])
    with pytest.raises(ValueError, match="not a fraction of an image"):
        match(objects, objects)


@pytest.mark.parametrize("box", [[0, 0, 0, 4], [0, 0, 4, 0], [4, 4, -4, -4], [2, 2, 0, 0]])
def test_a_degenerate_box_matches_nothing(box):
    truth, predictions = Objects([0], [0], [box]), Objects([0], [0], [box], [0.5])
    assert our_counts(match(truth, predictions, iou=0.0)) == (0, 1, 1)
    whole = Objects([0], [0], [[-10, -10, 30, 30]], [0.5])
    assert our_counts(match(truth, whole, iou=0.0)) == (0, 1, 1)


def test_overlaps_do_not_depend_on_how_many_are_computed_at_once():
    (truth, _), (predictions, _) = mask_scene(4)

    whole, chunked = list(overlaps(truth, predictions)), list(overlaps(truth, predictions, at_once=20))

    assert len(whole) == 1 < len(chunked)
    for column in range(3):
        np.testing.assert_array_equal(np.concatenate([part[column] for part in chunked]), whole[0][column])
    assert sum(part[3] for part in chunked) == whole[0][3] > 0


@settings(deadline=None)
@given(truth_rows, prediction_rows)
def test_every_pair_of_objects_that_meet_is_found_once_with_its_iou(labels, guesses):
    truth, predictions = truth_of(labels, crowds=False), predictions_of(guesses)

    met = {(t, p): iou for part in overlaps(truth, predictions, at_once=3) for t, p, iou in zip(*part[:3], strict=True)}

    expected = {}
    for t, (ax, ay, aw, ah) in enumerate(truth.box):
        for p, (bx, by, bw, bh) in enumerate(predictions.box):
            wide, high = min(ax + aw, bx + bw) - max(ax, bx), min(ay + ah, by + bh) - max(ay, by)
            if truth.sample[t] == predictions.sample[p] and wide > 0 and high > 0:
                expected[t, p] = wide * high / (aw * ah + bw * bh - wide * high)
    assert met == pytest.approx(expected)


def test_an_object_without_a_class_overlaps_nothing():
    boxes = [[0, 0, 4, 4]] * 2

    assert not [
        part for part in overlaps(Objects([0, 0], [-1, -1], boxes), Objects([0], [0], boxes[:1])) if len(part[0])
    ]
