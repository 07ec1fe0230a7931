"""The evidence for each suggestion, before calibration: pooled votes and the sample's surroundings."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from ..progress import Progress
from . import heads, spreading
from .arrays import Floats
from .blas import few_blas_threads
from .ensemble import LARGE, VOTERS, Ensemble, sample_of
from .neighbors import Neighbors
from .representativeness import Surroundings

Labels = NDArray[np.int64]
Decided = tuple[NDArray[np.float64], Labels, float]  # see `_evidence`

_LARGE_NEIGHBORS = 10
_SCALE_NEIGHBORS = 15
_CHUNK = 65_536
_SUREST = 0.25  # share of the held-out labels whose guesses are the most certain
_LEAST_CORRECT = 0.7  # share of the labels that is taken to be correct at least
_SLOPE_STRENGTH = 1.0  # inverse of the penalty on how fast accuracy rises with the log odds of a guess
_MOST_CERTAIN = 6.0  # cap on the log odds of a voter

# Prior weights of the voters, and the strength of the prior. Measured with 1 label a class.
_TRUST = np.array([1.0, 0.0, 0.0, 0.5, 0.0])
_TRUST_STRENGTH = 2.0


@dataclass(frozen=True)
class Case:
    """The guess for each of u unlabeled samples, and the evidence for it, before calibration.

    Attributes:
        guess: (u,) code of the class.
        evidence: (u, f) see reference.py.
        anchors: (u, 3) the nearest labeled rows of that class, padded with -1.
        held_out: (h, f) evidence for predictions of held-out labels.
        right: (h,) whether those predictions were right.
        trust: (v,) weight of each voter.
        surroundings: distances and label mass of the unlabeled samples and of the held-out labels.
    """

    guess: Labels
    evidence: NDArray[np.float64]
    anchors: NDArray[np.int32]
    held_out: NDArray[np.float64]
    right: NDArray[np.bool_]
    trust: NDArray[np.float64]
    surroundings: Surroundings


@dataclass(frozen=True)
class Prepared:
    """What the voters need of a dataset, whatever its labels; may serve again for other labels, and is faster then."""

    spreader: spreading.Spreader
    population: heads.Population


def prepare(data: Floats, neighbors: Neighbors, *, seed: int = 0) -> Prepared:
    """Prepare vectors (n, d) with their neighbors for the voters."""
    width = spreading.GRAPH_NEIGHBORS if len(neighbors.indices) <= LARGE else _LARGE_NEIGHBORS
    return Prepared(spreading.Spreader(spreading.neighbor_graph(neighbors, width)), sample_of(data, seed))


@few_blas_threads()
def weigh(
    data: Floats,
    neighbors: Neighbors,
    rows: Labels,
    codes: Labels,
    n_classes: int,
    *,
    seed: int,
    report: Progress,
    prepared: Prepared | None = None,
) -> Case:
    """Let the voters guess from the labels `codes` at `rows`; every class 0..n_classes - 1 must have a label.

    ``prepared``: see `prepare`; None prepares them.
    """
    report(0.1, "Finding nearest neighbors")
    prepared = prepared or prepare(data, neighbors, seed=seed)
    report(0.2, "Spreading labels")
    ensemble = Ensemble(data, prepared.spreader, prepared.population, rows, codes, n_classes, seed)
    report(0.4, "Comparing methods on held-out labels")
    tested, truth, learned = ensemble.learn(report)
    trust = _trust(tested, truth)
    report(0.6, "Suggesting")
    decided = ensemble.decide(learned, lambda votes: _evidence(votes, trust), report)
    guess = np.concatenate([chosen for _, chosen, _ in decided])
    agreement = _log_odds(sum(agreed for _, _, agreed in decided) / len(guess))
    evidence = _in_context(np.concatenate([part for part, _, _ in decided]), agreement)
    held_out, tested_guess, _ = _evidence(tested, trust)
    report(0.9, "Finding anchors")
    anchors, distances = ensemble.anchors(guess)
    surroundings = Surroundings(
        distances=distances,
        mass=ensemble.mass(),
        held_out_distances=ensemble.held_out_distances(tested_guess),
        held_out_mass=ensemble.held_out_mass(),
        scale=neighbors.distances[ensemble.unlabeled, min(neighbors.distances.shape[1], _SCALE_NEIGHBORS) - 1],
        share=np.bincount(guess, minlength=n_classes)[guess] * n_classes / len(guess),
        consistency=_consistency(neighbors, rows, codes, ensemble.unlabeled, guess),
        agreement=agreement,
        labels_a_class=len(rows) / n_classes,
        chance=float(np.bincount(codes, minlength=n_classes)[guess].mean() / len(codes)),
        accuracy=_accuracy(held_out[:, 1], tested_guess == truth, evidence[:, 1]),
    )
    return Case(guess, evidence, anchors, _in_context(held_out, agreement), tested_guess == truth, trust, surroundings)


def _accuracy(certainty: NDArray[np.float64], right: NDArray[np.bool_], open_certainty: NDArray[np.float64]) -> float:
    """How often unlabeled samples of a certainty (u,) are guessed right, as held-out labels (h,) show; nan without any.

    Where even the guesses of the greatest certainty (h,) differ from the labels, the labels are taken to be wrong.
    Where the labels are harder to guess than the unlabeled samples, such as those that `next_best` proposes, the
    accuracy is raised by as much as certainty predicts it (covariate shift, Shimodaira, 2000).
    """
    if not len(right):
        return float("nan")
    surest = right[np.argsort(-certainty, kind="stable")[: math.ceil(_SUREST * len(right))]]
    easier = _predicted_accuracy_ratio(certainty, right, open_certainty)
    return min(float(right.mean()) / max(float(surest.mean()), _LEAST_CORRECT) * max(easier, 1.0), 1.0)


def _predicted_accuracy_ratio(
    certainty: NDArray[np.float64], right: NDArray[np.bool_], open_certainty: NDArray[np.float64]
) -> float:
    """Accuracy on unlabeled samples over that on held-out labels, as a logistic regression on certainty predicts it."""
    from sklearn.linear_model import LogisticRegression

    if right.all() or not right.any():
        return 1.0
    model = LogisticRegression(C=_SLOPE_STRENGTH).fit(certainty[:, None], right)
    on_open, on_held_out = (
        float(model.predict_proba(values[:, None])[:, 1].mean()) for values in (open_certainty, certainty)
    )
    return on_open / on_held_out


def _consistency(neighbors: Neighbors, rows: Labels, codes: Labels, unlabeled: Labels, guess: Labels) -> Floats:
    """Share (u,) of each unlabeled sample's neighbors that have its guessed class, as label or guess."""
    classes = np.empty(len(neighbors.indices), np.int64)
    classes[rows], classes[unlabeled] = codes, guess
    near = neighbors.indices[:, :_SCALE_NEIGHBORS]
    result = np.empty(len(unlabeled), np.float32)
    for start in range(0, len(unlabeled), _CHUNK):
        part = unlabeled[start : start + _CHUNK]
        result[start : start + _CHUNK] = (classes[near[part]] == classes[part][:, None]).mean(axis=1)
    return result


