"""Outlier scores: which samples stand apart from the others, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import Floats
from .checks import as_labels, as_vectors, check_neighbors
from .duplicates import automatic_threshold
from .groups_apart import group_gaps
from .neighbors import Neighbors, knn

_K = 50  # larger than a typical clump of foreign samples
_CHUNK = 8192  # rows processed at once
_CENTERED = (0, 2, 4, 8, 12, 18, 24, 32, 40, 49)  # neighbors whose directions from the mean are compared
_SMOOTHED = 10  # neighbors whose scores are shared: foreign samples often come in small clumps
_SHRINKAGE = 0.1
# Measured with foreign samples mixed into image, sound and text datasets, with and without noise on the embeddings.
_SPREAD_WEIGHT, _MIDDLE_WEIGHT, _CLASS_WEIGHT = 0.5, 0.25, 1.0
_GAP_WEIGHT = 0.75


class Reason(IntEnum):
    """Why a sample stands out."""

    NONE = 0
    FAR_FROM_EVERYTHING = 1
    FAR_FROM_ITS_CLASS = 2
    IN_ANOTHER_CLASS = 3
    NEAR_DUPLICATE = 4
    IN_A_GROUP_APART = 5

    @property
    def words(self) -> str:
        """The reason in words; empty for NONE."""
        return _WORDS[self]


_WORDS = {
    Reason.NONE: "",
    Reason.FAR_FROM_EVERYTHING: "far from everything",
    Reason.FAR_FROM_ITS_CLASS: "far from its class",
    Reason.IN_ANOTHER_CLASS: "in another class's region",
    Reason.NEAR_DUPLICATE: "near-duplicate",
    Reason.IN_A_GROUP_APART: "in a group apart",
}


@dataclass(frozen=True)
class Outliers:
    """Which samples to review first.

    Attributes:
        scores: (n,) float32, 0..1, higher = more unusual. A ranking, not a probability; all 0 if no sample
            differs from the others.
        reasons: (n,) int8, a `Reason` each; NONE for samples that do not stand out (up to the upper quartile plus
            1.5 interquartile ranges, Tukey 1977).
    """

    scores: Floats
    reasons: NDArray[np.int8]


def outlier_scores(
    vectors: ArrayLike, labels: ArrayLike | None = None, *, neighbors: Neighbors | None = None, seed: int = 0
) -> Outliers:
    """Score how unusual each sample is.

    A sample is as far as a weighted sum of: the distance to the 50th neighbor (Ramaswamy et al. 2000), which a smaller
    clump does not shorten; the mean cosine distance to some of the 50, as seen from the mean of the data; and the
    distance to the mean, Euclidean and Mahalanobis. To larger groups, whose members look normal by all of these, a
    second sum applies where it is greater: how far the sample's group is from the rest (`group_gaps`). For labeled
    samples, the Mahalanobis distance to the sample's class minus that to the mean is added (Ren et al. 2021). Each term
    is in units of its interquartile range, and each sample shares half of its score with its nearest neighbors, so that
    a few foreign samples close together do not hide each other.

    Args:
        vectors: (n, d).
        labels: (n,) classes from 0, -1 = unlabeled; None, or no labels at all = use the vectors only.
        neighbors: table of `knn(vectors, 50)` with cosine distances; None computes it, which takes most of
            the time.
        seed: of the neighbor search and the landmarks.

    Raises:
        ValueError: vectors that are not a finite (n, d) table, or labels or neighbors of another length.
    """
    data = as_vectors(vectors)
    n = len(data)
    if neighbors is not None:
        check_neighbors(neighbors, n)
    given = np.full(n, -1) if labels is None else np.asarray(labels)
    given = as_labels(given, n, int(given.max(initial=-1)) + 1)
    table = knn(data, _K, seed=seed) if neighbors is None else neighbors
    if n == 0 or table.indices.shape[1] == 0:
        return Outliers(np.zeros(n, np.float32), np.zeros(n, np.int8))
    mean = data.mean(axis=0, dtype=np.float64).astype(np.float32)
    scatter, means, counts = _moments(data, mean, given)
    distances, spread = _from_middle(data, mean, scatter)
    far = _standard(table.distances[:, -1]) + _standard(_centered_distances(data, mean, distances, table))
    far += _SPREAD_WEIGHT * _standard(spread) + _MIDDLE_WEIGHT * _standard(distances)
    out_of_class = _CLASS_WEIGHT * _class_distance(data, mean, scatter, means, counts, given)
    gap = _GAP_WEIGHT * np.sum([_standard(gaps) for gaps in group_gaps(data, seed=seed)], axis=0)
    total = _shared(np.maximum(far, gap) + out_of_class, table.indices[:, :_SMOOTHED])
    return Outliers(_squashed(total), _reasons(total, far, gap, out_of_class, given, table))


def _moments(
    data: Floats, mean: Floats, labels: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Scatter about the mean, (d, d); class means minus the mean, (classes, d); and class sizes."""
    from scipy.sparse import csr_matrix

    counts = np.bincount(labels[labels >= 0])
    scatter = np.zeros((data.shape[1], data.shape[1]))
    sums = np.zeros((len(counts), data.shape[1]))
    for a in range(0, len(data), _CHUNK):
        rows, own = data[a : a + _CHUNK] - mean, labels[a : a + _CHUNK]
        scatter += rows.T @ rows
        some = np.flatnonzero(own >= 0)
        if len(some):
            picks = csr_matrix((np.ones(len(some), np.float32), (own[some], some)), (len(counts), len(rows)))
            sums += picks @ rows
    return scatter, sums / np.maximum(counts, 1)[:, None], counts


