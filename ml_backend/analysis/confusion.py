"""Match predictions to labels, count what is confused with what, and find the objects behind every count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import Refusal
from .mask_iou import Masks, chunks, mask_iou, ragged

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Counts = NDArray[np.int64]

_CANDIDATES_AT_ONCE = 1 << 20  # truth x prediction pairs of one chunk: about 100 MB of temporaries
_RECALLS = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True, eq=False, init=False)
class Objects:
    """Labels or predictions as columns: detected objects, or a sample's class (or guesses of it).

    Attributes:
        sample: (n,) the sample each object lies in
        label: (n,) class of each object, 0..C-1; -1 = no class, such an object takes no part
        box: (n, 4) x, y, width, height in any unit that all boxes of a sample share (FiftyOne: share of the
            image); None = classification. A box without positive width and height overlaps nothing
        confidence: (n,) between 0 and 1, NaN = unknown: ranks last, and passes only the threshold 0
        crowd: (n,) True = a region of many objects, which is neither found nor missed (COCO's `iscrowd`)
        masks: n masks or None each: (height, width) boolean, filling the object's box, which is then a share
            of the image (as FiftyOne stores instance masks)
    """

    sample: Ints
    label: Ints
    box: Floats | None
    confidence: Floats
    crowd: Bools
    masks: Sequence[Bools | None] | None

    def __init__(
        self,
        sample: ArrayLike,
        label: ArrayLike,
        box: ArrayLike | None = None,
        confidence: ArrayLike | None = None,
        crowd: ArrayLike | None = None,
        masks: Sequence[Bools | None] | None = None,
    ) -> None:
        """Check and convert the columns; `confidence` and `crowd` may be left out.

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
    """What became of objects: a row is a matched pair, a label nobody found or a prediction without label.

    Attributes:
        truth: (m,) row in the truth `Objects`; -1 = there is no label here
        prediction: (m,) row in the predicted `Objects`; -1 = there is no prediction here
        truth_class: (m,) class of the label, -1 = no label
        predicted_class: (m,) class of the prediction, -1 = no prediction
        iou: (m,) overlap of the pair in 0..1, NaN where there is no pair (and for classification)
        confidence: (m,) of the prediction, NaN where unknown or without prediction
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


@dataclass(frozen=True, eq=False)
class Matches:
    """Which prediction was matched to which label at one IoU and confidence threshold.

    Attributes:
        pairs: what was matched
        iou, confidence, classwise, top_k: the thresholds and rules it was made with
        prediction_of_truth: (n_truth,) row of the matched prediction, -1 = none
        truth_of_prediction: (n_predictions,) row of the matched label, -1 = none
        prediction_iou: (n_predictions,) overlap with the matched label, NaN = none
        kept: (n_predictions,) True = passes the confidence threshold and has a class
        ignored: (n_predictions,) True = lies in a crowd of its own class (classification: is not the guess
            that is judged): neither right nor wrong
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
        """Every judged object once: the predictions in their order, then the labels nobody found."""
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
            class, the last column "no prediction". The last cell is 0: what neither side knows
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
        """Get pairs of different classes: sure ones are where wrong labels are found."""
        known = (self.outcomes.truth_class >= 0) & (self.outcomes.predicted_class >= 0)
        return self._where(known & (self.outcomes.truth_class != self.outcomes.predicted_class))

    def false_positives(self) -> Outcomes:
        """Get predictions without any label: sure ones are where unlabeled objects are found."""
        return self._where(self.outcomes.truth_class < 0)

    def false_negatives(self) -> Outcomes:
        """Get labels without any prediction."""
        return self._where(self.outcomes.predicted_class < 0)

    def metrics(self) -> Metrics:
        """Measure precision, recall, F1, support and average precision, per class and weighted.

        In classification a prediction on an unlabeled sample is shown in the matrix but not held against
        precision: there is nothing to judge it by. In detection it is a false positive, as in COCO.
        """
        counts = self.matrix()
        right = counts.diagonal()[:-1].copy()
        support = counts[:-1].sum(axis=1)
        predicted = (counts[:-1] if self.pairs.is_classification else counts)[:, :-1].sum(axis=0)
        precision, recall = _ratio(right, predicted), _ratio(right, support)
        f1 = _ratio(2 * right, predicted + support)
        ap = self.pairs.average_precision(iou=self.iou)
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

    def _where(self, rows: Bools) -> Outcomes:
        return self.outcomes.take(rows)


@dataclass(frozen=True, eq=False)
class _Choices:
    """For every prediction, the labels it could be matched to, the one it likes best first."""

    begin: Counts  # (n_predictions + 1,) into the columns below, predictions in order of rank
    truth: Ints
    iou: Floats


@dataclass(frozen=True, eq=False)
class Pairs:
    """Every overlapping pair of a label and a prediction, sorted once: all that a change of threshold needs.

    Attributes:
        truth, predictions: the objects, as given
        n_classes: size of the matrix
        ranking: (n_predictions,) prediction rows by confidence, high to low; then by sample, then as given
        mask_pairs, box_pairs: pairs whose IoU is of two masks, and of two boxes (because one had no mask)
    """

    truth: Objects
    predictions: Objects
    n_classes: int
    ranking: Ints
    mask_pairs: int
    box_pairs: int
    _choices: _Choices
    _crowd_iou: Floats  # (n_predictions,) with the crowd of the same class that covers most, -1 = none

    @property
    def is_classification(self) -> bool:
        """Whether samples have classes rather than objects with boxes."""
        return self.truth.box is None and self.predictions.box is None

    @cached_property
    def _same_class(self) -> _Choices:
        choices = self._choices
        prediction = np.repeat(self.ranking, np.diff(choices.begin))
        same = self.predictions.label[prediction] == self.truth.label[choices.truth]
        kept = np.concatenate([[0], np.cumsum(same)])[choices.begin]
        return _Choices(kept, choices.truth[same], choices.iou[same])

    def match(self, *, iou: float = 0.5, confidence: float = 0.0, classwise: bool = False, top_k: int = 1) -> Matches:
        """Match at these thresholds, without computing an overlap again.

        Detection follows COCO: in each sample the surest prediction takes the free label that it overlaps
        most (of equal ones the last), if by `iou` or more; then the next. A prediction left without label
        that lies in a crowd of its own class is ignored. In classification every labeled sample is matched
        with its guess.

        Args:
            iou: least overlap of a pair, 0..1; a pair overlaps at 0 too. Not used in classification
            confidence: predictions below it do not exist, 0..1
            classwise: match only objects of the same class, as pycocotools does; then there are no confusions
            top_k: classification only: a sample counts as right if its class is among the k surest guesses

        Raises:
            ValueError: a threshold outside 0..1, or top_k below 1
        """
        for name, threshold in (("iou", iou), ("confidence", confidence)):
            if not 0 <= threshold <= 1:
                raise Refusal(f"{name} {threshold} is not between 0 and 1")
        if top_k < 1:
            raise Refusal(f"top_k {top_k} is not a number of guesses: give 1 or more")
        kept = self._kept(confidence)
        if self.is_classification:
            prediction_of_truth, ignored = self._guess(kept, classwise, top_k)
        else:
            # COCO's cap: at exactly 1 a pair of equal boxes must not fail by rounding
            least = min(iou, 1 - 1e-10)
            choices = self._same_class if classwise else self._choices
            prediction_of_truth = self._assign(choices, kept, least)
            ignored = kept & (self._crowd_iou >= least)
        found = np.flatnonzero(prediction_of_truth >= 0).astype(np.int32)
        truth_of_prediction = np.full(len(self.predictions), -1, np.int32)
        truth_of_prediction[prediction_of_truth[found]] = found
        return Matches(
            pairs=self,
            iou=iou,
            confidence=confidence,
            classwise=classwise,
            top_k=top_k,
            prediction_of_truth=prediction_of_truth,
            truth_of_prediction=truth_of_prediction,
            prediction_iou=self._matched_iou(truth_of_prediction),
            kept=kept,
            ignored=ignored & (truth_of_prediction < 0),
        )

    def average_precision(self, *, iou: float = 0.5) -> Floats:
        """Average precision of every class at one IoU: precision at 101 recalls, made non-increasing (COCO).

        Matching is class by class over all predictions; the number equals that of pycocotools (without its
        cap of 100 predictions a sample).

        Returns:
            (C,) in 0..1; NaN for a class without label, and everywhere if no prediction has a confidence
        """
        return self._average_precision(self.match(iou=iou, classwise=True, top_k=max(len(self.predictions), 1)))

    def _kept(self, confidence: float) -> Bools:
        return (self.predictions.label >= 0) & (np.nan_to_num(self.predictions.confidence, nan=0.0) >= confidence)

    def _assign(self, choices: _Choices, kept: Bools, least: float) -> Ints:
        """Give every label its prediction: (n_truth,) prediction rows, -1 = none.

        Deferred acceptance (Gale and Shapley 1962): every prediction asks its favourite, a label keeps the
        surest that asked, the others ask their next. All labels prefer alike (by confidence), so the only
        stable outcome is that of choosing one after another (COCO's greedy), while all samples move at once.
        """
        nobody = len(self.predictions)
        good = np.concatenate([[0], np.cumsum(choices.iou >= least)])
        position = choices.begin[:-1].copy()
        end = position + (good[choices.begin[1:]] - good[position])  # choices are sorted by falling IoU
        holder = np.full(len(self.truth), nobody, np.int64)
        asking = np.flatnonzero(kept[self.ranking] & (position < end))
        while len(asking):
            asked = choices.truth[position[asking]]
            before = holder[asked]
            np.minimum.at(holder, asked, asking)
            won = holder[asked] == asking
            displaced = before[won & (before < nobody)]
            asking = np.concatenate([asking[~won], displaced])
            position[asking] += 1
            asking = asking[position[asking] < end[asking]]
        prediction = np.full(len(self.truth), -1, np.int32)
        prediction[holder < nobody] = self.ranking[holder[holder < nobody]]
        return prediction

    def _guess(self, kept: Bools, classwise: bool, top_k: int) -> tuple[Ints, Bools]:
        """Choose one guess a sample: the right one among its top k, else the surest."""
        choices = self._choices
        n = len(self.predictions)
        row = self.ranking[kept[self.ranking]]
        row = row[np.argsort(self.predictions.sample[row], kind="stable")]
        place = _place_in_run(self.predictions.sample[row])
        row, place = row[place < top_k], place[place < top_k]
        truth = np.full(n, -1, np.int32)
        truth[self.ranking[np.diff(choices.begin) > 0]] = choices.truth
        its_truth = truth[row]
        right = (its_truth >= 0) & (self.truth.label[its_truth] == self.predictions.label[row])
        first = place == 0
        group = np.cumsum(first) - 1
        solved = np.bincount(group[right], minlength=int(first.sum())) > 0
        # a label matches at most one guess: a class guessed twice counts once
        chosen = np.where(solved[group], right & (_place_in_run(group, right) == 0), first)
        prediction = np.full(len(self.truth), -1, np.int32)
        taken = chosen & (its_truth >= 0) & (right | (not classwise))
        prediction[its_truth[taken]] = row[taken]
        ignored = kept.copy()
        ignored[row[chosen]] = False
        return prediction, ignored

    def _matched_iou(self, truth_of_prediction: Ints) -> Floats:
        found = np.full(len(self.predictions), np.nan)
        if self.is_classification:
            return found
        prediction = np.repeat(self.ranking, np.diff(self._choices.begin))
        hit = truth_of_prediction[prediction] == self._choices.truth
        found[prediction[hit]] = self._choices.iou[hit]
        return found

    def _average_precision(self, matches: Matches) -> Floats:
        truth, predictions = self.truth, self.predictions
        labeled = (truth.label >= 0) & ~truth.crowd
        support = np.bincount(truth.label[labeled], minlength=self.n_classes)
        result = np.where(support > 0, 0.0, np.nan)
        if len(predictions) and np.isnan(predictions.confidence).all():
            return np.full(self.n_classes, np.nan)
        if self.is_classification:
            judged = matches.kept & np.isin(predictions.sample, truth.sample[labeled])
        else:
            judged = matches.kept & ~matches.ignored
        row = self.ranking[judged[self.ranking]]
        row = row[np.argsort(predictions.label[row], kind="stable")]
        right = (matches.truth_of_prediction[row] >= 0).astype(np.float64)
        begin = np.searchsorted(predictions.label[row], np.arange(self.n_classes + 1))
        for c in np.flatnonzero((support > 0) & (np.diff(begin) > 0)):
            result[c] = _interpolated_precision(right[begin[c] : begin[c + 1]], int(support[c]))
        return result


def match(
    truth: Objects,
    predictions: Objects,
    *,
    iou: float = 0.5,
    confidence: float = 0.0,
    classwise: bool = False,
    top_k: int = 1,
    n_classes: int | None = None,
) -> Matches:
    """Match predictions to labels once; for more thresholds keep `candidate_pairs(...)` and call its `match`.

    See `Pairs.match` for the rules and the thresholds, `candidate_pairs` for the rest.
    """
    pairs = candidate_pairs(truth, predictions, n_classes=n_classes)
    return pairs.match(iou=iou, confidence=confidence, classwise=classwise, top_k=top_k)


def candidate_pairs(truth: Objects, predictions: Objects, *, n_classes: int | None = None) -> Pairs:
    """Find every pair of a label and a prediction of the same sample that overlap, with their IoU.

    The IoU is of the masks where both have one, else of the boxes. With a crowd it is the share of the
    prediction that lies in the crowd (COCO). Candidates are looked at in chunks; the pairs that overlap are
    kept, at 12 bytes each.

    Args:
        truth: the labels
        predictions: the predictions; in classification several a sample are its guesses, the surest first
        n_classes: size of the matrix; default: the largest class of either + 1

    Raises:
        ValueError: boxes on one side only, a class at or above n_classes, two labels of one classified sample
    """
    largest = max((int(o.label.max()) for o in (truth, predictions) if len(o)), default=-1)
    if n_classes is None:
        n_classes = largest + 1
    elif largest >= n_classes:
        raise Refusal(f"class {largest} does not fit into {n_classes} classes: give n_classes={largest + 1} or more")
    if len(truth) and len(predictions) and (truth.box is None) != (predictions.box is None):
        bare = "labels" if truth.box is None else "predictions"
        raise Refusal(f"the {bare} have no boxes but the other side has: compare objects with objects")
    ranking = np.lexsort((predictions.sample, -np.nan_to_num(predictions.confidence, nan=-1.0))).astype(np.int32)
    if truth.box is None and predictions.box is None:
        _one_label_a_sample(truth)

    found = list(_overlaps(truth, predictions))
    found_truth = np.concatenate([np.empty(0, np.int32), *(f[0] for f in found)])
    found_prediction = np.concatenate([np.empty(0, np.int32), *(f[1] for f in found)])
    found_iou = np.concatenate([np.empty(0), *(f[2] for f in found)])
    masked = sum(f[3] for f in found)

    in_crowd = truth.crowd[found_truth]
    own_crowd = in_crowd & (truth.label[found_truth] == predictions.label[found_prediction])
    crowd_iou = np.full(len(predictions), -1.0)
    np.maximum.at(crowd_iou, found_prediction[own_crowd], found_iou[own_crowd])

    rank = np.empty(len(predictions), np.int32)
    rank[ranking] = np.arange(len(predictions), dtype=np.int32)
    plain = np.flatnonzero(~in_crowd)
    order = plain[np.lexsort((-found_truth[plain], -found_iou[plain], rank[found_prediction[plain]]))]
    counts = np.bincount(rank[found_prediction[order]], minlength=len(predictions))
    return Pairs(
        truth=truth,
        predictions=predictions,
        n_classes=n_classes,
        ranking=ranking,
        mask_pairs=masked,
        box_pairs=0 if truth.box is None else len(found_iou) - masked,
        _choices=_Choices(np.concatenate([[0], np.cumsum(counts)]), found_truth[order], found_iou[order]),
        _crowd_iou=crowd_iou,
    )


def top_classes(scores: ArrayLike, k: int, *, sample: ArrayLike | None = None) -> Objects:
    """Turn class scores into the k surest guesses of each sample, as predictions for `match(..., top_k=k)`.

    Args:
        scores: (n, C) probabilities, each in 0..1
        k: guesses to keep a sample; cut to C
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
        raise Refusal(f"{name} has {len(column)} values for {n} objects: give one for each object")
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
        raise Refusal(f"boxes of objects {broken[:5].tolist()} are not finite: leave those objects out or mend them")
    return boxes


def _one_label_a_sample(truth: Objects) -> None:
    samples, counts = np.unique(truth.sample[truth.label >= 0], return_counts=True)
    if len(counts) and counts.max() > 1:
        raise Refusal(
            f"sample {samples[counts.argmax()]} has {counts.max()} labels: classification compares one a sample"
        )


def _ratio(part: Counts, whole: Counts) -> Floats:
    return np.asarray(part / np.maximum(whole, 1), np.float64)


def _place_in_run(group: NDArray[np.integer], counted: Bools | None = None) -> Counts:
    """Number the entries of each run of equal values 0, 1, 2…; with `counted` only those are counted."""
    if not len(group):
        return np.empty(0, np.int64)
    steps = np.ones(len(group), np.int64) if counted is None else counted.astype(np.int64)
    before = np.cumsum(steps) - steps
    starts = np.concatenate([[True], group[1:] != group[:-1]])
    return np.asarray(before - before[starts][np.cumsum(starts) - 1], np.int64)


def _interpolated_precision(right: Floats, support: int) -> float:
    """Mean precision at 101 recalls, the arithmetic of pycocotools kept to the last bit."""
    hits = np.cumsum(right)
    precision = hits / (np.arange(1, len(right) + 1) + np.spacing(1))
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(hits / support, _RECALLS, side="left")
    return float(np.append(precision, 0.0)[at].mean())


def _classed_by_sample(objects: Objects) -> Ints:
    rows = np.argsort(objects.sample, kind="stable").astype(np.int32)
    return rows[objects.label[rows] >= 0]


def _overlaps(truth: Objects, predictions: Objects) -> Iterator[tuple[Ints, Ints, Floats, int]]:
    """Yield truth rows, prediction rows, IoU > 0 and how many of the IoUs are of masks, chunk by chunk."""
    truths, rows = _classed_by_sample(truth), _classed_by_sample(predictions)
    first = np.searchsorted(truth.sample[truths], predictions.sample[rows], side="left")
    counts = np.searchsorted(truth.sample[truths], predictions.sample[rows], side="right") - first
    for chunk in chunks(counts, _CANDIDATES_AT_ONCE):
        in_truth = truths[ragged(first[chunk], counts[chunk])]
        in_predictions = np.repeat(rows[chunk], counts[chunk])
        if truth.box is None or predictions.box is None:
            yield in_truth, in_predictions, np.ones(len(in_truth)), 0
            continue
        crowd = truth.crowd[in_truth]
        iou = _box_iou(truth.box, predictions.box, in_truth, in_predictions, crowd)
        met = iou > 0
        in_truth, in_predictions, iou = in_truth[met], in_predictions[met], iou[met]
        masked = 0
        if truth.masks is not None and predictions.masks is not None:
            drawn = mask_iou(
                Masks(truth.sample, truth.box, truth.masks),
                Masks(predictions.sample, predictions.box, predictions.masks),
                in_truth,
                in_predictions,
                crowd[met],
            )
            masked = int((drawn > 0).sum())
            iou = np.where(np.isnan(drawn), iou, drawn)
            met = iou > 0
            in_truth, in_predictions, iou = in_truth[met], in_predictions[met], iou[met]
        yield in_truth, in_predictions, iou, masked


def _box_iou(a: Floats, b: Floats, in_a: Ints, in_b: Ints, crowd: Bools) -> Floats:
    # gathered column by column: fancy indexing of rows of 4 is several times slower
    ax, ay, aw, ah = (np.ascontiguousarray(column) for column in a.T)
    bx, by, bw, bh = (np.ascontiguousarray(column) for column in b.T)
    width = np.minimum((ax + aw)[in_a], (bx + bw)[in_b]) - np.maximum(ax[in_a], bx[in_b])
    height = np.minimum((ay + ah)[in_a], (by + bh)[in_b]) - np.maximum(ay[in_a], by[in_b])
    inside = np.maximum(width, 0.0) * np.maximum(height, 0.0)
    area = (bw * bh)[in_b]
    union = np.where(crowd, area, area + (aw * ah)[in_a] - inside)
    iou: Floats = np.minimum(np.divide(inside, union, out=np.zeros_like(inside), where=inside > 0), 1.0)
    return iou
