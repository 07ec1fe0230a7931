"""Match predictions to labels; changing a threshold does not recompute overlaps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...errors import Refusal
from .matches import Matches
from .metrics import average_precision
from .overlaps import overlaps
from .types import Bools, Counts, Floats, Ints, Objects


@dataclass(frozen=True, eq=False)
class _Choices:
    """For every prediction, the labels it could be matched to, highest overlap first."""

    begin: Counts  # (n_predictions + 1,) into the columns below, predictions in order of rank
    truth: Ints
    iou: Floats


@dataclass(frozen=True, eq=False)
class Pairs:
    """Every overlapping pair of a label and a prediction, sorted once: all a change of threshold needs.

    Attributes:
        truth, predictions: the objects, as given
        n_classes: size of the matrix
        ranking: (n_predictions,) prediction rows by confidence, high to low; ties by sample, then in input order
        mask_pairs, box_pairs: number of pairs whose IoU is of two masks, and of two boxes (if one has no mask)
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
        """Match at these thresholds, without recomputing overlaps.

        Detection follows COCO: in each sample, the most confident prediction takes the unmatched label that it
        overlaps most (in a tie, the last), if by `iou` or more; then the next prediction does. An unmatched
        prediction that lies in a crowd of its own class is ignored. In classification, every labeled sample is
        matched with its guess.

        Args:
            iou: lowest overlap of a pair, 0..1; even at 0 a pair must overlap. Not used in classification
            confidence: predictions below it are dropped, 0..1
            classwise: match only objects of the same class, as pycocotools does, which leaves no confusions
            top_k: classification only: a sample counts as right if its class is among the k most confident guesses

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
            # COCO's cap: at exactly 1, a pair of equal boxes must not fail because of rounding
            least = min(iou, 1 - 1e-10)
            choices = self._same_class if classwise else self._choices
            prediction_of_truth = self._assign(choices, kept, least)
            ignored = kept & (self._crowd_iou >= least)
        matched = np.flatnonzero(prediction_of_truth >= 0).astype(np.int32)
        truth_of_prediction = np.full(len(self.predictions), -1, np.int32)
        truth_of_prediction[prediction_of_truth[matched]] = matched
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
        return average_precision(self.match(iou=iou, classwise=True, top_k=max(len(self.predictions), 1)))

    def _kept(self, confidence: float) -> Bools:
        return (self.predictions.label >= 0) & (np.nan_to_num(self.predictions.confidence, nan=0.0) >= confidence)

    def _assign(self, choices: _Choices, kept: Bools, least: float) -> Ints:
        """Give every label its prediction: (n_truth,) prediction rows, -1 = none.

        Deferred acceptance (Gale and Shapley 1962): every prediction proposes to its best label, a label keeps
        the most confident proposer, and the others propose to their next label. All labels rank predictions
        alike (by confidence), so the only stable outcome is COCO's greedy one, but all samples move at once.
        """
        nobody = len(self.predictions)
        good = np.concatenate([[0], np.cumsum(choices.iou >= least)])
        position = choices.begin[:-1].copy()
        end = position + (good[choices.begin[1:]] - good[position])  # choices are sorted by falling IoU
        holder = np.full(len(self.truth), nobody, np.int64)
        proposing = np.flatnonzero(kept[self.ranking] & (position < end))
        while len(proposing):
            proposed_to = choices.truth[position[proposing]]
            before = holder[proposed_to]
            np.minimum.at(holder, proposed_to, proposing)
            won = holder[proposed_to] == proposing
            displaced = before[won & (before < nobody)]
            proposing = np.concatenate([proposing[~won], displaced])
            position[proposing] += 1
            proposing = proposing[position[proposing] < end[proposing]]
        prediction = np.full(len(self.truth), -1, np.int32)
        prediction[holder < nobody] = self.ranking[holder[holder < nobody]]
        return prediction

    def _guess(self, kept: Bools, classwise: bool, top_k: int) -> tuple[Ints, Bools]:
        """Choose one guess per sample: the right one among its top k, else the most confident one."""
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
        # a label matches at most one guess, so that a class guessed twice counts once
        chosen = np.where(solved[group], right & (_place_in_run(group, right) == 0), first)
        prediction = np.full(len(self.truth), -1, np.int32)
        taken = chosen & (its_truth >= 0) & (right | (not classwise))
        prediction[its_truth[taken]] = row[taken]
        ignored = kept.copy()
        ignored[row[chosen]] = False
        return prediction, ignored

    def _matched_iou(self, truth_of_prediction: Ints) -> Floats:
        iou = np.full(len(self.predictions), np.nan)
        if self.is_classification:
            return iou
        prediction = np.repeat(self.ranking, np.diff(self._choices.begin))
        hit = truth_of_prediction[prediction] == self._choices.truth
        iou[prediction[hit]] = self._choices.iou[hit]
        return iou


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
        predictions: the predictions; in classification, several per sample are its guesses, most confident first
        n_classes: size of the matrix; default: the largest class of either + 1

    Raises:
        ValueError: boxes on one side only, a class at or above n_classes, two labels of one classified sample
    """
    n_classes = _checked_classes(truth, predictions, n_classes)
    ranking = np.lexsort((predictions.sample, -np.nan_to_num(predictions.confidence, nan=-1.0))).astype(np.int32)
    pairs = list(overlaps(truth, predictions))
    found_truth = np.concatenate([np.empty(0, np.int32), *(f[0] for f in pairs)])
    found_prediction = np.concatenate([np.empty(0, np.int32), *(f[1] for f in pairs)])
    found_iou = np.concatenate([np.empty(0), *(f[2] for f in pairs)])
    masked = sum(f[3] for f in pairs)

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


def _checked_classes(truth: Objects, predictions: Objects, n_classes: int | None) -> int:
    """The size of the matrix, after checking that both sides can be compared."""
    largest = max((int(o.label.max()) for o in (truth, predictions) if len(o)), default=-1)
    if n_classes is None:
        n_classes = largest + 1
    elif largest >= n_classes:
        raise Refusal(f"class {largest} does not fit into {n_classes} classes: give n_classes={largest + 1} or more")
    if len(truth) and len(predictions) and (truth.box is None) != (predictions.box is None):
        bare = "labels" if truth.box is None else "predictions"
        raise Refusal(f"the {bare} have no boxes, but the other side does: compare objects with objects")
    if truth.box is None and predictions.box is None:
        _one_label_a_sample(truth)
    return n_classes


def _one_label_a_sample(truth: Objects) -> None:
    samples, counts = np.unique(truth.sample[truth.label >= 0], return_counts=True)
    if len(counts) and counts.max() > 1:
        raise Refusal(
            f"sample {samples[counts.argmax()]} has {counts.max()} labels: classification compares one per sample"
        )


def _place_in_run(group: NDArray[np.integer], counted: Bools | None = None) -> Counts:
    """Number the entries of each run of equal values 0, 1, 2…; with `counted` only those are counted."""
    if not len(group):
        return np.empty(0, np.int64)
    steps = np.ones(len(group), np.int64) if counted is None else counted.astype(np.int64)
    before = np.cumsum(steps) - steps
    starts = np.concatenate([[True], group[1:] != group[:-1]])
    return np.asarray(before - before[starts][np.cumsum(starts) - 1], np.int64)
