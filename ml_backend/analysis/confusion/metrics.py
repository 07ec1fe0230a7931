"""Precision, recall, F1, and average precision of matches, per class and weighted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .types import Counts, Floats

if TYPE_CHECKING:
    from .matches import Matches

_RECALLS = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True, eq=False)
class Metrics:
    """How good the predictions are, per class and on average over classes weighted by support.

    Counts and ratios are those of the matrix: a confusion is a false negative of its true class and a false
    positive of its predicted class. A ratio without denominator is 0, as in scikit-learn and FiftyOne.

    Attributes:
        true_positives, false_positives, false_negatives, support: (C,) counts; support = labels of the class
        precision, recall, f1: (C,) in 0..1
        average_precision: (C,) in 0..1 by COCO's rule (class by class, every prediction whatever the
            confidence threshold, 101 recalls); NaN for a class without label, and everywhere if no confidence
            is known
        weighted_precision, weighted_recall, weighted_f1: over classes, weighted by support
        mean_average_precision: mean over the classes with labels (COCO's mAP at this IoU), NaN = none
    """

    true_positives: Counts
    false_positives: Counts
    false_negatives: Counts
    support: Counts
    precision: Floats
    recall: Floats
    f1: Floats
    average_precision: Floats
    weighted_precision: float
    weighted_recall: float
    weighted_f1: float
    mean_average_precision: float


def metrics_of(matches: Matches) -> Metrics:
    """Measure matches, see `Matches.metrics`."""
    counts = matches.matrix()
    right = counts.diagonal()[:-1].copy()
    support = counts[:-1].sum(axis=1)
    predicted = counts[:, :-1].sum(axis=0) - _unjudged(matches)
    precision, recall = _ratio(right, predicted), _ratio(right, support)
    f1 = _ratio(2 * right, predicted + support)
    ap = matches.pairs.average_precision(iou=matches.iou)
    scored = ap[~np.isnan(ap)]
    total = max(int(support.sum()), 1)
    return Metrics(
        true_positives=right,
        false_positives=predicted - right,
        false_negatives=support - right,
        support=support,
        precision=precision,
        recall=recall,
        f1=f1,
        average_precision=ap,
        weighted_precision=float(precision @ support / total),
        weighted_recall=float(recall @ support / total),
        weighted_f1=float(f1 @ support / total),
        mean_average_precision=float(scored.mean()) if len(scored) else float("nan"),
    )


def average_precision(matches: Matches) -> Floats:
    """Average precision (C,) of matches made class by class over all predictions; NaN for a class without label."""
    pairs = matches.pairs
    truth, predictions = pairs.truth, pairs.predictions
    labeled = (truth.label >= 0) & ~truth.crowd
    support = np.bincount(truth.label[labeled], minlength=pairs.n_classes)
    result = np.where(support > 0, 0.0, np.nan)
    if len(predictions) and np.isnan(predictions.confidence).all():
        return np.full(pairs.n_classes, np.nan)
    if pairs.is_classification:
        known = np.concatenate([truth.sample[labeled], truth.empty])
        judged = matches.kept & np.isin(predictions.sample, known)
    else:
        judged = matches.kept & ~matches.ignored
    row = pairs.ranking[judged[pairs.ranking]]
    row = row[np.argsort(predictions.label[row], kind="stable")]
    right = (matches.truth_of_prediction[row] >= 0).astype(np.float64)
    begin = np.searchsorted(predictions.label[row], np.arange(pairs.n_classes + 1))
    for c in np.flatnonzero((support > 0) & (np.diff(begin) > 0)):
        result[c] = _interpolated_precision(right[begin[c] : begin[c + 1]], int(support[c]))
    return result


def _unjudged(matches: Matches) -> Counts:
    """(C,) predictions on samples whose class nobody knows, which are neither right nor wrong: in classification."""
    truth, predictions = matches.pairs.truth, matches.pairs.predictions
    if not matches.pairs.is_classification:
        return np.zeros(matches.pairs.n_classes, np.int64)
    rows = matches.outcomes.prediction[matches.outcomes.truth_class < 0]
    rows = rows[~np.isin(predictions.sample[rows], truth.empty)]
    return np.bincount(predictions.label[rows], minlength=matches.pairs.n_classes)


def _ratio(part: Counts, whole: Counts) -> Floats:
    return np.asarray(part / np.maximum(whole, 1), np.float64)


def _interpolated_precision(right: Floats, support: int) -> float:
    """Mean precision at 101 recalls, the arithmetic of pycocotools kept to the last bit."""
    hits = np.cumsum(right)
    precision = hits / (np.arange(1, len(right) + 1) + np.spacing(1))
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(hits / support, _RECALLS, side="left")
    return float(np.append(precision, 0.0)[at].mean())