def _trust(votes: Floats, truth: Labels) -> NDArray[np.float64]:
    """Weight of each voter (v,): the maximum a posteriori weights given the held-out labels and the prior."""
    if not len(truth):
        return _TRUST
    scores = votes.astype(np.float64)

    def loss(trust: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        pooled = np.einsum("hvc,v->hc", scores, trust)
        pooled -= pooled.max(axis=1, keepdims=True)
        probability = np.exp(pooled)
        total = probability.sum(axis=1, keepdims=True)
        probability /= total
        likelihood = (pooled - np.log(total))[np.arange(len(truth)), truth].sum()
        expected = np.einsum("hvc,hc->v", scores, probability)
        observed = scores[np.arange(len(truth)), :, truth].sum(axis=0)
        deviation = trust - _TRUST
        return (
            -float(likelihood) + _TRUST_STRENGTH * float(deviation @ deviation),
            expected - observed + 2 * _TRUST_STRENGTH * deviation,
        )

    fitted = minimize(loss, _TRUST, jac=True, method="L-BFGS-B", bounds=[(0, 5)] * len(_TRUST))
    return np.asarray(fitted.x)


def _evidence(votes: Floats, trust: NDArray[np.float64]) -> Decided:
    """The evidence for the pooled guess.

    Returns:
        (m, f) evidence: 1, log odds of the pooled guess, log odds of each voter for it, whether all voters agree;
        (m,) the guess; and how many samples two voters agree on, the mean over three pairs of voters.
    """
    pooled = heads.log_softmax(np.einsum("hvc,v->hc", votes, trust).astype(np.float32))
    guess = pooled.argmax(axis=1)
    margins = [_margin(pooled, guess), *(_margin(votes[:, voter], guess) for voter in range(len(VOTERS)))]
    chosen = votes.argmax(axis=2)
    agree = (chosen == guess[:, None]).all(axis=1)
    evidence = np.clip(np.stack([np.ones(len(guess)), *margins, agree], axis=1), -_MOST_CERTAIN, _MOST_CERTAIN)
    pairs = sum(float((chosen[:, one] == chosen[:, other]).sum()) for one, other in ((0, 3), (0, 4), (3, 4)))
    return evidence, guess, pairs / 3


def _in_context(evidence: NDArray[np.float64], agreement: float) -> NDArray[np.float64]:
    """Add the agreement over the whole dataset, alone and multiplied by the pooled log odds: (m, f + 2).

    When no label can be held out, the voters' agreement shows how well the embeddings suit these classes.
    """
    return np.column_stack([evidence, np.full(len(evidence), agreement), agreement * evidence[:, 1] / 3])


def _log_odds(share: float) -> float:
    inside = min(max(share, 0.01), 0.99)
    return math.log(inside / (1 - inside))


def _margin(scores: Floats, guess: Labels) -> Floats:
    chosen = scores[np.arange(len(guess)), guess]
    others = scores.copy()
    others[np.arange(len(guess)), guess] = -np.inf
    return np.asarray(chosen - others.max(axis=1))
