"""Metrics equal those of pycocotools and scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from labelscape.ml_backend.analysis.confusion import Objects, candidate_pairs, match, top_classes
from sklearn import metrics as sk

from .scenes import (
    coco_evaluation,
    our_pairs,
    prediction_rows,
    predictions_of,
    random_scene,
    thresholds,
    truth_of,
    truth_rows,
)

NAN = float("nan")


def test_equal_confidences_are_ranked_as_pycocotools_ranks_them():
    truth, sure = random_scene(8)
    predictions = Objects(sure.sample, sure.label, sure.box, np.round(sure.confidence, 1))
    _, ap = coco_evaluation(truth, predictions, [0.5])
    np.testing.assert_allclose(candidate_pairs(truth, predictions).average_precision(iou=0.5), ap[0], atol=1e-12)


def test_unknown_confidence_ranks_last_passes_only_zero_and_leaves_no_average_precision():
    truth = Objects([0, 1], [0, 0], [[0, 0, 4, 4]] * 2)
    predictions = Objects([0, 0], [0, 0], [[0, 0, 4, 4]] * 2, [NAN, 0.1])
    assert our_pairs(match(truth, predictions)) == {(0, 1)}
    assert match(truth, predictions, confidence=0.05).kept.tolist() == [False, True]
    assert match(truth, predictions).metrics().average_precision[0] == pytest.approx(51 / 101)
    unknown = match(truth, Objects([0], [0], [[0, 0, 4, 4]]))
    assert our_pairs(unknown) == {(0, 0)}
    assert np.isnan(unknown.metrics().average_precision).all()
    assert np.isnan(unknown.metrics().mean_average_precision)


def test_classes_only_predicted_have_a_column_and_no_average_precision():
    truth, predictions = Objects([0], [0], [[0, 0, 4, 4]]), Objects([0], [5], [[0, 0, 4, 4]], [0.5])
    metrics = match(truth, predictions).metrics()
    assert match(truth, predictions).matrix()[0, 5] == 1
    assert (metrics.false_positives[5], metrics.false_negatives[0]) == (1, 1)
    assert np.isnan(metrics.average_precision[5])
    assert metrics.mean_average_precision == 0.0
    assert match(truth, predictions, n_classes=80).matrix().shape == (81, 81)


def test_classification_equals_scikit_learn():
    rng = np.random.default_rng(0)
    right = rng.integers(0, 5, 400)
    scores = rng.dirichlet(np.ones(5), 400)
    scores[np.arange(400), right] += 0.3
    scores /= scores.sum(axis=1, keepdims=True)
    guessed = scores.argmax(axis=1)
    matches = match(Objects(np.arange(400), right), top_classes(scores, 1), n_classes=5)
    np.testing.assert_array_equal(matches.matrix()[:-1, :-1], sk.confusion_matrix(right, guessed))
    ours = matches.metrics()
    expected = sk.precision_recall_fscore_support(right, guessed)
    for mine, theirs in zip((ours.precision, ours.recall, ours.f1, ours.support), expected, strict=True):
        np.testing.assert_allclose(mine, theirs)
    weighted = sk.precision_recall_fscore_support(right, guessed, average="weighted")[:3]
    np.testing.assert_allclose((ours.weighted_precision, ours.weighted_recall, ours.weighted_f1), weighted)
    for k in (1, 2, 4):
        top = match(Objects(np.arange(400), right), top_classes(scores, 5), top_k=k)
        assert len(top.true_positives()) == sk.top_k_accuracy_score(right, scores, k=k, normalize=False)
        assert top.matrix().sum() == 400


def test_average_precision_of_classification_ranks_all_guesses_of_a_class():
    truth = Objects([0, 1, 2, 3], [0, 0, 1, 1])
    guesses = top_classes([[0.9, 0.1], [0.3, 0.7], [0.4, 0.6], [0.2, 0.8]], 2)
    ap = match(truth, guesses).metrics().average_precision
    # class 0 by confidence: right, wrong (.4), right (.3), wrong
    assert ap[0] == pytest.approx((51 * 1 + 50 * 2 / 3) / 101)


def test_average_precision_of_classification_leaves_unlabeled_samples_out():
    guesses = Objects([0, 1], [0, 0], confidence=[0.5, 0.9])
    assert match(Objects([0, 1], [0, -1]), guesses).metrics().average_precision[0] == pytest.approx(1)


@settings(deadline=None)
@given(truth_rows, prediction_rows, thresholds)
def test_ratios_follow_from_the_counts_and_are_zero_without_a_denominator(labels, guesses, iou):
    metrics = match(truth_of(labels), predictions_of(guesses), iou=iou, n_classes=3).metrics()
    right, predicted = metrics.true_positives, metrics.true_positives + metrics.false_positives

    for c in range(3):
        assert metrics.precision[c] == (right[c] / predicted[c] if predicted[c] else 0)
        assert metrics.recall[c] == (right[c] / metrics.support[c] if metrics.support[c] else 0)
        both = metrics.precision[c] + metrics.recall[c]
        assert metrics.f1[c] == pytest.approx(2 * metrics.precision[c] * metrics.recall[c] / both if both else 0)
    weights = metrics.support / max(metrics.support.sum(), 1)
    for name in ("precision", "recall", "f1"):
        assert getattr(metrics, f"weighted_{name}") == pytest.approx(getattr(metrics, name) @ weights)


def test_a_prediction_where_somebody_found_nothing_is_wrong_and_one_where_nobody_looked_is_not():
    """Samples 0 and 1 are labeled, at 2 somebody found none of the classes, nobody looked at 3."""
    guesses = Objects([0, 1, 2, 3], [0, 1, 0, 0], confidence=[0.9, 0.8, 0.95, 0.99])
    metrics = match(Objects([0, 1, 2], [0, 1, -1], empty=[2]), guesses).metrics()
    assert metrics.precision.tolist() == [0.5, 1.0]
    assert metrics.false_positives.tolist() == [1, 0]
    assert metrics.average_precision.tolist() == pytest.approx([0.5, 1.0])
    unknown = match(Objects([0, 1], [0, 1]), guesses).metrics()
    assert unknown.precision.tolist() == [1.0, 1.0]
    assert unknown.average_precision.tolist() == pytest.approx([1.0, 1.0])
