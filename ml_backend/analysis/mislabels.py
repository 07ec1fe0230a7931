"""Mislabel scores: how strong the evidence is against each sample's label."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..progress import Progress, no_progress, part_of
from .arrays import Floats, one_hot
from .checks import as_labels, as_vectors, check_neighbors
from .duplicates import row_hashes
from .label_noise import ClassNoise, with_few_labels
from .neighbors import Neighbors, knn

_K = 50
_CHUNK = 16384  # rows of features held at once: 64 MB at 1,024 landmarks
_SAMPLE = 4096  # rows that kernel, penalty and weights are chosen on
_LANDMARKS, _LANDMARKS_OF_MANY, _MANY = 1024, 512, 200_000
_WIDTHS = (0.3, 1.0, 3.0)
_PENALTIES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
_TRUST_ROUNDS = 2
_LEAST_PRIOR = 1e-6  # of a class that no other sample has
_NOISE_PRIOR = 1.0  # labels: a little noise is expected before any label was seen


@dataclass(frozen=True)
class Mislabels:
    """Which labels to look at first, and what they should probably be.

    Attributes:
        scores: (n,) float32, 0..1, probability that the label is wrong; 0 for unlabeled samples.
        suggested: (n,) int64, the class with the most evidence when the sample's own label is left out; equal to the
            given label if there is no evidence against it; -1 for unlabeled samples.
        head_weight: weight of the out-of-fold logits of the linear head in the evidence, 0 or more.
        neighbor_weight: weight of the log of the trusted neighbors' votes, 0 or more.
        agreement: share of the labels that the evidence, their own label left out, agrees with, 0..1; nan without
            labels.
        method: the same in words.
    """

    scores: Floats
    suggested: NDArray[np.int64]
    head_weight: float
    neighbor_weight: float
    agreement: float
    method: str


def mislabel_scores(
    vectors: ArrayLike,
    labels: ArrayLike,
    n_classes: int,
    *,
    neighbors: Neighbors | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Mislabels:
    """Rank labels by how strong the evidence against them is, from embeddings and the other labels.

    Two witnesses that never saw the sample's own label: a ridge classifier on kernel features, its leave-one-out
    predictions in closed form (PRESS, Allen 1974; Nystroem features, Williams & Seeger 2001), and the votes of the
    nearest neighbors, each trusted as far as its own neighbors agree with it. Kernel width and penalty minimize the
    leave-one-out error. The weights of the two witnesses, and the share of labels that are wrong by chance, maximize
    the likelihood of the labels; the resulting probability that a label is wrong by chance orders the labels. The level
    of the scores comes from a second model, in which some classes are confused with others (`ClassNoise`), and is
    lowered if there are few labels (`with_few_labels`). If people mislabel mainly ambiguous samples, the scores remain
    too low (docs/measurements.md).

    Args:
        vectors: (n, d).
        labels: (n,) classes 0..n_classes - 1, -1 = unlabeled. A class that no sample has is never suggested.
        n_classes: number of classes.
        neighbors: table of `knn(vectors, 50)`; searched when not given, which takes most of the time.
        seed: the same seed gives the same scores, whatever the order of the samples (except for rounding).
        progress: called with (fraction done, message); an exception it raises stops the ranking and is passed on.

    Raises:
        ValueError: vectors that are no finite (n, d) table, a label outside -1..n_classes - 1, or labels or neighbors
            of another length.
    """
    data = as_vectors(vectors)
    given = as_labels(labels, len(data), n_classes)
    if neighbors is not None:
        check_neighbors(neighbors, len(data))
    tell = progress or no_progress
    classes, known = np.unique(given[given >= 0], return_inverse=True)
    if len(classes) < 2:
        return Mislabels(
            scores=np.zeros(len(data), np.float32),
            suggested=given.copy(),
            head_weight=0.0,
            neighbor_weight=0.0,
            agreement=1.0 if len(classes) else float("nan"),
            method="one class only: nothing to compare" if len(classes) else "no labels",
        )
    rows = np.flatnonzero(given >= 0)
    compact = np.full(len(data), -1)
    compact[rows] = known
    table = knn(data, _K).indices if neighbors is None else neighbors.indices
    tell(0.05, "Trust in each neighbor")
    trust = _neighbor_trust(table, compact, len(classes))
    return _judged(_Case(data, table, compact, trust, rows, classes, seed), tell)


def _neighbor_trust(table: NDArray[np.int32], labels: NDArray[np.int64], count: int) -> Floats:
    """How far the neighbors of each labeled sample carry its label, 0..1, each counted by its own trust."""
    prior = np.bincount(labels[labels >= 0], minlength=count) / max((labels >= 0).sum(), 1)
    trust = (labels >= 0).astype(np.float32)
    for _ in range(_TRUST_ROUNDS):
        after = np.zeros(len(labels), np.float32)
        for a in range(0, len(labels), _CHUNK):
            near, own = table[a : a + _CHUNK], labels[a : a + _CHUNK]
            weight = trust[near]
            agree = (weight * (labels[near] == own[:, None])).sum(axis=1)
            after[a : a + _CHUNK] = np.where(own >= 0, (agree + prior[own]) / (weight.sum(axis=1) + 1), 0)
        trust = after
    return trust


def _votes(table: NDArray[np.int32], labels: NDArray[np.int64], trust: Floats, prior: Floats) -> Floats:
    """Log probability of each class by the trusted labels of the neighbors, (rows, classes)."""
    near = labels[table]
    cells = np.arange(len(table))[:, None] * len(prior) + np.maximum(near, 0)
    weight = np.where(near >= 0, trust[table], 0)
    total = np.bincount(cells.ravel(), weight.ravel(), minlength=len(table) * len(prior))
    votes = total.reshape(len(table), len(prior)) + prior
    return np.asarray(np.log(votes / votes.sum(axis=1, keepdims=True)), np.float32)


@dataclass(frozen=True)
class _Kernel:
    """Nystroem features of an RBF kernel on centered unit vectors."""

    mean: Floats
    landmarks: Floats
    width: float
    whitening: Floats

    @staticmethod
    def fit(mean: Floats, landmarks: Floats, width: float) -> _Kernel:
        values, axes = np.linalg.eigh(_rbf(landmarks, landmarks, width).astype(np.float64))
        kept = values > 1e-5 * values[-1]
        return _Kernel(mean, landmarks, width, (axes[:, kept] / np.sqrt(values[kept])).astype(np.float32))

    def __call__(self, rows: Floats) -> Floats:
        return np.asarray(_rbf(_centered(rows, self.mean), self.landmarks, self.width) @ self.whitening)


def _rbf(rows: Floats, landmarks: Floats, width: float) -> Floats:
    squared = rows @ landmarks.T
    squared *= -2
    squared += np.einsum("ij,ij->i", rows, rows)[:, None]
    squared += np.einsum("ij,ij->i", landmarks, landmarks)
    np.maximum(squared, 0, out=squared)
    squared *= -width
    return np.asarray(np.exp(squared, out=squared))


def _centered(rows: Floats, mean: Floats) -> Floats:
    moved = rows - mean
    norms = np.linalg.norm(moved, axis=1, keepdims=True)
    return np.asarray(moved / np.where(norms > 1e-6, norms, 1), np.float32)


@dataclass(frozen=True)
class _Head:
    """Ridge regression onto the classes whose leave-one-out predictions are at hand in closed form."""

    kernel: _Kernel
    rotation: Floats
    targets: Floats
    spectrum: Floats

    @staticmethod
    def fit(kernel: _Kernel, chunks: Iterator[tuple[Floats, NDArray[np.int64]]], count: int) -> _Head:
        size = kernel.whitening.shape[1]
        gram, targets = np.zeros((size, size)), np.zeros((size, count))
        for rows, labels in chunks:
            features = kernel(rows)
            gram += features.T @ features
            targets += features.T @ one_hot(labels, count)
        spectrum, axes = np.linalg.eigh(gram)
        return _Head(
            kernel,
            np.asarray(kernel.whitening @ axes.astype(np.float32)),
            (axes.T @ targets).astype(np.float32),
            np.maximum(spectrum, 0).astype(np.float32),
        )

    def rotated(self, rows: Floats) -> Floats:
        near = _rbf(_centered(rows, self.kernel.mean), self.kernel.landmarks, self.kernel.width)
        return np.asarray(near @ self.rotation)

    def left_out(self, rotated: Floats, labels: NDArray[np.int64], penalty: float) -> Floats:
        """Prediction for each row by the head fitted without it, (rows, classes), about 0..1."""
        shrunk = 1 / (self.spectrum + np.float32(penalty))
        leverage = np.minimum((rotated * rotated) @ shrunk, 1 - 1e-3)[:, None]
        fitted = rotated @ (shrunk[:, None] * self.targets)
        return np.asarray((fitted - leverage * one_hot(labels, fitted.shape[1])) / (1 - leverage), np.float32)


def _chosen(
    data: Floats, labels: NDArray[np.int64], sample: NDArray[np.int64], mean: Floats, centers: Floats, count: int
) -> tuple[float, float]:
    """Width and penalty with the least leave-one-out error on a sample of the labeled rows."""
    truth = one_hot(labels[sample], count)
    errors = {}
    for width in _WIDTHS:
        head = _Head.fit(_Kernel.fit(mean, centers, width), iter([(data[sample], labels[sample])]), count)
        rotated = head.rotated(data[sample])
        for penalty in _PENALTIES:
            missed = head.left_out(rotated, labels[sample], penalty) - truth
            errors[width, penalty] = float(np.square(missed).mean())
    return min(errors, key=lambda choice: errors[choice])


@dataclass(frozen=True)
class _Blend:
    """How the two witnesses are weighted, and how many of the labels are wrong by chance.

    A label is drawn from what the witnesses say with probability 1 - noise, else from all classes alike. Without the
    second possibility, a few wrong labels would make the witnesses look uncertain everywhere.
    """

    head: float
    votes: float
    noise: float

    def logits(self, head: Floats, votes: Floats) -> Floats:
        return np.float32(self.head) * head + np.float32(self.votes) * votes

    def wrong(self, logits: Floats, labels: NDArray[np.int64]) -> Floats:
        """Probability (m,) that a label (m,) is wrong, given the logits (m, c) of the evidence without it."""
        own = (1 - self.noise) * _own_probability(logits, labels)
        return np.asarray(1 - own / (own + self.noise / logits.shape[1]), np.float32)


def _own_probability(logits: NDArray[np.floating], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    odds = np.exp((logits - logits.max(axis=1, keepdims=True)).astype(np.float64))
    return np.asarray(odds[np.arange(len(labels)), labels] / odds.sum(axis=1))


def _blended(head: Floats, votes: Floats, labels: NDArray[np.int64]) -> _Blend:
    """The blend under which the labels are most likely."""
    from scipy.optimize import minimize

    rows = np.arange(len(labels))
    witnesses = np.stack((head, votes)).astype(np.float64)
    chance = 1 / head.shape[1]

    def surprise(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        noise = parameters[2]
        logits = np.tensordot(parameters[:2], witnesses, 1)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares = odds / odds.sum(axis=1, keepdims=True)
        own = shares[rows, labels]
        total = (1 - noise) * own + noise * chance
        slope = shares.copy()
        slope[rows, labels] -= 1
        slope *= ((1 - noise) * own / total)[:, None]
        by_noise = ((own - chance) / total).sum() - _NOISE_PRIOR / noise
        gradient = np.append(np.tensordot(witnesses, slope, 2), by_noise)
        return (float(-np.log(total).sum() - _NOISE_PRIOR * np.log(noise)) / len(rows), gradient / len(rows))

    bounds = ((0, 200), (0, 20), (1e-4, 0.9))
    fitted = minimize(surprise, (5.0, 0.3, 0.05), jac=True, bounds=bounds, method="L-BFGS-B").x
    return _Blend(*(float(value) for value in fitted))


@dataclass(frozen=True)
class _Case:
    """Labels to judge: embeddings (n, d), labels (n,) coded 0..c - 1, -1 = none, and the witnesses for them."""

    data: Floats
    table: NDArray[np.int32]
    labels: NDArray[np.int64]
    trust: Floats
    rows: NDArray[np.int64]  # those with a label
    classes: NDArray[np.int64]  # (c,) the class behind each code
    seed: int

    @property
    def count(self) -> int:
        return len(self.classes)

    def chunks(self, progress: Progress, message: str) -> Iterator[NDArray[np.int64]]:
        for start in range(0, len(self.rows), _CHUNK):
            progress(start / len(self.rows), message)
            yield self.rows[start : start + _CHUNK]


@dataclass(frozen=True)
class _Witnesses:
    """The two witnesses of a case, each asked without the label in question."""

    case: _Case
    head: _Head
    penalty: float
    prior: Floats

    @staticmethod
    def fit(case: _Case, sample: NDArray[np.int64], hashes: NDArray[np.uint64], progress: Progress) -> _Witnesses:
        data, labels, rows = case.data, case.labels, case.rows
        size = _LANDMARKS if len(rows) <= _MANY else _LANDMARKS_OF_MANY
        landmarks = rows[np.unique(hashes, return_index=True)[1][: max(1, min(size, len(rows) // 2))]]
        mean = data.mean(axis=0, dtype=np.float64).astype(np.float32)
        centers = _centered(data[landmarks], mean)
        width, penalty = _chosen(data, labels, sample, mean, centers[:_LANDMARKS_OF_MANY], case.count)
        chunks = ((data[some], labels[some]) for some in case.chunks(progress, "Fitting the head"))
        head = _Head.fit(_Kernel.fit(mean, centers, width), chunks, case.count)
        prior = (np.bincount(labels[rows], minlength=case.count) / len(rows)).astype(np.float32)
        return _Witnesses(case, head, penalty, prior)

    def about(self, rows: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """What the head predicts and the log votes of the neighbors for some rows, (m, classes) each."""
        case = self.case
        predicted = self.head.left_out(self.head.rotated(case.data[rows]), case.labels[rows], self.penalty)
        votes = _votes(case.table[rows], case.labels, case.trust, self.prior)
        own = case.labels[rows]
        # Without the only sample of a class neither witness knows that class; the head's 0 would be a vote for it.
        lonely = np.flatnonzero(self.prior[own] * len(case.rows) < 1.5)
        predicted[lonely, own[lonely]] = votes[lonely, own[lonely]] = np.log(_LEAST_PRIOR)
        return predicted, votes


def _at_levels(order: Floats, levels: Floats) -> Floats:
    """The levels (m,) in the order of other scores (m,); equal scores share the mean of theirs."""
    _, which, counts = np.unique(order, return_inverse=True, return_counts=True)
    totals = np.cumsum(np.append(0.0, np.sort(levels).astype(np.float64)))
    ends = np.cumsum(counts)
    return np.asarray(((totals[ends] - totals[ends - counts]) / counts)[which], np.float32)


def _judged(case: _Case, progress: Progress) -> Mislabels:
    rows, labels = case.rows, case.labels
    hashes = row_hashes(case.data, seed=case.seed)[rows]  # chosen by content: the order of samples does not matter
    sample = rows[np.argsort(hashes, kind="stable")[:_SAMPLE]]
    progress(0.1, "Choosing the head")
    witnesses = _Witnesses.fit(case, sample, hashes, part_of(progress, 0.2, 0.5))
    evidence = witnesses.about(sample)
    blend = _blended(*evidence, labels[sample])
    noise = ClassNoise.fit(*evidence, labels[sample], (blend.head, blend.votes))
    scores, suggested = np.zeros(len(case.data), np.float32), np.full(len(case.data), -1)
    likely = np.zeros(len(case.data), np.float32)
    for some in case.chunks(part_of(progress, 0.5, 1.0), "Judging labels"):
        head, votes = witnesses.about(some)
        logits = blend.logits(head, votes)
        suggested[some] = case.classes[logits.argmax(axis=1)]
        scores[some] = blend.wrong(logits, labels[some])
        likely[some] = noise.wrong(head, votes, labels[some])
    scores[rows] = _at_levels(scores[rows], with_few_labels(likely[rows], len(rows)))
    agreement = float((suggested[rows] == case.classes[labels[rows]]).mean())
    progress(1.0, f"Judged {len(rows):,} labels")
    return Mislabels(
        scores=scores,
        suggested=suggested,
        head_weight=blend.head,
        neighbor_weight=blend.votes,
        agreement=agreement,
        method=f"leave-one-out ridge head (weight {blend.head:.2g}) and trusted votes of {case.table.shape[1]} "
        f"neighbors (weight {blend.votes:.2g}); {agreement:.1%} of the labels agree with them",
    )
