"""Matching by COCO's rules, all samples at once, gives the pairs that pycocotools gives."""

import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.analysis.confusion import Objects, candidate_pairs, match

from .scenes import (
    coco_evaluation,
    mask_scene,
    our_counts,
    our_pairs,
    prediction_rows,
    predictions_of,
    random_scene,
    thresholds,
    truth_of,
    truth_rows,
)

NAN = float("nan")


def one_after_another(truth, predictions, iou, confidence, classwise):
    """The rules of COCO as a loop: what the matching of all samples at once must equal."""

    def overlap(t, p):
        (ax, ay, aw, ah), (bx, by, bw, bh) = truth.box[t], predictions.box[p]
        w, h = min(ax + aw, bx + bw) - max(ax, bx), min(ay + ah, by + bh) - max(ay, by)
        if w <= 0 or h <= 0:
            return 0.0
        return w * h / (bw * bh if truth.crowd[t] else aw * ah + bw * bh - w * h)

    pairs, ignored, free = set(), set(), set(np.flatnonzero(~truth.crowd).tolist())
    known = np.nan_to_num(predictions.confidence, nan=-1.0)
    for p in sorted(range(len(predictions)), key=lambda p: -known[p]):
        if max(known[p], 0) < confidence:
            continue
        best, best_iou = None, min(iou, 1 - 1e-10)
        for t in sorted(free):
            same = truth.label[t] == predictions.label[p]
            if truth.sample[t] != predictions.sample[p] or (classwise and not same):
                continue
            if overlap(t, p) > 0 and overlap(t, p) >= best_iou:
                best, best_iou = t, overlap(t, p)
        if best is not None:
            free.remove(best)
            pairs.add((best, p))
        elif any(
            truth.sample[t] == predictions.sample[p]
            and truth.label[t] == predictions.label[p]
            and overlap(t, p) > 0
            and overlap(t, p) >= min(iou, 1 - 1e-10)
            for t in np.flatnonzero(truth.crowd)
        ):
            ignored.add(p)
    return pairs, ignored


@settings(max_examples=300, deadline=None)
@given(truth_rows, prediction_rows, thresholds, st.sampled_from([0.0, 0.2, 0.3, 0.9]), st.booleans())
def test_matching_all_samples_at_once_equals_the_greedy_loop(labels, guesses, iou, confidence, classwise):
    truth, predictions = truth_of(labels), predictions_of(guesses)
    matches = match(truth, predictions, iou=iou, confidence=confidence, classwise=classwise)
    pairs, ignored = one_after_another(truth, predictions, iou, confidence, classwise)
    assert our_pairs(matches) == pairs
    assert set(np.flatnonzero(matches.ignored).tolist()) == ignored


