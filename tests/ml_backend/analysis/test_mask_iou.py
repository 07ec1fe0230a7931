"""Mask overlaps counted as runs are those counted pixel by pixel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.analysis.mask_iou import PIXELS_AT_ONCE, Masks, chunks, mask_iou, ragged

HEIGHT, WIDTH = 12, 17


@st.composite
def masks(draw):
    n = draw(st.integers(1, 6))
    sample, boxes, crops, full = [], [], [], []
    for _ in range(n):
        x, y = draw(st.integers(0, WIDTH - 1)), draw(st.integers(0, HEIGHT - 1))
        w, h = draw(st.integers(1, WIDTH - x)), draw(st.integers(1, HEIGHT - y))
        crop = np.array(draw(st.lists(st.booleans(), min_size=w * h, max_size=w * h))).reshape(h, w)
        canvas = np.zeros((HEIGHT, WIDTH), bool)
        canvas[y : y + h, x : x + w] = crop
        sample.append(draw(st.integers(0, 1)))
        boxes.append([x / WIDTH, y / HEIGHT, w / WIDTH, h / HEIGHT])
        crops.append(crop)
        full.append(canvas)
    return Masks(np.array(sample, np.int32), np.array(boxes), crops), full


@settings(max_examples=80, deadline=None)
@given(masks(), masks(), st.booleans(), st.sampled_from([1, 50, PIXELS_AT_ONCE]))
def test_runs_count_what_pixels_count_however_many_at_once(labels, guesses, crowd, at_once):
    (truth, full_truth), (predictions, full_predictions) = labels, guesses
    same = truth.sample[:, None] == predictions.sample[None, :]
    in_truth, in_predictions = (rows.astype(np.int32) for rows in np.nonzero(same))
    measured = mask_iou(truth, predictions, in_truth, in_predictions, np.full(len(in_truth), crowd), at_once=at_once)
    for value, t, p in zip(measured, in_truth, in_predictions, strict=True):
        common = (full_truth[t] & full_predictions[p]).sum()
        whole = full_predictions[p].sum() if crowd else (full_truth[t] | full_predictions[p]).sum()
        assert value == pytest.approx(common / max(whole, 1))


def test_a_pair_without_mask_has_no_overlap_to_report():
    box = np.array([[0.0, 0.0, 1.0, 1.0]])
    some = Masks(np.zeros(1, np.int32), box, [np.ones((4, 4), bool)])
    none = Masks(np.zeros(1, np.int32), box, [None])
    row = np.zeros(1, np.int32)
    assert np.isnan(mask_iou(some, none, row, row, np.zeros(1, bool))).all()
    assert mask_iou(some, some, row, row, np.zeros(1, bool)).tolist() == [1.0]


@given(st.lists(st.integers(0, 9), max_size=20), st.integers(1, 12))
def test_chunks_cover_every_row_once_and_stay_under_the_limit(weights, limit):
    cuts = list(chunks(np.array(weights, np.int64), limit))
    assert [row for cut in cuts for row in range(len(weights))[cut]] == list(range(len(weights)))
    assert all(sum(weights[cut]) <= limit or cut.stop - cut.start == 1 for cut in cuts)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5)), max_size=10))
def test_ragged_concatenates_ranges(ranges):
    first, counts = np.array(ranges, np.int64).reshape(-1, 2).T
    assert ragged(first, counts).tolist() == [i for start, n in ranges for i in range(start, start + n)]
