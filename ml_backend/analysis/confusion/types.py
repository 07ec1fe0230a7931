"""Objects as columns, and their outcomes: matched, missed, or confused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import Refusal

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False, init=False)
class Objects:
    """Labels or predictions as columns: detected objects, or a sample's class (or guesses of it).

    Attributes:
        sample: (n,) the sample each object lies in
        label: (n,) class of each object, 0..C-1; -1 = no class, such an object is left out
        box: (n, 4) x, y, width, height in any unit that all boxes of a sample share (FiftyOne: share of the
            image); None = classification. A box without positive width and height overlaps nothing
        confidence: (n,) between 0 and 1, NaN = unknown: ranks last, and passes only the threshold 0
        crowd: (n,) True = a region of many objects, which is neither matched nor missed (COCO's `iscrowd`)
        masks: n masks or None each: (height, width) boolean, filling the object's box, which is then a share
            of the image (as FiftyOne stores instance masks)
        empty: (m,) samples without any label at which somebody looked and found nothing: a prediction there is
            wrong, while one on a sample that nobody classified is neither right nor wrong
    """

    sample: Ints
    label: Ints
    box: Floats | None
    confidence: Floats
    crowd: Bools
    masks: Sequence[Bools | None] | None
    empty: Ints

    def __init__(
        self,
        sample: ArrayLike,
        label: ArrayLike,
        box: ArrayLike | None = None,
        confidence: ArrayLike | None = None,
        crowd: ArrayLike | None = None,
        masks: Sequence[Bools | None] | None = None,
        empty: ArrayLike = (),
    ) -> None:
        """Check and convert the columns; all after `label` may be left out.

        Raises:
            ValueError: columns of different lengths, a box that is not finite, a confidence outside 0..1,
                a label below -1, a mask that is not 2D
        """
        samples = np.asarray(sample, np.int32).reshape(-1)
        n = len(samples)
        columns = {
            "sample": samples,
            "label": _column(label, np.int32, n, "label"),
            "box": None if box is None else _boxes(box, n),
            "confidence": _column(np.full(n, np.nan) if confidence is None else confidence, float, n, "confidence"),
            "crowd": _column(np.zeros(n) if crowd is None else crowd, np.bool_, n, "crowd"),
            "masks": masks,
            "empty": np.asarray(empty, np.int32).reshape(-1),
        }
        for name, column in columns.items():
            object.__setattr__(self, name, column)
        if n and self.label.min() < -1:
            raise Refusal(f"label {self.label.min()} of object {self.label.argmin()}: -1 is no class, 0.. a class")
        wrong = np.flatnonzero((self.confidence < 0) | (self.confidence > 1))
        if len(wrong):
            raise Refusal(
                f"confidence {self.confidence[wrong[0]]:g} of object {wrong[0]} is not between 0 and 1: "
                "divide percentages by 100, take the softmax of logits"
            )
        if masks is not None:
            _check_masks(masks, box is not None, n)

    def __len__(self) -> int:
        return len(self.sample)


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Outcomes of objects: each row is a matched pair, a missed label, or a prediction without a label.

    Attributes:
        truth: (m,) row in the truth `Objects`; -1 = no label
        prediction: (m,) row in the predicted `Objects`; -1 = no prediction
        truth_class: (m,) class of the label, -1 = no label
        predicted_class: (m,) class of the prediction, -1 = no prediction
        iou: (m,) overlap of the pair in 0..1, NaN without a pair (and in classification)
        confidence: (m,) of the prediction, NaN if unknown or without a prediction
    """

    truth: Ints
    prediction: Ints
    truth_class: Ints
    predicted_class: Ints
    iou: Floats
    confidence: Floats

    def __len__(self) -> int:
        return len(self.truth)

    def take(self, rows: Bools | Counts) -> Outcomes:
        """Choose rows by a mask (m,) or by row numbers, in their order."""
        return Outcomes(
            self.truth[rows],
            self.prediction[rows],
            self.truth_class[rows],
            self.predicted_class[rows],
            self.iou[rows],
            self.confidence[rows],
        )

    def by_confidence(self) -> Outcomes:
        """Sort by confidence, high to low; unknown confidence last."""
        return self.take(np.argsort(-np.nan_to_num(self.confidence, nan=-1.0), kind="stable"))

    def by_iou(self) -> Outcomes:
        """Sort by overlap, low to high: the worst fitting pair first, rows without a pair last."""
        return self.take(np.argsort(self.iou, kind="stable"))


def top_classes(scores: ArrayLike, k: int, *, sample: ArrayLike | None = None) -> Objects:
    """Turn class scores into the k most confident guesses of each sample, as predictions for `match(..., top_k=k)`.

    Args:
        scores: (n, C) probabilities, each in 0..1
        k: guesses to keep per sample; cut to C
        sample: (n,) sample numbers, default 0..n-1
    """
    table = np.asarray(scores, np.float64)
    if table.ndim != 2:
        raise Refusal(f"scores of shape {table.shape} are not (samples, classes)")
    if k < 1:
        raise Refusal(f"k {k} is not a number of guesses: give 1 or more")
    n, k = len(table), min(k, table.shape[1])
    numbers = np.arange(n) if sample is None else np.asarray(sample)
    best = np.argsort(-table, axis=1, kind="stable")[:, :k]
    return Objects(
        sample=np.repeat(numbers, k).astype(np.int32),
        label=best.ravel().astype(np.int32),
        confidence=np.take_along_axis(table, best, axis=1).ravel(),
    )


def _column(values: ArrayLike, dtype: type, n: int, name: str) -> NDArray[Any]:
    column: NDArray[Any] = np.asarray(values, dtype).reshape(-1)
    if len(column) != n:
        raise Refusal(f"{name} has {len(column)} values for {n} objects: give one per object")
    return column


def _check_masks(masks: Sequence[Bools | None], boxed: bool, n: int) -> None:
    if not boxed:
        raise Refusal("masks need the box that each of them fills: give box too")
    if len(masks) != n:
        raise Refusal(f"{len(masks)} masks for {n} objects: give one, or None, for each object")
    wrong = [i for i, mask in enumerate(masks) if mask is not None and np.ndim(mask) != 2]
    if wrong:
        raise Refusal(f"mask of object {wrong[0]} is not (height, width): decode it first")


def _boxes(box: ArrayLike, n: int) -> Floats:
    boxes = np.asarray(box, np.float64).reshape(-1, 4)
    if len(boxes) != n:
        raise Refusal(f"{len(boxes)} boxes for {n} objects: give one (x, y, width, height) for each object")
    broken = np.flatnonzero(~np.isfinite(boxes).all(axis=1))
    if len(broken):
        raise Refusal(f"boxes of objects {broken[:5].tolist()} are not finite: leave those objects out or fix them")
    return boxes