@settings(max_examples=150, deadline=None)
@given(truth_rows, prediction_rows, st.sampled_from([0.1, 0.25, 0.5, 2 / 3, 1.0]))
def test_pairs_counts_and_average_precision_equal_pycocotools(labels, guesses, iou):
    truth, predictions = truth_of(labels), predictions_of(guesses)
    pairs = candidate_pairs(truth, predictions)
    [(counts, matched)], ap = coco_evaluation(truth, predictions, [iou])
    matches = pairs.match(iou=iou, classwise=True)
    assert our_counts(matches) == counts
    assert our_pairs(matches) == matched
    if len(predictions) and pairs.n_classes:
        expected = np.where(ap[0] < 0, NAN, ap[0])
        np.testing.assert_allclose(matches.metrics().average_precision, expected, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_many_objects_equal_pycocotools_at_every_iou(seed):
    truth, predictions = random_scene(seed)
    ious = [0.1, 0.3, 0.5, 0.75, 0.9]
    expected, ap = coco_evaluation(truth, predictions, ious)
    pairs = candidate_pairs(truth, predictions)
    for i, iou in enumerate(ious):
        matches = pairs.match(iou=iou, classwise=True)
        assert our_counts(matches) == expected[i][0]
        assert our_pairs(matches) == expected[i][1]
        metrics = matches.metrics()
        np.testing.assert_allclose(metrics.average_precision, ap[i], atol=1e-12)
        assert metrics.mean_average_precision == pytest.approx(ap[i].mean(), abs=1e-12)


def test_equal_boxes_match_at_an_overlap_of_one():
    truth, _ = random_scene(9, crowds=0)
    assert len(our_pairs(match(truth, truth, iou=1.0))) == len(truth)


def test_class_agnostic_pairs_equal_pycocotools_without_categories():
    truth, predictions = random_scene(3, crowds=0)
    expected, _ = coco_evaluation(truth, predictions, [0.1, 0.5], classwise=False)
    for i, iou in enumerate([0.1, 0.5]):
        assert our_pairs(match(truth, predictions, iou=iou)) == expected[i][1]


def test_predictions_below_the_confidence_do_not_exist():
    truth, predictions = random_scene(4)
    kept = np.flatnonzero(predictions.confidence >= 0.6)
    rest = Objects(*(c[kept] for c in (predictions.sample, predictions.label, predictions.box, predictions.confidence)))
    [(counts, _)], _ = coco_evaluation(truth, rest, [0.5])
    assert our_counts(match(truth, predictions, confidence=0.6, classwise=True)) == counts


@settings(max_examples=60, deadline=None)
@given(truth_rows, prediction_rows, thresholds, st.randoms(use_true_random=False))
def test_result_does_not_depend_on_the_order_of_objects(labels, guesses, iou, random):
    # equal confidences and equal overlaps are decided by order: make them differ
    labels = [
        ((s, c, tuple(v + 0.01 * np.sin(17 * i + j) for j, v in enumerate(b))), k)
        for i, ((s, c, b), k) in enumerate(labels)
    ]
    guesses = [(row, confidence + i / 1000) for i, (row, confidence) in enumerate(guesses)]
    before = match(truth_of(labels), predictions_of(guesses), iou=iou, n_classes=3)
    a, b = random.sample(range(len(labels)), len(labels)), random.sample(range(len(guesses)), len(guesses))
    after = match(truth_of([labels[i] for i in a]), predictions_of([guesses[i] for i in b]), iou=iou, n_classes=3)
    assert {(a[t], b[p]) for t, p in our_pairs(after)} == our_pairs(before)
    assert (after.matrix() == before.matrix()).all()


@settings(max_examples=60, deadline=None)
@given(truth_rows, prediction_rows, thresholds)
def test_a_higher_threshold_never_adds_predictions_or_pairs(labels, guesses, iou):
    pairs = candidate_pairs(truth_of(labels), predictions_of(guesses))
    by_confidence = [pairs.match(iou=iou, confidence=c) for c in (0.0, 0.2, 0.6, 1.0)]
    for low, high in itertools.pairwise(by_confidence):
        assert not (high.kept & ~low.kept).any()
        assert len(our_pairs(high)) <= len(our_pairs(low))


def test_a_new_threshold_gives_what_a_new_start_gives():
    truth, predictions = random_scene(5)
    pairs = candidate_pairs(truth, predictions)
    pairs.match(iou=0.9, confidence=0.9, classwise=True).metrics()
    for iou, confidence in [(0.1, 0.8), (0.5, 0.0), (0.0, 0.3)]:
        again, fresh = (
            pairs.match(iou=iou, confidence=confidence),
            match(truth, predictions, iou=iou, confidence=confidence),
        )
        assert our_pairs(again) == our_pairs(fresh)
        np.testing.assert_array_equal(again.matrix(), fresh.matrix())


def test_a_crowd_is_neither_found_nor_missed_and_only_its_own_class_hides_in_it():
    truth = Objects([0], [0], [[0, 0, 100, 100]], crowd=[True])
    boxes = [[10, 10, 5, 5], [40, 40, 5, 5], [10, 60, 5, 5], [300, 300, 5, 5]]
    predictions = Objects([0] * 4, [0, 0, 1, 0], boxes, [0.9, 0.8, 0.7, 0.6])
    matches = match(truth, predictions)
    assert matches.ignored.tolist() == [True, True, False, False]
    assert matches.false_positives().prediction.tolist() == [2, 3]
    assert len(matches.false_negatives()) == 0
    assert matches.metrics().support.tolist() == [0, 0]


def test_nothing_on_one_side_or_on_both():
    some = Objects([0, 3], [0, 1], [[0, 0, 1, 1]] * 2, [0.5, 0.5])
    none = Objects([], [], np.empty((0, 4)))
    assert our_counts(match(some, none)) == (0, 0, 2)
    assert our_counts(match(none, some)) == (0, 2, 0)
    assert match(some, none).metrics().average_precision.tolist() == [0.0, 0.0]
    assert np.isnan(match(none, some).metrics().average_precision).all()
    empty = match(none, none)
    assert empty.matrix().tolist() == [[0]]
    assert empty.metrics().weighted_f1 == 0.0
    assert our_counts(match(Objects([], []), some)) == (0, 2, 0)


def test_an_object_without_class_takes_no_part():
    truth = Objects([0, 0], [-1, 0], [[0, 0, 4, 4], [10, 10, 4, 4]])
    predictions = Objects([0, 0], [0, -1], [[0, 0, 4, 4], [10, 10, 4, 4]], [0.9, 0.9])
    matches = match(truth, predictions)
    assert matches.false_positives().prediction.tolist() == [0]
    assert matches.false_negatives().truth.tolist() == [1]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: match(Objects([0], [0]), Objects([0], [0], [[0, 0, 1, 1]])), "the labels have no boxes"),
        (
            lambda: match(Objects([0], [3]), Objects([], []), n_classes=2),
            "class 3 does not fit into 2 classes",
        ),
        (lambda: match(Objects([7, 7], [0, 1]), Objects([7], [0])), "sample 7 has 2 labels"),
        (lambda: match(Objects([0], [0]), Objects([0], [0]), iou=1.5), "iou 1.5 is not between 0 and 1"),
        (lambda: match(Objects([0], [0]), Objects([0], [0])).cell(4, 0), "truth_class 4 is not a class"),
        (lambda: match(Objects([0], [0]), Objects([0], [0]), top_k=0), "top_k 0"),
    ],
)
def test_what_cannot_be_matched_is_refused_with_the_value(make, says):
    with pytest.raises(ValueError, match=says):
        make()


