"""Comparisons of labels with predictions, kept in memory between slider moves."""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace

import numpy as np
from fiftyone.core.collections import SampleCollection

from ....ml_backend.actions.confusion import Evaluation, evaluate
from ....ml_backend.analysis.confusion import Matches, Objects
from ....ml_backend.errors import Refusal

_KEPT = 4  # 100,000 labels and as many predictions with their pairs are about 60 MB
_kept: "OrderedDict[str, Comparison]" = OrderedDict()
_lock = threading.Lock()


@dataclass(frozen=True, eq=False)
class Comparison:
    """An evaluation and its token, which changes whenever an object of it does."""

    token: str
    dataset: str
    evaluation: Evaluation


@dataclass(frozen=True)
class Thresholds:
    """The thresholds of the matching."""

    iou: float
    confidence: float
    top_k: int

    def match(self, evaluation: Evaluation) -> Matches:
        """Match at these thresholds."""
        return evaluation.match(iou=self.iou, confidence=self.confidence, top_k=self.top_k)


def compare(samples: SampleCollection, *, truth_field: str, prediction_field: str) -> Comparison:
    """Read both fields of a view and find all pairs; the last four comparisons are kept."""
    evaluation = evaluate(samples, truth_field=truth_field, prediction_field=prediction_field)
    dataset = str(samples._root_dataset._doc.id)
    comparison = Comparison(_token(dataset, evaluation), dataset, evaluation)
    with _lock:
        _kept[comparison.token] = comparison
        _kept.move_to_end(comparison.token)
        while len(_kept) > _KEPT:
            _kept.popitem(last=False)
    return comparison


def best_confidence(comparison: Comparison, thresholds: Thresholds) -> float:
    """The confidence in steps of 0.05 at which the weighted F1 is highest; 0 for predictions without confidence."""
    evaluation = comparison.evaluation
    if not evaluation.columns.predictions.scored:
        return 0.0

    def f1(confidence: float) -> float:
        return float(replace(thresholds, confidence=confidence).match(evaluation).metrics().weighted_f1)

    coarse = max([step / 10 for step in range(10)], key=f1)
    around = [value for value in (coarse - 0.05, coarse, coarse + 0.05) if 0 <= value < 1]
    best: float = max(around, key=f1)
    return round(best, 2)


def kept(token: str, samples: SampleCollection) -> Comparison:
    """The comparison of this token.

    Raises:
        Refusal: it is no longer in memory, or belongs to another dataset.
    """
    with _lock:
        comparison = _kept.get(token)
        if comparison is None or comparison.dataset != str(samples._root_dataset._doc.id):
            raise Refusal("This comparison is no longer in memory: press “Compare again”.")
        _kept.move_to_end(token)
        return comparison


def _token(dataset: str, evaluation: Evaluation) -> str:
    digest = hashlib.blake2b(dataset.encode(), digest_size=12)
    columns = evaluation.columns
    digest.update("\n".join([columns.truth.field, columns.predictions.field, *columns.classes]).encode())
    for side in (columns.truth, columns.predictions):
        digest.update(np.ascontiguousarray(side.ids).tobytes())
        digest.update(_bytes(side.objects))
    return digest.hexdigest()


def _bytes(objects: Objects) -> bytes:
    columns = [objects.sample, objects.label, objects.confidence, objects.crowd, objects.empty]
    if objects.box is not None:
        columns.append(objects.box)
    return b"".join(np.ascontiguousarray(column).tobytes() for column in columns)
