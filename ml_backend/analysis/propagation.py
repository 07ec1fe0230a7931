"""From the labels there are to suggestions for everything unlabeled, each as sure as held-out labels show."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize

from ..errors import Refusal
from ..progress import Progress, no_progress
from . import heads, spreading
from .arrays import Floats
from .calibration import Calibration, accept, describe
from .checks import as_labels, as_vectors, check_neighbors, check_precision
from .neighbors import Neighbors, knn
from .reference import REFERENCE
from .region import Region, label_neighbors

__all__ = ["Region", "Suggestions", "label_neighbors", "suggest"]

Labels = NDArray[np.int64]
Decided = tuple[NDArray[np.float64], Labels, float]  # see `_evidence`

VOTERS = (
    "graph spreading",
    "nearby labels",
    "linear head on the graph",
    "self-trained head",
    "linear head on labels",
)
_SAMPLE = 20_000  # rows that the heads learn from: a linear head gains nothing from more
_HELD_OUT = 2_000  # labels held out at most
_CHUNK = 16_384
_ANCHORS = 3
_ANCHOR_POOL = 64  # labeled samples of a class that are looked at as anchors
_FLOOR = 1e-4
_STEPS, _STEPS_LARGE = (25, 8), (10, 3)  # of spreading far and near, on small and on large datasets
_LARGE = 200_000  # samples from which on an answer in seconds asks for fewer steps, neighbors and folds
_LARGE_NEIGHBORS = 10
_SUREST = 6.0  # log odds at most: a voter is never surer than that
_THREADS = min(os.cpu_count() or 1, 8)
_CHUNK_CELLS = 2**20  # samples x classes that a thread looks at together, at least 256 samples
_FOLD_COLUMNS = 100  # classes x folds fitted at once

# Weights of the voters before any label was held out, and how firmly they are held. Measured with 1 label a class.
_TRUST = np.array([1.0, 0.0, 0.0, 0.5, 0.0])
_TRUST_STRENGTH = 2.0


@dataclass(frozen=True)
class Suggestions:
    """A label proposed for each unlabeled sample, or none.

    Attributes:
        labels: (n,) class proposed; -1 for none: where the sample has a label already, or a vector of zeros.
        confidence: (n,) float32, 0..1: probability that the proposal is right; 0 where there is none.
        accepted: (n,) bool: sure enough for the wanted precision; among the accepted that share is expected right.
        anchors: (n, 3) int32: labeled samples of the proposed class nearest to the sample, nearest first; -1 pads.
        method: what the cross-validation trusted, in words.
        calibration: how far the confidences can be trusted.
    """

    labels: Labels
    confidence: Floats
    accepted: NDArray[np.bool_]
    anchors: NDArray[np.int32]
    method: str
    calibration: Calibration


def suggest(
    vectors: ArrayLike,
    neighbors: Neighbors | None,
    labels: ArrayLike,
    n_classes: int,
    *,
    precision: float = 0.95,
    seed: int = 0,
    progress: Progress | None = None,
) -> Suggestions:
    """Suggest a label for every unlabeled sample and accept those that keep a wanted precision.

    Five voters look at the labels: spreading far over the neighbor graph (Zhou et al., 2004), spreading to what is
    near, a linear head that repeats what spreading says, one that goes on to teach itself, and one on labels alone.
    Cross-validation on the labels there are decides at every call how much each counts (log-linear pooling), and how
    sure their agreement is (logistic calibration). With few labels both stay near what was measured on other
    datasets. Labels that a person picked are no random sample: hard picks make the confidences too low, easy ones
    too high.

    Args:
        vectors: (n, d) embeddings.
        neighbors: their neighbor table with 15 neighbors or more; None searches for it.
        labels: (n,) int, class of each sample, -1 = unlabeled.
        n_classes: classes are 0..n_classes - 1; a class without labels is never suggested.
        precision: share of accepted suggestions that has to be right, 0.5..1.
        seed: the same seed gives the same suggestions.
        progress: called with (fraction done, message); what it raises stops the work and is passed on.

    Raises:
        ValueError: precision out of range, labels or a neighbor table that do not fit, or nothing labeled.
    """
    data = as_vectors(vectors)
    known = as_labels(labels, len(data), n_classes)
    check_precision(precision)
    rows = np.flatnonzero(known >= 0)
    if not len(rows):
        raise Refusal("no sample is labeled: label at least one sample of two classes first")
    classes, codes = np.unique(known[rows], return_inverse=True)
    if len(classes) < 2 or len(rows) == len(data):
        return _nothing(len(data), rows, len(classes))
    report = progress or no_progress
    if neighbors is None:
        neighbors = knn(data, spreading.GRAPH_NEIGHBORS, seed=seed)
    check_neighbors(neighbors, len(data))
    case = weigh(data, neighbors, rows, codes, len(classes), seed=seed, report=report)
    reliability = REFERENCE
    if len(case.right):
        reliability = reliability.learn(case.held_out, case.right)
    unlabeled = known < 0
    # A vector of zeros has no direction, and so no place among the others: nothing speaks for its guess.
    placed = ~_zeros(data)[unlabeled]
    confidence = np.where(placed, reliability.probability(case.evidence), 0)
    accepted = accept(confidence, precision) & placed
    anchors = np.full((len(data), _ANCHORS), -1, dtype=np.int32)
    anchors[unlabeled] = np.where(placed[:, None], case.anchors, -1)
    calibration = describe(reliability, case.evidence[accepted], len(case.right), len(rows), confidence[accepted])
    proposed = np.full(len(data), -1)
    proposed[unlabeled] = np.where(placed, classes[case.guess], -1)
    sure = np.zeros(len(data), dtype=np.float32)
    sure[unlabeled] = confidence
    enough = np.zeros(len(data), dtype=bool)
    enough[unlabeled] = accepted
    return Suggestions(
        labels=proposed,
        confidence=sure,
        accepted=enough,
        anchors=anchors,
        method=_in_words(case.trust),
        calibration=calibration,
    )


@dataclass(frozen=True)
class Case:
    """What speaks for a guess for each of u unlabeled samples, before anyone says how sure that is.

    Attributes:
        guess: (u,) code of the class.
        evidence: (u, f) see reference.py.
        anchors: (u, 3) labeled rows of that class nearest to the sample, -1 pads.
        held_out: (h, f) evidence for labels that their own prediction did not see.
        right: (h,) whether those predictions were right.
        trust: (v,) weight of each voter.
    """

    guess: Labels
    evidence: NDArray[np.float64]
    anchors: NDArray[np.int32]
    held_out: NDArray[np.float64]
    right: NDArray[np.bool_]
    trust: NDArray[np.float64]


def weigh(
    data: Floats, neighbors: Neighbors, rows: Labels, codes: Labels, n_classes: int, *, seed: int, report: Progress
) -> Case:
    """Let the voters guess from the labels, codes 0..n_classes - 1 at some rows, each with at least one label."""
    report(0.1, "Connecting neighbors")
    width = spreading.GRAPH_NEIGHBORS if len(data) <= _LARGE else _LARGE_NEIGHBORS
    graph = spreading.neighbor_graph(neighbors, width)
    report(0.2, "Spreading labels")
    panel = _Panel(data, graph, rows, codes, n_classes, seed)
    report(0.4, "Comparing methods on held-out labels")
    tested, truth = panel.held_out_votes(report)
    trust = _trust(tested, truth)
    report(0.6, "Suggesting")
    decided = panel.decide(trust, report)
    guess = np.concatenate([chosen for _, chosen, _ in decided])
    agreement = _log_odds(sum(agreed for _, _, agreed in decided) / len(guess))
    evidence = _in_context(np.concatenate([found for found, _, _ in decided]), agreement)
    held_out, tested_guess, _ = _evidence(tested, trust)
    report(0.9, "Finding anchors")
    anchors = panel.anchors(guess)
    return Case(guess, evidence, anchors, _in_context(held_out, agreement), tested_guess == truth, trust)


class _Panel:
    """The voters over one dataset and its labels."""

    def __init__(
        self, data: Floats, graph: spreading.Graph, rows: Labels, codes: Labels, n_classes: int, seed: int
    ) -> None:
        self.data, self.graph, self.rows, self.codes, self.n_classes = data, graph, rows, codes, n_classes
        open_rows = np.ones(len(data), bool)
        open_rows[rows] = False
        self.unlabeled = np.flatnonzero(open_rows)
        self.random = np.random.default_rng(seed)
        self.keys = self.random.random(len(data))
        self.folds = label_folds(codes, n_classes, self.keys[rows], len(data))
        taken = self.random.permutation(len(data))[:_SAMPLE]
        taught = self.random.permutation(len(rows))[:_SAMPLE]
        self.sample = np.union1d(taken, rows[taught])
        self.space = heads.space(data, self.sample)
        self.sample_rows = self.space.rows(self.sample)
        self.sample_labels = np.full(len(self.sample), -1, dtype=np.int64)
        self.sample_labels[np.searchsorted(self.sample, rows[taught])] = codes[taught]
        self.teacher = heads.Teacher(self.sample_rows, self.sample_labels >= 0)
        fold_of = np.full(len(rows), -1, dtype=np.int64)
        for number, fold in enumerate(self.folds):
            fold_of[fold] = number
        needed = np.union1d(self.sample, rows[fold_of >= 0])
        steps = _STEPS if len(data) <= _LARGE else _STEPS_LARGE
        self.far, self.near = (
            spreading.spread(graph, rows, codes, fold_of, n_classes, needed, alpha=alpha, steps=most)
            for alpha, most in zip((spreading.FAR, spreading.NEAR), steps, strict=True)
        )

    def held_out_votes(self, report: Progress) -> tuple[Floats, Labels]:
        """Log probabilities (h, voters, classes) for labels held out of their own prediction, and the truth (h,)."""
        together = max(1, _FOLD_COLUMNS // self.n_classes)
        votes = []
        for start in range(0, len(self.folds), together):
            report(0.4 + 0.2 * start / len(self.folds), "Comparing methods on held-out labels")
            part = range(start, min(start + together, len(self.folds)))
            for number, fitted in zip(part, self._heads(part), strict=True):
                rows = self.rows[self.folds[number]]
                far, near = self.far.without(number, rows), self.near.without(number, rows)
                votes.append(self._votes(far * self._far_factors(number), near, fitted, rows))
        if not votes:
            return np.empty((0, len(VOTERS), self.n_classes), np.float32), np.empty(0, np.int64)
        return np.concatenate(votes), self.codes[np.concatenate(self.folds)]

    def decide(self, trust: NDArray[np.float64], report: Progress) -> list[Decided]:
        """What `_evidence` finds for the unlabeled samples, a chunk at a time."""
        (fitted,) = self._heads([None])
        factors = self._far_factors(None)
        chunk = min(_CHUNK, max(256, _CHUNK_CELLS // self.n_classes))

        def of_chunk(start: int) -> Decided:
            rows = self.unlabeled[start : start + chunk]
            return _evidence(self._votes(self.far.at(rows) * factors, self.near.at(rows), fitted, rows), trust)

        decided: list[Decided] = []
        pool = ThreadPoolExecutor(_THREADS)  # most of it is NumPy on narrow tables, which uses one core
        try:
            for found in pool.map(of_chunk, range(0, len(self.unlabeled), chunk)):
                report(0.7 + 0.2 * len(decided) * chunk / len(self.unlabeled), "Suggesting")
                decided.append(found)
        finally:
            pool.shutdown(cancel_futures=True)
        return decided

    def anchors(self, guess: Labels) -> NDArray[np.int32]:
        """The nearest labeled samples of the class guessed (u, 3)."""
        anchors = np.full((len(self.unlabeled), _ANCHORS), -1, dtype=np.int32)
        for code in range(self.n_classes):
            members = self.rows[self.codes == code]
            pool = members[np.argsort(self.keys[members])[:_ANCHOR_POOL]]
            landmarks = self.space.rows(pool).T
            guessed = np.flatnonzero(guess == code)
            for start in range(0, len(guessed), _CHUNK):
                part = guessed[start : start + _CHUNK]
                similarity = self.space.project(self.unlabeled[part], landmarks)
                for place in range(min(_ANCHORS, len(pool))):
                    nearest = similarity.argmax(axis=1)
                    anchors[part, place] = pool[nearest]
                    similarity[np.arange(len(part)), nearest] = -np.inf
        return anchors

    def _far_factors(self, fold: int | None) -> Floats:
        """What the far mass of each class (c,) is multiplied by, for the labels outside a fold."""
        mass = self.far.total.sum(0).numpy()
        counts = np.bincount(self.codes, minlength=self.n_classes)
        if fold is not None:
            mass = mass - self.far.masses[fold]
            counts = counts - np.bincount(self.codes[self.folds[fold]], minlength=self.n_classes)
        return spreading.class_masses(mass, counts)

    def _heads(self, folds: Sequence[int | None]) -> list[tuple[Floats, ...]]:
        """Weights (d, c) of the three heads for each fold that they may not see; None sees everything."""
        beliefs, labels = [], np.repeat(self.sample_labels[None], len(folds), axis=0)
        for number, fold in enumerate(folds):
            far = self.far.at(self.sample) if fold is None else self.far.without(fold, self.sample)
            beliefs.append(_shares(far * self._far_factors(fold)))
            if fold is not None:
                labels[number, np.isin(self.sample, self.rows[self.folds[fold]])] = -1
        stacked = np.stack(beliefs, axis=1)
        taught = self.teacher.taught(stacked.reshape(len(self.sample), -1))
        own = self.teacher.self_trained(stacked, labels)
        fitted: list[tuple[Floats, ...]] = []
        for number in range(len(folds)):
            part, known = slice(number * self.n_classes, (number + 1) * self.n_classes), labels[number] >= 0
            alone = heads.label_head(self.sample_rows[known], labels[number, known], self.n_classes, self.sample_rows)
            fitted.append((taught[:, part], own[:, part], alone))
        return fitted

    def _votes(self, far: Floats, near: Floats, weights: tuple[Floats, ...], rows: Labels) -> Floats:
        spreaded = (np.log(_shares(mass) + _FLOOR) for mass in (far, near))
        projected = self.space.project(rows, np.hstack(weights))
        scores = (heads.log_softmax(heads.SHARPNESS * one) for one in np.split(projected, len(weights), axis=1))
        return np.stack([*spreaded, *scores], axis=1)


def _shares(mass: Floats) -> Floats:
    total = mass.sum(axis=1, keepdims=True)
    shares: Floats = np.where(total > 0, mass / np.maximum(total, 1e-38), 1 / mass.shape[1]).astype(np.float32)
    return shares


def label_folds(codes: Labels, n_classes: int, keys: NDArray[np.float64], n: int) -> list[Labels]:
    """Label positions to hold out together, so that no class ever loses its last label.

    The fold of a label hangs on its own key: one more label leaves nearly all others in their folds, and what is
    measured on them moves as little as the labels themselves say.

    Args:
        codes: (m,) class of each label, 0..n_classes - 1.
        n_classes: how many classes.
        keys: (m,) a random number of each label, 0..1, that stays with its sample.
        n: samples in the dataset: the more, the fewer folds.
    """
    count = 10 if len(codes) <= 500 else 5
    if n > _LARGE:
        count = 2
    order = np.lexsort((keys, codes))
    counts = np.bincount(codes, minlength=n_classes)
    ends = np.cumsum(counts)
    turn = (keys[order] * count).astype(np.int64)
    several = np.flatnonzero(counts >= 2)
    # The first and the last of a class lie in different folds, so that neither fold holds the whole class.
    turn[ends[several] - counts[several]] = several % count
    turn[ends[several] - 1] = (several + 1) % count
    usable = counts[codes[order]] >= 2
    order, turn = order[usable], turn[usable]
    kept = np.argsort(keys[order] * count % 1)[:_HELD_OUT]
    order, turn = order[kept], turn[kept]
    return [order[turn == fold] for fold in range(count) if (turn == fold).any()]


def _trust(votes: Floats, truth: Labels) -> NDArray[np.float64]:
    """Weight of each voter (v,): those under which the held-out labels are likeliest, drawn towards the usual."""
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
        away = trust - _TRUST
        return (
            -float(likelihood) + _TRUST_STRENGTH * float(away @ away),
            expected - observed + 2 * _TRUST_STRENGTH * away,
        )

    found = minimize(loss, _TRUST, jac=True, method="L-BFGS-B", bounds=[(0, 5)] * len(_TRUST))
    return np.asarray(found.x)


def _evidence(votes: Floats, trust: NDArray[np.float64]) -> Decided:
    """What speaks for the pooled guess.

    Returns:
        (m, f) evidence: 1, log odds of the pooled guess, log odds of each voter for it, whether all voters agree;
        (m,) the guess; and how many samples two voters agree on, the mean over three pairs of voters.
    """
    pooled = heads.log_softmax(np.einsum("hvc,v->hc", votes, trust).astype(np.float32))
    guess = pooled.argmax(axis=1)
    margins = [_margin(pooled, guess), *(_margin(votes[:, voter], guess) for voter in range(len(VOTERS)))]
    chosen = votes.argmax(axis=2)
    agree = (chosen == guess[:, None]).all(axis=1)
    evidence = np.clip(np.stack([np.ones(len(guess)), *margins, agree], axis=1), -_SUREST, _SUREST)
    pairs = sum(float((chosen[:, one] == chosen[:, other]).sum()) for one, other in ((0, 3), (0, 4), (3, 4)))
    return evidence, guess, pairs / 3


def _in_context(evidence: NDArray[np.float64], agreement: float) -> NDArray[np.float64]:
    """Evidence with the agreement over the whole dataset, alone and by the pooled log odds: (m, f + 2).

    How much the voters agree tells how good the embeddings are for these classes when no label can be held out.
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


def _in_words(trust: NDArray[np.float64]) -> str:
    share = trust / max(trust.sum(), 1e-12)
    order = np.argsort(-share, kind="stable")
    return " + ".join(f"{VOTERS[voter]} ({share[voter]:.0%})" for voter in order if share[voter] >= 0.05)


def _zeros(data: Floats) -> NDArray[np.bool_]:
    """Which vectors (n,) are zeros throughout; reads those whole that begin with one."""
    zeros: NDArray[np.bool_] = data[:, 0] == 0
    begun = np.flatnonzero(zeros)
    for start in range(0, len(begun), _CHUNK):
        rows = begun[start : start + _CHUNK]
        zeros[rows] = ~data[rows].any(axis=1)
    return zeros


def _nothing(n: int, rows: Labels, classes: int) -> Suggestions:
    why = (
        "everything is labeled"
        if len(rows) == n
        else "all labels are of one class: label a sample of another class to get suggestions"
    )
    return Suggestions(
        labels=np.full(n, -1),
        confidence=np.zeros(n, np.float32),
        accepted=np.zeros(n, bool),
        anchors=np.full((n, _ANCHORS), -1, np.int32),
        method="none",
        calibration=Calibration(0, float("nan"), float("nan"), why),
    )