@pytest.mark.parametrize("seed", range(3))
def test_masks_are_matched_as_pycocotools_matches_them(seed):
    (truth, truth_segments), (predictions, segments) = mask_scene(seed)
    ious = [0.05, 0.2, 0.4]
    expected, ap = coco_evaluation(truth, predictions, ious, masks=(truth_segments, segments))
    pairs = candidate_pairs(truth, predictions)
    assert pairs.box_pairs == 0
    for i, iou in enumerate(ious):
        matches = pairs.match(iou=iou, classwise=True)
        assert our_counts(matches) == expected[i][0]
        assert our_pairs(matches) == expected[i][1]
        np.testing.assert_allclose(pairs.average_precision(iou=iou), ap[i], atol=1e-12)


def test_100k_objects_answer_a_new_threshold_at_once():
    truth, predictions = random_scene(7, samples=5000, each=20, classes=80)
    pairs = candidate_pairs(truth, predictions)
    pairs.match(classwise=True)
    took = []
    for iou, confidence in [(0.1, 0.8), (0.5, 0.0), (0.75, 0.3), (0.3, 0.5), (0.2, 0.1)]:
        start = time.perf_counter()
        pairs.match(iou=iou, confidence=confidence).matrix()
        took.append(time.perf_counter() - start)
    assert min(took) < 0.1