def _whitening(scatter: NDArray[np.float64], n: int) -> Floats:
    """Matrix W (d, d) with |x W|² = x (scatter / n + floor)⁻¹ x', by Cholesky: far faster than by eigenvalues."""
    from scipy.linalg import cholesky, solve_triangular

    covariance = scatter / n
    floor = _SHRINKAGE * float(np.trace(covariance)) / len(covariance)
    covariance[np.diag_indices_from(covariance)] += floor if floor > 0 else 1
    lower = cholesky(covariance, lower=True)
    return np.asarray(solve_triangular(lower, np.eye(len(lower)), lower=True).T, np.float32)


def _from_middle(data: Floats, mean: Floats, scatter: NDArray[np.float64]) -> tuple[Floats, Floats]:
    """Distance to the mean, and squared Mahalanobis distance to it, (n,) each."""
    whitening = _whitening(scatter, len(data))
    distances, spread = np.empty(len(data), np.float32), np.empty(len(data), np.float32)
    for a in range(0, len(data), _CHUNK):
        rows = data[a : a + _CHUNK] - mean
        distances[a : a + _CHUNK] = np.linalg.norm(rows, axis=1)
        spread[a : a + _CHUNK] = np.square(rows @ whitening).sum(axis=1)
    return distances, spread


def _class_distance(
    data: Floats,
    mean: Floats,
    scatter: NDArray[np.float64],
    means: NDArray[np.float64],
    counts: NDArray[np.int64],
    labels: NDArray[np.int64],
) -> Floats:
    """Relative Mahalanobis distance to the sample's class, excluding the sample itself, standardized, (n,).

    0 for unlabeled samples, for the only member of a class, and for all when fewer than two classes have members.
    """
    result = np.zeros(len(data), np.float32)
    judged = np.flatnonzero((labels >= 0) & (np.append(counts, 0)[labels] > 1))
    if len(judged) == 0 or (counts > 0).sum() < 2:
        return result
    whitening = _whitening(scatter - (means.T * counts) @ means, len(data))
    centers = (means @ whitening).astype(np.float32)
    for a in range(0, len(judged), _CHUNK):
        rows = judged[a : a + _CHUNK]
        size = counts[labels[rows]]
        moved = (data[rows] - mean) @ whitening
        own = np.square(moved - centers[labels[rows]]).sum(axis=1) * (size / (size - 1)) ** 2
        result[rows] = own - np.square(moved).sum(axis=1)
    result[judged] = _standard(result[judged])
    return result


