"""From the labels there are to suggestions for everything unlabeled, each as sure as held-out labels show."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize

from . import heads, spreading
from .calibration import Calibration, accept, describe
from .neighbors import Neighbors, as_vectors, knn
from .reference import REFERENCE
from .region import Region, label_neighbors

if TYPE_CHECKING:
    import torch

__all__ = ["Region", "Suggestions", "label_neighbors", "suggest"]

Progress = Callable[[float, str], object]
Floats = NDArray[np.float32]
Labels = NDArray[np.int64]

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
_NEAR_STEPS = 8
_SUREST = 6.0  # log odds at most: a voter is never surer than that
_FOLD_COLUMNS = 100  # classes x folds fitted at once

# Weights of the voters before any label was held out, and how firmly they are held. Measured with 1 label a class.
_TRUST = np.array([1.0, 0.0, 0.0, 0.5, 0.0])
_TRUST_STRENGTH = 2.0


@dataclass(frozen=True)
class Suggestions:
    """A label proposed for each unlabeled sample, or none.

    Attributes:
        labels: (n,) class proposed; -1 for none, and where the sample has a label already.
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
        ValueError: precision out of range, labels that do not fit, or nothing labeled.
    """
    data = as_vectors(vectors)
    known = checked_labels(labels, len(data), n_classes)
    if not 0.5 <= precision <= 1:
        raise ValueError(f"precision must be between 0.5 and 1; got {precision}")
    rows = np.flatnonzero(known >= 0)
    if not len(rows):
        raise ValueError("no sample is labeled: label at least one sample of two classes first")
    classes, codes = np.unique(known[rows], return_inverse=True)
    if len(classes) < 2 or len(rows) == len(data):
        return _nothing(len(data), rows, len(classes))
    report = progress or (lambda fraction, message: None)
    if neighbors is None:
        neighbors = knn(data, spreading.GRAPH_NEIGHBORS, seed=seed)
    case = weigh(data, neighbors, rows, codes, len(classes), seed=seed, report=report)
    reliability = REFERENCE
    if len(case.right):
        reliability = reliability.learn(case.held_out, case.right)
    confidence = reliability.probability(case.evidence)
    accepted = accept(confidence, precision)
    unlabeled = known < 0
    anchors = np.full((len(data), _ANCHORS), -1, dtype=np.int32)
    anchors[unlabeled] = case.anchors
    calibration = describe(reliability, case.evidence[accepted], len(case.right), len(rows), confidence[accepted])
    proposed = np.full(len(data), -1)
    proposed[unlabeled] = classes[case.guess]
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


def checked_labels(labels: ArrayLike, n: int, n_classes: int) -> Labels:
    """Check labels at the public edge: (n,) integers from -1 to n_classes - 1."""
    array = np.asarray(labels)
    if array.shape != (n,) or array.dtype.kind not in "iu":
        raise ValueError(f"labels must be {n} integers, one a sample; got {array.dtype} of shape {array.shape}")
    if n and (array.min() < -1 or array.max() >= n_classes):
        raise ValueError(
            f"labels must lie between -1 (unlabeled) and {n_classes - 1}; got {array.min()}..{array.max()}"
        )
    return array.astype(np.int64)


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
    panel = _Panel(data, spreading.neighbor_graph(neighbors), rows, codes, n_classes, seed)
    report(0.2, "Comparing methods on held-out labels")
    tested, truth = panel.held_out_votes(report)
    trust = _trust(tested, truth)
    report(0.6, "Suggesting")
    decided = [_evidence(votes, trust) for votes in panel.votes(report)]
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
        self.unlabeled = np.setdiff1d(np.arange(len(data)), rows)
        self.seed, self.random = seed, np.random.default_rng(seed)
        taken = self.random.permutation(len(data))[:_SAMPLE]
        taught = self.random.permutation(len(rows))[:_SAMPLE]
        self.sample = np.union1d(taken, rows[taught])
        self.space = heads.space(data, self.sample)
        self.sample_rows = self.space.rows(self.sample)
        self.sample_labels = np.full(len(self.sample), -1, dtype=np.int64)
        self.sample_labels[np.searchsorted(self.sample, rows[taught])] = codes[taught]
        self.teacher = heads.Teacher(self.sample_rows, self.sample_labels >= 0)

    def held_out_votes(self, report: Progress) -> tuple[Floats, Labels]:
        """Log probabilities (h, voters, classes) for labels held out of their own prediction, and the truth (h,)."""
        folds = label_folds(self.codes, self.n_classes, len(self.data), self.seed)
        together = max(1, _FOLD_COLUMNS // self.n_classes)
        votes = []
        for start in range(0, len(folds), together):
            report(0.2 + 0.4 * start / len(folds), "Comparing methods on held-out labels")
            part = folds[start : start + together]
            fitted = self._fit(part)
            votes += [self._votes(one, self.rows[fold]) for one, fold in zip(fitted, part, strict=True)]
        if not votes:
            return np.empty((0, len(VOTERS), self.n_classes), np.float32), np.empty(0, np.int64)
        return np.concatenate(votes), self.codes[np.concatenate(folds)]

    def votes(self, report: Progress) -> Iterator[Floats]:
        """Log probabilities (m, voters, classes) for the unlabeled samples, a chunk at a time."""
        (fitted,) = self._fit([np.empty(0, np.int64)])
        for start in range(0, len(self.unlabeled), _CHUNK):
            report(0.7 + 0.2 * start / len(self.unlabeled), "Suggesting")
            yield self._votes(fitted, self.unlabeled[start : start + _CHUNK])

    def anchors(self, guess: Labels) -> NDArray[np.int32]:
        """The nearest labeled samples of the class guessed (u, 3)."""
        anchors = np.full((len(self.unlabeled), _ANCHORS), -1, dtype=np.int32)
        for code in range(self.n_classes):
            pool = self.random.permutation(self.rows[self.codes == code])[:_ANCHOR_POOL]
            landmarks = self.space.rows(pool)
            members = np.flatnonzero(guess == code)
            count = min(_ANCHORS, len(pool))
            for start in range(0, len(members), _CHUNK):
                part = members[start : start + _CHUNK]
                similarity = self.space.rows(self.unlabeled[part]) @ landmarks.T
                nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :count]
                anchors[part, :count] = pool[nearest]
        return anchors

    def _fit(self, folds: Sequence[Labels]) -> list[_Fitted]:
        """The voters for each fold: label positions that they may not see."""
        shape = (len(folds), len(self.rows), self.n_classes)
        sources = np.broadcast_to(heads.one_hot(self.codes, self.n_classes), shape).copy()
        for number, fold in enumerate(folds):
            sources[number, fold] = 0
        counts = sources.sum(axis=1)
        by_row = sources.swapaxes(0, 1).reshape(len(self.rows), -1)
        spreaded = spreading.spread(self.graph, by_row, self.rows)
        near = spreading.spread(self.graph, by_row, self.rows, alpha=spreading.NEAR, steps=_NEAR_STEPS)
        masses = spreading.class_masses(spreaded.sum(0).numpy().reshape(counts.shape), counts)
        fitted = []
        labels = np.repeat(self.sample_labels[None], len(folds), axis=0)
        for number, fold in enumerate(folds):
            at = np.searchsorted(self.sample, self.rows[fold])
            labels[number, at[self.sample[np.minimum(at, len(self.sample) - 1)] == self.rows[fold]]] = -1
        columns = [slice(number * self.n_classes, (number + 1) * self.n_classes) for number in range(len(folds))]
        beliefs = np.stack(
            [_shares(spreaded[:, part], mass, self.sample) for part, mass in zip(columns, masses, strict=True)], axis=1
        )
        taught = self.teacher.taught(beliefs.reshape(len(self.sample), -1))
        own = self.teacher.self_trained(beliefs, labels)
        for number, part in enumerate(columns):
            known = labels[number] >= 0
            by_label = heads.label_head(
                self.sample_rows[known], labels[number, known], self.n_classes, self.sample_rows
            )
            fitted.append(
                _Fitted(spreaded[:, part], near[:, part], masses[number], (taught[:, part], own[:, part], by_label))
            )
        return fitted

    def _votes(self, fitted: _Fitted, rows: Labels) -> Floats:
        vectors = self.space.rows(rows)
        far = np.log(_shares(fitted.spreaded, fitted.masses, rows) + _FLOOR)
        near = np.log(_shares(fitted.near, np.ones_like(fitted.masses), rows) + _FLOOR)
        scores = (heads.log_softmax(heads.SHARPNESS * (vectors @ weights)) for weights in fitted.heads)
        return np.stack([far, near, *scores], axis=1)


@dataclass(frozen=True)
class _Fitted:
    spreaded: torch.Tensor
    near: torch.Tensor
    masses: Floats
    heads: tuple[Floats, ...]


def _shares(spreaded: torch.Tensor, masses: Floats, rows: Labels) -> Floats:
    import torch

    mass = spreaded[torch.from_numpy(rows)].numpy() * masses
    total = mass.sum(axis=1, keepdims=True)
    shares: Floats = np.where(total > 0, mass / np.maximum(total, 1e-38), 1 / mass.shape[1]).astype(np.float32)
    return shares


def label_folds(codes: Labels, n_classes: int, n: int, seed: int) -> list[Labels]:
    """Label positions to hold out together, class by class, so that no class ever loses its last label.

    Args:
        codes: (m,) class of each label, 0..n_classes - 1.
        n_classes: how many classes.
        n: samples in the dataset: the more, the fewer folds.
        seed: the same seed gives the same folds.
    """
    random = np.random.default_rng(seed)
    count = 10 if len(codes) <= 500 else 5
    if n > 200_000:
        count = 3
    order = random.permutation(len(codes))
    order = order[np.argsort(codes[order], kind="stable")]
    counts = np.bincount(codes, minlength=n_classes)
    within = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    usable = order[counts[codes[order]] >= 2]
    turn = ((within + codes[order]) % count)[counts[codes[order]] >= 2]
    if len(usable) > _HELD_OUT:
        kept = np.sort(random.permutation(len(usable))[:_HELD_OUT])
        usable, turn = usable[kept], turn[kept]
    return [usable[turn == fold] for fold in range(count) if (turn == fold).any()]


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


def _evidence(votes: Floats, trust: NDArray[np.float64]) -> tuple[NDArray[np.float64], Labels, float]:
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
