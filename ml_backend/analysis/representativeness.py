"""Second calibration: corrects confidences measured on held-out labels when the labels are not representative.

People label one region of the map, or only easy samples. Held-out labels then lie close to the other labels but the
unlabeled samples do not, so precision measured on the former is too optimistic for the latter. The correction was
learned on other datasets, over simulated ways of labeling (`benchmarks/labeling_reference.py`).

Those datasets have classes that can be told apart. Where embeddings hardly tell them apart, the correction would raise
confidences far above what held-out labels show: near noise it only lowers them, and elsewhere it raises them no further
than to the accuracy on held-out labels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from .arrays import Floats

Floats64 = NDArray[np.float64]

_FEWEST_HELD_OUT = 10  # fewer held-out labels say nothing about where the others lie
_SMALLEST = 1e-4  # lower bound on distances
_HARDEST = 0.3  # cap on “hard”, as in the labelings that the weights were learned from
_EXTREME = 1e-3  # confidences closer to 0 or 1 count as this close
_HALVINGS = 20  # of the part of a raise that counts: to a millionth
_PREDICTABLE = 0.3  # mean confidence, on the way from chance to certainty, from which raised confidences fully count

FEATURES = (
    "1",
    "log odds of the confidence",
    "the same up to 2.5",
    "nearness",  # share of the held-out labels that are farther from the labels of their class
    "mass",  # share of the held-out labels that receive less label mass
    "distance",  # log of the distance to the nearest label of the class, in distances to the 15th neighbor
    "consistency - 1",
    "hard",  # how much nearer to the labels the unlabeled samples are than the held-out labels
    "hard x log odds",
    "hard x nearness",
    "hard x distance",
    "hard x (consistency - 1)",
    "nothing held out",
    "nothing held out x log odds",
    "agreement",
    "log share of the class",
    "mean nearness",
    "log odds x nearness",
    "few labels",
    "few labels x log odds",
)


@dataclass(frozen=True)
class Surroundings:
    """Where u unlabeled samples lie relative to the labels, and h held-out labels relative to those of other folds.

    Attributes:
        distances: (u,) cosine distance to the nearest label of the guessed class.
        mass: (u,) label mass received by near spreading.
        held_out_distances: (h,) the same distance of held-out labels.
        held_out_mass: (h,) the same mass of held-out labels.
        scale: (u,) distance to the 15th neighbor.
        share: (u,) how often the guessed class is guessed, relative to the mean class.
        consistency: (u,) share of the neighbors that have the same class, as label or guess.
        agreement: log odds that two voters agree, over the dataset.
        labels_a_class: mean number of labels of a class.
        chance: how often guesses would be right if samples were labeled like the labels, but at random.
        accuracy: how often held-out labels would be guessed right if all labels were correct, and no harder to guess
            than the unlabeled samples; nan if none was held out.
    """

    distances: Floats
    mass: Floats
    held_out_distances: Floats
    held_out_mass: Floats
    scale: Floats
    share: NDArray[np.float64]
    consistency: Floats
    agreement: float
    labels_a_class: float
    chance: float
    accuracy: float


def correction_features(confidence: NDArray[np.float64], around: Surroundings) -> NDArray[np.float64]:
    """The (u, f) table of `FEATURES` for suggestions with a confidence (u,)."""
    odds = _odds(confidence)
    measured = len(around.held_out_distances) >= _FEWEST_HELD_OUT
    nearness = np.zeros(len(odds))
    mass = np.zeros(len(odds))
    if measured:
        nearness = 0.5 - _rank(around.distances, around.held_out_distances)
        mass = _rank(around.mass, around.held_out_mass) - 0.5
    ratio = np.maximum(around.distances, _SMALLEST) / np.maximum(around.scale, _SMALLEST)
    distance = np.clip(np.log(ratio), -2, 4)
    lonely = around.consistency.astype(np.float64) - 1
    hard = min(2 * max(float(nearness.mean()), 0), _HARDEST)
    few = 1 / around.labels_a_class if measured else 0.0
    same = np.ones(len(odds))
    columns = [same, odds, np.minimum(odds, 2.5), nearness, mass, distance, lonely]
    columns += [hard * column for column in (same, odds, nearness, distance, lonely)]
    columns += [(not measured) * same, (not measured) * odds]
    columns += [around.agreement * same, np.log(np.clip(around.share, 0.02, 10)), nearness.mean() * same]
    columns += [odds * nearness, few * same, few * odds]
    return np.column_stack(columns)


def corrected(confidence: NDArray[np.float64], around: Surroundings, weights: NDArray[np.float64]) -> Floats64:
    """Probability (u,) of being right, from the confidence and the surroundings, by logistic regression.

    A raise counts only as far as the held-out labels show that the data can be predicted better than by chance, and the
    mean confidence stays within a standard error of the accuracy on them (`Surroundings.accuracy`).
    """
    odds, moved = _odds(confidence), correction_features(confidence, around) @ weights
    raised = np.maximum(moved - odds, 0)
    counted = _within_accuracy(moved, raised, _predictability(confidence, around), around)
    return np.asarray(expit(moved - (1 - counted) * raised))


def _within_accuracy(moved: Floats64, raised: Floats64, most: float, around: Surroundings) -> float:
    """The part of a raise, at most `most`, with which the mean confidence exceeds no accuracy on held-out labels."""
    held_out = len(around.held_out_distances)
    if held_out < _FEWEST_HELD_OUT:
        return most
    spread = around.accuracy * (1 - around.accuracy) + 1 / held_out
    bound = around.accuracy + math.sqrt(spread / held_out)

    def is_within(part: float) -> bool:
        return float(expit(moved - (1 - part) * raised).mean()) <= bound

    if is_within(most):
        return most
    low, high = 0.0, most
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if is_within(middle) else (low, middle)
    return low


def _predictability(confidence: NDArray[np.float64], around: Surroundings) -> float:
    """How far the confidences are above chance, 0..1; 1 where too few labels could be held out to know."""
    if len(around.held_out_distances) < _FEWEST_HELD_OUT or around.chance >= 1:
        return 1.0
    above = (float(confidence.mean()) - around.chance) / (1 - around.chance)
    return min(max(above / _PREDICTABLE, 0.0), 1.0)


def _odds(confidence: NDArray[np.float64]) -> Floats64:
    return np.asarray(logit(np.clip(confidence, _EXTREME, 1 - _EXTREME)))


def _rank(values: Floats, reference: Floats) -> Floats64:
    """Share (m,) of the reference values that lie below each value."""
    return np.searchsorted(np.sort(reference), values) / len(reference)
