"""How often samples of one class are labeled as another: turns evidence against a label into a probability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from .arrays import Floats

_ROUNDS, _STEPS = 25, 2  # of expectation maximization, and of the weights in each
_FEW = 60  # labels; by the square root of their share, few labels take from the log odds that a label is wrong
_DOUBT, _FLATTENED = 1.4, 0.6  # at that number: a constant, and a share of what is left (docs/measurements.md)
_SUREST = 1e-4  # from certainty, beyond which few labels make no difference
_SMALLEST = 1e-7  # probability that single precision distinguishes from 0, and about so from 1
_BEYOND = 0.01  # weight of log odds beyond that, which keeps their order
_IMAGINARY = 10  # labels for each pair of classes that are confused by chance alone: others must earn it


@dataclass(frozen=True)
class ClassNoise:
    """A model of labels: a true class is drawn from the evidence of two witnesses, then a label from that class's row.

    Attributes:
        weights: of the predictions of the head and of the log votes of the neighbors, 0 or more each.
        given: (c, c) float64, probability of each label (column) for a true class (row).
    """

    weights: tuple[float, float]
    given: NDArray[np.float64]

    @staticmethod
    def fit(head: Floats, votes: Floats, labels: NDArray[np.int64], start: tuple[float, float]) -> ClassNoise:
        """The model under which the labels (m,) are most likely, by expectation maximization.

        As in the noise adaptation of Goldberger & Ben-Reuven (2017), with few weights in place of a network, and a
        prior toward labels that are wrong by chance.

        Args:
            head: (m, c) predictions of the head without the sample's own label.
            votes: (m, c) log votes of the neighbors.
            labels: (m,) classes 0..c - 1.
            start: weights of the two to begin with.
        """
        from scipy.optimize import minimize

        witnesses = np.stack((head, votes)).astype(np.float64)
        count = head.shape[1]
        weights, given = np.asarray(start), 0.95 * np.eye(count) + 0.05 / count
        bounds = ((0, 200), (0, 20))
        for _ in range(_ROUNDS):
            likelihoods = given.T[labels]  # of the label for each true class

            def surprise(
                weights: NDArray[np.float64], likelihoods: NDArray[np.float64] = likelihoods
            ) -> tuple[float, NDArray[np.float64]]:
                prior = _shares(np.tensordot(weights, witnesses, 1))
                joint = prior * likelihoods
                total = joint.sum(axis=1, keepdims=True)
                slope = np.tensordot(witnesses, prior - joint / total, 2)
                return float(-np.log(total).mean()), slope / len(labels)

            solution = minimize(
                surprise, weights, jac=True, bounds=bounds, method="L-BFGS-B", options={"maxiter": _STEPS}
            )
            weights = solution.x
            true = _shares(np.tensordot(weights, witnesses, 1)) * likelihoods
            true /= true.sum(axis=1, keepdims=True)
            given = _rows(true, labels)
        return ClassNoise((float(weights[0]), float(weights[1])), given)

    def wrong(self, head: Floats, votes: Floats, labels: NDArray[np.int64]) -> Floats:
        """Probability (m,) that each label is not the true class."""
        logits = np.float32(self.weights[0]) * head + np.float32(self.weights[1]) * votes
        joint = _shares(logits.astype(np.float64)) * self.given.T[labels]
        own = joint[np.arange(len(labels)), labels]
        return np.asarray(1 - own / joint.sum(axis=1), np.float32)


def with_few_labels(wrong: Floats, labels: int) -> Floats:
    """The probabilities (m,) that labels are wrong, given that the model behind them was fitted to only so many labels.

    A model takes samples that are unlike the rest of their class for wrong labels, all the more certainly the fewer
    labels it was fitted to; the order of the probabilities stays.
    """
    few = np.sqrt(_FEW / max(labels, _FEW))
    exact = logit(np.clip(wrong.astype(np.float64), _SMALLEST, 1 - _SMALLEST))
    bounded = np.clip(exact, logit(_SUREST), -logit(_SUREST))
    bounded += _BEYOND * (exact - bounded)  # keeps the order of the surest
    return np.asarray(expit((1 - _FLATTENED * few) * bounded - _DOUBT * few), np.float32)


def _shares(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(np.maximum(odds / odds.sum(axis=1, keepdims=True), 1e-12), np.float64)


def _rows(true: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Probability (c, c) of each label for a true class, from the probable classes (m, c) of the labels (m,)."""
    count = true.shape[1]
    counts = np.stack([np.bincount(labels, true[:, row], count) for row in range(count)])
    changed = (counts.sum() - np.trace(counts) + 1) / (counts.sum() + 2)
    by_chance = np.full((count, count), changed / (count - 1))
    np.fill_diagonal(by_chance, 1 - changed)
    counts += _IMAGINARY * count * by_chance
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))
