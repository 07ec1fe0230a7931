"""Calibration: from evidence to the probability that a suggestion is right, measured on held-out labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from ..wording import count

Floats = NDArray[np.float64]

MIN_HELD_OUT = 30  # with fewer held-out labels, the prior from other datasets outweighs them
_STEPS = 30
_MOST_DOUBT = 2.0  # a suggestion whose error probability is this many times the allowed share is never accepted


@dataclass(frozen=True)
class Calibration:
    """How far the confidences can be trusted.

    Attributes:
        held_out: number of labels compared with predictions made without them.
        expected_precision: share of the accepted suggestions that is expected to be right, 0..1; nan if none.
        uncertainty: half the width of its 95% interval, 0..1; nan if none.
        sentence: a summary for the user.
    """

    held_out: int
    expected_precision: float
    uncertainty: float
    sentence: str


@dataclass(frozen=True)
class Reliability:
    """Logistic regression from evidence to the probability of being right, with uncertain coefficients.

    Attributes:
        mean: (f,) coefficients.
        covariance: (f, f) of the coefficients.
    """

    mean: Floats
    covariance: Floats

    def probability(self, evidence: Floats) -> Floats:
        """Probability of being right for (n, f) evidence, averaged over the coefficients (MacKay, 1992)."""
        variance = np.einsum("nf,fg,ng->n", evidence, self.covariance, evidence)
        return np.asarray(expit(evidence @ self.mean / np.sqrt(1 + np.pi / 8 * variance)))

    def learn(self, evidence: Floats, right: NDArray[np.bool_]) -> Reliability:
        """Update with held-out labels: (h, f) evidence and whether the suggestion was right.

        The more held-out labels there are, the less the prior coefficients matter: Platt scaling (1999) with a
        Gaussian prior, Laplace approximation.
        """
        precision = np.linalg.inv(self.covariance)
        mean = self.mean.copy()
        hessian = precision
        for _ in range(_STEPS):
            p = expit(evidence @ mean)
            gradient = evidence.T @ (p - right) + precision @ (mean - self.mean)
            hessian = (evidence * (p * (1 - p))[:, None]).T @ evidence + precision
            step = np.linalg.solve(hessian, gradient)
            step /= max(1.0, float(np.abs(step).max()) / 2)
            mean -= step
            if np.abs(step).max() < 1e-6:
                break
        return Reliability(mean, np.linalg.inv(hessian))


def accept(confidence: Floats, precision: float) -> NDArray[np.bool_]:
    """Accept as many of the most confident suggestions as keep the expected precision at `precision` or above."""
    order = np.argsort(-confidence, kind="stable")
    expected = np.cumsum(confidence[order]) / np.arange(1, len(order) + 1)
    keeps = np.flatnonzero(expected >= precision)
    accepted = np.zeros(len(confidence), dtype=bool)
    if len(keeps):
        accepted[order[: keeps[-1] + 1]] = True
    return accepted


def accept_suggestions(confidence: Floats, precision: float) -> NDArray[np.bool_]:
    """Accept as many as `accept` does, except those twice as likely to be wrong as the target precision allows.

    Samples of classes that have no label yet get guesses of middling confidence. If the labeled classes are easy, their
    highly confident suggestions would otherwise let such guesses through.
    """
    certain = confidence >= 1 - _MOST_DOUBT * (1 - precision)
    accepted = np.zeros(len(confidence), dtype=bool)
    accepted[certain] = accept(confidence[certain], precision)
    return accepted


def describe(reliability: Reliability, evidence: Floats, held_out: int, labels: int, confidence: Floats) -> Calibration:
    """Describe how reliable the expected precision of accepted suggestions with this (n, f) evidence is."""
    if held_out >= MIN_HELD_OUT:
        sentence = f"calibrated on {held_out:,} labels"
    elif held_out:
        sentence = f"only {count(held_out, 'label')} to calibrate on: only the most confident are accepted"
    else:
        sentence = f"only {count(labels, 'label')}: too few to calibrate, only the most confident are accepted"
    if not len(confidence):
        return Calibration(held_out, float("nan"), float("nan"), sentence)
    expected = float(confidence.mean())
    slope = (confidence * (1 - confidence))[:, None] * evidence
    gradient = slope.mean(axis=0)
    deviation = float(np.sqrt(gradient @ reliability.covariance @ gradient))
    return Calibration(held_out, expected, 1.96 * deviation, sentence)