def _centered_distances(data: Floats, mean: Floats, distances: Floats, table: Neighbors) -> Floats:
    """Mean over some neighbors of 1 - cos between directions from the mean, (n,)."""
    import torch

    near = table.indices[:, [column for column in _CENTERED if column < table.indices.shape[1]]]
    at_mean = distances <= 1e-6 * max(float(distances.max()), 1e-30)
    scale = np.where(at_mean, 0, 1 / np.where(at_mean, 1, distances)).astype(np.float32)
    vectors = torch.from_numpy(data)
    result = np.empty(len(data), np.float32)
    for a in range(0, len(data), _CHUNK):
        some = near[a : a + _CHUNK]
        weights = scale[some]
        # The sum of the neighbors' directions without a copy of the neighbors: twice as fast.
        directions = torch.nn.functional.embedding_bag(
            torch.from_numpy(some), vectors, mode="sum", per_sample_weights=torch.from_numpy(weights)
        ).numpy()
        directions -= weights.sum(axis=1, keepdims=True) * mean
        closeness = np.einsum("ij,ij->i", data[a : a + _CHUNK] - mean, directions)
        result[a : a + _CHUNK] = 1 - closeness * scale[a : a + _CHUNK] / near.shape[1]
    return result


def _standard(values: Floats) -> Floats:
    """Distance from the median in interquartile ranges."""
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75))
    scale = high - low
    if scale <= 1e-6 * max(abs(middle), 1e-6):
        scale = values.std()
    if scale <= 1e-6 * max(abs(middle), 1e-6):
        return np.zeros_like(values)
    return np.asarray((values - middle) / scale, np.float32)


def _shared(values: Floats, near: NDArray[np.int32]) -> Floats:
    return np.asarray((values + values[near].mean(axis=1)) / 2, np.float32)


def _squashed(total: Floats) -> Floats:
    above = total - total.min()
    typical = float(np.quantile(above, 0.75))
    typical = typical if typical > 0 else float(above.max()) or 1.0
    return np.asarray(above / (above + typical), np.float32)


def _standing(values: Floats) -> NDArray[np.int64]:
    low, high = np.quantile(values, (0.25, 0.75))
    return np.flatnonzero(values > high + 1.5 * max(high - low, 1e-6))


def _reasons(
    total: Floats, far: Floats, gap: Floats, out_of_class: Floats, labels: NDArray[np.int64], table: Neighbors
) -> NDArray[np.int8]:
    result = np.full(len(total), Reason.NONE, np.int8)
    standing = _standing(total)
    if not len(standing):
        return result
    # A sample far from all others also lies apart, as a group of one.
    grouped = np.setdiff1d(np.flatnonzero(gap > far), _standing(far))
    reason = np.full(len(total), Reason.FAR_FROM_EVERYTHING, np.int8)
    reason[grouped] = Reason.IN_A_GROUP_APART
    reason[out_of_class > np.where(reason == Reason.IN_A_GROUP_APART, gap, far)] = Reason.FAR_FROM_ITS_CLASS
    reason = reason[standing]
    around = np.sort(labels[table.indices[standing]], axis=1)
    most = around[:, around.shape[1] // 2]  # a class of more than half of the neighbors is the median
    majority = (around == most[:, None]).mean(axis=1) > 0.5
    own = labels[standing]
    reason[majority & (own >= 0) & (most >= 0) & (most != own)] = Reason.IN_ANOTHER_CLASS
    copies = table.distances[standing, 0] <= automatic_threshold(table)
    reason[copies & (reason != Reason.IN_A_GROUP_APART)] = Reason.NEAR_DUPLICATE
    result[standing] = reason
    return result
