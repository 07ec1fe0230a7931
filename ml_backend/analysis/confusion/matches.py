"""The matches at one IoU and one confidence threshold, and the confusion counts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ...errors import Refusal
from .metrics import Metrics, metrics_of
from .types import Bools, Counts, Floats, Ints, Outcomes

if TYPE_CHECKING:
    from .matching import Pairs


@dataclass(frozen=True, eq=False)
class Matches:
    """Which prediction was matched to which label at one IoU and confidence threshold.

    Attributes:
        pairs: the overlapping pairs that were matched
        iou, confidence, classwise, top_k: the thresholds and rules of the matching
        prediction_of_truth: (n_truth,) row of the matched prediction, -1 = none
        truth_of_prediction: (n_predictions,) row of the matched label, -1 = none
        prediction_iou: (n_predictions,) overlap with the matched label, NaN = none
        kept: (n_predictions,) True = passes the confidence threshold and has a class
        ignored: (n_predictions,) True = lies in a crowd of its own class (in classification: is not the guess
            that is evaluated): neither right nor wrong
    """

    pairs: Pairs
    iou: float
    confidence: float
    classwise: bool
    top_k: int
    prediction_of_truth: Ints
    truth_of_prediction: Ints
    prediction_iou: Floats
    kept: Bools
    ignored: Bools

    @cached_property
    def outcomes(self) -> Outcomes:
        """Every evaluated object once: the predictions in their order, then the missed labels."""
        truth, predictions = self.pairs.truth, self.pairs.predictions
        judged = np.flatnonzero(self.kept & ~self.ignored).astype(np.int32)
        missed = np.flatnonzero((self.prediction_of_truth < 0) & (truth.label >= 0) & ~truth.crowd)
        none_j, none_m = np.full(len(judged), -1, np.int32), np.full(len(missed), -1, np.int32)
        matched = self.truth_of_prediction[judged]
        truth_class = none_j.copy()
        truth_class[matched >= 0] = truth.label[matched[matched >= 0]]
        nothing = np.full(len(missed), np.nan)
        return Outcomes(
            truth=np.concatenate([matched, missed.astype(np.int32)]),
            prediction=np.concatenate([judged, none_m]),
            truth_class=np.concatenate([truth_class, truth.label[missed]]),
            predicted_class=np.concatenate([predictions.label[judged], none_m]),
            iou=np.concatenate([self.prediction_iou[judged], nothing]),
            confidence=np.concatenate([predictions.confidence[judged], nothing]),
        )

    def matrix(self) -> Counts:
        """Count label class against predicted class.

        Returns:
            (C + 1, C + 1) counts; row = class of the label, the last row "no label"; column = predicted
            class, the last column "no prediction". The last cell is always 0
        """
        c = self.pairs.n_classes
        rows = np.where(self.outcomes.truth_class < 0, c, self.outcomes.truth_class).astype(np.int64)
        columns = np.where(self.outcomes.predicted_class < 0, c, self.outcomes.predicted_class)
        return np.bincount(rows * (c + 1) + columns, minlength=(c + 1) ** 2).reshape(c + 1, c + 1)

    def cell(self, truth_class: int, predicted_class: int) -> Outcomes:
        """Get the objects counted in one cell of the matrix; -1 is "no label" and "no prediction"."""
        for name, number in (("truth_class", truth_class), ("predicted_class", predicted_class)):
            if not -1 <= number < self.pairs.n_classes:
                raise Refusal(f"{name} {number} is not a class: give 0 to {self.pairs.n_classes - 1}, or -1 for none")
        return self._where(
            (self.outcomes.truth_class == truth_class) & (self.outcomes.predicted_class == predicted_class)
        )

    def true_positives(self) -> Outcomes:
        """Get pairs of the same class."""
        return self._where(
            (self.outcomes.truth_class >= 0) & (self.outcomes.truth_class == self.outcomes.predicted_class)
        )

    def confusions(self) -> Outcomes:
        """Get pairs of different classes; confident ones often reveal wrong labels."""
        known = (self.outcomes.truth_class >= 0) & (self.outcomes.predicted_class >= 0)
        return self._where(known & (self.outcomes.truth_class != self.outcomes.predicted_class))

    def false_positives(self) -> Outcomes:
        """Get predictions without a label; confident ones often reveal unlabeled objects."""
        return self._where(self.outcomes.truth_class < 0)

    def false_negatives(self) -> Outcomes:
        """Get labels without a prediction."""
        return self._where(self.outcomes.predicted_class < 0)

    def metrics(self) -> Metrics:
        """Measure precision, recall, F1, support, and average precision, per class and weighted.

        In classification, a prediction on an unlabeled sample is shown in the matrix but does not lower the
        precision, because the true class is unknown; one on a sample where somebody found none of the classes
        (`Objects.empty`) does. In detection it is a false positive, as in COCO.
        """
        return metrics_of(self)

    def _where(self, rows: Bools) -> Outcomes:
        return self.outcomes.take(rows)
